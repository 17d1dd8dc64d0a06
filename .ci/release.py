"""
Check that a version can be released, build it into dist/, and tag it; upload and push nothing.

    make release VERSION=1.2.3

What must be true before: chatstore.__version__ is the version, CHANGELOG.md has a heading for it
with a date and nothing is left under Unreleased, everything is committed, the tag is free, and
there is a database of the newest migration for later versions to migrate (make database-fixture).
"""

from __future__ import annotations

import argparse
import datetime as dt
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VERSION = re.compile(r"\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("version")
    parser.add_argument("--without-trial", action="store_true", help="don't install what is built")
    options = parser.parse_args()
    if problems := list(find_problems(options.version)):
        sys.exit("\n".join(problems))
    trial = ["--without-trial"] if options.without_trial else []
    run(sys.executable, ".ci/try_wheel.py", "--keep", "dist", *trial)
    for kind in ("-py3-none-any.whl", ".tar.gz"):
        name = f"django_chatstore-{options.version}{kind}"
        if not (ROOT / "dist" / name).exists():
            sys.exit(f"dist/{name} was not built.")
    tag = f"v{options.version}"
    run("git", "tag", "--annotate", tag, "--message", f"django-chatstore {options.version}")
    sys.stdout.write(
        f"Tagged {tag}; dist/ has what is to be released. To publish it:\n"
        f"  git push origin {tag}\n"
        f"  python -m twine upload dist/django_chatstore-{options.version}*\n"
    )


def find_problems(version: str) -> Iterator[str]:
    """Yield what keeps this version from being released, a sentence each."""
    if not VERSION.fullmatch(version):
        yield f"{version!r} is no version such as 1.2.3 or 1.2.3rc1."
        return
    said = re.search(r'__version__ = "(.*)"', (ROOT / "chatstore" / "__init__.py").read_text())
    if not said or said[1] != version:
        yield f"chatstore.__version__ is {said[1] if said else 'missing'}."
    yield from find_problems_of_changelog(version)
    if changed := output("git", "status", "--porcelain"):
        yield f"These files are not committed:\n{changed}"
    tag = f"v{version}"
    if output("git", "tag", "--list", tag):
        yield f"The tag {tag} is there already."
    elif "origin" in output("git", "remote").split() and output(
        "git", "ls-remote", "--tags", "origin", f"refs/tags/{tag}"
    ):
        yield f"The tag {tag} is at origin already."
    newest = max(path.name[:4] for path in (ROOT / "chatstore" / "migrations").glob("0*.py"))
    if not (ROOT / "tests" / "databases" / newest).is_dir():
        yield f"There is no database of migration {newest} yet: make database-fixture."


def find_problems_of_changelog(version: str) -> Iterator[str]:
    sections = re.split(r"^## ", (ROOT / "CHANGELOG.md").read_text(), flags=re.M)[1:]
    texts = dict(section.partition("\n")[::2] for section in sections)
    if texts.get("Unreleased", "").strip():
        yield "CHANGELOG.md has entries under Unreleased."
    dated = [title for title in texts if title.partition(" - ")[0] == version]
    if not dated:
        yield f"CHANGELOG.md has no heading “## {version} - {dt.date.today()}”."  # noqa: DTZ011
        return
    try:
        dt.date.fromisoformat(dated[0].partition(" - ")[2])
    except ValueError:
        yield f"The heading of {version} in CHANGELOG.md has no date, such as 2026-01-31."
    if not texts[dated[0]].strip():
        yield f"CHANGELOG.md has no entries for {version}."


def output(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.rstrip()


def run(*command: str) -> None:
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        sys.exit(f"Failed: {' '.join(command)}")


if __name__ == "__main__":
    main()
