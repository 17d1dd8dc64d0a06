"""The mail that tells of a new report. It holds ids only, nothing that anybody has written."""

from __future__ import annotations

import logging

from django.core.mail import send_mail
from django.urls import NoReverseMatch, reverse
from django.utils import translation
from django.utils.translation import gettext as _

from chatstore.conf import settings
from chatstore.db.row_keys import row_key
from chatstore.models import ChatReport

logger = logging.getLogger(__name__)


def send(report: ChatReport) -> None:
    """Send the mail to CHATSTORE_REPORT_MAIL; a failure is logged, since the report is stored."""
    with translation.override(settings.language_code):
        lines = [
            _("Reported by: %(source)s") % {"source": report.get_source_display()},
            _("Reason: %(reason)s") % {"reason": _reason(report)},
            _("Thread: %(thread)s") % {"thread": report.thread_id},
        ]
        if report.item_id:
            lines.append(_("Message: %(message)s") % {"message": report.item_id})
        lines += _link(report)
        subject = _("A conversation was reported")
    try:
        send_mail(subject, "\n".join(lines), None, list(settings.report_mail))
    except Exception as error:  # noqa: BLE001 (whatever the site's mail backend raises)
        logger.error("No mail was sent for report %s: %s", report.pk, type(error).__name__)


def _reason(report: ChatReport) -> str:
    """Return the reason's text; a name that the settings lack may hold anything."""
    return str(settings.report_reasons.get(report.reason, "-"))


def _link(report: ChatReport) -> list[str]:
    """Return the address of the report's page, if the site has one and its host is known."""
    try:
        path = reverse("admin:chatstore_chatreport_change", args=[row_key(report)])
    except NoReverseMatch:
        return []
    return [f"{settings.base_url.rstrip('/')}{path}"] if settings.base_url else []
