"""Settings for one's own machine: the default of manage.py."""

from config.env import HOST, ORIGIN
from config.logs import logging_config
from config.settings.base import *  # noqa: F403  settings modules extend each other: Django's own way
from config.settings.base import INSTALLED_APPS, LOG_LEVEL, env

DEBUG = True
SITE_URL = "http://localhost:8000"
INSTALLED_APPS += ["apps.development"]
SECRET_KEY = env.str("DJANGO_SECRET_KEY", default="insecure-and-for-development-only")
ALLOWED_HOSTS = env.texts("DJANGO_ALLOWED_HOSTS", HOST, default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.texts("DJANGO_CSRF_TRUSTED_ORIGINS", ORIGIN, default=[])
LOGGING = logging_config(level=LOG_LEVEL, json=False)
