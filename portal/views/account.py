"""One's own account: sessions, language, own data."""

from __future__ import annotations

from flask import Blueprint, abort, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue

from portal.gate import audience, portal
from portal.handout import SessionLine

account = Blueprint("account", __name__)


@account.get("/konto")
@audience("logged-in")
def show() -> ResponseReturnValue:
    own = session.account  # type: ignore[attr-defined]
    lines = tuple(
        SessionLine(id=s.id, created=s.created, used=s.used, current=s.id == own.session)
        for s in portal().sessions.list(own)
    )
    return render_template("account/show.html", sessions=lines, citizen=None, here="account")


@account.post("/konto/sessioner/<id>/afslut")
@audience("logged-in")
def end(id: str) -> ResponseReturnValue:
    own = session.account  # type: ignore[attr-defined]
    if id not in {s.id for s in portal().sessions.list(own)}:
        abort(404)
    portal().sessions.end(id)
    return redirect(url_for("account.show"), 303)
