"""App configuration."""

from django.apps import AppConfig


class BenchConfig(AppConfig):
    """What the bench measures with."""

    name = "bench"

    def ready(self) -> None:
        """Offer the bench's writes as batch actions."""
        from apps.batch.actions import ACTIONS, RowAction  # noqa: PLC0415  models are not loaded before
        from bench.writes import WRITES  # noqa: PLC0415  as above

        ACTIONS.update({name: RowAction(model="users.User", apply=write) for name, write in WRITES.items()})
        ACTIONS["nothing"] = RowAction(model="users.User", apply=lambda _: {}, set_based=True)
