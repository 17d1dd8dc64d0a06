"""
The app's settings: a typed property for each, read at every access so that override_settings works.

The only module that reads django.conf.settings. A property ``name`` is the setting CHATSTORE_NAME.
chatstore.checks tests their types and values.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeVar, cast

from django.conf import settings as django_settings
from django.utils.translation import gettext_lazy as _

# Types that models can read, and that a browser shows without executing anything.
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

# Why a user reports a message; the reason is stored by its name.
DEFAULT_REPORT_REASONS = {
    "harmful": _("It is harmful or offensive"),
    "wrong": _("It is wrong or misleading"),
    "private": _("It shows private data"),
    "illegal": _("It breaks the law"),
    "other": _("Another reason"),
}

# What moderators choose from when they act, and when they dismiss a report.
DEFAULT_ACTION_REASONS = (
    _("Spam or advertising"),
    _("Insults or hatred"),
    _("Private data"),
    _("Against the rules of this site"),
)
DEFAULT_DISMISS_REASONS = (
    _("Nothing is wrong with it"),
    _("Reported by mistake"),
    _("Dealt with already"),
)

Value = TypeVar("Value")


class Settings:
    """The class of ``chatstore.conf.settings``."""

    @staticmethod
    def _get(name: str, default: Value) -> Value:
        # A value of another type is an error of the system checks.
        return cast(Value, getattr(django_settings, f"CHATSTORE_{name}", default))

    @property
    def server(self) -> str:
        """Dotted path of the ChatServer subclass that the views use."""
        return self._get("SERVER", "")

    @property
    def async_pool(self) -> dict[str, Any]:
        """Options of psycopg_pool.AsyncConnectionPool; empty: no such pool is used (S19)."""
        default: dict[str, Any] = {}
        return self._get("ASYNC_POOL", default)

    @property
    def sharded(self) -> bool:
        """Whether the tables are, or will be, sharded by owner (Citus)."""
        return self._get("SHARDED", False)

    @property
    def cache(self) -> str:
        """Alias in CACHES of the thread cache; empty: there is none (S21)."""
        return self._get("CACHE", "")

    @property
    def cache_ttl(self) -> int:
        """Seconds after which a thread in the cache is read from the database again (S21)."""
        return self._get("CACHE_TTL", 300)

    @property
    def domain_key(self) -> str:
        """OpenAI's key for this site's domain, for {% chatkit %}; any value works on localhost."""
        return self._get("DOMAIN_KEY", "localhost")

    @property
    def max_page_size(self) -> int:
        """The most threads or items in one page; a client's larger limit is lowered to it (V5)."""
        return self._get("MAX_PAGE_SIZE", 100)

    @property
    def max_request_bytes(self) -> int:
        """The most bytes in a request to the ChatKit endpoint (V5)."""
        return self._get("MAX_REQUEST_BYTES", 10 * 1024 * 1024)

    @property
    def max_title_length(self) -> int:
        """The most characters in a title that a user gives to a thread (V7)."""
        return self._get("MAX_TITLE_LENGTH", 200)

    @property
    def max_message_length(self) -> int:
        """The most characters in a user's message, or in answers to questions (V7)."""
        return self._get("MAX_MESSAGE_LENGTH", 100_000)

    @property
    def max_streams(self) -> int:
        """How many answers may be streamed to a user at once; 0: any number (V7)."""
        return self._get("MAX_STREAMS", 10)

    @property
    def finish_seconds(self) -> int:
        """For how long an answer goes on that its page no longer reads; 0: not at all (V16)."""
        return self._get("FINISH_SECONDS", 600)

    @property
    def messages_per_minute(self) -> int:
        """How many messages a user may send in a minute; 0: any number (V7)."""
        return self._get("MESSAGES_PER_MINUTE", 60)

    @property
    def creations_per_minute(self) -> int:
        """How many threads and attachments a user may create in a minute; 0: any number (V7)."""
        return self._get("CREATIONS_PER_MINUTE", 60)

    @property
    def requests_per_second(self) -> int:
        """How many requests of a session each process serves in a second; 0: any number (V7)."""
        return self._get("REQUESTS_PER_SECOND", 20)

    @property
    def limits_cache(self) -> str:
        """Alias in CACHES of the cache that counts what users start (V7)."""
        return self._get("LIMITS_CACHE", "default")

    @property
    def max_input_length(self) -> int:
        """The most characters of a conversation, files included, that run_agent gives a model."""
        return self._get("MAX_INPUT_LENGTH", 400_000)

    @property
    def max_input_tokens(self) -> int:
        """The most tokens of it, as ChatServer.count_tokens counts them; 0: any number."""
        return self._get("MAX_INPUT_TOKENS", 0)

    @property
    def file_turns(self) -> int:
        """With how many of a user's newest messages run_agent gives files to a model."""
        return self._get("FILE_TURNS", 10)

    @property
    def model_memory(self) -> bool:
        """Whether what models did is kept, and given to them again by run_agent."""
        return self._get("MODEL_MEMORY", True)

    @property
    def storage(self) -> str:
        """Alias in STORAGES of the storage for attachments' files."""
        return self._get("STORAGE", "default")

    @property
    def upload_types(self) -> Collection[str]:
        """The content types that users may upload (A3)."""
        default: Collection[str] = DEFAULT_UPLOAD_TYPES
        return self._get("UPLOAD_TYPES", default)

    @property
    def max_upload_bytes(self) -> int:
        """The most bytes in an uploaded file (A3)."""
        return self._get("MAX_UPLOAD_BYTES", 20 * 1024 * 1024)

    @property
    def max_attachments(self) -> int:
        """The most attachments in a message (A3)."""
        return self._get("MAX_ATTACHMENTS", 10)

    @property
    def user_quota_bytes(self) -> int:
        """The most bytes in all attachments of a user together (A3)."""
        return self._get("USER_QUOTA_BYTES", 1024 * 1024 * 1024)

    @property
    def upload_url_ttl(self) -> int:
        """Seconds until the URL of a two-phase upload expires (A1)."""
        return self._get("UPLOAD_URL_TTL", 3600)

    @property
    def file_url_ttl(self) -> int:
        """Seconds until the URL of a file expires; each load of an item renews it."""
        return self._get("FILE_URL_TTL", 3600)

    @property
    def base_url(self) -> str:
        """The site's http or https URL, used in the URLs of files; empty for the request's host."""
        return self._get("BASE_URL", "")

    @property
    def use_presigned_urls(self) -> bool:
        """Whether clients upload to and download from S3 directly, if the storage supports it."""
        return self._get("USE_PRESIGNED_URLS", True)

    @property
    def retention_days(self) -> int:
        """Days without activity after which the admin lists threads as old; deletes nothing."""
        return self._get("RETENTION_DAYS", 90)

    @property
    def keep_pinned(self) -> bool:
        """Whether cleanup_threads spares threads that their owners have pinned (R5)."""
        return self._get("KEEP_PINNED", False)

    @property
    def temporary_hours(self) -> int:
        """Hours after its last message when a temporary thread is deleted; 0: there are none."""
        return self._get("TEMPORARY_HOURS", 24)

    @property
    def sharing(self) -> bool:
        """Whether threads can be shared by links; False ends all links at once (V11)."""
        return self._get("SHARING", True)

    @property
    def reason_to_read(self) -> bool:
        """Whether moderators must give a reason before they read a conversation (M3)."""
        return self._get("REASON_TO_READ", False)

    @property
    def record_days(self) -> int:
        """For how many days cleanup_records keeps moderation records; 0: for ever (M3)."""
        return self._get("RECORD_DAYS", 0)

    @property
    def report_reasons(self) -> Mapping[str, Any]:
        """Why a user may report a message: each reason's name, and its text (M5)."""
        default: Mapping[str, Any] = DEFAULT_REPORT_REASONS
        return self._get("REPORT_REASONS", default)

    @property
    def action_reasons(self) -> Sequence[Any]:
        """The reasons that a moderator who acts can choose from; users may see them."""
        default: Sequence[Any] = DEFAULT_ACTION_REASONS
        return self._get("ACTION_REASONS", default)

    @property
    def dismiss_reasons(self) -> Sequence[Any]:
        """The reasons that a moderator who dismisses a report can choose from."""
        default: Sequence[Any] = DEFAULT_DISMISS_REASONS
        return self._get("DISMISS_REASONS", default)

    @property
    def report_thumbs_down(self) -> bool:
        """Whether a thumb down is a report too (M5)."""
        return self._get("REPORT_THUMBS_DOWN", False)

    @property
    def suspended_may_read(self) -> bool:
        """Whether a suspended person goes on reading what they have (M6)."""
        return self._get("SUSPENDED_MAY_READ", True)

    @property
    def report_mail(self) -> Sequence[str]:
        """The addresses that get a mail for each new report (M5)."""
        default: Sequence[str] = ()
        return self._get("REPORT_MAIL", default)

    @property
    def flagger(self) -> str:
        """Dotted path of what looks at the text of each new message, and may report it (M5)."""
        return self._get("FLAGGER", "")

    @property
    def log_errors(self) -> str:
        """How exceptions are logged: "places", without their messages, or "full" (S18)."""
        return self._get("LOG_ERRORS", "places")

    @property
    def csrf_use_sessions(self) -> bool:
        """Django's CSRF_USE_SESSIONS: the token is in the session, and not in a cookie."""
        return bool(django_settings.CSRF_USE_SESSIONS)

    @property
    def debug(self) -> bool:
        """Django's DEBUG."""
        return bool(django_settings.DEBUG)

    @property
    def use_tz(self) -> bool:
        """Django's USE_TZ."""
        return bool(django_settings.USE_TZ)

    @property
    def root_urlconf(self) -> Any:
        """Django's ROOT_URLCONF, which may be a module too."""
        return django_settings.ROOT_URLCONF

    @property
    def session_cookie_name(self) -> str:
        """Django's SESSION_COOKIE_NAME."""
        return str(django_settings.SESSION_COOKIE_NAME)

    @property
    def has_retention_days(self) -> bool:
        """Whether the site itself sets CHATSTORE_RETENTION_DAYS."""
        return hasattr(django_settings, "CHATSTORE_RETENTION_DAYS")

    @property
    def middleware(self) -> Sequence[str]:
        """Django's MIDDLEWARE."""
        return django_settings.MIDDLEWARE

    @property
    def media_root(self) -> str:
        """Django's MEDIA_ROOT."""
        return str(django_settings.MEDIA_ROOT)

    @property
    def media_url(self) -> str:
        """Django's MEDIA_URL; "/" where the project sets none."""
        return str(django_settings.MEDIA_URL)

    @property
    def static_root(self) -> str:
        """Django's STATIC_ROOT, or ""."""
        return str(django_settings.STATIC_ROOT or "")

    @property
    def chosen_languages(self) -> int:
        """The number of Django's LANGUAGES; 0 where the project has chosen none, or no I18N."""
        is_chosen = django_settings.USE_I18N and django_settings.is_overridden("LANGUAGES")  # type: ignore[misc]
        return len(django_settings.LANGUAGES) if is_chosen else 0

    @property
    def language_code(self) -> str:
        """Django's LANGUAGE_CODE, for text that is stored, and read by several users."""
        return str(django_settings.LANGUAGE_CODE)


settings = Settings()
