"""What people are asked, in a real browser: on narrow and wide screens, by keyboard, and without a serious fault of access."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from apps.approvals import asking, links
from apps.approvals.asking import Document, Question
from apps.approvals.models import PeopleRequest
from apps.executions.tests.rows import execution, person
from apps.users.models import User
from tests.browsing import Open

pytestmark = pytest.mark.django_db(transaction=True)
ADA = "ada@example.com"
SIZES = ({"width": 390, "height": 844}, {"width": 1280, "height": 900})
NAME = "contract with a rather long name that has to be broken somewhere.docx"
FILE = Document(name=NAME, media_type="application/msword", content=b"x")


@pytest.fixture
def ada(db: None) -> User:
    return person("ada")


def ask(ada: User, number: int = 0, **more: Any) -> PeopleRequest:
    row = execution("running", ada, temporal_workflow_id=f"exec_{number}")
    wanted: dict[str, Any] = {"kind": "approval", "people": [ADA, "bob@example.com"], "title": f"Contract {number}", **more}
    asked = asking.open_request(execution_id=str(row.pk), step="ask", question=Question(**wanted))
    return PeopleRequest.objects.get(pk=asked.id)


@pytest.mark.parametrize(("size", "colours"), [(SIZES[0], "light"), (SIZES[1], "dark")], ids=["narrow-light", "wide-dark"])
def test_the_pages_fit_and_can_be_read_by_everyone(open_page: Open, ada: User, size: Any, colours: str) -> None:
    asks = [ask(ada, number, message="Please look at it.\n\nIt is long.", documents=[FILE]) for number in range(26)]
    signs = ask(ada, 40, kind="signature", documents=[FILE])
    mine, signed = asks[0].people.get(email=ADA), signs.people.get(email=ADA)
    paths = [
        "/approvals/",
        "/approvals/?show=answered",
        f"/approvals/{mine.pk}/",
        f"/approvals/link/{links.token_of(mine)}/",
        f"/approvals/link/{links.token_of(signed)}/",
    ]

    page = open_page(paths[0], ada, viewport=size, color_scheme=colours)
    for path in paths:
        page.goto(path)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= size["width"], path
        found = Axe().run(page)
        assert [each["id"] for each in found.response["violations"] if each["impact"] in {"serious", "critical"}] == [], path


def test_an_approver_decides_by_keyboard_alone(open_page: Open, ada: User) -> None:
    asked = ask(ada, people=[ADA])
    page = open_page("/approvals/", ada)

    page.get_by_role("link", name="Contract 0").press("Enter")
    page.get_by_label("Comment").first.focus()
    page.keyboard.type("Fine with me.")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Approve")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.get_by_role("status")).to_contain_text("you have approved")
    asked.refresh_from_db()
    assert (asked.status, asked.people.get().comment) == ("approved", "Fine with me.")


def test_a_signer_reads_types_a_name_and_signs(open_page: Open, ada: User) -> None:
    asked = ask(ada, kind="signature", people=[ADA], documents=[FILE])
    page = open_page(f"/approvals/link/{links.token_of(asked.people.get())}/", ada)

    page.get_by_role("button", name="Sign", exact=True).click()
    expect(page.get_by_text("This is needed to sign.").first).to_be_visible()
    page.get_by_label("Your full name").fill("Ada Lovelace")
    page.get_by_label("I have read what I sign").check()
    with page.expect_download() as download:
        page.get_by_role("link", name="contract with").click()
    page.get_by_role("button", name="Sign", exact=True).click()

    expect(page.get_by_role("status")).to_contain_text("you have signed")
    assert download.value.suggested_filename == NAME
    asked.refresh_from_db()
    assert asked.status == "signed"
