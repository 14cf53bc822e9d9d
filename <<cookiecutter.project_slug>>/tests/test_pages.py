"""Every page of the site opens for those who may see it, and says what it should."""

import json

import pytest
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.urls import reverse

from apps.batch.models import Batch
from apps.temporal import client as temporal_client
from apps.temporal import database, registry
from apps.temporal.models import OutboxMessage
from apps.users.models import User
from config import health, views

pytestmark = pytest.mark.django_db

SERVER = "temporal:7233"
MODELS = sorted(model._meta.label_lower for model in admin.site._registry)


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """The database of a machine that stands still is not away, and what is known of Temporal does not grow old."""
    monkeypatch.setattr(database, "DATABASE_TIMEOUT", 180.0)
    monkeypatch.setattr(health, "TEMPORAL_REMEMBERED", 3_600)


def page(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


def test_the_front_page_says_what_runs(client: Client, temporal_up: None) -> None:
    front = page(client, "/")

    assert "unreachable" not in front
    assert all(f"<code>{name}</code>" in front for name in registry.workflows())
    assert reverse("account_login") in front
    assert reverse("api-1:openapi-view") in front


def test_the_front_page_opens_without_temporal_and_tells_servers_to_staff_alone(
    client: Client, admin_client: Client, temporal_down: None
) -> None:
    public, staff = page(client, "/"), page(admin_client, "/")

    assert "unreachable" in public
    assert "What is started now is stored" in public
    assert SERVER not in public
    assert SERVER in staff


def test_figures_are_shown_to_staff_alone(client: Client, ada_client: Client, admin_client: Client, temporal_up: None) -> None:
    Batch.objects.create(batch_id="first-import", action="check_profile")

    assert "first-import" not in page(client, "/") + page(ada_client, "/")
    assert "first-import" in page(admin_client, "/")


def test_the_front_page_says_how_to_start_a_first_batch(admin_client: Client, temporal_up: None) -> None:
    assert "manage.py startbatch" in page(admin_client, "/")


def test_the_front_page_opens_without_a_database(client: Client, temporal_up: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_ask_database", lambda: 1 / 0)

    assert "ZeroDivisionError: check DATABASE_URL" in page(client, "/")


@pytest.mark.parametrize("path", ["login", "signup", "password/reset", "password/reset/done", "confirm-email", "inactive"])
def test_account_pages_open_for_strangers(client: Client, path: str) -> None:
    assert views.SITE_NAME in client.get(f"/accounts/{path}/").context["site_name"]


@pytest.mark.parametrize("path", ["logout", "password/change", "email", "reauthenticate"])
def test_account_pages_open_for_members(ada_client: Client, path: str) -> None:
    assert "Sign out" in ada_client.get(f"/accounts/{path}/", follow=True).content.decode()


@pytest.mark.parametrize("label", MODELS)
@pytest.mark.parametrize("view", ["changelist", "add"])
def test_admin_pages_open(admin_client: Client, label: str, view: str) -> None:
    response = admin_client.get(reverse(f"admin:{label.replace('.', '_')}_{view}"), {"q": "x"} if view == "changelist" else {})

    assert response.status_code == 200 or (view == "add" and response.status_code == 403)


def test_staff_can_onboard_accounts_from_the_list(ada: User, admin_client: Client) -> None:
    OutboxMessage.objects.all().delete()
    page = admin_client.post("/admin/users/user/", {"action": "onboard", "_selected_action": [ada.pk]}, follow=True)

    assert "Accepted 1 onboardings" in page.content.decode()
    assert OutboxMessage.objects.get().aggregate_id == f"onboarding-{ada.pk}"


def test_the_api_documents_itself_without_other_sites(client: Client) -> None:
    shown = page(client, "/api/v1/docs")
    paths = json.loads(page(client, "/api/v1/openapi.json"))["paths"]

    assert "https://" not in shown
    assert 'data-csrf-token="' in shown
    assert 'data-csrf-token=""' not in shown
    assert {"/api/v1/me", "/api/v1/onboarding", "/api/v1/batches"} <= set(paths)


def test_the_api_takes_a_session_with_its_csrf_token(ada: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    assert browser.get("/api/v1/me").status_code == 401
    assert browser.post("/api/v1/batches").status_code == 401

    browser.force_login(ada)
    assert browser.get("/api/v1/me").json()["email"] == "ada@example.com"
    assert browser.post("/api/v1/batches", {}, "application/json").status_code == 403


@pytest.mark.parametrize("path", ["/nothing", "/accounts/nothing/", "/admin"])
def test_an_unknown_address_gets_a_page_of_ours(client: Client, path: str) -> None:
    response = client.get(path, follow=True)

    assert response.status_code in {200, 404}
    assert response.context["site_name"] == views.SITE_NAME


def test_a_form_without_csrf_token_gets_a_page_that_says_what_to_do() -> None:
    response = Client(enforce_csrf_checks=True).post("/accounts/login/", {})

    assert response.status_code == 403
    assert "reload the page" in response.content.decode()


@pytest.mark.parametrize(("path", "kind"), [("/", "text/html"), ("/api/v1/me", "application/problem+json")])
def test_an_error_of_ours_is_told_without_the_database(path: str, kind: str) -> None:
    response = views.server_error(RequestFactory().get(path))

    assert (response.status_code, response.headers["Content-Type"].partition(";")[0]) == (500, kind)


def test_live_is_answered_for_any_host_name_over_plain_http(client: Client) -> None:
    response = client.get("/health/live", headers={"host": "10.1.2.3"})

    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert "no-store" in response.headers["Cache-Control"]


def test_ready_reports_both_states(client: Client, temporal_up: None) -> None:
    assert client.get("/health/ready").json() == {"database": "ok", "temporal": "ok"}


def test_ready_stays_ready_without_temporal_and_says_so(client: Client, temporal_down: None) -> None:
    response = client.get("/health/ready")

    assert response.status_code == 200
    assert response.json()["temporal"].startswith(f"unreachable: Temporal at {SERVER}")


def test_ready_fails_without_a_database(client: Client, temporal_up: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_ask_database", lambda: 1 / 0)
    assert client.get("/health/ready").status_code == 503


def test_ready_does_not_wait_for_a_database_that_hangs(
    client: Client, temporal_up: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hang() -> None:
        raise TimeoutError

    monkeypatch.setattr(database, "DATABASE_TIMEOUT", 2.0)
    monkeypatch.setattr(database, "_ask_database", hang)
    assert client.get("/health/ready").json()["database"] == "unreachable: no answer within 2 s"


def test_temporal_is_asked_once_for_many_visitors(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []

    def answer(timeout: float) -> str:
        asked.append(timeout)
        return ""

    monkeypatch.setattr(temporal_client, "health", answer)
    for _ in range(3):
        client.get("/health/ready")

    assert asked == [health.TEMPORAL_TIMEOUT]


def test_a_page_cannot_be_framed_or_run_foreign_code(client: Client, temporal_up: None) -> None:
    headers = client.get("/").headers

    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Frame-Options"] == "DENY"


def test_the_site_is_named_in_every_request(rf: RequestFactory) -> None:
    request: HttpRequest = rf.get("/")
    assert views.site(request)["site_name"] == views.SITE_NAME


def test_every_page_leads_whoever_is_signed_in_to_the_others(client: Client, ada_client: Client, temporal_up: None) -> None:
    links = [f'<a href="{reverse(address)}">{text}</a>' for address, text in settings.NAVIGATION.items()]

    assert all(link in page(ada_client, "/") for link in links)
    assert not any(link in page(client, "/accounts/login/") for link in links)
