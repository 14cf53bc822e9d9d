"""The schedules in the admin."""

from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from apps.schedules import services
from apps.schedules.models import Schedule
from apps.temporal.admin import ReadOnlyAdmin
from apps.temporal.exceptions import TemporalUnavailable


@admin.register(Schedule)
class ScheduleAdmin(ReadOnlyAdmin):
    """Shows the schedules that the server has, and passes on what people want of them."""

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """List them, or take a change, which goes out by the outbox."""
        may_change = request.user.has_perm("schedules.change_schedule")
        if not (self.has_view_permission(request) if request.method == "GET" else may_change):
            raise PermissionDenied
        if request.method == "POST":
            self._change(request, request.POST["name"], request.POST["change"])
            return HttpResponseRedirect(request.path)
        context = {**self.admin_site.each_context(request), "title": "Schedules", "opts": self.opts, "may_change": may_change}
        try:
            context["schedules"] = services.states()
        except TemporalUnavailable as error:
            context["away"] = error
        return TemplateResponse(request, "admin/schedules/schedule/change_list.html", context)

    def get_object(self, *args: Any) -> None:
        """There is no page for one: the rows are not ours."""

    def _change(self, request: HttpRequest, name: str, change: str) -> None:
        if name not in services.declared() or change not in {"pause", "resume", "trigger"}:
            self.message_user(request, f"Schedule {name} is not declared, or {change} is no change.", messages.ERROR)
            return
        note = f"{change} in the admin by account {request.user.pk}"
        message = services.enqueue_schedule_change(name, cast("services.Change", change), note=note, alone=True)
        self.log_change(request, Schedule(schedule_id=message.aggregate_id), note)
        self.message_user(request, f"Accepted: {change} {name}. Look again in a moment.")
