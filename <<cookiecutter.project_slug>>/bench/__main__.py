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
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.figures import SIZES, Figure, table
from bench.processes import ROOT
from bench.rows import ROWS
from bench.surroundings import databases, environment, temporal

OUTPUT = ROOT / "var" / "bench.json"


def main() -> None:
    """Run the rows that are named, or all."""
    options = _parser().parse_args()
    figures = list[Figure]()
    with TemporaryDirectory(prefix="bench-") as folder, temporal() as address, databases(Path(folder), _database()) as urls:
        if "postgresql" not in urls:
            print("No PostgreSQL: DATABASE_URL names none and there is no initdb. Its rows are left out.", flush=True)
        for name, database in _runs(options.rows or list(ROWS), list(urls)):
            began = time.monotonic()
            print(f"{name} ({database}) …", end=" ", flush=True)
            figures += _run(name, options.size, database, environment(urls[database], address))
            print(f"{time.monotonic() - began:.0f} s", flush=True)
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
    parser.add_argument("--size", choices=SIZES, default="usual", help="how much each row does (default: usual)")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="where the JSON goes (default: var/bench.json)")
    return parser


def _database() -> str:
    """The project's database, for its server only."""
    from config.settings.base import env  # noqa: PLC0415  reads .env

    return str(env.str("DATABASE_URL", default=""))


def _runs(rows: list[str], available: list[str]) -> Iterator[tuple[str, str]]:
    for name in rows:
        match ROWS[name].databases:
            case "one":
                yield name, available[0]
            case "all":
                yield from ((name, database) for database in available)
            case only:
                yield from ((name, database) for database in available if database == only)


def _run(name: str, size: str, database: str, environment: dict[str, str]) -> list[Figure]:
    """A process of its own for each: the database is chosen when Django is set up, and no row warms another."""
    command = [sys.executable, "-m", "bench.row", name, size]
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603
    return [Figure(**{**figure, "database": database}) for figure in json.loads(done.stdout)]


if __name__ == "__main__":
    main()
