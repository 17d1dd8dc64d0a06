"""Makes the group that a site's moderators are put into."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

NAME = "Chat moderators"
# What can't be undone, and what takes conversations out of the site, is given to people singly.
PERMISSIONS = (
    "view_chatsession",
    "view_chatmessage",
    "view_moderationrecord",
    "read_transcript",
    "moderate",
    "hold",
)


class Command(BaseCommand):
    help = (
        f"Make the group “{NAME}”, whose members read, lock, hide and hold in the admin. "
        "Redacting, deleting and exporting are not among its permissions. Run again, it adds "
        "what is missing."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        # A command, not a migration: permissions are made after the last migration has run.
        group, _is_new = Group.objects.get_or_create(name=NAME)
        permissions = Permission.objects.filter(
            content_type__app_label="chatstore", codename__in=PERMISSIONS
        )
        group.permissions.add(*permissions)
        self.stdout.write(
            _("The group “%(name)s” has %(count)d permissions of chatstore.")
            % {"name": NAME, "count": len(permissions)}
        )
