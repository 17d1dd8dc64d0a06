"""
Uploaded files: DjangoAttachmentStore, which is chatkit's AttachmentStore over the ORM and any
Django storage, the steps of an upload, what may be uploaded, and how a file is sent out.
"""

from chatstore.attachments.attachment_store import DjangoAttachmentStore

__all__ = ["DjangoAttachmentStore"]
