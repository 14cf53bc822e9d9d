"""Pages of those who are asked: an inbox for accounts, and the page of a link for everyone who was written to.

A link that is opened decides nothing: programs that look through mails open it, too.
"""

from uuid import UUID

from allauth.account.adapter import get_adapter
from django.contrib import messages as flash
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from apps.approvals import links, services
from apps.approvals.forms import DecisionForm, DelegationForm, SigningForm
from apps.approvals.models import Attachment, PeopleRequest, Person
from apps.executions import catalog
from apps.executions.models import Actor
from apps.users.auth import account
from config.files import file_answer

A_PAGE = 25


@require_safe
@login_required
@never_cache
def inbox(request: HttpRequest) -> HttpResponse:
    """What waits for the account's answer, the most urgent first; or with ?show=answered what it has answered or let pass."""
    asked = Person.objects.of(account(request)).select_related("request__execution")
    answered = request.GET.get("show") == "answered"
    waiting = asked.waiting()
    found = asked.exclude(pk__in=waiting.values("pk")).order_by("-request__created_at", "pk")
    page = Paginator(found if answered else waiting.order_by("request__expires_at", "pk"), A_PAGE).get_page(
        request.GET.get("page")
    )
    items = [{"person": each, "workflow": catalog.title(each.request.execution.workflow)} for each in page]
    context = {"page": page, "items": items, "answered": answered, "waiting": waiting.count()}
    return render(request, "approvals/inbox.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What an account was asked, and its answer."""
    return _page(request, _asked(request, pk), user=account(request))


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def link(request: HttpRequest, token: str) -> HttpResponse:
    """What somebody was asked who has the link."""
    return _page(request, _found(token), user=None)


@require_safe
@login_required
@never_cache
def document(request: HttpRequest, pk: UUID, document: int) -> HttpResponse:
    """One of the documents, for an account."""
    return _content(_asked(request, pk), document)


@require_safe
@never_cache
def link_document(request: HttpRequest, token: str, pk: int) -> HttpResponse:
    """One of the documents, for who has the link."""
    return _content(_found(token), pk)


def _page(request: HttpRequest, person: Person, *, user: Actor) -> HttpResponse:
    signs = person.request.kind == PeopleRequest.Kind.SIGNATURE
    is_handed = "delegate" in request.POST
    kind = SigningForm if signs else DecisionForm
    given = request.POST if request.method == "POST" else None
    form = kind(given if not is_handed else None)
    handing = DelegationForm(given if is_handed else None, prefix="to")
    status = 200
    if given is not None:
        done = _hand_on(handing, person, user) if is_handed else _decide(request, form, person, user)
        if done:
            flash.success(request, done)
            return redirect(request.path)
        person = Person.objects.select_related("request__execution").get(pk=person.pk)
        status = 400 if person.can_decide else 409
    return render(request, "approvals/request.html", _context(person, form, handing) | {"by_link": user is None}, status=status)


def _decide(request: HttpRequest, form: DecisionForm, person: Person, user: Actor) -> str:
    """What was done, in words; nothing where the form says what is wrong."""
    if not form.is_valid():
        return ""
    given = form.cleaned_data
    try:
        asked = services.decide(
            person,
            given["decision"],
            comment=given["comment"],
            user=user,
            signed_name=given.get("signed_name", ""),
            address=get_adapter(request).get_client_ip(request),
        )
    except ValidationError as error:
        form.add_error(None, error.messages[0])
    except (services.AlreadyDecided, services.TooLate) as error:
        form.add_error(None, str(error))
    else:
        others = "" if asked.status != PeopleRequest.Status.PENDING else " Others have to answer, too."
        return f"Thank you: you have {given['decision']}.{others}"
    return ""


def _hand_on(form: DelegationForm, person: Person, user: Actor) -> str:
    """As _decide."""
    if not form.is_valid():
        return ""
    try:
        services.delegate(person, form.cleaned_data["email"], comment=form.cleaned_data["comment"], user=user)
    except ValidationError as error:
        form.add_error("email", error.messages[0])
    except (services.AlreadyDecided, services.TooLate) as error:
        form.add_error(None, str(error))
    else:
        return f"{form.cleaned_data['email']} is asked instead of you."
    return ""


def _context(person: Person, form: DecisionForm, handing: DelegationForm) -> dict[str, object]:
    asked = person.request
    return {
        "person": person,
        "asked": asked,
        "workflow": catalog.title(asked.execution.workflow),
        "form": form,
        "handing": handing,
        "signs": asked.kind == PeopleRequest.Kind.SIGNATURE,
        "people": asked.people.select_related("delegated_by"),
        "deciding": asked.people.deciding().count(),
        "documents": asked.attachments.defer("content"),
    }


def _asked(request: HttpRequest, pk: UUID) -> Person:
    return get_object_or_404(Person.objects.of(account(request)).select_related("request__execution"), pk=pk)


def _found(token: str) -> Person:
    if (person := links.find(token)) is None:
        raise Http404
    return person


def _content(person: Person, pk: int) -> HttpResponse:
    found = get_object_or_404(Attachment, request=person.request_id, pk=pk)
    # Never shown by the browser as a page of this site.
    return file_answer(bytes(found.content), found.name, found.media_type)
