"""
Runs the parts named on the command line, or all, each on a new test database.

CHATSTORE_TEST_CITUS names the coordinator of a Citus cluster, on which the tables are distributed.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
from pathlib import Path

PARTS = ("store", "cpu", "http", "admin", "retention", "portability", "limits", "page")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"some of: {', '.join(PARTS)}")
    parts = parser.parse_args().parts or PARTS
    if unknown := set(parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    os.environ.setdefault("TEST_DATABASE_NAME", "bench_chatstore")
    os.environ.setdefault("LOG_LEVEL", "ERROR")
    # With DEBUG on Django keeps and logs every query, which would be measured too.
    os.environ["DEBUG"] = "off"
    os.environ.setdefault("SECRET_KEY", "of-the-benchmarks")
    os.environ.setdefault("SECURE_SSL_REDIRECT", "off")
    if citus := os.environ.get("CHATSTORE_TEST_CITUS"):
        os.environ |= {"DATABASE_URL": citus, "CHATSTORE_SHARDED": "on"}
    import django

    django.setup()
    from django.test.utils import setup_databases, teardown_databases

    from tests.citus import distribute_database, drop_workers_databases

    results: dict[str, dict[str, float | str]] = {}
    for part in parts:
        databases = setup_databases(verbosity=0, interactive=False)
        if citus:
            distribute_database()
        try:
            for figure in importlib.import_module(f"benchmarks.{part}").figures():
                print(figure, flush=True)
                results[figure.name] = {"value": figure.value, "unit": figure.unit}
                if figure.target:
                    results[figure.name]["target"] = figure.target
        finally:
            if citus:
                drop_workers_databases()
            teardown_databases(databases, verbosity=0)
    Path(__file__).with_name("results.json").write_text(json.dumps(results, indent=2) + "\n")


main()
