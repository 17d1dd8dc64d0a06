"""Runs the parts named on the command line, or all, each on a new test database."""

from __future__ import annotations

import argparse
import importlib
import json
import os
from pathlib import Path

PARTS = ("store", "admin", "retention", "portability")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"some of: {', '.join(PARTS)}")
    parts = parser.parse_args().parts or PARTS
    if unknown := set(parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    os.environ.setdefault("TEST_DATABASE_NAME", "bench_chatstore")
    os.environ.setdefault("LOG_LEVEL", "ERROR")
    import django

    django.setup()
    from django.test.utils import setup_databases, teardown_databases

    results: dict[str, dict[str, float | str]] = {}
    for part in parts:
        databases = setup_databases(verbosity=0, interactive=False)
        try:
            for name, value, unit in importlib.import_module(f"benchmarks.{part}").figures():
                print(name, f"{value:.4g}", unit, flush=True)
                results[name] = {"value": value, "unit": unit}
        finally:
            teardown_databases(databases, verbosity=0)
    Path(__file__).with_name("results.json").write_text(json.dumps(results, indent=2) + "\n")


main()
