"""The development settings with one more app, whose workflows are made to be interrupted, and without debugging."""

from config.settings.dev import *  # noqa: F403  settings modules extend each other: Django's own way
from config.settings.dev import DATABASES, INSTALLED_APPS, TASKS

DEBUG = False
INSTALLED_APPS = [*INSTALLED_APPS, "tests.slowly"]
# A worker that was killed is missed sooner.
TASKS["patient"]["OPTIONS"]["heartbeat"] = 2
# In seconds: whoever has the lock may stand still for a while.
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"]["timeout"] = 120
