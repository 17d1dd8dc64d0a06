"""Settings for a second process of a test: its database and storage, and another database."""

import os

from project.settings import *  # noqa: F403

DATABASES["default"]["NAME"] = os.environ["OTHER_DATABASE_NAME"]  # noqa: F405
DATABASES["other"] = database(f"sqlite:///{os.environ.get('OTHER_SQLITE', '')}")  # noqa: F405
STORAGES["default"]["OPTIONS"] = {"location": os.environ["OTHER_MEDIA_ROOT"]}  # noqa: F405
