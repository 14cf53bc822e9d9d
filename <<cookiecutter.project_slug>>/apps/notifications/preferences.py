"""Who wants to be told of what, and how: as an account chose for a workflow, else for all, else as NOTIFICATION_DEFAULTS says."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.db.models import Q

from apps.executions.models import VIEW, Execution
from apps.notifications.models import Channel, Contact, Event, Preference
from apps.users.models import User

# What a process remembers of who wants anything at all, in seconds: an execution that nobody wants to hear of costs no query.
REMEMBERED = 3
REMEMBERED_AS = "notifications.wanted"
# Started by whom it belongs to.
BY_HAND = frozenset({Execution.Trigger.MANUAL, Execution.Trigger.API, Execution.Trigger.COMMAND})
# Of what code started for them, such as an onboarding, people hear only if they asked for it.
UNASKED = frozenset({Execution.Trigger.CODE, Execution.Trigger.OUTSIDE})

# By event and channel.
type Choices = dict[tuple[str, str], bool]


class Recipient(NamedTuple):
    """An account, by its key, and a way to tell it."""

    user_id: int
    channel: str


class Wanted(NamedTuple):
    """What anybody chose to be told of, as (event, workflow), and whether anybody follows the executions of others."""

    chosen: frozenset[tuple[str, str]]
    followed: bool


def usual(event: str, channel: str) -> bool:
    """What holds for who chose nothing."""
    return channel in settings.NOTIFICATION_DEFAULTS.get(event, ())


def choices_of(user: User, workflow: str = "") -> Choices:
    """What an account chose for a workflow, or for all of them: only where it did."""
    rows = Preference.objects.filter(user=user, workflow=workflow)
    return {(row.event, row.channel): row.wanted for row in rows}


def effective(user: User, workflow: str = "") -> Choices:
    """What holds for an account and a workflow, for each event and channel."""
    every = {(event, channel): usual(event, channel) for event in Event.values for channel in Channel.values}
    return every | choices_of(user) | (choices_of(user, workflow) if workflow else {})


@transaction.atomic
def choose(user: User, workflow: str, choices: Mapping[tuple[str, str], bool]) -> None:
    """Replace what an account chose for a workflow, or for all of them. No choices: what holds without them."""
    Preference.objects.filter(user=user, workflow=workflow).delete()
    Preference.objects.bulk_create(
        Preference(user=user, workflow=workflow, event=event, channel=channel, wanted=wanted)
        for (event, channel), wanted in choices.items()
    )
    forget()


def forget() -> None:
    """Have this process ask again who wants anything, once the transaction commits."""
    transaction.on_commit(lambda: cache.delete(REMEMBERED_AS))


def recipients(execution: Execution, event: str) -> Iterator[Recipient]:
    """Who is told that, and how."""
    is_news = _is_news_to_its_owner(execution, event)
    if not _concerns_anybody(execution.workflow, event, is_news=is_news):
        return
    users = User.objects.filter(Q(pk=execution.user_id) | Q(contact__follows_all=True), is_active=True).select_related("contact")
    rows = Preference.objects.filter(user__in=users, event=event, workflow__in=("", execution.workflow))
    chosen = {(row.user_id, row.workflow, row.channel): row.wanted for row in rows}
    for user in users:
        own = user.pk == execution.user_id
        if not own and not user.has_perm(f"executions.{VIEW}"):
            continue
        for channel in Channel.values:
            default = usual(event, channel) and (is_news or not own)
            for_all = chosen.get((user.pk, "", channel), default)
            if chosen.get((user.pk, execution.workflow, channel), for_all) and _can_be_told(user, channel):
                yield Recipient(user.pk, channel)


def _is_news_to_its_owner(execution: Execution, event: str) -> bool:
    """Whether the defaults are about that. What a trigger starts each minute is told when it fails, not each minute."""
    if execution.user_id is None or execution.trigger in UNASKED:
        return False
    return execution.trigger in BY_HAND or event == Event.FAILURE


def _concerns_anybody(workflow: str, event: str, *, is_news: bool) -> bool:
    wanted = cache.get_or_set(REMEMBERED_AS, _ask, REMEMBERED)
    assert isinstance(wanted, Wanted)
    by_default = bool(settings.NOTIFICATION_DEFAULTS.get(event)) and (is_news or wanted.followed)
    return by_default or not wanted.chosen.isdisjoint({(event, ""), (event, workflow)})


def _ask() -> Wanted:
    chosen = Preference.objects.filter(wanted=True).order_by().values_list("event", "workflow").distinct()
    return Wanted(frozenset(chosen), Contact.objects.filter(follows_all=True).exists())


def _can_be_told(user: User, channel: str) -> bool:
    if channel != Channel.WEBHOOK:
        return True
    contact = getattr(user, "contact", None)
    return bool(contact and contact.webhook_url)
