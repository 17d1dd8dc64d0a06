"""Distributes the tables over the nodes of a Citus cluster, or undoes it (docs/how-to/scale.md)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error, connections
from django.utils.translation import gettext as _

from chatstore import sharding
from chatstore.management import arguments
from chatstore.management.progress import Progress

SHARD_COUNT = 32  # Citus's own default


class Command(BaseCommand):
    help = (
        "Distributes conversations by owner over the nodes of a Citus cluster. "
        "It can be stopped at any time, and run again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--shard-count",
            type=arguments.shard_count,
            default=SHARD_COUNT,
            help=_("Into how many shards each table is divided; default: %d.") % SHARD_COUNT,
        )
        parser.add_argument(
            "--concurrently",
            action="store_true",
            help=_("Let chats write while rows are copied; it takes longer."),
        )
        parser.add_argument(
            "--dry-run", action="store_true", help=_("Print the SQL that would be run.")
        )
        parser.add_argument(
            "--undistribute",
            action="store_true",
            help=_("Move all rows back to the coordinator."),
        )
        arguments.add_database(parser)

    def handle(
        self,
        *,
        shard_count: int,
        concurrently: bool,
        dry_run: bool,
        undistribute: bool,
        database: str,
        **options: Any,
    ) -> None:
        connection = connections[database]
        problems = sharding.find_problems(connection, is_undone=undistribute)
        if problems and not (dry_run and connection.vendor == "postgresql"):
            raise CommandError(" ".join(problems))
        for problem in problems:
            self.stdout.write(f"-- {problem}")

        def steps() -> Iterator[sharding.Step]:
            if undistribute:
                return sharding.undistribute(connection)
            return sharding.distribute(
                connection, shard_count=shard_count, concurrently=concurrently
            )

        try:
            with Progress(self.stderr, lambda: sum(1 for _step in steps())) as progress:
                for done, step in enumerate(steps()):
                    progress.close()
                    self.stdout.write(_as_sql(step))
                    if not dry_run:
                        self.stdout.flush()
                        progress.steps(done)
                        sharding.run(connection, step)
        except Error as error:
            raise CommandError(
                _("The last step failed; run the command again to continue: %s") % error
            ) from error
        if not dry_run:
            self.stdout.write(
                _("The tables are on the coordinator.")
                if undistribute
                else _("The tables are distributed.")
            )


def _as_sql(step: sharding.Step) -> str:
    statements = step if len(step) == 1 else ("BEGIN", *step, "COMMIT")
    return "\n".join(f"{statement};" for statement in statements)
