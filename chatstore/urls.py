"""The app's URLs, for ``include("chatstore.urls")`` in the project's."""

from __future__ import annotations

from django.urls import path

from chatstore.http import files, page, reports, views

app_name = "chatstore"
urlpatterns = [
    path("", page.ChatPageView.as_view(), name="page"),
    path("api/", views.ChatKitView.as_view(), name="api"),
    path("reports/", reports.ReportView.as_view(), name="report"),
    path("files/", files.UploadView.as_view(), name="upload"),
    path("files/<str:attachment_id>/", files.FileView.as_view(), name="file"),
]
