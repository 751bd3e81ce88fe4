"""The composition root: settings in, services and a WSGI application out. The only place that knows all rooms."""

from farthing.app.opening import Farthing, open_farthing
from farthing.app.serving import served, web_application, wsgi

__all__ = ["Farthing", "open_farthing", "served", "web_application", "wsgi"]
