"""The whole way of a request, from HTTP to mails and rows, through a real web process, a real worker and a real server."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

from apps.temporal.devserver import free_port
from tests.installation import ROOT, Installation, wait_until


class Api:
    """The project's API as a program outside sees it."""

    def __init__(self, port: int, token: str) -> None:
        self.address, self.token = f"http://127.0.0.1:{port}", token

    def call(self, path: str, payload: dict[str, Any] | None = None) -> dict[str, Any]:
        """POST a payload, or GET without one."""
        request = Request(f"{self.address}/api/v1{path}", headers={"Authorization": f"Bearer {self.token}"})  # noqa: S310  our own address
        if payload is not None:
            request.data, request.headers["Content-type"] = json.dumps(payload).encode(), "application/json"
        with urlopen(request, timeout=10) as response:  # noqa: S310  as above
            answer: dict[str, Any] = json.load(response)
            return answer

    def answers(self) -> bool:
        """Whether the web process is up."""
        try:
            return bool(urlopen(f"{self.address}/health/live", timeout=1))  # noqa: S310  as above
        except URLError:
            return False

    def wait_for_end(self, path: str) -> dict[str, Any]:
        """Ask until the execution is over."""
        wait_until(lambda: self.call(path)["status"] not in {"pending", "running"}, seconds=60)
        return self.call(path)


@pytest.fixture
def api(installation: Installation) -> Iterator[Api]:
    installation.environment["DJANGO_SUPERUSER_PASSWORD"] = "a-long-passphrase-for-tests"
    installation.manage("createsuperuser", "--noinput", "--email", "staff@example.com")
    token = installation.manage("createtoken", "staff@example.com").splitlines()[-1]
    port = free_port()
    command = [sys.executable, "manage.py", "runserver", "--noreload", "--skip-checks", f"127.0.0.1:{port}"]
    web = subprocess.Popen(command, cwd=ROOT, env=installation.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    api = Api(port, token)
    try:
        wait_until(api.answers, seconds=60)
        yield api
    finally:
        web.kill()
        web.wait()


def test_what_is_accepted_without_a_worker_is_done_when_one_comes(installation: Installation, api: Api, tmp_path: Path) -> None:
    (table := tmp_path / "users.csv").write_text("email,name\nada@example.com,Ada\nbob@example.com,B\N{ZERO WIDTH SPACE}b\n")
    installation.manage("importusers", str(table))
    ada = installation.number("SELECT id FROM users_user WHERE email = 'ada@example.com'")

    onboarding = api.call("/onboarding", {"user_id": ada})
    batch = api.call("/batches", {"batch_id": "flow", "rows": {"model": "users.User"}})
    assert {onboarding["status"], batch["status"]} <= {"pending", "running"}
    with installation.worker():
        onboarded, done = api.wait_for_end(f"/onboarding/{ada}"), api.wait_for_end("/batches/flow")

    assert onboarded == {"workflow_id": f"onboarding-{ada}", "user_id": ada, "status": "completed"}
    assert (done["status"], done["total"], done["succeeded"], done["failed"]) == ("completed", 3, 2, 1)
    assert [failure["reason"] for failure in api.call("/batches/flow/failures")["items"]] == [
        "the name has characters that cannot be printed"
    ]
    assert "To: ada@example.com" in "".join(mail.read_text() for mail in installation.mails.iterdir())
