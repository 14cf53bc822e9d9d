"""The definitions that come with the project: loaded, published as they are, and run to their ends."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core import mail
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from docx import Document

from apps.approvals.models import Person
from apps.approvals.services import decide
from apps.development.testing import PATIENCE, Temporal
from apps.executions.models import Execution
from apps.executions.tests.rows import execution as made
from apps.temporal import relay
from apps.users.models import User
from apps.workflows import exchange, services
from apps.workflows.importing import make_workflow
from apps.workflows.models import ItemFailure, Project, StepRun
from apps.workflows.tests.running import finish
from apps.workflows.validation import problems
from tests.installation import wait_until

pytestmark = pytest.mark.django_db
NAMES = ["contract", "nightly-report", "user-import"]


@pytest.fixture
def start(project: Project, owner: User) -> Callable[..., Execution]:
    """Load a ready definition, publish and start it."""

    def run(ready: str, **values: Any) -> Execution:
        version = services.publish(make_workflow(project, user=owner, ready=ready), user=owner)
        return services.start(version, values=values, user=owner)

    return run


def test_there_are_these() -> None:
    assert list(exchange.ready()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_each_can_be_published_as_it_is_and_reads_as_it_was_written(name: str) -> None:
    document = exchange.ready_definition(name)

    assert problems(document) == []
    assert exchange.read(exchange.write(document, "yaml")) == document


@pytest.mark.parametrize("name", NAMES)
def test_each_is_loaded_by_the_command_the_api_and_the_page(
    name: str, project: Project, ask: Callable[..., Any], as_user: Callable[[User], Client], owner: User
) -> None:
    call_command("workflows", "import", "--ready", name, "--project", project.slug, "--publish")
    by_api = ask("POST", f"/projects/{project.pk}/workflows", {"ready": name})

    listed = {each["ready"]: each for each in ask("GET", "/workflows/ready").json()}
    by_page = as_user(owner).post("/workflows/new/", {"project": str(project.pk), "ready": name})
    assert by_page["Location"].endswith("/edit/")
    assert (by_api.status_code, by_api.json()["name"]) == (201, listed[name]["name"])
    assert sorted(project.workflows.values_list("status", flat=True)) == ["active", "draft", "draft"]
    assert project.document_templates.count() == (name == "contract")
    assert ask("POST", f"/projects/{project.pk}/workflows", {"ready": "magic"}).status_code == 422


def test_users_are_imported_and_those_that_cannot_be_are_listed(
    start: Callable[..., Execution], temporal: Temporal, owner: User
) -> None:
    owner.user_permissions.add(Permission.objects.get(codename="add_user"))
    people = [{"email": "ada@example.com", "name": "Ada"}, {"email": "bob@example.com"}, {"email": "x@y.zz", "name": "x" * 300}]

    execution = start("user-import", people=people, report_to="owner@example.com")
    finish(temporal, execution)

    assert (execution.status, User.objects.get(email="ada@example.com").name) == ("completed", "Ada")
    assert User.objects.filter(email="bob@example.com").exists()
    assert [(failure.index, "too long" in failure.error) for failure in ItemFailure.objects.all()] == [(2, True)]
    (told,) = [message for message in mail.outbox if message.to == ["owner@example.com"] and "imported" in message.subject]
    assert told.subject == "2 of 3 people imported"


@pytest.mark.parametrize("allowed", ["nobody", "who starts", "who publishes"])
def test_accounts_are_added_only_if_both_who_starts_and_who_publishes_may(
    allowed: str, project: Project, temporal: Temporal, owner: User
) -> None:
    permission, author = Permission.objects.get(codename="add_user"), User.objects.create_user(email="author@example.com")
    for account in {"nobody": [], "who starts": [owner], "who publishes": [author]}[allowed]:
        account.user_permissions.add(permission)
    version = services.publish(make_workflow(project, user=author, ready="user-import"), user=author)

    execution = services.start(version, values={"people": [{"email": "ada@example.com"}], "report_to": owner.email}, user=owner)
    finish(temporal, execution)

    assert not User.objects.filter(email="ada@example.com").exists()
    assert "need the permission users.add_user" in ItemFailure.objects.get().error


def test_the_nightly_report_names_what_failed_in_its_own_project(
    start: Callable[..., Execution], temporal: Temporal, owner: User
) -> None:
    failed = start("nightly-report", recipients=["ada@example.com"])
    Execution.objects.filter(pk=failed.pk).update(status="failed", error_message="No paper.", completed_at=timezone.now())
    relay.deliver_all()
    made("failed", owner, error_message="Of somebody else.")

    execution = start("nightly-report", recipients=["ada@example.com"])
    finish(temporal, execution)

    assert (StepRun.objects.get(execution=execution, key="count").output or {})["failed"] == 1
    (told,) = [message for message in mail.outbox if message.subject.startswith("demo:") and "failed" in message.subject]
    assert told.subject == "demo: 1 of 1 executions failed"
    assert "No paper." in told.body
    assert "somebody else" not in told.body


def test_a_contract_is_written_approved_signed_and_sent(start: Callable[..., Execution], temporal: Temporal) -> None:
    execution = start(
        "contract",
        client="Ada Ltd",
        subject="Advice",
        amount=20_000,
        reviewers=["board@example.com"],
        signers=["ada@example.com"],
    )
    relay.deliver_all()
    for step, decision in (("approve_large", "approved"), ("sign", "signed")):
        asked = Person.objects.filter(request__execution=execution, request__step=step)
        wait_until(asked.exists, seconds=PATIENCE)
        decide(asked.get(), decision, signed_name="Ada")
        relay.deliver_all()
    finish(temporal, execution)

    assert execution.status == "completed"
    assert list(StepRun.objects.filter(execution=execution).values_list("key", flat=True)) == [
        "start", "contract", "size", "approve_large", "sign", "send",
    ]  # fmt: skip
    (sent,) = [message for message in mail.outbox if message.attachments]
    assert (sent.to, sent.attachments[0][0]) == (["ada@example.com"], "Contract Ada Ltd.docx")
    written = "\n".join(paragraph.text for paragraph in Document(BytesIO(sent.attachments[0][1])).paragraphs)
    assert written == "Contract with Ada Ltd\nAdvice\nThe price is 20,000.00.\nSigned by:\nada@example.com"
