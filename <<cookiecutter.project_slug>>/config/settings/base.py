"""Settings that every environment shares. dev, test and production import this and say what differs.

Every variable read here is listed in .env.example and explained in docs/settings.md.
"""

from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.utils.csp import CSP

from config.env import ADDRESS, COLLECTOR, DOMAIN, LEVEL, RECIPIENT, SENTRY, TENANT, WEB_ADDRESS, Env

BASE_DIR = Path(__file__).resolve().parents[2]
env = Env()
env.read_env(BASE_DIR / ".env")

SITE_NAME = "<<cookiecutter.project_name>>"
SITE_DOMAIN = env.text(
    "SITE_DOMAIN",
    DOMAIN,
    default="<<cookiecutter.domain_name>>",
)
# Where links in messages go.
SITE_URL = f"https://{SITE_DOMAIN}"

# APPS
# ------------------------------------------------------------------------------
# https://docs.djangoproject.com/en/6.1/ref/settings/#installed-apps
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "ninja",
    "config",
    "apps.users",
    "apps.temporal",
    "apps.tasks",
    "apps.schedules",
    "apps.executions",
    "apps.notifications",
    "apps.reports",
    "apps.onboarding",
    "apps.batch",
    # % if cookiecutter.workflow_builder
    "apps.approvals",
    "apps.workflows",
    "apps.triggers",
    # % endif
]
# https://docs.djangoproject.com/en/6.1/ref/settings/#middleware
MIDDLEWARE = [
    "config.health.probes",
    "config.parsing.utf8",
    "config.tracing.requests",
    "config.logs.request_ids",
    "config.problems.problems",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
# Threads that answer requests, in each web process. Each holds one database connection. config/asgi.py
WEB_THREADS = env.whole("WEB_THREADS", default=16)
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
ASGI_APPLICATION = "config.asgi.application"

# DATABASE
# ------------------------------------------------------------------------------
# https://docs.djangoproject.com/en/6.1/ref/settings/#databases
DATABASES = {"default": env.database("DATABASE_URL", default=f"sqlite:///{quote(str(BASE_DIR / 'db.sqlite3'))}")}
# A connection that died is replaced when it is next used: https://docs.djangoproject.com/en/6.1/ref/databases/#persistent-connections
DATABASES["default"].update({"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True})
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # Web and worker share the file: https://docs.djangoproject.com/en/6.1/ref/databases/#sqlite-transaction-behavior
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
else:
    # In seconds. The driver's own 130 would outlast every grace period.
    DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 10)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# ACCOUNTS
# ------------------------------------------------------------------------------
# https://docs.allauth.org/en/latest/account/configuration.html
# Sign-in attempts are limited, and counted in the default cache: by each process for itself until CACHES names a shared one.
AUTH_USER_MODEL = "users.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_SIGNUP_FORM_CLASS = "apps.users.adapter.SignupForm"
ACCOUNT_ADAPTER = "apps.users.adapter.AccountAdapter"
# Mandatory, or the sign-up page would tell a stranger who has an account.
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_CONFIRM_EMAIL_ON_GET = False
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"

# PAGES
# ------------------------------------------------------------------------------
# https://docs.djangoproject.com/en/6.1/ref/settings/#templates
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.views.site",
            ],
        },
    },
]
# Links at the head of every page for whoever is signed in: the address by its name, and what it is called.
NAVIGATION = {
    "executions:list": "Executions",
    "executions:dashboard": "Dashboard",
    "reports:list": "Reports",
    # % if cookiecutter.workflow_builder
    "workflows:list": "Workflows",
    "documents:list": "Documents",
    "approvals:inbox": "Approvals",
    # % endif
}
# Nothing from other sites, no inline code: https://docs.djangoproject.com/en/6.1/ref/csp/
SECURE_CSP = {
    "default-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:"],
    "style-src": [CSP.SELF],
    "object-src": [CSP.NONE],
    "base-uri": [CSP.NONE],
    "form-action": [CSP.SELF],
    "frame-ancestors": [CSP.NONE],
}
CSRF_FAILURE_VIEW = "config.views.csrf_failure"
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
# https://whitenoise.readthedocs.io/en/stable/django.html
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]

# API
# ------------------------------------------------------------------------------
# https://django-ninja.dev/reference/settings/
NINJA_PAGINATION_CLASS = "config.pagination.Pages"

# MAIL
# ------------------------------------------------------------------------------
# https://docs.djangoproject.com/en/6.1/topics/email/
MAILERS = {"default": env.mailer("EMAIL_URL", default=f"file://{quote(str(BASE_DIR / 'var' / 'mail'))}")}
# In quotes: a name may hold a comma.
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", ADDRESS, default=f'"{SITE_NAME}" <noreply@{SITE_DOMAIN}>')
SERVER_EMAIL = DEFAULT_FROM_EMAIL

