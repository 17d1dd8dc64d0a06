"""The demo's settings with hashed names of static files, as a deployment has them."""

from __future__ import annotations

import os

from project.settings import *  # noqa: F403
from project.settings import MIDDLEWARE, STORAGES

DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
STATIC_ROOT = os.environ["STATIC_ROOT"]
MIDDLEWARE = [MIDDLEWARE[0], "project.static_files.static_files_middleware", *MIDDLEWARE[1:]]
STORAGES = {
    **STORAGES,
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage",
    },
}
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
