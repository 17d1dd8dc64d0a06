"""The URLs of the demo site: home, sign-in, chat and admin."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path
from django.views.generic import TemplateView

from project.views import OfficialChatView

# Pages show the demo's passwords only while seed_demo may create its users.
is_demo = {"is_demo": settings.DEBUG}
home = TemplateView.as_view(template_name="home.html", extra_context=is_demo)

urlpatterns = [
    path("", home, name="home"),
    path("login/", LoginView.as_view(extra_context=is_demo), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("chat/official/", OfficialChatView.as_view(), name="official"),
    path("chat/", include("chatstore.urls")),
    path("admin/", admin.site.urls),
]
