"""An activity that says when it begins and when it ends."""

import time
from pathlib import Path

from temporalio import activity


@activity.defn
def write_begin_and_end(folder: str, seconds: float) -> int:
    """Leave the files `begin-<attempt>` and, so many seconds later, `end-<attempt>`. Gives the attempt."""
    attempt = activity.info().attempt
    (Path(folder) / f"begin-{attempt}").touch()
    time.sleep(seconds)
    (Path(folder) / f"end-{attempt}").touch()
    return attempt
