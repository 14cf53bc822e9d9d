"""Activities that take their time, and say when they begin and when they end."""

import time
from pathlib import Path

from temporalio import activity

from apps.users.models import User


@activity.defn
def write_begin_and_end(folder: str, number: int) -> int:
    """Leave the file `begin-<number>-<attempt>` and, once there is one named `go`, `end-…`. Gives the attempt."""
    attempt = activity.info().attempt
    (Path(folder) / f"begin-{number}-{attempt}").touch()
    while not (Path(folder) / "go").exists():
        activity.heartbeat()
        time.sleep(0.1)
    (Path(folder) / f"end-{number}-{attempt}").touch()
    return attempt


@activity.defn
def add_user(domain: str, number: int) -> int:
    """Add the account <number>@<domain> once, after a second of questions to the database. Gives the attempt."""
    for _ in range(10):
        activity.heartbeat()
        User.objects.count()
        time.sleep(0.1)
    User.objects.get_or_create(email=f"{number}@{domain}")
    return activity.info().attempt
