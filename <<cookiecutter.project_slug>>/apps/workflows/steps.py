"""The kinds of steps that this project has from the start. Importing them makes them known."""

from apps.workflows.kinds import children, documents, flow, lists, people  # noqa: F401  registers
