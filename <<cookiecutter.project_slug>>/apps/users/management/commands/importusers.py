"""`manage.py importusers FILE.csv`."""

import csv
from collections.abc import Iterator
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.users.services import NewUser, import_users

COLUMNS = ("email", "name")
SHOWN = 20


class Command(BaseCommand):
    """Creates accounts from a file."""

    help = "Create accounts from a CSV file with the columns email and name. Starts no onboarding: see startonboarding --missing."

    def add_arguments(self, parser: CommandParser) -> None:
        """The file."""
        parser.add_argument("file", type=Path, help="CSV in UTF-8, first line: email,name")

    def handle(self, *, file: Path, **options: object) -> None:
        """Print what was created and which lines were left out."""
        try:
            result = import_users(_rows(file))
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from error
        except UnicodeDecodeError as error:
            raise CommandError(f"{file} is not UTF-8 ({error.reason} at byte {error.start}): save it as UTF-8.") from error
        self.stdout.write(self.style.SUCCESS(f"created {result.created} accounts"))
        for reason, lines in (
            ("without a valid address or with too long a name", result.invalid),
            ("already known", result.known),
        ):
            if lines:
                self.stdout.write(f"skipped {len(lines)} rows {reason}: lines {_listed(lines)}")


def _rows(file: Path) -> Iterator[NewUser]:
    # utf-8-sig: spreadsheets write a byte order mark that would become part of the first column's name.
    with file.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream, restval="")
        if missing := [column for column in COLUMNS if column not in (reader.fieldnames or ())]:
            raise CommandError(f"{file} has no column {' and no column '.join(missing)}: its first line must be email,name.")
        for row in reader:
            yield NewUser(line=reader.line_num, email=row["email"], name=row["name"])


def _listed(lines: list[int]) -> str:
    more = f" and {len(lines) - SHOWN} more" if len(lines) > SHOWN else ""
    return ", ".join(map(str, sorted(lines)[:SHOWN])) + more
