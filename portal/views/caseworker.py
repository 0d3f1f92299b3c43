"""The employee's side: who has said yes to us, a look-up by CPR, and the purpose."""

from __future__ import annotations

from flask import (
    Blueprint,
    abort,
    g,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.forms import CprForm, clean, one, read
from portal.gate import audience, portal, viewer
from portal.handout import Choice, Place, StaffHome
from portal.limits import limited
from portal.overview import Look
from portal.words import configured_word

caseworker = Blueprint("caseworker", __name__, url_prefix="/medarbejder")


@caseworker.get("")
@audience("staff")
def home() -> ResponseReturnValue:
    return _home()


@caseworker.post("")
@audience("staff")
@limited("look-up")
def look_up() -> ResponseReturnValue:
    form = CprForm(request.form)
    errors = read(form)
    if errors:
        return _home(error=errors["cpr"], typed=clean(one(request.form, "cpr"))), 422
    found = portal().counter.look_up(viewer(), str(form.cpr.data))
    if found is None:
        return _home(not_found=True), 404
    session["related"] = sorted({*session.get("related", ()), found})
    return redirect(url_for("overview.show", citizen=found), 303)


@caseworker.post("/formaal/<citizen>")
@audience("staff")
def purpose(citizen: str) -> ResponseReturnValue:
    chosen = one(request.form, "formaal")
    if chosen not in {p.id for p in portal().settings.purpose}:
        portal().overviews.standing(viewer(), citizen, Look(purpose=_any_purpose()))
        return ask_purpose(citizen, _("Vælg et formål.")), 422
    portal().overviews.standing(viewer(), citizen, Look(purpose=chosen))
    session["purposes"] = {**session.get("purposes", {}), citizen: chosen}
    return redirect(url_for("overview.show", citizen=citizen), 303)


def ask_purpose(citizen: str, error: str = "") -> str:
    """The page that asks why; it tells nothing about the citizen."""
    return render_template(
        "caseworker/purpose.html",
        purposes=_purposes(),
        target=url_for("caseworker.purpose", citizen=citizen) if citizen else abort(403),
        error=error,
        citizen=None,
    )


def _any_purpose() -> str:
    return portal().settings.purpose[0].id


def _purposes() -> tuple[Choice, ...]:
    return tuple(
        Choice(value=p.id, label=configured_word(p.text)) for p in portal().settings.purpose
    )


def _home(error: str = "", typed: str = "", not_found: bool = False) -> str:
    actors = portal().settings.actors
    mine = [actors[a] for a in sorted(viewer().actors) if a in actors]
    citizens = portal().counter.listed(viewer(), portal().consents.citizens_of(viewer().actors))
    g.relation = "staff"
    page = StaffHome(
        places=tuple(Place(id=a.id, name=a.name, sector=a.sector) for a in mine),
        citizens=citizens,
        purposes=_purposes(),
        error=error,
        typed=typed,
        not_found=not_found,
        elsewhere=portal().counter.elsewhere(viewer()),
        messages=portal().reports.waiting(viewer()),
    )
    return render_template("caseworker/home.html", page=page, citizen=None, here="home")
