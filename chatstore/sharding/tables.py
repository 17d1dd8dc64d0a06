"""Which tables are distributed by owner, and which stay on the coordinator; by the models."""

from __future__ import annotations

from typing import Any, TypeAlias

from django.apps import apps
from django.db.models import ForeignKey

from chatstore.models import ChatSession, OwnedQuerySet

Model: TypeAlias = Any  # a class of models, whose _meta is wider than its type says
Key: TypeAlias = Any  # a ForeignKey


def owned_models() -> list[Model]:
    """Return the models whose rows have an owner, threads first."""
    models = [model for model in _models() if _is_owned(model)]
    return sorted(models, key=lambda model: model is not ChatSession)


def local_models() -> list[Model]:
    """Return the other models, whose tables are not distributed."""
    return [model for model in _models() if not _is_owned(model)]


def owned_tables() -> list[str]:
    """Return the names of the tables whose rows have an owner, threads first."""
    return [model._meta.db_table for model in owned_models()]


def foreign_keys(model: Model) -> list[Key]:
    """Return the model's foreign keys that the database enforces."""
    return [
        field
        for field in model._meta.local_concrete_fields
        if isinstance(field, ForeignKey) and getattr(field, "db_constraint", False)
    ]


def key_columns(model: Model) -> list[str]:
    """
    Return the columns of an owned table's primary key while it is distributed.

    The id is first: so the index also finds rows by ids alone, as the overview's sample does.
    """
    return [model._meta.pk.column, "user_id"]


def _models() -> list[Model]:
    return list(apps.get_app_config("chatstore").get_models())


def _is_owned(model: Model) -> bool:
    return isinstance(model._default_manager.all(), OwnedQuerySet)
