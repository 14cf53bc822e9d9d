"""Activities that last until a test says so, and say when they begin and when they end.

They speak by files in the folder of the test: one named `go` lets them end.
"""

import os
import time
from pathlib import Path

from django.db import Error
from temporalio import activity

from apps.users.models import User


@activity.defn
def write_begin_and_end(folder: str, number: int) -> int:
    """Leave the file `begin-<number>-<attempt>` and, in the end, `end-…`, both with this process's id. Gives the attempt."""
    place, attempt = Path(folder), activity.info().attempt
    (place / f"begin-{number}-{attempt}").write_text(str(os.getpid()))
    while not (place / "go").exists():
        rest()
    (place / f"end-{number}-{attempt}").write_text(str(os.getpid()))
    return attempt


@activity.defn
def add_user(folder: str, number: int) -> int:
    """Ask the database all the time and, in the end, add the account <number>@added.test once. Gives the attempt.

    An attempt that was answered leaves the file `asked-<number>-<attempt>`. One that was not fails once no file `hold` is there.
    """
    place, attempt = Path(folder), activity.info().attempt
    while not (place / "go").exists():
        try:
            User.objects.count()
        except Error:
            while (place / "hold").exists():
                rest()
            raise
        (place / f"asked-{number}-{attempt}").touch()
        rest()
    User.objects.get_or_create(email=f"{number}@added.test")
    return attempt


def rest() -> None:
    """Tell the server that this goes on, and look again soon."""
    activity.heartbeat()
    time.sleep(0.1)
