"""Deletes uploads that were never sent, and removes files whose removal is due (A4)."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chatstore.lifecycle.retention import BATCH_SIZE
from chatstore.lifecycle.unused_files import FilesReport, cleanup_files
from chatstore.management import arguments
from chatstore.management.progress import Progress


class Command(BaseCommand):
    help = (
        "Deletes uploads that no message used within a day, and removes files whose removal is due."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help=_("Say what would be done."))
        parser.add_argument(
            "--batch-size",
            type=arguments.batch_size,
            default=BATCH_SIZE,
            help=_("Rows in a transaction; default: %d.") % BATCH_SIZE,
        )
        parser.add_argument(
            "--json", dest="as_json", action="store_true", help=_("Print the counts as JSON.")
        )
        arguments.add_database(parser)

    def handle(
        self, *, dry_run: bool, batch_size: int, as_json: bool, database: str, **options: Any
    ) -> None:

        def total() -> int:
            due = cleanup_files(database, dry_run=True)
            return due.uploads + due.files

        with Progress(self.stderr, total) as progress:
            report = cleanup_files(
                database, batch_size=batch_size, dry_run=dry_run, progress=progress.rows
            )
        if as_json:
            self.stdout.write(json.dumps({"dry_run": dry_run, **vars(report)}))
        else:
            self.stdout.write(self._sentence(report, dry_run=dry_run))
        if report.failed:
            raise CommandError(
                ngettext(
                    "%(count)d file could not be removed: see the log. It is tried again.",
                    "%(count)d files could not be removed: see the log. They are tried again.",
                    report.failed,
                )
                % {"count": report.failed}
            )

    def _sentence(self, report: FilesReport, *, dry_run: bool) -> str:
        sentence = (
            _("Would delete %(uploads)s and remove %(files)s.")
            if dry_run
            else _("Deleted %(uploads)s and removed %(files)s.")
        )
        return sentence % {
            "uploads": ngettext(
                "%(count)d unused upload", "%(count)d unused uploads", report.uploads
            )
            % {"count": report.uploads},
            "files": ngettext("%(count)d file", "%(count)d files", report.files)
            % {"count": report.files},
        }
