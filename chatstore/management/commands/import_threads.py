"""Imports what export_threads has written, or ChatKit's sample store; repeatable."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chatstore.management import arguments
from chatstore.portability.archive import ArchiveError
from chatstore.portability.imports import Importer, import_threads
from chatstore.portability.reader import Reader


class Command(BaseCommand):
    help = (
        "Imports an archive of export_threads, or the SQLite file of ChatKit's sample store. "
        "Threads that are there already are left alone."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file", nargs="?", default="-", help=_("The archive; default: standard input.")
        )
        parser.add_argument(
            "--files", metavar="FOLDER", help=_("Where the files are; default: FILE.files.")
        )
        parser.add_argument(
            "--partial", action="store_true", help=_("Take what is whole of a cut archive.")
        )
        arguments.add_database(parser)

    def handle(
        self, *, file: str, files: str | None, partial: bool, database: str, **options: Any
    ) -> None:
        try:
            with Reader(file, files) as reader, arguments.Progress(self.stderr) as progress:
                importer = import_threads(reader, database, partial=partial, progress=progress)
        except (ArchiveError, OSError) as error:  # such as a disk that can't be read
            raise CommandError(str(error)) from error
        self.stdout.write(self._sentence(importer))
        if importer.conflicts:
            raise CommandError(
                ngettext(
                    "%d thread or attachment belongs to somebody else here, and was left out.",
                    "%d threads or attachments belong to somebody else here, and were left out.",
                    importer.conflicts,
                )
                % importer.conflicts
            )

    def _sentence(self, importer: Importer) -> str:
        sentences = [_("Imported %s.") % arguments.in_words(importer.counts)]
        if importer.present:
            sentences.append(
                ngettext(
                    "%d thread was there already.",
                    "%d threads were there already.",
                    importer.present,
                )
                % importer.present
            )
        if importer.without_bytes:
            sentences.append(
                ngettext(
                    "The file of %d attachment is missing.",
                    "The files of %d attachments are missing.",
                    importer.without_bytes,
                )
                % importer.without_bytes
            )
        return " ".join(sentences)
