"""Rows that are held up, in a process that is to be killed in the middle of them."""

import os
import time
from typing import Any

from django.db.models import Model


def hold_rows(*, sender: type[Model], **_: Any) -> None:
    """Receiver of pre_save. HOLD_ROWS=app.Model:30 lets so many rows of the model be, and no other, however long it is waited."""
    model, most = os.environ["HOLD_ROWS"].split(":")
    if sender._meta.label == model:
        while sender._base_manager.count() >= int(most):
            time.sleep(0.1)
