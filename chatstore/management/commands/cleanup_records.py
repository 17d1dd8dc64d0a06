"""Deletes the moderators' records that are older than CHATSTORE_RECORD_DAYS (M3)."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chatstore.conf import settings
from chatstore.lifecycle.records import BATCH_SIZE, RecordsReport, cleanup_records
from chatstore.management import arguments
from chatstore.management.progress import Progress


class Command(BaseCommand):
    help = (
        "Deletes moderation records that are older than CHATSTORE_RECORD_DAYS, or than --days "
        "days, and reports that were closed before that."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--days", type=arguments.days, help=_("Default: CHATSTORE_RECORD_DAYS.")
        )
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
        self,
        *,
        days: int | None,
        dry_run: bool,
        batch_size: int,
        as_json: bool,
        database: str,
        **options: Any,
    ) -> None:
        days = days or settings.record_days
        if not days:
            raise CommandError(
                _("CHATSTORE_RECORD_DAYS is 0: records are kept. Set it, or give --days.")
            )
        cutoff = timezone.now() - dt.timedelta(days=days)

        def total() -> int:
            old = cleanup_records(cutoff, database, dry_run=True)
            return old.records + old.reports

        with Progress(self.stderr, total) as progress:
            report = cleanup_records(
                cutoff, database, batch_size=batch_size, dry_run=dry_run, progress=progress.rows
            )
        if as_json:
            values = {"dry_run": dry_run, "cutoff": cutoff.isoformat(), **vars(report)}
            self.stdout.write(json.dumps(values))
        else:
            self.stdout.write(self._sentence(report, dry_run=dry_run))

    def _sentence(self, report: RecordsReport, *, dry_run: bool) -> str:
        sentence = (
            _("Would delete %(records)s and %(reports)s.")
            if dry_run
            else _("Deleted %(records)s and %(reports)s.")
        )
        return sentence % {
            "records": ngettext("%(count)d record", "%(count)d records", report.records)
            % {"count": report.records},
            "reports": ngettext("%(count)d report", "%(count)d reports", report.reports)
            % {"count": report.reports},
        }
