"""Transfers all threads of one owner to another, for example of a visitor who signs up."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chatstore.lifecycle.transfer import UPLOADS, assign_threads
from chatstore.management import arguments
from chatstore.management.progress import Progress
from chatstore.models import ChatSession


class Command(BaseCommand):
    help = "Transfers all threads, messages and uploads of one owner to another."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--from",
            dest="from_user",
            type=arguments.user_id,
            required=True,
            help=_("The owner who has them."),
        )
        parser.add_argument(
            "--to",
            dest="to_user",
            type=arguments.user_id,
            required=True,
            help=_("The owner who gets them."),
        )
        parser.add_argument("--dry-run", action="store_true", help=_("Say what would be done."))
        arguments.add_database(parser)

    def handle(
        self, *, from_user: str, to_user: str, dry_run: bool, database: str, **options: Any
    ) -> None:
        if from_user == to_user:
            raise CommandError(_("--from and --to are the same."))
        sessions = ChatSession.objects.using(database).for_owner(from_user)
        with Progress(self.stderr, sessions.count) as progress:
            counts, left = assign_threads(
                from_user, to_user, database, dry_run=dry_run, progress=progress.threads
            )
        if threads := [thread_id for thread_id in left if thread_id != UPLOADS]:
            sentence = ngettext(
                "%(count)d thread stays, since %(new)s has one of its ids already:",
                "%(count)d threads stay, since %(new)s has one of their ids already:",
                len(threads),
            ) % {"count": len(threads), "new": to_user}
            self.stdout.write(f"{sentence} {', '.join(threads)}.")
        if UPLOADS in left:
            self.stdout.write(
                _("Uploads that are in no thread stay, since %s has one of their ids already.")
                % to_user
            )
        sentence = (
            _("Would transfer %(counts)s from %(old)s to %(new)s.")
            if dry_run
            else _("Transferred %(counts)s from %(old)s to %(new)s.")
        )
        values = {"counts": arguments.format_counts(counts), "old": from_user, "new": to_user}
        self.stdout.write(sentence % values)
