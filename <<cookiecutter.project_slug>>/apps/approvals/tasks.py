"""What those who are asked, and signature providers, are told by django.tasks.

A task names the person: the link is made where the mail is.
"""

from django.conf import settings
from django.tasks import task
from django.template import Context
from django.template.loader import select_template

from apps.approvals import links
from apps.approvals.models import PeopleRequest, Person
from apps.approvals.providers import known
from apps.approvals.providers.base import ProviderRefused
from apps.executions import catalog
from apps.notifications import mails


@task(backend="patient")
def tell_person(person_id: str, reminder: str = "") -> bool:
    """Mail somebody what is asked and where to answer; `reminder` is when it is said again. Gives whether a mail was sent now.

    Who needs not answer any more gets none. Raises what may pass, to be tried again.
    """
    person = Person.objects.waiting().select_related("request__execution").filter(pk=person_id).first()
    if person is None:
        return False
    subject, body = words(person, is_reminder=bool(reminder))
    return mails.send_once(key=f"asked-{person.pk}-{reminder}", to=person.email, subject=subject, body=body)


@task(backend="patient")
def withdraw(request_id: str) -> bool:
    """Have the provider of a request that is over ask nobody any more, and give whether it does. Raises ProviderFailed."""
    request = PeopleRequest.objects.get(pk=request_id)
    try:
        known.PROVIDERS[request.provider].withdraw(request)
    except ProviderRefused:
        return False
    return True


def words(person: Person, *, is_reminder: bool = False) -> tuple[str, str]:
    """Subject and body: templates/approvals/mail/<kind>.txt, whose first line is the subject."""
    request = person.request
    facts = {
        "person": person,
        "asked": request,
        "is_reminder": is_reminder,
        "delegated_by": person.delegated_by,
        "workflow": catalog.title(request.execution.workflow),
        "url": links.url_of(person),
        "site_name": settings.SITE_NAME,
    }
    # Plain text: nothing is escaped.
    context = Context(facts, autoescape=False)
    text = select_template([f"approvals/mail/{request.kind}.txt"]).template.render(context).strip()
    subject, _, body = text.partition("\n")
    return " ".join(subject.split())[:255], f"{body.strip()}\n"
