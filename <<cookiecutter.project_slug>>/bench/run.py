"""Runs rows on one database: `python -m bench.run SIZE OUTPUT ROW…`, started by __main__.py with that database's environment."""

import json
import sys
import time
from dataclasses import asdict, replace
from importlib import import_module
from pathlib import Path

import django

from bench.figures import SIZES, Figure
from bench.processes import benching
from bench.rows import ROWS


def main(size: str, output: str, *names: str) -> None:
    """Say what is at work, and leave the figures as JSON."""
    django.setup()
    figures = list[Figure]()
    with benching() as bench:
        for name in names:
            began = time.monotonic()
            print(f"  {name} …", end=" ", flush=True)
            module, function = ROWS[name].function.split(":")
            found = getattr(import_module(module), function)(bench, SIZES[size])
            figures += [replace(figure, row=name) for figure in found]
            print(f"{time.monotonic() - began:.0f} s", flush=True)
    Path(output).write_text(json.dumps([asdict(figure) for figure in figures]))


if __name__ == "__main__":
    main(*sys.argv[1:])
