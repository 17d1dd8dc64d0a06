"""``release_connections``, by the name under which projects import it."""

from chatstore.db.connections import release_connections

__all__ = ["release_connections"]
