"""lazyrich_dashboard: the laboratory in a browser and in a notebook."""

from lazyrich import __version__ as __version__

from . import gallery as gallery
from .app import create_app as create_app
from .explorer import Explorer as Explorer
