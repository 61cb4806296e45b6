"""Experiments of gallery pages that are too long to stand in the page's own file, which says what is drawn of them."""
