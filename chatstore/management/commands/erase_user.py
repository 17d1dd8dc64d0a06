"""Erases all data of one user, and prints a receipt (R4)."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chatstore.lifecycle.erasure import Receipt, erase_user
from chatstore.management import arguments
from chatstore.management.progress import Progress
from chatstore.models import ChatSession


class Command(BaseCommand):
    help = "Erases all threads, messages and files of a user. Threads on hold are listed and kept."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", type=arguments.user_id, help=_("The owner's id."))
        parser.add_argument("--dry-run", action="store_true", help=_("Say what would be done."))
        parser.add_argument(
            "--json", dest="as_json", action="store_true", help=_("Print the receipt as JSON.")
        )
        arguments.add_database(parser)

    def handle(
        self, *, user: str, dry_run: bool, as_json: bool, database: str, **options: Any
    ) -> None:
        threads = ChatSession.objects.using(database).for_owner(user).deletable()
        with Progress(self.stderr, threads.count) as progress:
            receipt = erase_user(user, database, dry_run=dry_run, progress=progress.threads)
        if as_json:
            values = {
                "dry_run": dry_run,
                **vars(receipt),
                "erased": vars(receipt.erased),
                "erased_at": receipt.erased_at.isoformat(),
            }
            self.stdout.write(json.dumps(values))
        else:
            self._print(receipt, dry_run=dry_run)
        if not receipt.on_hold and not any(vars(receipt.erased).values()):
            sentence = _(
                "Nothing of %(user)s was found. An owner's id is what get_context gives: by "
                "default the user's primary key, not the name."
            )
            self.stderr.write(sentence % {"user": user})
        if receipt.failed_receivers:
            raise CommandError(
                _("Receivers of the signal user_erased failed, see the log: %s.")
                % ", ".join(receipt.failed_receivers)
            )

    def _print(self, receipt: Receipt, *, dry_run: bool) -> None:
        if receipt.on_hold:
            sentence = ngettext(
                "%(count)d thread is on hold and stays:",
                "%(count)d threads are on hold and stay:",
                len(receipt.on_hold),
            ) % {"count": len(receipt.on_hold)}
            self.stdout.write(f"{sentence} {', '.join(receipt.on_hold)}.")
        if receipt.files_left:
            self.stdout.write(
                ngettext(
                    "%(count)d file could not be removed yet; cleanup_attachments tries again.",
                    "%(count)d files could not be removed yet; cleanup_attachments tries again.",
                    receipt.files_left,
                )
                % {"count": receipt.files_left}
            )
        sentence = (
            _("Would erase %(counts)s of %(user)s.")
            if dry_run
            else _("Erased %(counts)s of %(user)s.")
        )
        counts = arguments.format_counts(receipt.erased)
        self.stdout.write(sentence % {"counts": counts, "user": receipt.user_id})
