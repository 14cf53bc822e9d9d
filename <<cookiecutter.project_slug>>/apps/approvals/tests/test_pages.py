"""The pages of those who are asked: an inbox for accounts, a page for everyone who has the link."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.approvals import links, people_shown, services
from apps.approvals.asking import Document
from apps.approvals.models import PeopleRequest, Person
from apps.approvals.tests.conftest import ADA, BOB, EVE
from apps.executions.models import Execution
from apps.users.models import User

pytestmark = pytest.mark.django_db
type Ask = Callable[..., PeopleRequest]
FILE = Document(name="contract.html", media_type="text/html", content=b"<script>alert(1)</script>")


@pytest.fixture
def ada() -> User:
    return User.objects.create_user(email=ADA)


@pytest.fixture
def signed_in(ada: User) -> Client:
    client = Client()
    client.force_login(ada)
    return client


def link(person: Person) -> str:
    return f"/approvals/link/{links.token_of(person)}/"


def text(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


def test_opening_a_link_decides_nothing(ask: Ask) -> None:
    person = ask(message="Look at <b>page 3</b>.").people.get()

    for method in ("get", "head", "get"):
        answer = getattr(Client(), method)(link(person), {"decision": "approved", "delegate": "1", "to-email": BOB})

    assert "Look at &lt;b&gt;page 3&lt;/b&gt;." in answer.content.decode()
    assert ("no-store" in answer["Cache-Control"], 'name="robots" content="noindex"' in answer.content.decode()) == (True, True)
    person.refresh_from_db()
    assert person.status == "pending"


@pytest.mark.parametrize(("decision", "said"), [("approved", "you have approved"), ("rejected", "you have rejected")])
def test_who_has_the_link_decides_by_its_form(ask: Ask, decision: str, said: str) -> None:
    person = ask().people.get()

    page = Client().post(link(person), {"decision": decision, "comment": "because"}, follow=True).content.decode()

    assert said in page
    assert "because" in page
    assert 'name="decision"' not in page
    person.refresh_from_db()
    assert (person.status, person.address) == (decision, "127.0.0.1")


def test_a_form_without_its_token_of_the_session_is_refused(ask: Ask) -> None:
    person = ask().people.get()

    answer = Client(enforce_csrf_checks=True).post(link(person), {"decision": "approved"})

    assert answer.status_code == 403
    person.refresh_from_db()
    assert person.status == "pending"


def test_a_second_answer_is_told_what_became_of_the_first(ask: Ask) -> None:
    person = ask().people.get()
    Client().post(link(person), {"decision": "approved"})

    answer = Client().post(link(person), {"decision": "rejected"})

    assert answer.status_code == 409
    assert "This was answered already: approved." in answer.content.decode()


def test_after_the_time_the_page_says_so(ask: Ask) -> None:
    person = ask().people.get()
    PeopleRequest.objects.update(expires_at=timezone.now() - timedelta(minutes=1))

    assert "The time to answer is over." in text(Client(), link(person))
    assert Client().post(link(person), {"decision": "approved"}).status_code == 409


@pytest.mark.parametrize("path", ["/approvals/link/unknown/", "/approvals/link/unknown/documents/1/"])
def test_an_unknown_link_leads_nowhere(path: str, db: None) -> None:
    assert Client().get(path).status_code == 404


def test_a_signature_needs_a_name_and_consent(ask: Ask) -> None:
    person = ask(kind="signature").people.get()

    refused = Client().post(link(person), {"decision": "signed", "signed_name": "Ada Lovelace"})
    assert (refused.status_code, "This is needed to sign." in refused.content.decode()) == (400, True)
    Client().post(link(person), {"decision": "signed", "signed_name": "Ada Lovelace", "consent": "on"})

    person.refresh_from_db()
    assert (person.status, person.signed_name) == ("signed", "Ada Lovelace")


def test_a_signature_can_be_declined_without_a_name(ask: Ask) -> None:
    request = ask(kind="signature")

    Client().post(link(request.people.get()), {"decision": "declined", "comment": "Wrong sum."})

    request.refresh_from_db()
    assert request.status == "declined"


def test_it_is_handed_to_somebody_else_by_a_form(ask: Ask) -> None:
    person = ask().people.get()

    refused = Client().post(link(person), {"delegate": "1", "to-email": ADA})
    page = Client().post(link(person), {"delegate": "1", "to-email": BOB, "to-comment": "I am away"}, follow=True)

    assert (refused.status_code, f"{ADA} is asked already" in refused.content.decode()) == (400, True)
    assert f"{BOB} is asked instead of you." in page.content.decode()
    assert "I am away" in text(Client(), link(Person.objects.get(email=BOB)))


def test_what_cannot_be_handed_on_has_no_form_for_it(ask: Ask) -> None:
    assert 'name="delegate"' not in text(Client(), link(ask(may_delegate=False).people.get()))


def test_documents_are_for_those_who_are_asked_and_run_nowhere(ask: Ask, signed_in: Client) -> None:
    request = ask(documents=[FILE])
    person, attached = request.people.get(), request.attachments.get()
    page = text(Client(), link(person))
    assert attached.digest in page

    answers = [
        Client().get(f"{link(person)}documents/{attached.pk}/"),
        signed_in.get(f"/approvals/{person.pk}/documents/{attached.pk}/"),
    ]

    for answer in answers:
        assert answer["Content-Disposition"] == 'attachment; filename="contract.html"'
        assert answer.getvalue() == FILE.content
    other = ask(step="other", documents=[FILE]).attachments.get()
    assert Client().get(f"{link(person)}documents/{other.pk}/").status_code == 404


def test_the_inbox_shows_what_waits_for_the_account(ask: Ask, signed_in: Client) -> None:
    assert "Nothing waits for you." in text(signed_in, "/approvals/")
    assert "You have answered nothing yet." in text(signed_in, "/approvals/?show=answered")

    mine, others = ask(title="Mine"), ask(BOB, title="Not mine", step="b")

    shown = text(signed_in, "/approvals/")
    assert ("Mine" in shown, "Not mine" in shown) == (True, False)
    assert signed_in.get(f"/approvals/{others.people.get().pk}/").status_code == 404
    signed_in.post(f"/approvals/{mine.people.get().pk}/", {"decision": "approved"})
    assert "Nothing waits for you." in text(signed_in, "/approvals/")
    assert "Mine" in text(signed_in, "/approvals/?show=answered")
    assert mine.execution.events.get(action="approved").user.email == ADA  # type: ignore[union-attr]


def test_who_was_asked_before_having_an_account_finds_it_in_the_inbox(ask: Ask, owner: User) -> None:
    ask(EVE)
    eve, client = User.objects.create_user(email="Eve@Example.com"), Client()
    client.force_login(eve)

    assert "The contract" in text(client, "/approvals/")


def test_many_are_shown_in_pages_and_read_in_few_queries(
    ask: Ask, signed_in: Client, django_assert_max_num_queries: Callable[..., object]
) -> None:
    for number in range(30):
        ask(step=f"step{number}")

    with django_assert_max_num_queries(12):  # type: ignore[attr-defined]
        page = text(signed_in, "/approvals/")

    assert page.count("<tr>") == 26
    assert "Page 1 of 2" in page


@pytest.mark.parametrize("path", ["/approvals/", "/approvals/{person}/"])
def test_who_is_not_signed_in_signs_in_first(ask: Ask, path: str) -> None:
    answer = Client().get(path.format(person=ask().people.get().pk))

    assert (answer.status_code, answer["Location"].startswith("/accounts/login/")) == (302, True)


def test_the_page_of_an_execution_says_who_was_asked(ask: Ask, execution: Execution) -> None:
    assert people_shown.section(execution) == ""

    request = ask(ADA, BOB)
    services.decide(request.people.get(email=ADA), "rejected", comment="<b>No</b>")

    shown = people_shown.section(execution)
    assert all(part in shown for part in ("The contract", f"{ADA}: Rejected", f"{BOB}: Pending", "&lt;b&gt;No&lt;/b&gt;"))
