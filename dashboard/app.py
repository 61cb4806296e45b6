"""`panel serve dashboard/app.py` serves the laboratory."""

from lazyrich_dashboard.app import create_app

create_app().servable()
