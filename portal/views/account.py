"""One's own account: sessions, language, own data."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from flask import Blueprint, Response, abort, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from portal.disclosure import told
from portal.family import Known, RegisterDown
from portal.gate import audience, portal, viewer
from portal.handout import SessionLine
from portal.identity.browser import current
from portal.limits import limited
from portal.views.again import fresh, step_up

account = Blueprint("account", __name__)
ID_LENGTH = 32


@account.get("/konto")
@audience("logged-in")
def show() -> ResponseReturnValue:
    return _page()


@account.post("/konto")
@audience("citizen")
def calendars() -> ResponseReturnValue:
    """A new calendar link (its address is shown this once), or the end of one."""
    act = request.form.get("handling")
    if act == "ny-kalender":
        citizen = request.form.get("borger") or str(viewer().person)
        if away := step_up(url_for("account.show", igen="kalender")):
            session["link_for"] = citizen[:ID_LENGTH]
            return away
        link = portal().feeds.open(viewer(), citizen)
        session.pop("link_for", None)
        return _page(link)
    if act != "luk-kalender":
        abort(400)
    portal().feeds.close(viewer(), request.form.get("feed", ""))
    return redirect(url_for("account.show"), 303)


@account.get("/konto/mine-data")
@audience("citizen")
@limited("export")
def own_data() -> ResponseReturnValue:
    """What we hold about her, for herself alone, as a file."""
    if away := step_up(url_for("account.show", igen="data")):
        return away
    body = json.dumps(told(portal(), viewer(), str(viewer().person)), indent=2, ensure_ascii=False)
    response = Response(body, content_type="application/json; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="mine-data.json"'
    return response


@account.get("/konto/tid")
@audience("anyone")
def left() -> ResponseReturnValue:
    """Seconds until this session ends by itself. Asking does not make it last."""
    return {"seconds": portal().sessions.seconds_left(current().token)}


@account.post("/konto/tid")
@audience("logged-in")
def stay() -> ResponseReturnValue:
    """I am still here: the session was used by asking."""
    return left()


def _page(new_feed: str = "") -> str:
    own = session.account  # type: ignore[attr-defined]
    lines = tuple(
        SessionLine(id=s.id, created=s.created, used=s.used, current=s.id == own.session)
        for s in portal().sessions.list(own)
    )
    found: dict[str, Any] = {"sessions": lines, "citizen": None, "here": "account"}
    if not viewer().staff:
        people: tuple[Known, ...] = ()
        with suppress(RegisterDown):  # sessions and links can be ended all the same
            people = portal().own_account.people(viewer())
        found |= {"people": people, "feeds": portal().own_account.links(viewer(), people)}
        found["new_feed"] = new_feed
        found["login_again"] = request.args.get("igen") if fresh() else None
        found["link_for"] = session.get("link_for", "")
    return render_template("account/show.html", **found)


@account.post("/konto/sessioner/<id>/afslut")
@audience("logged-in")
def end(id: str) -> ResponseReturnValue:
    own = session.account  # type: ignore[attr-defined]
    if id not in {s.id for s in portal().sessions.list(own)}:
        abort(404)
    portal().sessions.end(id)
    return redirect(url_for("account.show"), 303)
