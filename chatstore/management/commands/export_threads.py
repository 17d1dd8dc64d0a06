"""Exports threads as JSON Lines with files (R3; docs/reference/export-format.md)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chatstore.management import arguments
from chatstore.management.progress import Progress
from chatstore.portability.archive import ArchiveError
from chatstore.portability.exports import export_threads, sessions_to_export
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
            "--since",
            type=arguments.date_or_time,
            help=_("Only threads with activity since this time."),
        )
        parser.add_argument(
            "--files",
            metavar="FOLDER",
            help=_("The folder for the files; default: FILE.files, or inside the zip."),
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
            threads = sessions_to_export(database, user_id=user, since=since)
            with Writer(file, files) as writer, Progress(self.stderr, threads.count) as progress:
                exporter = export_threads(
                    writer, database, user_id=user, since=since, progress=progress.threads
                )
        except (ArchiveError, OSError) as error:  # such as a full disk
            if file == "-":
                arguments.discard_stdout()
            raise arguments.archive_error(error) from error
        output = self.stderr if file == "-" else self.stdout  # "-": stdout is the archive
        sentence = _("Exported %s.") % arguments.format_counts(exporter.counts)
        output.write(sentence, style_func=str)  # without the style of an error on stderr
        if exporter.missing_files:
            self.stderr.write(
                ngettext(
                    "%(count)d attachment was exported without its file.",
                    "%(count)d attachments were exported without their files.",
                    exporter.missing_files,
                )
                % {"count": exporter.missing_files}
            )
