"""The view by which users report messages to the moderators (M5)."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.utils.translation import gettext as _

from chatstore.conf import settings
from chatstore.exceptions import RequestRefused
from chatstore.http.views import NO_STORE, EndpointView, read_texts
from chatstore.models import MAX_REPORT_WORDS
from chatstore.server import get_server


class ReportView(EndpointView):
    """
    POST of JSON with thread_id, item_id, reason and words; the answer is ``{"reported": true}``.

    A message that one has reported, and that nobody has looked at yet, is not reported again.
    """

    async def post(self, request: HttpRequest) -> JsonResponse:
        values = _read(request)
        await get_server().report(
            values["thread_id"], values["item_id"], values["reason"], values["words"], self.context
        )
        return JsonResponse({"reported": True}, headers=NO_STORE)


def _read(request: HttpRequest) -> dict[str, str]:
    """Return the request's values; RequestRefused (400, 413) for what is no report."""
    values = read_texts(request, "thread_id", "item_id", "reason", "words")
    if not values["item_id"] or values["reason"] not in settings.report_reasons:
        raise RequestRefused(_("Choose a reason from the list."), 400)
    if len(values["words"]) > MAX_REPORT_WORDS:
        sentence = _("The description is too long: at most %(limit)d characters.")
        raise RequestRefused(sentence % {"limit": MAX_REPORT_WORDS}, 400)
    return values
