"""
DjangoStore: chatkit's Store over the ORM.

``django_store`` has the async methods that ChatKit calls. ``threads``, ``items`` and
``attachments`` have one sync operation for each of them. ``queries`` has the frequent queries,
compiled once; ``rows`` decodes rows and builds pages; ``owner`` limits every query to the rows of
one owner. Nothing here knows of requests or responses.
"""

from chatstore.store.django_store import DjangoStore

__all__ = ["DjangoStore"]
