"""chatstore's URLs under i18n_patterns, for tests."""

from django.conf.urls.i18n import i18n_patterns
from django.urls import include, path

urlpatterns = i18n_patterns(path("chat/", include("chatstore.urls")))
