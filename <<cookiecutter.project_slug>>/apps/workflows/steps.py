"""The kinds of steps that this project has from the start. Importing them makes them known."""

from apps.workflows.kinds import (  # noqa: F401  registers
    children,
    code,
    documents,
    flow,
    functions,
    google,
    http,
    hubspot,
    lists,
    mail,
    people,
)
