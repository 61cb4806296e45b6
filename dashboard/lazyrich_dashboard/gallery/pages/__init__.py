"""One file a paper: a `GalleryPage` named for what the paper claims. A new file here is a new page."""
