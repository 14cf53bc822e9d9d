"""Runs one row on one database and prints its figures as JSON: `python -m bench.row NAME SIZE`, started by __main__.py."""

import json
import sys
from dataclasses import asdict
from importlib import import_module

import django

from bench.figures import SIZES
from bench.rows import ROWS


def main(name: str, size: str) -> None:
    """Run it."""
    django.setup()
    module, function = ROWS[name].function.split(":")
    figures = getattr(import_module(module), function)(SIZES[size])
    print(json.dumps([asdict(figure) for figure in figures]))


if __name__ == "__main__":
    main(*sys.argv[1:])
