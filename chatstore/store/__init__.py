"""
DjangoStore: chatkit's Store over the ORM.

``django_store`` has the async methods that ChatKit calls, ``model_turn_methods`` those for what
models did. ``threads``, ``items``, ``attachments`` and ``model_turns`` have one operation for each
of them, which ``operations`` runs. ``queries`` has the frequent queries, compiled once; ``rows``
decodes rows and builds pages; ``owner`` limits every query to the rows of
one owner. Nothing here knows of requests or responses.
"""

from chatstore.store.django_store import DjangoStore

__all__ = ["DjangoStore"]
