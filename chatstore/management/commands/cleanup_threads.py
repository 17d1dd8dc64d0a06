"""
Deletes threads that are older than the retention age (R1, R2), and temporary threads (R6); see
docs/how-to/operations.md.
"""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chatstore.lifecycle.retention import BATCH_SIZE, ArchiveBatch, Report, Rule, cleanup
from chatstore.management import arguments
from chatstore.management.progress import Progress
from chatstore.models import ChatSession, ChatSessionQuerySet
from chatstore.portability.archive import ArchiveError
from chatstore.portability.exports import Exporter
from chatstore.portability.writer import Writer


class Command(BaseCommand):
    help = "Deletes threads without activity for --days days, with their messages and files."

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument(
            "--days", type=arguments.days, help=_("The age from which threads are deleted.")
        )
        which.add_argument(
            "--temporary",
            action="store_true",
            help=_("Only temporary threads, which every other run deletes too."),
        )
        parser.add_argument(
            "--by",
            choices=["activity", "created"],
            default="activity",
            help=_(
                "Which time is compared with --days: the last activity (default), or the creation."
            ),
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
            default=BATCH_SIZE,
            help=_("Threads in a transaction; default: %d.") % BATCH_SIZE,
        )
        parser.add_argument(
            "--limit", type=arguments.positive_integer, help=_("Stop after this many threads.")
        )
        parser.add_argument(
            "--max-seconds",
            type=arguments.positive_integer,
            help=_("Begin no batch after this many seconds."),
        )
        parser.add_argument(
            "--archive",
            metavar="FILE",
            help=_("Export the threads to this new file before they are deleted."),
        )
        parser.add_argument(
            "--json", dest="as_json", action="store_true", help=_("Print the counts as JSON.")
        )
        arguments.add_database(parser)

    def handle(
        self,
        *,
        days: int | None = None,
        temporary: bool,
        by: str,
        user: str | None,
        status: str | None,
        dry_run: bool,
        batch_size: int,
        limit: int | None,
        max_seconds: float | None,
        archive: str | None,
        as_json: bool,
        database: str,
        **options: Any,
    ) -> None:
        now = timezone.now()
        rule = None
        if days is not None:
            rule = Rule(
                cutoff=now - dt.timedelta(days=days),
                now=now,
                by_creation=by == "created",
                user_id=user,
                status=status,
            )
        run = partial(cleanup, using=database, batch_size=batch_size, dry_run=dry_run)
        if archive and (archive == "-" or archive.endswith(".zip")):
            # A run may be killed, and a zip that was not closed can't be read.
            raise CommandError(_("--archive must be FILE.jsonl or FILE.jsonl.gz."))
        temporary_rule = Rule.for_temporary(
            user_id=user, status=status, cutoff=rule.cutoff if rule else None
        )
        start = time.monotonic()
        try:
            with self._open_archive(None if dry_run else archive, database) as archive_batch:
                with self._progress(temporary_rule, database, limit) as progress:
                    # Never archived: they are not to be kept.
                    ended = run(
                        temporary_rule,
                        limit=limit,
                        max_seconds=max_seconds,
                        progress=progress.threads,
                    )
                report = Report(is_finished=True)
                if rule:
                    if limit is not None:
                        limit -= ended.deleted.threads
                    if max_seconds is not None:
                        max_seconds -= time.monotonic() - start
                    with self._progress(rule, database, limit) as progress:
                        report = run(
                            rule,
                            limit=limit,
                            max_seconds=max_seconds,
                            archive=archive_batch,
                            progress=progress.threads,
                        )
        except (ArchiveError, OSError) as error:  # such as a full disk; the batch is not deleted
            raise arguments.archive_error(error) from error
        if as_json:
            values = {
                "dry_run": dry_run,
                "by": by,
                "cutoff": rule.cutoff.isoformat() if rule else None,
                **vars(report.deleted),
                "temporary": ended.deleted.threads,
                "on_hold": report.on_hold + ended.on_hold,
                "pinned": report.pinned,
                "is_finished": report.is_finished and ended.is_finished,
            }
            self.stdout.write(json.dumps(values))
        else:
            self.stdout.write(self._sentence(report if rule else None, ended, dry_run=dry_run))

    def _progress(self, rule: Rule, database: str, limit: int | None) -> Progress:
        threads = rule.sessions(database).deletable()
        # Not counted further than the limit.
        return Progress(self.stderr, threads[:limit].count)

    @contextmanager
    def _open_archive(self, target: str | None, database: str) -> Iterator[ArchiveBatch | None]:
        """Yield the function that exports a batch to the archive; None without --archive."""
        if target is None:
            yield None
            return
        with Writer(target) as writer:
            exporter = Exporter(writer, database)

            def archive_batch(sessions: ChatSessionQuerySet) -> None:
                exporter.export(sessions)
                writer.flush()

            yield archive_batch

    def _sentence(self, report: Report | None, ended: Report, *, dry_run: bool) -> str:
        sentences = []
        if report:
            sentence = _("Would delete %s.") if dry_run else _("Deleted %s.")
            sentences.append(sentence % arguments.format_counts(report.deleted))
        if ended.deleted.threads or not report:
            sentence = _("Would delete temporary: %s.") if dry_run else _("Deleted temporary: %s.")
            sentences.append(sentence % arguments.format_counts(ended.deleted))
        reports = [report, ended] if report else [ended]
        if on_hold := sum(each.on_hold for each in reports):
            sentences.append(
                ngettext(
                    "%(count)d thread on hold is kept.",
                    "%(count)d threads on hold are kept.",
                    on_hold,
                )
                % {"count": on_hold}
            )
        if pinned := sum(each.pinned for each in reports):
            sentences.append(
                ngettext(
                    "%(count)d pinned thread is kept.", "%(count)d pinned threads are kept.", pinned
                )
                % {"count": pinned}
            )
        if not all(each.is_finished for each in reports):
            sentences.append(_("Stopped at a limit; there may be more."))
        return " ".join(sentences)
