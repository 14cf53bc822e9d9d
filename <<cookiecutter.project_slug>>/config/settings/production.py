"""Settings for production: no secret has a default, and `check --deploy` is clean."""

from config.env import HOST, ORIGIN
from config.logs import logging_config
from config.settings.base import *  # noqa: F403  settings modules extend each other: Django's own way
from config.settings.base import LOG_LEVEL, SITE_DOMAIN, env

DEBUG = False
SECRET_KEY = env.secret("DJANGO_SECRET_KEY")
ALLOWED_HOSTS = env.texts("DJANGO_ALLOWED_HOSTS", HOST, default=[SITE_DOMAIN])
# A mail server that is not there is noticed, mails in a folder are not.
MAILERS = {"default": env.mailer("EMAIL_URL", default="smtp://localhost")}
LOGGING = logging_config(level=LOG_LEVEL, json=True)

# HTTPS
# ------------------------------------------------------------------------------
# https://docs.djangoproject.com/en/6.1/howto/deployment/checklist/
# One switch for all of it: false is for a site without TLS on a network of its own, never for one behind a proxy that has TLS.
HTTPS = env.switch("DJANGO_SECURE_SSL_REDIRECT", default=True)
# Other sites whose pages may post forms here; this site's own need no entry.
CSRF_TRUSTED_ORIGINS = env.texts("DJANGO_CSRF_TRUSTED_ORIGINS", ORIGIN, default=[])
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if HTTPS else "http"
SITE_URL = f"{ACCOUNT_DEFAULT_HTTP_PROTOCOL}://{SITE_DOMAIN}"
if HTTPS:
    # A browser takes a cookie of this prefix from this host alone, over TLS alone.
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"
# The proxy must set this header itself, whatever the client sent.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# How many proxies stand in front: attempts to sign in, and whatever else is limited, count by the address that the outermost saw.
ALLAUTH_TRUSTED_PROXY_COUNT = env.whole("DJANGO_TRUSTED_PROXIES", default=1 if HTTPS else 0, minimum=0)
NINJA_NUM_PROXIES = ALLAUTH_TRUSTED_PROXY_COUNT
# Browsers remember it: begin with an hour, and go up to a year (31536000) once every subdomain has TLS.
SECURE_HSTS_SECONDS = env.whole("DJANGO_SECURE_HSTS_SECONDS", default=3600, minimum=0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True

# STATIC FILES
# ------------------------------------------------------------------------------
# https://whitenoise.readthedocs.io/en/stable/django.html
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
