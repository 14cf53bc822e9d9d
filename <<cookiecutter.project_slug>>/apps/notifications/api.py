"""`/api/v1/notifications`: an account's own inbox, and what it is told of."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from ninja import Router, Schema
from ninja.errors import ValidationError as InvalidRequest
from ninja.pagination import paginate
from pydantic import Field

from apps.executions import catalog
from apps.notifications import messages, preferences, services
from apps.notifications.models import Channel, Contact, Event, Notification
from apps.notifications.webhooks import WebhookRefused
from apps.users.auth import account
from apps.users.models import User
from config.pagination import Pages

router = Router(tags=["notifications"])

WORKFLOW = "The workflow that it is about; left out: every workflow."


class NotificationOut(Schema):
    """A message of the inbox. `reason` is there where the execution gave one."""

    id: int
    event: Event
    subject: str
    reason: str
    execution: UUID = Field(alias="execution_id")
    attempt: int
    created_at: datetime
    read_at: datetime | None

    @staticmethod
    def resolve_subject(notification: Notification) -> str:
        """In the words of its template."""
        return messages.words(notification)[0]


class ReadOut(Schema):
    """How many messages were unread until now."""

    read: int


class Choice(Schema):
    """Whether an event is told by a channel."""

    event: Event
    channel: Channel
    wanted: bool


class ChoicesIn(Schema):
    """What to be told of. What is not named stays as it is."""

    choices: Annotated[list[Choice], Field(max_length=len(Event) * len(Channel))]


class ContactIn(Schema):
    """Where the webhook is, empty for none; whether to follow the executions of others, which needs executions.view_execution."""

    webhook_url: Annotated[str, Field(max_length=500)] = ""
    follows_all: bool = False


class ContactOut(ContactIn):
    """`webhook_secret` is the key that webhooks are signed with, as https://www.standardwebhooks.com says."""

    webhook_secret: str


@router.get("", response=list[NotificationOut], summary="The inbox, newest first")
@paginate(Pages)
def listed(request: HttpRequest, unread: bool = False) -> QuerySet[Notification]:
    """All of it, or what is unread."""
    found = Notification.objects.inbox(request.user).select_related("execution")
    return found.unread() if unread else found


@router.post("/read", response=ReadOut, summary="Mark every message as read")
def read_all(request: HttpRequest) -> ReadOut:
    """Those that were read before keep their time."""
    return ReadOut(read=services.mark_read(user=account(request)))


@router.post("/{int:notification_id}/read", response=ReadOut, summary="Mark a message as read")
def read(request: HttpRequest, notification_id: Annotated[int, Field(le=2**63 - 1)]) -> ReadOut:
    """404 for the messages of others."""
    if not Notification.objects.inbox(request.user).filter(pk=notification_id).exists():
        raise Http404
    return ReadOut(read=services.mark_read(user=account(request), pk=notification_id))


@router.get("/choices", response=list[Choice], summary="What the account is told of")
def choices(request: HttpRequest, workflow: Annotated[str, Field(description=WORKFLOW)] = "") -> list[Choice]:
    """What holds for each event and channel, chosen or not."""
    _check(account(request), workflow)
    return _effective(account(request), workflow)


@router.put("/choices", response=list[Choice], summary="Choose what the account is told of")
def choose(request: HttpRequest, wanted: ChoicesIn, workflow: Annotated[str, Field(description=WORKFLOW)] = "") -> list[Choice]:
    """Gives what holds from now on."""
    _check(account(request), workflow)
    user = account(request)
    new = {(choice.event.value, choice.channel.value): choice.wanted for choice in wanted.choices}
    preferences.choose(user, workflow, preferences.choices_of(user, workflow) | new)
    return _effective(user, workflow)


@router.delete("/choices", response=list[Choice], summary="Choose nothing")
def forget(request: HttpRequest, workflow: Annotated[str, Field(description=WORKFLOW)] = "") -> list[Choice]:
    """For a workflow what was chosen for all holds again, for all what the site takes for usual."""
    _check(account(request), workflow)
    preferences.choose(account(request), workflow, {})
    return _effective(account(request), workflow)


@router.get("/contact", response=ContactOut, summary="The webhook, and whether the account follows the executions of others")
def contact(request: HttpRequest) -> Contact:
    """The key is made when it is first asked for."""
    return Contact.objects.get_or_create(user=account(request))[0]


@router.put("/contact", response=ContactOut, summary="Set the webhook, and whether to follow the executions of others")
def set_contact(request: HttpRequest, wanted: ContactIn) -> Contact:
    """An address inside a network is refused."""
    try:
        return services.set_contact(user=account(request), webhook_url=wanted.webhook_url, follows_all=wanted.follows_all)
    except WebhookRefused as error:
        raise _invalid("body", "wanted", "webhook_url", str(error)) from error


@router.post("/contact/secret", response=ContactOut, summary="Sign webhooks with a new key")
def renew_secret(request: HttpRequest) -> Contact:
    """What was signed with the old one is to be taken no more."""
    return services.renew_secret(user=account(request))


def _effective(user: User, workflow: str) -> list[Choice]:
    chosen = preferences.effective(user, workflow)
    return [Choice(event=Event(event), channel=Channel(channel), wanted=wanted) for (event, channel), wanted in chosen.items()]


def _check(user: User, workflow: str) -> None:
    if workflow and workflow not in catalog.offered(user):
        raise _invalid("query", "workflow", f"There is no workflow {workflow!r}.")


def _invalid(*where: str) -> InvalidRequest:
    *location, message = where
    return InvalidRequest([{"type": "value_error", "loc": location, "msg": message}])
