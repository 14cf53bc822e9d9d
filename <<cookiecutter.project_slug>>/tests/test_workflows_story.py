"""What people define, seen from outside: a real web process, a real worker that is killed in the middle, mails and webhooks."""

import email
import email.policy
import hmac
import json
import re
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from uuid import uuid4

import pytest

from apps.workflows.tests.office_files import word
from tests.installation import PATIENCE, Installation, wait_until
from tests.web import Api

ADA, BOB = "ada@example.com", "bob@example.com"
SECOND = 1 / 3600
KEY = "key-of-the-webhooks"
LETTERS = 60
# In seconds: a killed worker is missed when it says nothing for so long.
LONGEST_LETTER = 30
# In seconds: the mail that asks must be there before the time to answer is over.
FORGETTING = 30
LETTER = {
    "key": "letters",
    "kind": "for-each",
    "name": "Letters",
    "timeout_seconds": LONGEST_LETTER,
    "config": {
        "items": str(list(range(LETTERS))),
        "do": {"kind": "microsoft-word", "config": {"template": "letter", "file_name": "{{ string(index) }}"}},
    },
}
WRITTEN = "SELECT count(*) FROM workflows_generateddocument"
MAILED = f"SELECT count(*) FROM notifications_mail WHERE sent_at IS NOT NULL AND recipient = '{ADA}'"  # noqa: S608  our own text
NOTE = {"key": "note", "kind": "values", "name": "Note", "config": {"values": {"done": "{{ input.title }}"}}}


class Builder:
    """Makes, starts and watches definitions by the API alone."""

    def __init__(self, api: Api, installation: Installation) -> None:
        self.api, self.installation = api, installation
        self.project = api.call("/projects", {"name": "Story"})["id"]

    def publish(self, *steps: dict[str, Any]) -> str:
        """A workflow of those steps, each followed by the next. Gives its id."""
        linked = [{**step, "next": [{"to": then["key"]}]} for step, then in pairwise(steps)]
        definition = {"name": "Contract", "steps": [*linked, steps[-1]]}
        made = self.api.call(f"/projects/{self.project}/workflows", {"definition": definition})["id"]
        self.api.call(f"/workflows/{made}/publish", {})
        return str(made)

    def store_letter(self) -> None:
        """A template of the project."""
        content = b64encode(word(("Dear {{ input.title }}",))).decode()
        self.api.call("/document-templates", {"project_id": self.project, "filename": "letter.docx", "content": content})

    def execute(self, workflow: str, title: str) -> str:
        """Start it. Gives the path of its run."""
        started = self.api.call(f"/workflows/{workflow}/execute", {"input": {"title": title}})
        assert started["status"] == "running"
        assert started["temporal_workflow_id"] == f"exec_{started['execution_id']}"
        return f"/workflows/{workflow}/runs/{started['execution_id']}"

    def wait(self, run: str, status: str) -> dict[str, Any]:
        """Wait until a run has that status. Gives it with its log."""
        wait_until(lambda: self.api.call(run)["status"] == status)
        return self.api.call(f"{run}?include_logs=true")

    def token(self, title: str, to: str = ADA) -> str:
        """The token in the mail that asks that person about that title, once it is there."""

        def links() -> list[str]:
            mails = [mail for mail in self.mails() if mail["To"] == to and mail["Subject"].endswith(f": {title}")]
            return [link for mail in mails for link in re.findall(r"/approvals/link/([\w-]+)/", mail.get_content())]

        wait_until(links)
        return links()[0]

    def mails(self) -> list[Any]:
        """All that were sent."""
        files = self.installation.mails.glob("*") if self.installation.mails.exists() else ()
        texts = (text for file in files for text in file.read_text().split(f"\n{'-' * 79}\n") if text.strip())
        return [email.message_from_string(text.lstrip("\n"), policy=email.policy.default) for text in texts]

    def decide(self, token: str, decision: str) -> dict[str, Any]:
        """Answer as a program does."""
        return self.api.call(f"/approvals/{token}/decision", {"decision": decision, "comment": f"{decision}, says a test"})

    def deliver(self, webhook: tuple[dict[str, str], bytes]) -> int:
        """Send what a signature service sends, and give the status of the answer."""
        headers, body = webhook
        request = Request(f"{self.api.address}/api/v1/webhooks/signature/clicksign", body, headers)  # noqa: S310  our own address
        try:
            with urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310  as above
                return int(answer.status)
        except HTTPError as error:
            with error:
                return error.code


class ClickSign(ThreadingHTTPServer):
    """As much of the service as a request for signatures needs. It answers once `may_answer` is set."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.was_asked, self.may_answer = threading.Event(), threading.Event()
        self.activations, self.envelope = 0, ""
        self.began = datetime.now(UTC).isoformat()

    @property
    def url(self) -> str:
        """Where its API is."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def webhook(self, signer: str, *, key: str = KEY) -> tuple[dict[str, str], bytes]:
        """Headers and body of the message that somebody has signed."""
        event = {"name": "sign", "occurred_at": self.began, "data": {"signer": {"email": signer}}}
        body = json.dumps({"event": event, "document": {"envelope_id": self.envelope, "key": "1"}}).encode()
        signature = hmac.new(key.encode(), body, "sha256").hexdigest()
        return {"Content-Hmac": f"sha256={signature}", "Content-Type": "application/json"}, body


