"""What is new since last time: the one button that says "I have seen it"."""

from __future__ import annotations

import re

from flask import Blueprint, abort, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from portal.crypto import new_id
from portal.forms import one
from portal.gate import audience, portal, viewer
from portal.views.page import look

news = Blueprint("news", __name__, url_prefix="/overblik/<citizen>/nyt")
MOST = 500
ANSWER_SECONDS = 2.0


@news.post("")
@audience("citizen")
def mark(citizen: str) -> ResponseReturnValue:
    """`handling=husk`: I have seen the page, `ny` being what was new on it; `glem`: mark nothing."""
    act = one(request.form, "handling")
    if act == "husk":
        listed = {x for x in request.form.getlist("ny")[:MOST] if re.fullmatch("[0-9a-f]{32}", x)}
        at = look(citizen, wait=ANSWER_SECONDS)
        portal().overviews.remember(viewer(), citizen, at, listed)
    else:
        portal().overviews.standing(viewer(), citizen)
        if act != "glem":
            abort(400)
        portal().overviews.forget_seen(viewer(), citizen)
    session["seen"] = new_id()[:8]  # what a worker remembers of before does not count any more
    return redirect(url_for("overview.show", citizen=citizen), 303)