# TEMPORAL
# ------------------------------------------------------------------------------
# docs/settings.md. TLS, API key and profiles are the SDK's own TEMPORAL_* variables, read by temporalio.envconfig.
TEMPORAL_ADDRESS = env.str("TEMPORAL_ADDRESS", default="localhost:7233")
TEMPORAL_NAMESPACE = env.str("TEMPORAL_NAMESPACE", default="default")
TEMPORAL_TASK_QUEUE = env.str("TEMPORAL_TASK_QUEUE", default="<<cookiecutter.project_slug>>-tasks")
TEMPORAL_UI_URL = env.text("TEMPORAL_UI_URL", WEB_ADDRESS, default="http://localhost:8233")
# Payloads are encrypted under the first key. docs/operations.md#encryption
TEMPORAL_ENCRYPTION_KEYS = env.keys("TEMPORAL_ENCRYPTION_KEYS")
# Slots are threads and each thread holds one database connection: processes x slots <= what the database allows.
TEMPORAL_ACTIVITY_SLOTS = env.whole("TEMPORAL_ACTIVITY_SLOTS", default=20)
# The share of the machine's memory above which a worker takes no further activity: 1 is no limit.
TEMPORAL_WORKER_MEMORY = env.number("TEMPORAL_WORKER_MEMORY", default=1, minimum=0.1)
# Queues beside TEMPORAL_TASK_QUEUE, or other limits for it: {"reports": {"slots": 2, "queue_rate": 10}}. apps/temporal/queues.py
TEMPORAL_TASK_QUEUES: dict[str, dict[str, Any]] = {}
# Tenants whose work has a queue of its own; all others share one, each with its fair part.
TEMPORAL_DEDICATED_TENANTS = env.texts("TEMPORAL_DEDICATED_TENANTS", TENANT, default=[])
TEMPORAL_SHUTDOWN_GRACE = env.number("TEMPORAL_SHUTDOWN_GRACE", default=30)
# Send an outbox message in the process that wrote it, right after its commit; a worker sends what is left.
TEMPORAL_RELAY_ON_COMMIT = True
# An outbox message that fails so often is dead until somebody sends it again in the admin. Temporal being away does not count.
TEMPORAL_OUTBOX_ATTEMPTS = env.whole("TEMPORAL_OUTBOX_ATTEMPTS", default=50)
# Days for which sent outbox messages are kept.
TEMPORAL_OUTBOX_RETENTION = env.whole("TEMPORAL_OUTBOX_RETENTION", default=30)
# Where a worker answers Prometheus and probes: off until set.
TEMPORAL_METRICS_ADDRESS = env.bind_address("TEMPORAL_METRICS_ADDRESS")
TEMPORAL_PROBE_ADDRESS = env.bind_address("TEMPORAL_PROBE_ADDRESS")
# https://docs.djangoproject.com/en/6.1/ref/settings/#tasks  docs/tasks.md
TASKS: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "apps.tasks.backends.TemporalBackend"},
    # For what may be away for hours, such as a mail server: a day of attempts, most of them 100 seconds apart, each of
    # 10 minutes at most, which a long report as PDF may need.
    "patient": {"BACKEND": "apps.tasks.backends.TemporalBackend", "OPTIONS": {"max_attempts": 870, "timeout": 600}},
}

# EXECUTIONS
# ------------------------------------------------------------------------------
# Seconds for which a worker gathers what it says of activities before it is stored; 0 stores it when the execution ends.
EXECUTIONS_WRITE_SECONDS = 0.5

# NOTIFICATIONS
# ------------------------------------------------------------------------------
# What people are told of executions that they started, and how, unless they choose otherwise: events start, pause, success and
# failure, each by inapp, email, webhook. Of what their triggers started: failure alone.
NOTIFICATION_DEFAULTS = {"failure": ["inapp", "email"]}
# What would be more mails to an account is marked as failed: when everything fails at once, the inbox tells it as well.
NOTIFICATION_MAILS_AN_HOUR = 30
# Whether webhooks may go to addresses inside a network, and without TLS.
WEBHOOK_ALLOW_INTERNAL = env.switch("WEBHOOK_ALLOW_INTERNAL", default=False)

# REPORTS
# ------------------------------------------------------------------------------
# What is written when an execution of a workflow ends: "formats" of html, csv and pdf, and "recipients" who get it by mail,
# addresses or "owner": {"batch_processing": {"formats": ["html", "csv"], "recipients": ["owner"]}}. docs/reports.md
REPORTS: dict[str, Any] = {"batch_processing": {"formats": ["html", "csv"]}}
# Who gets the summary of each day, once the schedule daily-report is resumed.
REPORT_RECIPIENTS = env.texts("REPORT_RECIPIENTS", RECIPIENT, default=[])

# % if cookiecutter.workflow_builder
# WORKFLOWS THAT PEOPLE DEFINE
# ------------------------------------------------------------------------------
from config.settings.workflows import *  # noqa: E402, F403  after .env was read

# % endif
# ONBOARDING
# ------------------------------------------------------------------------------
# Seconds between the welcome mail and the follow-up mail.
ONBOARDING_FOLLOW_UP_DELAY = env.number("ONBOARDING_FOLLOW_UP_DELAY", default=24 * 60 * 60)

# TRACES AND ERRORS
# ------------------------------------------------------------------------------
# docs/operations.md. config/tracing.py, config/errors.py. Both are off until a variable says where to send them.
OTEL_EXPORTER_OTLP_ENDPOINT = env.text("OTEL_EXPORTER_OTLP_ENDPOINT", COLLECTOR, default="")
OTEL_SERVICE_NAME = env.str("OTEL_SERVICE_NAME", default="<<cookiecutter.project_slug>>")
SENTRY_DSN = env.text("SENTRY_DSN", SENTRY, default="")
# What stands around the project's Temporal client and workers, the first outermost: made by apps.temporal.plugin.
TEMPORAL_INTERCEPTORS: list[str] = ["apps.executions.interceptors.ProjectionInterceptor"]
if OTEL_EXPORTER_OTLP_ENDPOINT:
    TEMPORAL_INTERCEPTORS.append("config.tracing.interceptor")
if SENTRY_DSN:
    TEMPORAL_INTERCEPTORS.append("config.errors.ErrorInterceptor")

# LOGS
# ------------------------------------------------------------------------------
# config/logs.py
LOG_LEVEL = env.text("LOG_LEVEL", LEVEL, default="INFO").upper()
