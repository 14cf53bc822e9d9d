"""WSGI entry point: what the container's web process serves.

The views are synchronous. Under ASGI each request would get a thread of its own, and with it a new database connection:
measured on PostgreSQL, a quarter of the requests a second.
"""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")
application = get_wsgi_application()
