"""The app's configuration for Django."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ChatstoreConfig(AppConfig):
    name = "chatstore"
    verbose_name = _("Chat")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from chatstore import checks  # noqa: F401  (registers the system checks)
