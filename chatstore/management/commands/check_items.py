"""Lists rows that this version of openai-chatkit can't read, and so are not served (S17)."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chatstore.lifecycle.decode_check import unreadable
from chatstore.management import arguments


class Command(BaseCommand):
    help = "Lists threads, items and attachments that today's openai-chatkit can't decode."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--user", type=arguments.user_id, help=_("Only this owner's rows."))
        parser.add_argument(
            "--json", dest="as_json", action="store_true", help=_("Print each row as JSON.")
        )
        arguments.add_database(parser)

    def handle(self, *, user: str | None, as_json: bool, database: str, **options: Any) -> None:
        found = 0
        with arguments.Progress(self.stderr) as progress:

            def say(checked: int) -> None:
                progress.say(ngettext("%d row", "%d rows", checked) % checked)

            for row in unreadable(database, user, say):
                found += 1
                self.stdout.write(
                    json.dumps(vars(row))
                    if as_json
                    else f"{row.kind} {row.id} ({row.thread_id}, {row.user_id}): {row.error}"
                )
        if found:
            raise CommandError(
                ngettext("%d row can't be read.", "%d rows can't be read.", found) % found
            )
        self.stdout.write(_("Every row can be read."))
