"""`make demo`: renders a project, installs it, and has it onboard a user and work through a batch of ten thousand rows.

Everything goes the way that a user of the project would go: its commands, its HTTP API. project.py runs them.
"""

import argparse
import csv
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from tools.project import Api, DemoError, Project, Server, free_ports
from tools.temporal import MissingError, cli

ROOT = Path(__file__).resolve().parents[1]
ROWS = 12_000
NO_ADDRESS = 60  # left out by the import
UNREADABLE_NAME = 60  # imported, refused by the batch
STAFF = "staff@example.com"
FOLLOW_UP_SECONDS = 2
WAIT_SECONDS = 900
START = time.monotonic()


def main() -> None:
    """Parse the command line and run; ends with one sentence and exit code 1 when something fails."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--dir", type=Path, help="folder to render into (default: a new one in the temporary folder)")
    parser.add_argument("--keep", action="store_true", help="leave server, worker and web running")
    options = parser.parse_args()
    try:
        demonstrate(options.dir or Path(tempfile.mkdtemp(prefix="kairon-demo-")), keep=options.keep)
    except (DemoError, MissingError) as error:
        sys.exit(f"demo: {error}")
    except KeyboardInterrupt:
        sys.exit("demo: stopped.")


def demonstrate(folder: Path, *, keep: bool) -> None:
    """Render into `folder`, run, print the table. Raises DemoError or MissingError."""
    say("rendering the project with cookiecutter")
    project = Project(render(folder.resolve()))
    say("looking for the Temporal CLI")
    project.environment |= {"TEMPORAL_CLI": str(cli()), "ONBOARDING_FOLLOW_UP_DELAY": str(FOLLOW_UP_SECONDS)}
    say("installing it and making its database: make setup")
    project.run("make", "setup")
    say(f"importing {ROWS:,} users from a CSV file, {NO_ADDRESS + UNREADABLE_NAME} of them with something wrong")
    people = write_people(project.folder / "var" / "people.csv")
    imported = project.manage("importusers", str(people))
    project.environment |= {"DJANGO_SUPERUSER_PASSWORD": "only-for-the-demo"}
    project.manage("createsuperuser", "--noinput", "--email", STAFF)
    token = project.manage("createtoken", STAFF, "--name", "demo").splitlines()[-1]
    ports = free_ports(3)
    say("starting Temporal, worker and web server: make dev")
    server = Server(project, web_port=ports[0], temporal_port=ports[1], ui_port=ports[2])
    try:
        server.wait_until_ready()
        show(project, server, results(Api(server.address, token)), imported.splitlines()[0])
    except BaseException:
        server.stop()
        raise
    if keep:
        print(f"It is still running (its output: {server.log}). Stop it with: kill -INT -- -{server.process.pid}")
    else:
        say("stopping everything")
        server.stop()
    print(
        f"\nGo on with:\n  cd {project.folder}\n  make dev      # sign in at /admin/ as {STAFF}, password only-for-the-demo\n"
        "  make test     # its own tests, against a real Temporal\n"
    )


def render(folder: Path) -> Path:
    """Render with cookiecutter, no questions asked, and give the new project's folder."""
    before = set(folder.iterdir()) if folder.exists() else set()
    command = [sys.executable, "-m", "cookiecutter", "--no-input", "--default-config", "--output-dir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise DemoError(f"cookiecutter failed: {(done.stderr or done.stdout).strip().splitlines()[-1]}")
    (project,) = set(folder.iterdir()) - before
    return project


def write_people(path: Path) -> Path:
    """Write the CSV file: people of no real name, some without a usable address, some with an unreadable name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["email", "name"])
        for number in range(ROWS):
            email, name = f"person-{number}@example.com", f"Person {number}"
            if number % (ROWS // NO_ADDRESS) == 1:
                email = f"person-{number} at example.com"
            if number % (ROWS // UNREADABLE_NAME) == 2:  # noqa: PLR2004  any remainder but the one above
                name = f"Person\x07 {number}"
            rows.writerow([email, name])
    return path


def results(api: Api) -> dict[str, dict[str, Any]]:
    """Onboard one of the imported users and run a batch over all, both through the API; give what it says at the end."""
    everyone = {"model": "users.User", "filter": {}}
    say("starting an onboarding and a batch over all rows through the HTTP API")
    user = api.post("/onboarding", {"user_id": 1})
    begun = time.monotonic()
    batch = api.post("/batches", {"batch_id": "demo", "rows": everyone, "action": "check_profile"})
    batch = wait_for(api, f"/batches/{batch['batch_id']}")
    user = wait_for(api, f"/onboarding/{user['user_id']}") | {"seconds": time.monotonic() - begun}
    took = datetime.fromisoformat(batch["finished_at"]) - datetime.fromisoformat(batch["created_at"])
    batch |= {"seconds": took.total_seconds(), "listed": api.get("/batches/demo/failures?limit=1")["count"]}
    # The account of the demo itself is new as well: it was onboarded without being asked for.
    wait_for(api, f"/onboarding/{api.get('/me')['id']}")
    return {"onboarding": user, "batch": batch}


def wait_for(api: Api, path: str) -> dict[str, Any]:
    """Ask until it is completed. Raises DemoError when it ends otherwise or takes too long."""
    deadline = time.monotonic() + WAIT_SECONDS
    while (state := api.get(path))["status"] in {"pending", "running"}:
        if time.monotonic() > deadline:
            raise DemoError(f"{path} is still {state['status']} after {WAIT_SECONDS} s.")
        time.sleep(0.2)
    if state["status"] != "completed":
        raise DemoError(f"{path} ended as {state['status']}.")
    return state


def show(project: Project, server: Server, done: Mapping[str, dict[str, Any]], imported: str) -> None:
    """Print the table and where to look."""
    user, batch = done["onboarding"], done["batch"]
    table = [
        ("", "onboarding", "batch"),
        ("workflow id", user["workflow_id"], batch["workflow_id"]),
        ("status", user["status"], batch["status"]),
        ("rows", "1", f"{batch['total']:,}"),
        ("failures listed", "0", f"{batch['listed']:,}"),
        ("seconds", f"{user['seconds']:.1f}", f"{batch['seconds']:.1f}"),
        ("rows per second", "", f"{batch['total'] / batch['seconds']:,.0f}"),
    ]
    print()
    for name, left, right in table:
        print(f"  {name:<16} {left:<20} {right}")
    print(f"\n  {imported}; {project.mails_written()} mails written to {project.folder / 'var' / 'mail'}")
    print(f"  an onboarding waits {FOLLOW_UP_SECONDS} s here between its two mails, a day in a project")
    print(f"  web {server.address}   Temporal UI {server.ui_address}\n", flush=True)


def say(text: str) -> None:
    """A line of progress, with the seconds since the start."""
    print(f"[{time.monotonic() - START:4.0f} s] {text}", flush=True)


if __name__ == "__main__":
    main()
