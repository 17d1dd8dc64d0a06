"""What a database and its nodes need before their tables can be distributed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

from chatstore.conf import settings
from chatstore.sharding.catalog import Catalog
from chatstore.sharding.tables import local_models, owned_models, owned_tables


def find_problems(connection: Any, *, is_undone: bool = False) -> list[str]:
    """
    Return why the tables can't be distributed, or this can't be undone, in sentences.

    Args:
        connection: Django's connection to the coordinator.
    """
    if connection.vendor != "postgresql":
        return [_("Only PostgreSQL with the extension citus can distribute tables.")]
    catalog = Catalog(connection)
    tables = [*owned_tables(), *(model._meta.db_table for model in local_models())]
    if not all(map(catalog.has_table, tables)):
        return [_("A table is missing: run migrate first.")]
    if not catalog.has_citus():
        problems = [_("The database has no extension citus: CREATE EXTENSION citus on each node.")]
    else:
        problems = [*(_repeated_keys(catalog) if is_undone else find_cluster_problems(catalog))]
    if not (settings.sharded or is_undone):
        problems.append(
            _("Set CHATSTORE_SHARDED = True first, and restart all processes of the site.")
        )
    return [*problems, *_foreign_keys_of_others(catalog)]


def find_cluster_problems(catalog: Catalog) -> Iterator[str]:
    """Yield what the cluster's nodes lack."""
    coordinators, workers = catalog.node_counts()
    if not coordinators:
        yield _("The coordinator has no address: SELECT citus_set_coordinator_host('…', 5432).")
    if not workers:
        yield _("The cluster has no worker: SELECT citus_add_node('…', 5432).")
    for node, name, value in catalog.node_settings(
        "wal_level", "max_prepared_transactions", "output_plugin_libraries"
    ):
        if name == "wal_level" and value != "logical":
            # Shards are moved, and tables distributed concurrently, by logical replication.
            yield _("%s: wal_level must be logical.") % node
        if name == "max_prepared_transactions" and value == "0":
            yield _("%s: max_prepared_transactions must not be 0; see docs/how-to/scale.md.") % node
        # Servers of before August 2026 have no such setting, and load any plugin.
        plugins = (value or "").replace(" ", "").split(",")
        if name == "output_plugin_libraries" and value is not None and "citus" not in plugins:
            yield _("%s: output_plugin_libraries must include citus.") % node


def _foreign_keys_of_others(catalog: Catalog) -> Iterator[str]:
    tables = owned_tables()
    for key in catalog.foreign_keys(*tables):
        if not {key.table, key.referenced_table} <= {*tables}:
            yield _("The foreign key %(name)s of %(table)s must be dropped first.") % {
                "name": key.name,
                "table": key.table,
            }


def _repeated_keys(catalog: Catalog) -> Iterator[str]:
    """Two owners may have a row with the same id while tables are distributed (S3)."""
    for model in owned_models():
        table = model._meta.db_table
        if catalog.is_distributed(table) and catalog.has_repeated(table, model._meta.pk.column):
            yield _("%s: two owners have a row with the same id; delete one of them.") % table
