"""ASGI entry point, for a project that adds asynchronous views."""

import os

from django.conf import settings
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")
# A thread lives for one request here. A connection that is kept would outlive it until the database has none left.
settings.DATABASES["default"]["CONN_MAX_AGE"] = 0
application = get_asgi_application()
