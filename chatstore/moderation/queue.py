"""The queue of reports: what waits, the longest first, and what stands before and after one."""

from __future__ import annotations

from django.db.models import Q

from chatstore.models import ChatReport, ChatReportQuerySet


def waiting(assignee: str | None = None) -> ChatReportQuerySet:
    """Return the open reports, oldest first; with ``assignee`` only those that they have taken."""
    rows = ChatReport.objects.open()
    if assignee is not None:
        rows = rows.filter(assignee=assignee)
    return rows.order_by("created_at", "report_id")


def neighbours(
    report: ChatReport, assignee: str | None = None
) -> tuple[ChatReport | None, ChatReport | None]:
    """Return the waiting reports before and after one, which may itself be closed by now."""
    rows = waiting(assignee).defer("words", "resolution")
    is_earlier = Q(created_at=report.created_at, report_id__lt=report.pk)
    earlier = rows.filter(is_earlier | Q(created_at__lt=report.created_at))
    earlier = earlier.filter(created_at__lte=report.created_at)  # for the index
    position = {"created_at": report.created_at, "report_id": report.pk}
    previous = earlier.order_by("-created_at", "-report_id").first()
    return previous, rows.after(**position).first()
