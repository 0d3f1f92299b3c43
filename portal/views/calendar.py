"""One meeting for the phone's calendar."""

from __future__ import annotations

from flask import Blueprint, Response, abort, g, request
from flask.typing import ResponseReturnValue

from portal.audit import Act
from portal.calendar import one_meeting
from portal.gate import audience, portal, viewer
from portal.limits import limited
from portal.records import Category
from portal.views.page import look

calendar = Blueprint("calendar", __name__)


@calendar.get("/kalender/<token>.ics")
@audience("anyone")
@limited("feed", by=lambda: str((request.view_args or {}).get("token")))
def feed(token: str) -> ResponseReturnValue:
    """The secret in the address is the key; every rule is asked at each fetch."""
    body = portal().feeds.fetch(token)
    return Response(body, content_type="text/calendar; charset=utf-8")


@calendar.get("/overblik/<citizen>/moeder/<ref>.ics")
@audience("logged-in")
@limited("export")
def meeting(citizen: str, ref: str) -> ResponseReturnValue:
    page = portal().overviews.open(
        viewer(),
        citizen,
        look(citizen, wait=None, act=Act.EXPORT, categories=(Category.MEETINGS,), fresh=True),
    )
    g.relation = page.citizen.relation.value
    everything = (*page.meetings, *page.past_meetings)
    found = next((m for m in everything if m.ref == ref), None) or abort(404)
    body = one_meeting(found, portal().settings.base_url)
    response = Response(body, content_type="text/calendar; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="moede.ics"'
    return response
