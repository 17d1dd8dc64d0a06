"""Creates the group of a site's moderators."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.core.management.base import BaseCommand
from django.utils.translation import ngettext

NAME = "Chat moderators"
# Not redact, delete and export, which can't be undone or copy conversations: give these singly.
PERMISSIONS = (
    "view_chatsession",
    "view_chatmessage",
    "view_moderationrecord",
    "read_transcript",
    "moderate",
    "hold",
    "view_chatreport",
    "handle_reports",
    "assign",
    "note",
    "label",
    "suspend",
)


class Command(BaseCommand):
    help = (
        f"Creates the group “{NAME}”, which may read, lock, hide, put on hold, work on reports and "
        "suspend people in the admin. "
        "It has no permission to redact, delete or export. If the group exists, missing "
        "permissions are added."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        # Not a migration, because Django creates permissions after the last migration.
        group, _is_new = Group.objects.get_or_create(name=NAME)
        permissions = Permission.objects.filter(
            content_type__app_label="chatstore", codename__in=PERMISSIONS
        )
        group.permissions.add(*permissions)
        self.stdout.write(
            ngettext(
                "The group “%(name)s” has %(count)d permission of chatstore.",
                "The group “%(name)s” has %(count)d permissions of chatstore.",
                len(permissions),
            )
            % {"name": NAME, "count": len(permissions)}
        )
