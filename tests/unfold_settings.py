"""The demo site's settings with django-unfold as the admin's theme."""

from project.settings import *  # noqa: F403
from project.settings import INSTALLED_APPS as _APPS

INSTALLED_APPS = ["unfold", *_APPS]
