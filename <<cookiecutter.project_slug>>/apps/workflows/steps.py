"""The kinds of steps that this project has from the start. Importing them makes them known."""

from apps.workflows.kinds import children, code, documents, flow, functions, http, lists, mail, people  # noqa: F401  registers