class _Handler(BaseHTTPRequestHandler):
    server: ClickSign

    def do_POST(self) -> None:
        self._answer()

    def do_PATCH(self) -> None:
        self.server.activations += 1
        self.server.envelope = self.path.rpartition("/")[2]
        self._answer()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.was_asked.set()
        self.server.may_answer.wait()
        body = json.dumps({"data": {"id": uuid4().hex}}).encode()
        with suppress(OSError):
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)


@pytest.fixture
def clicksign(installation: Installation) -> Iterator[ClickSign]:
    """A service of the installation that takes signatures."""
    with ClickSign() as server:
        installation.environment |= {"CLICKSIGN_URL": server.url, "CLICKSIGN_TOKEN": "token", "CLICKSIGN_WEBHOOK_KEYS": KEY}
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.may_answer.set()
        server.shutdown()


@pytest.fixture
def builder(api: Api, installation: Installation) -> Builder:
    """A project in an installation with a web process."""
    return Builder(api, installation)


def refusal(call: Callable[[], object]) -> int:
    """The status of an answer that is an error."""
    with pytest.raises(HTTPError) as refused:
        call()
    with refused.value:
        return refused.value.code


def test_documents_are_reviewed_rejected_and_forgotten_while_workers_die(builder: Builder, installation: Installation) -> None:
    review = {"key": "review", "kind": "review-documents", "name": "Review"}
    asked = {"people": [ADA], "title": "{{ input.title }}"}
    patient = builder.publish({**review, "config": asked}, NOTE)
    hasty = builder.publish({**review, "config": asked | {"timeout_hours": FORGETTING * SECOND}}, NOTE)

    # Nothing works on it yet: a start that waited for a worker would wait in vain.
    approved, rejected = (builder.execute(patient, title) for title in ("Approved", "Rejected"))
    forgotten = builder.execute(hasty, "Forgotten")
    with installation.worker() as worker:
        paused = [builder.wait(run, "paused") for run in (approved, rejected)]
        # One that is killed before it has noted a mail sends it again.
        wait_until(lambda: installation.number(MAILED) == 3)
        tokens = {title: builder.token(title) for title in ("Approved", "Rejected", "Forgotten")}
        worker.kill()

    assert [(run["current_node"]["node_type"], run["steps_completed"], run["steps_total"]) for run in paused] == [
        ("review-documents", 0, 2),
        ("review-documents", 0, 2),
    ]
    assert builder.decide(tokens["Rejected"], "rejected") == {"success": True, "execution_status": "failed"}
    assert builder.decide(tokens["Approved"], "approved") == {"success": True, "execution_status": "running"}
    assert refusal(lambda: builder.decide(tokens["Approved"], "rejected")) == 409
    assert refusal(lambda: builder.decide("no-such-token", "approved")) == 404
    with installation.worker():
        done, refused = builder.wait(approved, "completed"), builder.wait(rejected, "failed")
        failed = builder.wait(forgotten, "failed")

    assert [entry["status"] for entry in failed["execution_logs"]] == ["failed"]
    assert refusal(lambda: builder.decide(tokens["Forgotten"], "approved")) == 410
    assert [entry["status"] for entry in done["execution_logs"]] == ["success", "success"]
    assert done["execution_logs"][0]["output"]["decisions"][0]["comment"] == "approved, says a test"
    assert [entry["status"] for entry in refused["execution_logs"]] == ["failed"]
    assert done["execution_logs"][1]["output"] == {"done": "Approved"}
    assert sorted(mail["Subject"] for mail in builder.mails() if mail["To"] == ADA) == [
        "Please decide: Approved",
        "Please decide: Forgotten",
        "Please decide: Rejected",
    ]


def test_signatures_are_asked_for_and_letters_written_once_although_the_worker_dies_meanwhile(
    clicksign: ClickSign, builder: Builder, installation: Installation
) -> None:
    sign = {"key": "sign", "kind": "request-signatures", "name": "Sign"}
    workflow = builder.publish({**sign, "config": {"people": [ADA, BOB], "title": "Lease", "provider": "clicksign"}}, NOTE)
    builder.store_letter()
    letters = builder.publish(LETTER, NOTE)
    run = builder.execute(workflow, "Lease")

    clicksign.may_answer.clear()
    with installation.worker(HOLD_ROWS=f"workflows.GeneratedDocument:{LETTERS // 2}") as worker:
        assert clicksign.was_asked.wait(PATIENCE)
        written = builder.execute(letters, "Tenants")
        wait_until(lambda: installation.number(WRITTEN) >= LETTERS // 2)
        worker.kill()
    assert installation.number(WRITTEN) < LETTERS
    clicksign.may_answer.set()
    with installation.worker():
        wait_until(lambda: clicksign.activations)
        builder.wait(run, "paused")
        assert builder.deliver(clicksign.webhook(ADA, key="forged")) == 401
        assert [builder.deliver(clicksign.webhook(ADA)) for _ in range(2)] == [200, 200]
        between = builder.api.call(run)
        assert [builder.deliver(clicksign.webhook(BOB)) for _ in range(2)] == [200, 200]
        done, _ = builder.wait(run, "completed"), builder.wait(written, "completed")

    assert installation.number(WRITTEN) == installation.number(f"{WRITTEN} WHERE NOT is_replaced") == LETTERS
    assert (between["status"], between["current_node"]["name"]) == ("paused", "Sign")
    assert [each["status"] for each in done["execution_logs"][0]["output"]["decisions"]] == ["signed", "signed"]
    assert len(done["execution_logs"]) == 2
    assert clicksign.activations == 1
    assert installation.number("SELECT count(*) FROM approvals_peoplerequest") == 1
