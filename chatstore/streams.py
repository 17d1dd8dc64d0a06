"""The ASGI wrapper ``with_lifespan``, by the name under which projects import it."""

from chatstore.http.lifespan import with_lifespan

__all__ = ["with_lifespan"]
