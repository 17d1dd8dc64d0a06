"""The app's URLs, to be included under a path of the project's choice."""

from __future__ import annotations

from django.urls import path

from chatstore import file_views, views

app_name = "chatstore"
urlpatterns = [
    path("", views.ChatPageView.as_view(), name="page"),
    path("api/", views.ChatKitView.as_view(), name="api"),
    path("files/", file_views.UploadView.as_view(), name="upload"),
    path("files/<str:attachment_id>/", file_views.FileView.as_view(), name="file"),
]
