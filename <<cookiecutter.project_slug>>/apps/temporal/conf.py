"""How this project reaches Temporal: three Django settings, and for TLS, API key and profiles the SDK's own variables."""

from datetime import timedelta

from django.conf import settings
from temporalio.envconfig import ClientConfig, ClientConnectConfig
from temporalio.runtime import LoggingConfig, LoggingFormat, TelemetryFilter

DEFAULT_ADDRESS = "localhost:7233"
DEFAULT_NAMESPACE = "default"
# What each execution that this project starts carries: an interceptor that adds to histories tells by it which ones are its own.
MEMO = {"tracked": True}


def connect_config() -> ClientConnectConfig:
    """Arguments for Client.connect.

    A TEMPORAL_* variable wins over the profile in temporal.toml, the profile over the default of the Django setting.

    Raises RuntimeError when a profile or a certificate file named by the environment cannot be read.
    """
    config = ClientConfig.load_client_connect_config()
    if settings.TEMPORAL_ADDRESS != DEFAULT_ADDRESS or "target_host" not in config:
        config["target_host"] = settings.TEMPORAL_ADDRESS
    if settings.TEMPORAL_NAMESPACE != DEFAULT_NAMESPACE or "namespace" not in config:
        config["namespace"] = settings.TEMPORAL_NAMESPACE
    return config


def shutdown_grace() -> timedelta:
    """How long a worker that was told to stop lets running activities finish."""
    return timedelta(seconds=settings.TEMPORAL_SHUTDOWN_GRACE)


def sdk_logging() -> LoggingConfig:
    """How the SDK's core writes its own lines, to standard output: as JSON in production, where every line is."""
    return LoggingConfig(
        TelemetryFilter(core_level="WARN", other_level="ERROR"), format=None if settings.DEBUG else LoggingFormat.JSON
    )
