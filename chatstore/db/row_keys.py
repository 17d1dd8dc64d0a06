"""
The text by which the admin's URLs and forms name a row: its primary key, and where tables are
sharded, its owner too. There, two owners may have rows with the same primary key, and no index
finds a row without its owner.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Model, Q

from chatstore.conf import settings
from chatstore.models import OwnedQuerySet


def row_key(row: Model) -> str:
    """Return the text that names a row; it has no character that a URL would quote."""
    key = str(row.pk)
    if settings.sharded and isinstance(type(row)._default_manager.all(), OwnedQuerySet):
        owner: Any = row
        key += f".{owner.user_id.encode().hex()}"
    return key


def person_key(user_id: str) -> str:
    """Return the text that names a person in a URL; it has no character that would be quoted."""
    return user_id.encode().hex()


def primary_key(key: str) -> str:
    """Return a row's primary key, as it is in its key."""
    return key.partition(".")[0]


def rows_with_keys(model: type[Model], keys: Iterable[str]) -> Q:
    """
    Return the condition that a row has one of these keys.

    A key without an owner, such as one of a link that was made before tables were sharded, may
    name rows of several owners. Raises ValidationError for what is no key.
    """
    found = Q(pk__in=[])
    for key in keys:
        pk, _dot, owner = key.partition(".")
        named = Q(pk=model._meta.pk.to_python(pk))
        if owner:
            try:
                named &= Q(user_id=bytes.fromhex(owner).decode())
            except ValueError as error:
                raise ValidationError("An owner's id can't be decoded") from error
        found |= named
    return found
