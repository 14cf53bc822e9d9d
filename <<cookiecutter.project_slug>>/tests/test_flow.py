"""The whole way of a request, from HTTP to mails and rows, through a real web process, a real worker and a real server."""

from tests.installation import Installation
from tests.web import Api


def test_what_is_accepted_without_a_worker_is_done_when_one_comes(installation: Installation, api: Api) -> None:
    installation.import_users(["Ada", "B\N{ZERO WIDTH SPACE}b"])
    ada = installation.number("SELECT id FROM users_user WHERE email = '0@example.com'")

    api.call("/onboarding", {"user_id": ada})
    batch = api.call("/batches", {"batch_id": "flow", "rows": {"model": "users.User"}})
    assert {api.ask(f"/onboarding/{ada}")["status"], batch["status"]} <= {"pending", "running"}
    with installation.worker():
        onboarded, done = api.wait_for_end(f"/onboarding/{ada}"), api.wait_for_end("/batches/flow")

    assert onboarded == {"workflow_id": f"onboarding-{ada}", "user_id": ada, "status": "completed"}
    assert (done["status"], done["total"], done["succeeded"], done["failed"]) == ("completed", 3, 2, 1)
    assert [failure["reason"] for failure in api.call("/batches/flow/failures")["items"]] == [
        "the name has characters that cannot be printed"
    ]
    assert "To: 0@example.com" in "".join(mail.read_text() for mail in installation.mails.iterdir())
