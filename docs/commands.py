"""
Write the options of each command into docs/reference/commands.md, from the commands' parsers.

Run by `python docs/commands.py`, and after a command has changed; a test compares.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reference" / "commands.md"
BEGIN = "<!-- written by docs/commands.py -->\n"


def options() -> str:
    """Return the sections of all commands, as Markdown."""
    from django.core.management import load_command_class

    folder = ROOT / "chatstore" / "management" / "commands"
    names = sorted(path.stem for path in folder.glob("[a-z]*.py"))
    return "\n".join(_section(name, load_command_class("chatstore", name)) for name in names)


def page() -> str:
    """Return the page as it should be."""
    return PAGE.read_text().partition(BEGIN)[0] + BEGIN + "\n" + options()


def _section(name: str, command: object) -> str:
    parser: argparse.ArgumentParser = command.create_parser("manage.py", name)
    rows = [
        f"| {_name(action)} | {_words(action)} |"
        for action in parser._actions
        if not _is_djangos(action)
    ]
    text = _plain(str(parser.description))
    table = ["| argument | |", "|---|---|", *rows] if rows else ["It takes no arguments."]
    return "\n".join([f"## {name}", "", text, "", *table, ""])


def _is_djangos(action: argparse.Action) -> bool:
    from django.core.management.base import DjangoHelpFormatter

    return bool(DjangoHelpFormatter.show_last & set(action.option_strings)) or action.dest == "help"


def _name(action: argparse.Action) -> str:
    value = "" if action.nargs == 0 else str(action.metavar or action.dest.upper())
    if not action.option_strings:
        name = str(action.metavar or action.dest.upper())
        return f"`[{name}]`" if action.nargs == "?" else f"`{name}`"
    if action.dest == "database":
        value = "ALIAS"  # the choices are the site's own
    elif action.choices and not action.metavar:
        value = ", ".join(map(str, action.choices))
    return f"`{' '.join([action.option_strings[-1], value]).strip()}`"


def _words(action: argparse.Action) -> str:
    words = _plain(str(action.help or "") % {"default": action.default})
    return f"Required. {words}".strip() if action.required and action.option_strings else words


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text.replace("|", r"\|")).strip()


def main() -> None:
    import django

    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    django.setup()
    PAGE.write_text(page())


if __name__ == "__main__":
    main()
