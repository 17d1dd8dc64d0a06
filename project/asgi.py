"""The ASGI application: Django in with_lifespan, and static files while DEBUG is on."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
application: Any = get_asgi_application()

from chatstore.streams import with_lifespan  # noqa: E402  (needs Django to be set up)

if settings.DEBUG:
    application = ASGIStaticFilesHandler(application)
application = with_lifespan(application)
