"""The public import path of ``release_connections`` and ``close_async_pools``."""

from chatstore.db.async_pools import close_async_pools
from chatstore.db.connections import release_connections

__all__ = ["close_async_pools", "release_connections"]
