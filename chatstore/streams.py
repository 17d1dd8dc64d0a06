"""The public import path of ``with_lifespan``, the ASGI wrapper."""

from chatstore.http.lifespan import with_lifespan

__all__ = ["with_lifespan"]
