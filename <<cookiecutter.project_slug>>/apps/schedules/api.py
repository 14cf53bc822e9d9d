"""`/api/v1/schedules`: for those who may view or change schedules."""

from typing import Literal

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from ninja import Router, Status

from apps.schedules import services

router = Router(tags=["schedules"])


@router.get("", response={200: list[services.ScheduleState], 503: None}, summary="Schedules, by name")
def listed(request: HttpRequest) -> list[services.ScheduleState]:
    """What the server says of each: whether it is paused and why, its next times, its last executions."""
    _require(request, "schedules.view_schedule")
    return services.states()


@router.post("/{name}/{change}", response={202: dict[str, str]}, summary="Pause a schedule, resume it, or run it now")
def change(
    request: HttpRequest, name: str, change: Literal["pause", "resume", "trigger"], note: str = ""
) -> Status[dict[str, str]]:
    """Accepted at once, also while Temporal is away. `note` says why and is shown with the schedule."""
    _require(request, "schedules.change_schedule")
    if name not in services.declared():
        raise Http404(f"There is no schedule {name!r}.")
    services.enqueue_schedule_change(name, change, note=note, alone=True)
    return Status(202, {"name": name, "change": change})


def _require(request: HttpRequest, permission: str) -> None:
    if not request.user.has_perm(permission):
        raise PermissionDenied(f"This needs the permission {permission}.")
