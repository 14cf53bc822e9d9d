"""What every environment shares, with one more app: the bench's own workflows, activities and batch actions."""

import os

from config.logs import logging_config
from config.settings.base import *  # noqa: F403  settings modules extend each other: Django's own way
from config.settings.base import INSTALLED_APPS

DEBUG = False
SECRET_KEY = "only-for-the-bench"  # noqa: S105  signs nothing
LOGGING = logging_config(level="WARNING", json=False)
# It would warn of the starts that no worker takes, which are meant to lie.
LOGGING["loggers"]["apps.temporal.relay"] = {"level": "ERROR"}
INSTALLED_APPS = [*INSTALLED_APPS, "bench"]
# What executions cost is a row of its own.
if os.environ.get("BENCH_EXECUTIONS") != "on":
    TEMPORAL_INTERCEPTORS = []
# Neither a key nor a profile of another server, wherever it was set: the bench has a server of its own.
for name in ("TEMPORAL_API_KEY", "TEMPORAL_PROFILE", *(name for name in os.environ if name.startswith("TEMPORAL_TLS"))):
    os.environ.pop(name, None)
os.environ["TEMPORAL_CONFIG_FILE"] = os.devnull
