"""The demo's settings, limits for users included, with an assistant whose answers can wait."""

from __future__ import annotations

from project.settings import *  # noqa: F403

CHATSTORE_SERVER = "tests.assistants.Scripted"
ALLOWED_HOSTS = ["127.0.0.1"]
SECURE_SSL_REDIRECT = False
STORAGES = {
    **STORAGES,  # noqa: F405
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
