"""One object that makes a Temporal client, and every worker and replayer made from it, fit Django.

Give it to the client only: workers take it over from there, and given twice it would run twice.
"""

from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.plugin import SimplePlugin

from apps.temporal.interceptors import DatabaseInterceptor, LogInterceptor
from apps.temporal.sandbox import sandboxed_runner


class DjangoPlugin(SimplePlugin):
    """Data converter, sandbox and interceptors of this project."""

    def __init__(self) -> None:
        super().__init__(
            "DjangoPlugin",
            data_converter=pydantic_data_converter,
            interceptors=[LogInterceptor(), DatabaseInterceptor()],
            workflow_runner=lambda _: sandboxed_runner(),
        )
