"""Lists rows that the installed openai-chatkit can't decode, and that are not served (S17)."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chatstore.lifecycle.decode_check import find_undecodable_rows
from chatstore.management import arguments


class Command(BaseCommand):
    help = "Lists threads, items and attachments that the installed openai-chatkit can't decode."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--user", type=arguments.user_id, help=_("Only this owner's rows."))
        parser.add_argument(
            "--json", dest="as_json", action="store_true", help=_("Print each row as JSON.")
        )
        arguments.add_database(parser)

    def handle(self, *, user: str | None, as_json: bool, database: str, **options: Any) -> None:
        found = 0
        with arguments.Progress(self.stderr) as progress:

            def show_progress(checked: int) -> None:
                progress.show(ngettext("%d row", "%d rows", checked) % checked)

            for row in find_undecodable_rows(database, user, show_progress):
                found += 1
                self.stdout.write(
                    json.dumps(vars(row))
                    if as_json
                    else f"{row.kind} {row.id} ({row.thread_id}, {row.user_id}): {row.error}"
                )
        if found:
            raise CommandError(
                ngettext("%d row can't be decoded.", "%d rows can't be decoded.", found) % found
            )
        self.stdout.write(_("Every row can be decoded."))
