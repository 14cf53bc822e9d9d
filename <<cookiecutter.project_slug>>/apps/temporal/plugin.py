"""One object that makes a Temporal client, and every worker and replayer made from it, fit Django.

Give it to the client only: workers take it over from there, and given twice it would run twice.
"""

from django.conf import settings
from django.utils.module_loading import import_string
from temporalio.plugin import SimplePlugin

from apps.temporal.codec import data_converter
from apps.temporal.interceptors import DatabaseInterceptor, LogInterceptor
from apps.temporal.sandbox import sandboxed_runner


class DjangoPlugin(SimplePlugin):
    """Data converter, sandbox and interceptors of this project."""

    def __init__(self) -> None:
        super().__init__(
            "DjangoPlugin",
            data_converter=data_converter(),
            interceptors=[
                *(import_string(path)() for path in settings.TEMPORAL_INTERCEPTORS),
                LogInterceptor(),
                DatabaseInterceptor(),
            ],
            workflow_runner=lambda _: sandboxed_runner(),
        )
