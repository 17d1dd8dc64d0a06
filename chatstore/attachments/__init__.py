"""
DjangoAttachmentStore: ChatKit's AttachmentStore, with the ORM and any Django storage.

``upload_service`` has the steps of an upload, ``validation`` the limits of name, size and type,
``responses`` the response with a file. Nothing here knows of views; chatstore.http has them.
"""

from chatstore.attachments.attachment_store import DjangoAttachmentStore

__all__ = ["DjangoAttachmentStore"]
