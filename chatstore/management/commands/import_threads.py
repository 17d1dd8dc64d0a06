"""Imports an archive, or the file of ChatKit's sample store (R3). It can be repeated."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chatstore.management import arguments
from chatstore.management.progress import Progress
from chatstore.models import Counts
from chatstore.portability.archive import MAX_LINE_MIB, ArchiveError
from chatstore.portability.imports import Importer, import_threads
from chatstore.portability.reader import Reader


class Command(BaseCommand):
    help = (
        "Imports an archive of export_threads, the SQLite file of ChatKit's sample store, or an "
        "export of ChatGPT or Open WebUI. "
        "Threads that exist are not changed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file", nargs="?", default="-", help=_("The archive; default: standard input.")
        )
        parser.add_argument(
            "--files", metavar="FOLDER", help=_("The folder of the files; default: FILE.files.")
        )
        parser.add_argument(
            "--partial",
            action="store_true",
            help=_("Import the complete threads of an incomplete archive."),
        )
        parser.add_argument(
            "--user",
            type=arguments.user_id,
            metavar="ID",
            help=_("The owner of the threads of another product's export."),
        )
        parser.add_argument(
            "--max-line-mib",
            type=arguments.line_mib,
            default=MAX_LINE_MIB,
            help=_("Refuse an archive with a line longer than this; default: %d.") % MAX_LINE_MIB,
        )
        arguments.add_database(parser)

    def handle(
        self,
        *,
        file: str,
        files: str | None,
        partial: bool,
        user: str | None,
        max_line_mib: int,
        database: str,
        **options: Any,
    ) -> None:
        try:
            with (
                Reader(file, files, max_line_mib=max_line_mib) as reader,
                Progress(self.stderr) as progress,
            ):

                def show(counts: Counts, share: float | None) -> None:
                    progress.show(arguments.format_counts(counts), share)

                progress.show(_("Checking the file"))
                importer = import_threads(
                    reader, database, partial=partial, user_id=user, progress=show
                )
        except (ArchiveError, OSError) as error:  # such as a disk that can't be read
            raise arguments.archive_error(error) from error
        self.stdout.write(self._sentence(importer))
        if importer.conflicts:
            raise CommandError(
                ngettext(
                    "%(count)d thread or attachment exists with another owner, and was skipped.",
                    "%(count)d threads or attachments exist with another owner, and were skipped.",
                    importer.conflicts,
                )
                % {"count": importer.conflicts}
            )

    def _sentence(self, importer: Importer) -> str:
        sentences = [_("Imported %s.") % arguments.format_counts(importer.counts)]
        if importer.existing:
            sentences.append(
                ngettext(
                    "%(count)d thread existed already.",
                    "%(count)d threads existed already.",
                    importer.existing,
                )
                % {"count": importer.existing}
            )
        if importer.missing_files:
            sentences.append(
                ngettext(
                    "The file of %(count)d attachment is missing.",
                    "The files of %(count)d attachments are missing.",
                    importer.missing_files,
                )
                % {"count": importer.missing_files}
            )
        if importer.with_branches:
            sentences.append(
                ngettext(
                    "Of %(count)d thread other branches are left out.",
                    "Of %(count)d threads other branches are left out.",
                    importer.with_branches,
                )
                % {"count": importer.with_branches}
            )
        if importer.with_files:
            sentences.append(
                ngettext(
                    "Of %(count)d thread files are left out.",
                    "Of %(count)d threads files are left out.",
                    importer.with_files,
                )
                % {"count": importer.with_files}
            )
        return " ".join(sentences)
