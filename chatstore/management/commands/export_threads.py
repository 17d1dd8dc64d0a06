"""Exports threads as JSON Lines with files; the format is docs/export-format.md."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chatstore.management import arguments
from chatstore.portability.archive import ArchiveError
from chatstore.portability.exports import export_threads
from chatstore.portability.writer import Writer


class Command(BaseCommand):
    help = "Exports threads, with messages and files, to a file that import_threads reads."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file",
            nargs="?",
            default="-",
            help=_("FILE.jsonl, FILE.jsonl.gz or FILE.zip; default: standard output."),
        )
        parser.add_argument("--user", type=arguments.user_id, help=_("Only this owner's threads."))
        parser.add_argument(
            "--since", type=arguments.moment, help=_("Only what was active since this time.")
        )
        parser.add_argument(
            "--files",
            metavar="FOLDER",
            help=_("Where the files go; default: FILE.files, or inside the zip."),
        )
        arguments.add_database(parser)

    def handle(
        self,
        *,
        file: str,
        user: str | None,
        since: dt.datetime | None,
        files: str | None,
        database: str,
        **options: Any,
    ) -> None:
        try:
            with Writer(file, files) as writer, arguments.Progress(self.stderr) as progress:
                exporter = export_threads(
                    writer, database, user_id=user, since=since, progress=progress
                )
        except (ArchiveError, OSError) as error:  # such as a full disk
            raise CommandError(str(error)) from error
        # Standard output may be the archive itself.
        say = self.stderr if file == "-" else self.stdout
        said = _("Exported %s.") % arguments.in_words(exporter.counts)
        say.write(said, style_func=str)  # no error, though it may be on standard error
        if exporter.without_bytes:
            self.stderr.write(
                ngettext(
                    "%d attachment was exported without its file.",
                    "%d attachments were exported without their files.",
                    exporter.without_bytes,
                )
                % exporter.without_bytes
            )
