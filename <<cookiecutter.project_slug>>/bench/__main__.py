"""How fast this project is, beside what it could be held against: `python -m bench --help`.

Everything is compared in turns on the same server in the same run. Read the ratios: they carry over to other machines, the
figures themselves do not.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.figures import SIZES, Figure, table
from bench.processes import ROOT
from bench.rows import ROWS
from bench.surroundings import DATABASES, databases, environment, temporal

OUTPUT = ROOT / "var" / "bench.json"


def main() -> None:
    """Run the rows that are named, or all."""
    options = _parser().parse_args()
    figures = list[Figure]()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="bench-")))
        address = stack.enter_context(temporal())
        urls = stack.enter_context(databases(folder, _database(), options.database or list(DATABASES)))
        rows = options.rows or list(ROWS)
        for database, url in urls.items():
            print(f"{database}:", flush=True)
            figures += _run(rows, options.size, database, folder, environment(url, address))
            rows = [name for name in rows if not ROWS[name].once]
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {options.size} size"
    print(f"\n{table(figures)}\n\n{machine}")
    report = {"machine": machine, "size": options.size, "figures": [figure.as_json() for figure in figures]}
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(report, indent=1) + "\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="rows:\n" + "\n".join(f"  {name:12} {row.about}" for name, row in ROWS.items()),
    )
    parser.add_argument("rows", nargs="*", choices=[*ROWS, []], metavar="ROW", help="which rows (default: all)")
    parser.add_argument("--database", choices=DATABASES, action="append", help="may be repeated (default: all that can be had)")
    parser.add_argument(
        "--size", choices=SIZES, default="usual", help="how much each row does (default: usual; tiny only shows that they run)"
    )
    parser.add_argument("--output", type=Path, default=OUTPUT, help="where the JSON goes (default: var/bench.json)")
    return parser


def _database() -> str:
    """The project's database, for its server only."""
    from config.settings.base import env  # noqa: PLC0415  reads .env

    return str(env.str("DATABASE_URL", default=""))


def _run(rows: list[str], size: str, database: str, folder: Path, environment: dict[str, str]) -> list[Figure]:
    """A process for each database: which one it is, is settled when Django is set up."""
    output = folder / f"{database}.json"
    command = [sys.executable, "-m", "bench.run", size, str(output), *rows]
    if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode:  # noqa: S603  our own command
        raise SystemExit("A row could not be run: what went wrong stands above.")
    return [Figure(**{**figure, "database": database}) for figure in json.loads(output.read_text())]


if __name__ == "__main__":
    main()
