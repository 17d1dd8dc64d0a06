"""Members of staff with given permissions, and the admin's URLs."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission, User
from django.test import Client

from chatstore.db.row_keys import row_key
from chatstore.models import ChatMessage, ChatSession

THREADS = "/admin/chatstore/chatsession/"
MESSAGES = "/admin/chatstore/chatmessage/"
REPORTS = "/admin/chatstore/chatreport/"
RECORDS = "/admin/chatstore/moderationrecord/"


def staff(name: str, *permissions: str) -> User:
    """Create a member of staff with these permissions of chatstore."""
    user = get_user_model().objects.create_user(name, is_staff=True)
    user.user_permissions.set(
        Permission.objects.filter(content_type__app_label="chatstore", codename__in=permissions)
    )
    return user


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def url(thread: ChatSession, *parts: Any) -> str:
    """Return the address of a page of the thread."""
    return "/".join([THREADS.rstrip("/"), row_key(thread), *map(str, parts), ""])


def item_url(message: ChatMessage, *parts: Any) -> str:
    return url(message.session, "items", message.pk, *parts)
