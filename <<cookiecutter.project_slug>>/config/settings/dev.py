"""Settings for one's own machine: the default of manage.py."""

from config.logs import logging_config
from config.settings.base import *  # noqa: F403  settings modules extend each other: Django's own way
from config.settings.base import LOG_LEVEL, env

DEBUG = True
SECRET_KEY = env.str("DJANGO_SECRET_KEY", default="insecure-and-for-development-only")
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", "0.0.0.0"]  # noqa: S104  names a request may use, nothing is bound
INTERNAL_IPS = ["127.0.0.1"]
LOGGING = logging_config(level=LOG_LEVEL, json=False)
