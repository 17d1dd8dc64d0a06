"""Deletes threads that are older than the retention age; docs/operations.md tells about it."""

from __future__ import annotations

import datetime as dt
import json
from contextlib import nullcontext
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chatstore import retention
from chatstore.management import arguments
from chatstore.models import ChatSession
from chatstore.portability.archive import ArchiveError, Writer
from chatstore.portability.exports import Exporter


class Command(BaseCommand):
    help = "Deletes threads without activity for some days, with their messages and files."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=arguments.days, required=True)
        parser.add_argument(
            "--by",
            choices=["activity", "created"],
            default="activity",
            help=_("What is older than the days: the last activity (default), or the creation."),
        )
        parser.add_argument("--user", type=arguments.user_id, help=_("Only this owner's threads."))
        parser.add_argument(
            "--status",
            choices=ChatSession.Status.values,
            help=_("Only threads that show this status."),
        )
        parser.add_argument("--dry-run", action="store_true", help=_("Say what would be done."))
        parser.add_argument(
            "--batch-size",
            type=arguments.batch_size,
            default=retention.BATCH_SIZE,
            help=_("Threads in a transaction; default: %d.") % retention.BATCH_SIZE,
        )
        parser.add_argument(
            "--limit", type=arguments.whole_number, help=_("Stop after this many threads.")
        )
        parser.add_argument(
            "--max-seconds",
            type=arguments.whole_number,
            help=_("Begin no batch after this many seconds."),
        )
        parser.add_argument(
            "--archive",
            metavar="FILE",
            help=_("Write what is deleted to a new file first, as export_threads does."),
        )
        parser.add_argument("--json", action="store_true", help=_("Print the counts as JSON."))
        arguments.add_database(parser)

    def handle(self, **options: Any) -> None:
        now = timezone.now()
        rule = retention.Rule(
            cutoff=now - dt.timedelta(days=options["days"]),
            now=now,
            by_creation=options["by"] == "created",
            user_id=options["user"],
            status=options["status"],
        )
        target = options["archive"]
        if target and (target == "-" or target.endswith(".zip")):
            # A zip is readable only when it is closed; a run may be killed before.
            raise CommandError(_("--archive takes a file of lines, FILE.jsonl or FILE.jsonl.gz."))
        if options["dry_run"]:
            target = None
        try:
            with (
                Writer(target) if target else nullcontext() as writer,
                arguments.Progress(self.stderr) as progress,
            ):
                report = retention.cleanup(
                    rule,
                    options["database"],
                    batch_size=options["batch_size"],
                    limit=options["limit"],
                    max_seconds=options["max_seconds"],
                    dry_run=options["dry_run"],
                    archive=Exporter(writer, options["database"]) if writer else None,
                    progress=progress,
                )
        except (ArchiveError, OSError) as error:  # the disk is full, say: that batch stays
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(self._as_dict(report, rule, options)))
        else:
            self.stdout.write(self._sentence(report, dry_run=options["dry_run"]))

    def _as_dict(
        self, report: retention.Report, rule: retention.Rule, options: dict[str, Any]
    ) -> dict[str, Any]:
        return {
            "dry_run": options["dry_run"],
            "by": options["by"],
            "cutoff": rule.cutoff.isoformat(),
            **vars(report.deleted),
            "on_hold": report.on_hold,
            "is_finished": report.is_finished,
        }

    def _sentence(self, report: retention.Report, *, dry_run: bool) -> str:
        sentence = _("Would delete %s.") if dry_run else _("Deleted %s.")
        sentences = [sentence % arguments.in_words(report.deleted)]
        if report.on_hold:
            sentences.append(
                ngettext(
                    "%d thread on hold is spared.", "%d threads on hold are spared.", report.on_hold
                )
                % report.on_hold
            )
        if not report.is_finished:
            sentences.append(_("Stopped at a limit: there may be more."))
        return " ".join(sentences)
