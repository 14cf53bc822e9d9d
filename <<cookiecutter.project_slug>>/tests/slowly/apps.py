"""App configuration."""

import os

from django.apps import AppConfig
from django.db.models.signals import pre_save

# A receiver on a machine that stands still for a while is not one that does not answer.
PATIENCE = 120


class SlowlyConfig(AppConfig):
    """What the tests' own processes have beside those of production."""

    name = "tests.slowly"

    def ready(self) -> None:
        """Offer the batch action that can be held up, hold up rows, and wait longer for the receivers of webhooks."""
        from apps.batch.actions import ACTIONS, RowAction  # noqa: PLC0415  models are not loaded before
        from apps.notifications import webhooks  # noqa: PLC0415  as above
        from tests.slowly.actions import check_profile_up_to_the_gate  # noqa: PLC0415  as above
        from tests.slowly.rows import hold_rows  # noqa: PLC0415  as above

        ACTIONS["check_profile_up_to_the_gate"] = RowAction(model="users.User", apply=check_profile_up_to_the_gate)
        webhooks.PATIENCE = webhooks.LONGEST = PATIENCE
        if "HOLD_ROWS" in os.environ:
            pre_save.connect(hold_rows)
