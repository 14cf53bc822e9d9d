"""What people were told, and the ledger of mails, to look at."""

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from apps.notifications import services
from apps.notifications.models import Mail, Notification
from apps.temporal.admin import ReadOnlyAdmin


@admin.register(Notification)
class NotificationAdmin(ReadOnlyAdmin):
    """Shows what was told to whom, and what could not be delivered."""

    list_display = ("user", "event", "channel", "status", "execution", "attempt", "created_at", "sent_at", "error")
    list_filter = ("status", "channel", "event")
    list_select_related = ("user", "execution")
    search_fields = ("user__email", "execution__temporal_workflow_id")
    actions = ("send_again",)

    @admin.action(description="Send again what failed", permissions=["send_again"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Notification]) -> None:
        """Try once more. What was sent stays as it is."""
        again = sum(services.send_again(notification) for notification in queryset)
        self.message_user(request, f"{again} of {queryset.count()} notifications had failed and will be sent again.")

    def has_send_again_permission(self, request: HttpRequest) -> bool:
        """Those who may change notifications; nobody edits one."""
        return request.user.has_perm("notifications.change_notification")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """A deleted row would let a repeated report send it again."""
        return False


@admin.register(Mail)
class MailAdmin(ReadOnlyAdmin):
    """Shows what was sent to whom. Rows are written by mails.send_once alone."""

    list_display = ("recipient", "subject", "created_at", "sent_at")
    list_filter = ("sent_at",)
    search_fields = ("recipient", "key")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """A deleted row would let a retry send the mail again."""
        return False
