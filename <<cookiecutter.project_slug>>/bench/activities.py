"""The bench's activities: as a user of the bare SDK would write them."""

import time

from django.db import transaction
from django.utils import timezone
from temporalio import activity

from apps.users.models import User
from bench.shared import ChunkInput
from bench.writes import WRITES


@activity.defn(name="bench_no_op")
def no_op() -> None:
    """Do nothing."""


@activity.defn(name="bench_orm")
def orm() -> None:
    """Read a row and write it."""
    user = User.objects.get(pk=1)
    User.objects.filter(pk=user.pk).update(profile_checked_at=timezone.now())


@activity.defn(name="bench_wait_and_query")
def wait_and_query() -> tuple[float, float]:
    """Take 0.1 s and a query. Gives when it began and ended, in seconds."""
    began = time.time()
    User.objects.first()
    time.sleep(0.1)
    return began, time.time()


@activity.defn(name="bench_chunk")
def chunk(wanted: ChunkInput) -> int:
    """Read, change and write the rows of one range of primary keys. Nothing is remembered, no row can fail alone."""
    with transaction.atomic():
        rows = list(User.objects.filter(pk__range=(wanted.first, wanted.last)).order_by("pk"))
        WRITES[wanted.write](rows)
    return len(rows)
