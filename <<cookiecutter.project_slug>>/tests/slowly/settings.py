"""The development settings with one more app: a workflow that is slow enough to be interrupted."""

from config.settings.dev import *  # noqa: F403  settings modules extend each other: Django's own way
from config.settings.dev import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.slowly"]
