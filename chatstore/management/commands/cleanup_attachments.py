"""Deletes uploads that no message used, and works off the list of files to remove (A4)."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chatstore import retention
from chatstore.management import arguments


class Command(BaseCommand):
    help = (
        "Deletes uploads that no message used within a day, and removes files that are noted "
        "for removal."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help=_("Say what would be done."))
        parser.add_argument("--batch-size", type=arguments.batch_size, default=retention.BATCH_SIZE)
        parser.add_argument("--json", action="store_true", help=_("Print the counts as JSON."))
        arguments.add_database(parser)

    def handle(self, **options: Any) -> None:
        report = retention.cleanup_files(
            options["database"], batch_size=options["batch_size"], dry_run=options["dry_run"]
        )
        if options["json"]:
            self.stdout.write(json.dumps({"dry_run": options["dry_run"], **vars(report)}))
        else:
            self.stdout.write(self._sentence(report, dry_run=options["dry_run"]))
        if report.failed:
            raise CommandError(
                ngettext(
                    "%d file could not be removed: see the log. It is tried again.",
                    "%d files could not be removed: see the log. They are tried again.",
                    report.failed,
                )
                % report.failed
            )

    def _sentence(self, report: retention.FilesReport, *, dry_run: bool) -> str:
        sentence = (
            _("Would delete %(uploads)s and remove %(files)s.")
            if dry_run
            else _("Deleted %(uploads)s and removed %(files)s.")
        )
        return sentence % {
            "uploads": ngettext("%d unused upload", "%d unused uploads", report.uploads)
            % report.uploads,
            "files": ngettext("%d noted file", "%d noted files", report.files) % report.files,
        }
