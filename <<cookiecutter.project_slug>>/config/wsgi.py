"""WSGI entry point: the site that asgi.py serves. Under a WSGI server it has no streams, and pages ask again and again."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")
application = get_wsgi_application()
