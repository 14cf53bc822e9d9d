"""What web and worker tell the systems that watch them: a collector of traces and a Sentry, each a small server of the test."""

import gzip
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from uuid import uuid4

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from temporalio.client import Client, WorkflowFailureError

from apps.development.ports import free_port
from apps.development.server import DEV_SERVER_ARGS
from apps.development.testing import EventLoopThread
from tests.installation import PATIENCE, ROOT, Installation, wait_until
from tests.web import fetch, status

CALLER = "0af7651916cd43dd8448eb211c80319c"
# Not save(), which would start an onboarding of its own.
ADA = """
from apps.users.models import User
from apps.users.services import create_token
User.objects.bulk_create([User(email="ada@example.com", is_staff=True, is_superuser=True)])
print(create_token(user=User.objects.get(), name="test", lifetime=None))
"""
BOB = "from apps.users.models import User; User.objects.create_user('bob@example.com')"
SECRET = "nobody-may-read-this"


class Watcher:
    """Takes what is sent to it by HTTP."""

    def __init__(self) -> None:
        self.received: list[tuple[str, bytes]] = []
        received = self.received

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                received.append((self.path, gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def spans(self, trace: str = "") -> list[Span]:
        """Every span so far, or those of one trace."""
        requests = [ExportTraceServiceRequest.FromString(body) for path, body in self.received if path == "/v1/traces"]
        return [
            span
            for request in requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
            if not trace or span.trace_id.hex() == trace
        ]

    def events(self) -> list[dict[str, Any]]:
        """Every error so far: the items of Sentry's envelopes that are events."""
        lines = [json.loads(line) for path, body in self.received if path.endswith("/envelope/") for line in body.splitlines()]
        return [line for line in lines if "exception" in line or "logentry" in line]


@pytest.fixture
def watcher() -> Iterator[Watcher]:
    watcher = Watcher()
    yield watcher
    watcher.server.shutdown()
    watcher.server.server_close()


@contextmanager
def web(installation: Installation) -> Iterator[str]:
    """A web server as production has it. Gives its address."""
    port = free_port()
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--port", str(port), "config.asgi:application"]
    with subprocess.Popen(command, cwd=ROOT, env=installation.environment, stdout=subprocess.DEVNULL) as process:
        address = f"http://127.0.0.1:{port}"
        try:
            wait_until(lambda: status(f"{address}/health/live"))
            yield address
        finally:
            process.terminate()


def post(address: str, token: str, payload: dict[str, Any], **headers: str) -> Any:
    """The API's answer."""
    sent = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", **headers}
    request = Request(address, json.dumps(payload).encode(), sent)  # noqa: S310  our own address
    with urlopen(request, timeout=PATIENCE) as response:  # noqa: S310  as above
        return json.load(response)


@pytest.fixture
def token(installation: Installation) -> str:
    """The API's key of the one account."""
    return installation.manage("shell", "--no-imports", "--command", ADA).strip()


def test_one_trace_leads_from_the_request_to_the_activity(installation: Installation, token: str, watcher: Watcher) -> None:
    installation.environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"http://{watcher.address}"
    installation.environment["OTEL_BSP_SCHEDULE_DELAY"] = "200"
    # In seconds: what was not answered would be sent again, or lost.
    installation.environment["OTEL_EXPORTER_OTLP_TIMEOUT"] = "120"
    ada = installation.number("SELECT id FROM users_user")

    with web(installation) as address, installation.worker():
        parent = {"traceparent": f"00-{CALLER}-b7ad6b7169203331-01"}
        post(f"{address}/api/v1/onboarding?q={SECRET}", token, {"user_id": ada}, **parent)
        wanted = {
            "POST api/v1/onboarding",
            "StartWorkflow:user_onboarding",
            "RunWorkflow:user_onboarding",
            "RunActivity:process_user_activity",
            "RunActivity:send_email_activity",
        }
        with suppress(AssertionError):
            wait_until(lambda: wanted <= {span.name for span in watcher.spans(CALLER)})
        assert wanted <= {span.name for span in watcher.spans(CALLER)}, installation.log()

    spans = {span.name: span for span in watcher.spans(CALLER)}
    assert spans["StartWorkflow:user_onboarding"].parent_span_id == spans["POST api/v1/onboarding"].span_id
    assert [span.name for span in watcher.spans(CALLER)].count("RunActivity:process_user_activity") == 1
    assert not [span.name for span in watcher.spans() if "health" in span.name]
    assert SECRET not in str(watcher.received)


def test_errors_arrive_with_their_ids_and_without_what_they_were_about(
    installation: Installation, token: str, watcher: Watcher, loop_thread: EventLoopThread, temporal_client: Client
) -> None:
    installation.environment["SENTRY_DSN"] = f"http://key@{watcher.address}/1"
    # Or the SDK would report, too, that a workflow did not get on for 2 s.
    installation.environment["TEMPORAL_DEBUG"] = "1"
    workflow_id = f"fails-{uuid4()}"
    wanted = {"user_id": 424242, "email": "ada@example.com", "name": SECRET}

    with web(installation) as address, installation.worker():
        with pytest.raises(WorkflowFailureError):
            loop_thread.run(
                temporal_client.execute_workflow("user_onboarding", wanted, id=workflow_id, task_queue=installation.task_queue)
            )
        wait_until(lambda: len(watcher.events()) >= 2)
        of_activity, of_workflow = sorted(watcher.events(), key=lambda event: "activity" not in event["tags"])
        installation.sql("ALTER TABLE users_user RENAME TO users_gone")
        with pytest.raises(HTTPError):
            post(f"{address}/api/v1/onboarding?q={SECRET}", token, {"user_id": 1, "name": SECRET}, Cookie=f"a={SECRET}")
        wait_until(lambda: len(watcher.events()) >= 3)

    assert len(watcher.events()) == 3
    assert of_activity["tags"]["activity"] == "process_user_activity"
    assert of_activity["tags"]["workflow_id"] == of_workflow["tags"]["workflow_id"] == workflow_id
    assert of_workflow["tags"]["workflow"] == "user_onboarding"
    assert "users_user" in str(watcher.events()[2])
    assert "api/v1" in watcher.events()[2]["transaction"]
    assert SECRET not in str(watcher.received)


def test_a_worker_says_what_it_waits_for_and_what_it_does(installation: Installation) -> None:
    server, probes, metrics = (f"127.0.0.1:{free_port()}" for _ in range(3))
    installation.environment |= {
        "TEMPORAL_ADDRESS": server,
        "TEMPORAL_PROBE_ADDRESS": probes,
        "TEMPORAL_METRICS_ADDRESS": metrics,
    }

    with installation.worker() as worker:
        wait_until(lambda: status(f"http://{probes}/live"))
        assert ready(probes) == (503, "connecting")
        with temporal(server):
            wait_until(lambda: ready(probes) == (200, "polling"))
            installation.manage("shell", "--no-imports", "--command", BOB)
            wait_until(lambda: "temporal_workflow_completed_total" in scrape(metrics))
        wait_until(lambda: ready(probes) == (503, "polling"))
        wait_until(lambda: 'outbox_messages{status="pending"} 0' in scrape(metrics))
        installation.sql("UPDATE temporal_outboxmessage SET status = 'pending'")
        wait_until(lambda: 'outbox_messages{status="pending"} 1' in scrape(metrics))
        worker.terminate()
        assert worker.wait(PATIENCE) == 0


@contextmanager
def temporal(address: str) -> Iterator[None]:
    """A Temporal server of its own, which ends with the block."""
    command = [sys.executable, "-m", "apps.development.server", "--port", address.rpartition(":")[2], *DEV_SERVER_ARGS]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        try:
            yield
        finally:
            process.terminate()


def test_a_worker_that_cannot_listen_says_so_in_one_line(installation: Installation, watcher: Watcher) -> None:
    with installation.worker(TEMPORAL_METRICS_ADDRESS=watcher.address) as worker:
        assert worker.wait(PATIENCE) == 1

    (line,) = installation.log().splitlines()
    assert line.startswith(f"CommandError: TEMPORAL_METRICS_ADDRESS={watcher.address} cannot be used: ")


def ready(address: str) -> tuple[int, str]:
    """Status and the worker's state."""
    code, said = fetch(f"http://{address}/ready")
    return code, json.loads(said)["worker"]


def scrape(address: str) -> str:
    """What Prometheus would read."""
    return fetch(f"http://{address}/metrics")[1]
