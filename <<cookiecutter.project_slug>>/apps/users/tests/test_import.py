"""importusers: what comes in, what is left out, and how long it takes."""

import time
from io import StringIO
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command

from apps.users.models import User
from apps.users.services import NewUser, import_users

pytestmark = pytest.mark.django_db

FILE = """email,name
ada@example.com,Ada
,Nobody
not an address,Nobody
ADA@example.com,Ada again
Bob@Example.com, Bob\x20
"""


def run(path: Path) -> str:
    output = StringIO()
    call_command("importusers", str(path), stdout=output)
    return output.getvalue()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "users.csv"
    path.write_text(FILE, encoding="utf-8-sig")
    return path


def test_good_rows_become_accounts_and_the_others_are_listed_by_line(file: Path) -> None:
    said = run(file)

    assert list(User.objects.values_list("email", "name")) == [("ada@example.com", "Ada"), ("bob@example.com", "Bob")]
    assert "created 2 accounts" in said
    assert "skipped 2 rows without a valid address or with too long a name: lines 3, 4" in said
    assert "skipped 1 rows already known: lines 5" in said
    assert not any(user.has_usable_password() for user in User.objects.all())


def test_a_second_import_creates_nothing(file: Path) -> None:
    run(file)

    assert "created 0 accounts" in run(file)
    assert User.objects.count() == 2


def test_an_import_starts_no_onboarding(file: Path) -> None:
    run(file)

    assert not apps.get_model("temporal", "OutboxMessage").objects.exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"mail,name\na@example.com,A\n", "no column email: its first line must be email,name"),
        (b"", "no column email and no column name"),
        ("email,name\na@example.com,Zoë\n".encode("latin-1"), "is not UTF-8"),
        (None, "cannot be read: No such file"),
    ],
    ids=["no email column", "empty", "not UTF-8", "no file"],
)
def test_a_file_that_cannot_be_imported_is_refused_with_the_reason(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "users.csv"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(CommandError, match=said):
        run(path)


def test_a_short_row_and_a_name_that_is_too_long_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    path.write_text(f"email,name\nada@example.com\nbob@example.com,{'b' * 151}\n")

    assert "created 1 accounts" in run(path)
    assert User.objects.get().name == ""


def test_a_hundred_thousand_rows_take_seconds() -> None:
    rows = (NewUser(line=number, email=f"user{number}@example.com", name="User") for number in range(100_000))

    # Of this thread alone: what others do to the machine is not what an import costs.
    started = time.thread_time()
    result = import_users(rows)

    assert result.created == User.objects.count() == 100_000
    assert time.thread_time() - started < 60
