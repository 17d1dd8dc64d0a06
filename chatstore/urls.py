"""The app's URLs, for ``include("chatstore.urls")`` in the project's."""

from __future__ import annotations

from django.urls import path, re_path

from chatstore.http import (
    diagram,
    entities,
    exports,
    files,
    own_threads,
    page,
    reports,
    running_answers,
    shares,
    views,
)

app_name = "chatstore"
urlpatterns = [
    path("", page.ChatPageView.as_view(), name="page"),
    path("diagram/", diagram.DiagramFrameView.as_view(), name="diagram"),
    path("api/", views.ChatKitView.as_view(), name="api"),
    path("reports/", reports.ReportView.as_view(), name="report"),
    path("entities/", entities.EntitiesView.as_view(), name="entities"),
    path("files/", files.UploadView.as_view(), name="upload"),
    path("files/<str:attachment_id>/", files.FileView.as_view(), name="file"),
    path("search/", own_threads.SearchView.as_view(), name="search"),
    path("feedback/", own_threads.FeedbackCommentView.as_view(), name="feedback_comment"),
    path("threads/", own_threads.OwnThreadsView.as_view(), name="threads"),
    path("threads/<str:thread_id>/", own_threads.OwnThreadView.as_view(), name="thread"),
    path("threads/<str:thread_id>/answer/", running_answers.AnswerView.as_view(), name="answer"),
    path("threads/<str:thread_id>/stop/", running_answers.StopView.as_view(), name="stop"),
    path("changes/", running_answers.ChangesView.as_view(), name="changes"),
    path("threads/<str:thread_id>/export/", exports.ExportView.as_view(), name="thread_export"),
    path("export/", exports.ExportView.as_view(), name="export"),
    path("shared/<str:link>/", shares.SharedPageView.as_view(), name="shared"),
    path("shared/<str:link>/items/", shares.SharedItemsView.as_view(), name="shared_items"),
    # A link with something after it, which Django's answer to an unknown URL would log.
    re_path("^shared/(?P<link>.+/.+)$", shares.SharedPageView.as_view(), name="shared"),
    re_path(
        "^(?:api|files|reports|search|feedback|entities|threads|export|changes)/.+$",
        views.unknown,
        name="unknown",
    ),
]
