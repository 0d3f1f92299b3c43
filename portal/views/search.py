"""Searching within one overview. The words stay in the session: never in an address, a log or a history."""

from __future__ import annotations

from flask import Blueprint, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from portal.forms import clean, one
from portal.gate import audience, portal, viewer
from portal.limits import limited
from portal.search import LONGEST, find
from portal.views.page import look, within

search = Blueprint("search", __name__, url_prefix="/overblik/<citizen>/soeg")
KEPT = "soeg"
FORM_SECONDS = 1.0


@search.get("")
@audience("citizen")
def show(citizen: str) -> ResponseReturnValue:
    """What this session looked for last on this overview, found anew."""
    whose, text = session.get(KEPT, ("", ""))
    text = text if whose == citizen else ""
    at = look(citizen, wait=within(FORM_SECONDS))
    page = portal().overviews.open(viewer(), citizen, at)
    g.relation = page.citizen.relation.value
    return render_template(
        "overview/search.html",
        overview=page,
        citizen=page.citizen,
        text=text,
        hits=find(page, text),
        here="search",
    )


@search.post("")
@audience("citizen")
@limited("search")
def ask(citizen: str) -> ResponseReturnValue:
    """Field `ord`; none forgets the last search."""
    portal().overviews.standing(viewer(), citizen)
    text = clean(one(request.form, "ord"))[:LONGEST]
    session[KEPT] = (citizen, text)
    return redirect(url_for("search.show", citizen=citizen), 303)
