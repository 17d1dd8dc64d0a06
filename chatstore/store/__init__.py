"""
DjangoStore: chatkit's Store over the ORM.

``django_store`` has the async methods that ChatKit calls; ``threads``, ``items`` and
``attachments`` have the sync operation behind each of them; ``queries`` has what every turn of a
conversation asks, compiled once; ``owner`` limits every query to the rows of one owner.
"""

from chatstore.store.django_store import DjangoStore

__all__ = ["DjangoStore"]
