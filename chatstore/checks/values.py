"""Checks that the settings have values of their types (chatstore.E003, E009, E017)."""

from __future__ import annotations

from django.core.checks import CheckMessage, Error

from chatstore.conf import settings

STRINGS = ("server", "cache", "domain_key", "storage", "base_url", "limits_cache", "flagger")
FLAGS = (
    "keep_pinned",
    "model_memory",
    "reason_to_read",
    "report_thumbs_down",
    "sharded",
    "sharing",
    "suspended_may_read",
    "use_presigned_urls",
)
DICTS = ("async_pool", "report_reasons")
LISTS = ("report_mail", "action_reasons", "dismiss_reasons")
POSITIVE_INTEGERS = (
    "cache_ttl",
    "max_page_size",
    "max_request_bytes",
    "max_input_length",
    "file_turns",
    "max_title_length",
    "max_message_length",
    "max_upload_bytes",
    "max_attachments",
    "user_quota_bytes",
    "upload_url_ttl",
    "file_url_ttl",
    "retention_days",
)
LIMITS = ("max_streams", "messages_per_minute", "creations_per_minute")
INTEGERS_OR_ZERO = (
    *LIMITS,
    "requests_per_second",
    "finish_seconds",
    "max_input_tokens",
    "record_days",
    "temporary_hours",
)


def check_types() -> list[CheckMessage]:
    """Check that each setting has a value of its type (chatstore.E009)."""
    return [
        Error(f"CHATSTORE_{name.upper()} must be {what}, not {value!r}.", id="chatstore.E009")
        for names, of_type, what in (
            (STRINGS, str, "text"),
            (FLAGS, bool, "True or False"),
            (DICTS, dict, "a dict"),
            (LISTS, (list, tuple), "a list"),
        )
        for name in names
        if not isinstance(value := getattr(settings, name), of_type)
    ]


def check_choices() -> list[CheckMessage]:
    """Check the setting that has one of several values (chatstore.E009)."""
    if settings.log_errors in ("places", "full"):
        return []
    message = f'CHATSTORE_LOG_ERRORS must be "places" or "full", not {settings.log_errors!r}.'
    return [Error(message, id="chatstore.E009")]


def check_integers() -> list[CheckMessage]:
    """Check that numbers are whole and not too small (chatstore.E003, E017)."""
    return [
        Error(
            f"CHATSTORE_{name.upper()} must be a whole number of at least {least}{note}, "
            f"not {value!r}.",
            id=f"chatstore.{check_id}",
        )
        for names, least, note, check_id in (
            (POSITIVE_INTEGERS, 1, "", "E003"),
            (INTEGERS_OR_ZERO, 0, ", where 0 switches it off", "E017"),
        )
        for name in names
        if not isinstance(value := getattr(settings, name), int)
        or isinstance(value, bool)
        or value < least
    ]
