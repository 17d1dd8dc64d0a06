"""
The app's settings: one lazy, typed property each, so that override_settings works.

This is the only room that reads django.conf.settings. Every name begins with CHATSTORE_.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeVar, cast

from django.conf import settings as django_settings

# What a model can read, and a browser can show without running it.
DEFAULT_UPLOAD_TYPES = (
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "application/pdf",
    "application/json",
    "text/plain",
    "text/csv",
    "text/markdown",
)


Value = TypeVar("Value")


class Settings:
    """``from chatstore.conf import settings``; a property reads its setting when asked."""

    @staticmethod
    def _get(name: str, default: Value) -> Value:
        # The system checks, not this, tell whether a project's value has the default's type.
        return cast(Value, getattr(django_settings, f"CHATSTORE_{name}", default))

    @property
    def server(self) -> str:
        """Dotted path of the ChatServer subclass that the views use."""
        return self._get("SERVER", "")

    @property
    def domain_key(self) -> str:
        """OpenAI's key of this site's domain for {% chatkit %}; on localhost any will do."""
        return self._get("DOMAIN_KEY", "localhost")

    @property
    def max_page_size(self) -> int:
        """The most threads or items that one request may ask for; larger limits are lowered."""
        return self._get("MAX_PAGE_SIZE", 100)

    @property
    def max_request_bytes(self) -> int:
        """The largest body, in bytes, that the ChatKit endpoint reads."""
        return self._get("MAX_REQUEST_BYTES", 10 * 1024 * 1024)

    @property
    def max_input_length(self) -> int:
        """The most characters of a conversation, files included, that run_agent gives a model."""
        return self._get("MAX_INPUT_LENGTH", 400_000)

    @property
    def storage(self) -> str:
        """Alias, in STORAGES, of the storage that holds the bytes of attachments."""
        return self._get("STORAGE", "default")

    @property
    def upload_types(self) -> Collection[str]:
        """The types of file, by content, that users may upload."""
        default: Collection[str] = DEFAULT_UPLOAD_TYPES
        return self._get("UPLOAD_TYPES", default)

    @property
    def max_upload_bytes(self) -> int:
        """The largest file, in bytes, that a user may upload."""
        return self._get("MAX_UPLOAD_BYTES", 20 * 1024 * 1024)

    @property
    def max_attachments(self) -> int:
        """The most attachments that one message may have."""
        return self._get("MAX_ATTACHMENTS", 10)

    @property
    def user_quota_bytes(self) -> int:
        """The most, in bytes, that all attachments of one user may take together."""
        return self._get("USER_QUOTA_BYTES", 1024 * 1024 * 1024)

    @property
    def upload_url_ttl(self) -> int:
        """Seconds for which the URL of a two-phase upload is good."""
        return self._get("UPLOAD_URL_TTL", 3600)

    @property
    def file_url_ttl(self) -> int:
        """Seconds for which the URL of a preview is good; each load makes a new one."""
        return self._get("FILE_URL_TTL", 3600)

    @property
    def base_url(self) -> str:
        """The site's own address in the URLs of files; empty means that of the request."""
        return self._get("BASE_URL", "")

    @property
    def use_presigned_urls(self) -> bool:
        """Whether bytes go to and from a storage with signed URLs of its own, past Django."""
        return self._get("USE_PRESIGNED_URLS", True)

    @property
    def retention_days(self) -> int:
        """The age, in days, from which the admin calls threads old; it deletes none."""
        return self._get("RETENTION_DAYS", 90)

    @property
    def reason_to_read(self) -> bool:
        """Whether moderators must give a reason before they read a conversation."""
        return self._get("REASON_TO_READ", False)

    @property
    def use_tz(self) -> bool:
        """Django's own USE_TZ."""
        return bool(django_settings.USE_TZ)

    @property
    def language_code(self) -> str:
        """Django's own LANGUAGE_CODE: of text that is written once, for whoever reads it."""
        return str(django_settings.LANGUAGE_CODE)


settings = Settings()
