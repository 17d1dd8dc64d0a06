"""Lists rows that the installed openai-chatkit can't decode, and that are not served (S17)."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chatstore.lifecycle.decode_check import count_rows, find_undecodable_rows
from chatstore.management import arguments
from chatstore.management.progress import Progress


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
        with Progress(self.stderr, lambda: count_rows(database, user)) as progress:
            for row in find_undecodable_rows(database, user, progress.rows):
                found += 1
                progress.close()
                self.stdout.write(
                    json.dumps(vars(row))
                    if as_json
                    else f"{row.kind} {row.id} ({row.thread_id}, {row.user_id}): {row.error}"
                )
        if found:
            raise CommandError(
                ngettext(
                    "%(count)d row can't be decoded.", "%(count)d rows can't be decoded.", found
                )
                % {"count": found}
            )
        if not as_json:
            self.stdout.write(_("Every row can be decoded."))
