"""The demo site with django-unfold in place of the stock admin's clothes."""

from project.settings import *  # noqa: F403
from project.settings import INSTALLED_APPS as _APPS

INSTALLED_APPS = ["unfold", *_APPS]
