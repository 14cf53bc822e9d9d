"""`manage.py run_temporal_worker`: another name of `runworker`."""

from apps.temporal.management.commands.runworker import Command

__all__ = ["Command"]
