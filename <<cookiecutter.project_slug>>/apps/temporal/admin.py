"""The outbox and the schedules, and what every list of rows that code alone writes has in common."""

from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from apps.temporal import outbox, schedules
from apps.temporal.exceptions import TemporalUnavailable
from apps.temporal.models import OutboxMessage, OutboxQuerySet, Schedule


class ReadOnlyAdmin(admin.ModelAdmin):
    """Shows rows that services and activities write, and nobody by hand."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Not by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Not by hand."""
        return False


@admin.register(OutboxMessage)
class OutboxMessageAdmin(ReadOnlyAdmin):
    """Shows what waits for Temporal. Rows are written by the outbox alone."""

    list_display = ("aggregate_id", "kind", "status", "attempts", "created_at", "sent_at", "last_error")
    list_filter = ("status", "kind")
    search_fields = ("aggregate_id",)
    actions = ("send_again",)

    @admin.action(description="Send dead messages again", permissions=["send_again"])
    def send_again(self, request: HttpRequest, queryset: OutboxQuerySet) -> None:
        """Make dead messages due. Others stay as they are."""
        self.message_user(request, f"{queryset.retry()} of {queryset.count()} messages were dead and will be sent again.")

    def has_send_again_permission(self, request: HttpRequest) -> bool:
        """Those who may change messages; nobody edits one."""
        return request.user.has_perm("temporal.change_outboxmessage")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """A deleted message would be a start that never happens."""
        return False


@admin.register(Schedule)
class ScheduleAdmin(ReadOnlyAdmin):
    """Shows the schedules that the server has, and passes on what people want of them."""

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """List them, or take a change, which goes out by the outbox."""
        may_change = request.user.has_perm("temporal.change_schedule")
        if not (self.has_view_permission(request) if request.method == "GET" else may_change):
            raise PermissionDenied
        if request.method == "POST":
            self._change(request, request.POST["name"], request.POST["change"])
            return HttpResponseRedirect(request.path)
        context = {**self.admin_site.each_context(request), "title": "Schedules", "opts": self.opts, "may_change": may_change}
        try:
            context["schedules"] = schedules.states()
        except TemporalUnavailable as error:
            context["away"] = error
        return TemplateResponse(request, "admin/temporal/schedule/change_list.html", context)

    def get_object(self, *args: Any) -> None:
        """There is no page for one: the rows are not ours."""

    def _change(self, request: HttpRequest, name: str, change: str) -> None:
        if name not in schedules.declared() or change not in {"pause", "resume", "trigger"}:
            self.message_user(request, f"Schedule {name} is not declared, or {change} is no change.", messages.ERROR)
            return
        note = f"{change} in the admin by account {request.user.pk}"
        message = outbox.enqueue_schedule_change(name, cast("schedules.Change", change), note=note, alone=True)
        self.log_change(request, Schedule(schedule_id=message.aggregate_id), note)
        self.message_user(request, f"Accepted: {change} {name}. Look again in a moment.")
