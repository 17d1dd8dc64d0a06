"""What a message can name by ``@``: the search, and a preview (V23)."""

from __future__ import annotations

import json

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _

from chatstore import codec
from chatstore.exceptions import RequestRefused
from chatstore.http.views import NO_STORE, EndpointView, read_body
from chatstore.server import get_server

MAX_QUERY = 200  # characters
MAX_ENTITY_BYTES = 20_000


class EntitiesView(EndpointView):
    """
    GET with ``?q=`` finds entities: ``{"data": [...]}``. POST of ``{"entity": {...}}`` is answered
    by the widget that shows it, or null: ``{"preview": ...}``.
    """

    async def get(self, request: HttpRequest) -> HttpResponse:
        await get_server().check_may_read(self.context)
        query = codec.replace_unstorable(request.GET.get("q", ""))
        if len(query) > MAX_QUERY:
            raise RequestRefused(_("The search is too long."), 400)
        found = await get_server().load_entities(query, self.context)
        return JsonResponse({"data": found}, headers=NO_STORE)

    async def post(self, request: HttpRequest) -> HttpResponse:
        await get_server().check_may_read(self.context)
        try:
            sent = json.loads(read_body(request, MAX_ENTITY_BYTES))["entity"]
            entity = codec.replace_unstorable(sent)
        except (ValueError, RecursionError, TypeError, LookupError):
            raise RequestRefused(_("The request can't be read."), 400) from None
        preview = await get_server().load_preview(entity, self.context)
        return JsonResponse({"preview": preview}, headers=NO_STORE)
