"""The public import path of ``release_connections``."""

from chatstore.db.connections import release_connections

__all__ = ["release_connections"]
