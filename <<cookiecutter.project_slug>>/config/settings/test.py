"""Settings for the tests: the same database engine as DATABASE_URL says, mails kept in memory."""

from config.logs import logging_config
from config.settings.base import *  # noqa: F403  settings modules extend each other: Django's own way
from config.settings.base import DATABASES, INSTALLED_APPS

DEBUG = False
INSTALLED_APPS += ["apps.development"]
SECRET_KEY = "only-for-tests"  # noqa: S105  signs nothing outside a test run
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
# Static files are taken from where they lie, not from where `collectstatic` would put them.
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS = True
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
LOGGING = logging_config(level="WARNING", json=False)
TEMPORAL_RELAY_ON_COMMIT = False
# No thread writes into a test's database: with a worker of the test's own, the one that shares its transaction does.
EXECUTIONS_WRITE_SECONDS = 0
# Whatever the environment says: recorded histories must be readable everywhere.
TEMPORAL_ENCRYPTION_KEYS = {}
# In seconds. Where the machine stands still, whoever has the lock or is to answer is late and not away.
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"]["timeout"] = 120
    # A file, not memory: activities run in threads of their own and must see the same rows.
    DATABASES["default"]["TEST"] = {"NAME": f"{DATABASES['default']['NAME']}.test"}
else:
    DATABASES["default"]["OPTIONS"]["connect_timeout"] = 120
