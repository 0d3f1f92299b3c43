""" "Noget mangler eller er forkert": telling the place that answers for it, and reading that one was told."""

from __future__ import annotations

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.forms import clean, one
from portal.gate import audience, kept_draft, portal, viewer
from portal.handout import Overview
from portal.handout_report import ReportForm
from portal.limits import limited
from portal.report_pages import Unsendable, kinds
from portal.reports import LONGEST
from portal.views.page import look, within

reports = Blueprint("reports", __name__)
FORM_SECONDS = 1.0
PLACE = "fejl:"
BASE = "/overblik/<citizen>/mangler"


@reports.get(BASE)
@audience("citizen")
def show(citizen: str) -> ResponseReturnValue:
    return _page(_open(citizen), request.args.get("om", ""))


@reports.post(BASE)
@audience("citizen")
@limited("report")
def send(citizen: str) -> ResponseReturnValue:
    """Fields `om`, `hvad`, `tekst`, `sted`."""
    about, text = one(request.form, "om"), clean(one(request.form, "tekst"))
    filled = ReportForm(
        kinds=kinds(one(request.form, "hvad")), text=text, chosen=one(request.form, "sted")
    )
    page = _open(citizen)
    errors = {}
    if len(text) > LONGEST:
        errors["tekst"] = _("Teksten må højst fylde 1.000 tegn.")
    try:
        if not errors:
            id = portal().reports.send(viewer(), page, about, filled)
            portal().drafts.drop(viewer(), citizen, PLACE + about)
            return redirect(url_for("reports.show", citizen=citizen, _anchor=f"b{id}"), 303)
    except Unsendable as wrong:
        errors = wrong.errors
    kept_draft()
    again = ReportForm(kinds=filled.kinds, text=text, chosen=filled.chosen, errors=errors)
    return _page(page, about, again), 422


@reports.post(f"{BASE}/<report>")
@audience("citizen")
def close(citizen: str, report: str) -> ResponseReturnValue:
    """`handling=luk`: it is in order, or was a mistake."""
    known = one(request.form, "handling") == "luk"
    if known:
        portal().reports.close(viewer(), citizen, report)
        return redirect(url_for("reports.show", citizen=citizen, _anchor=f"b{report}"), 303)
    portal().overviews.standing(viewer(), citizen)
    return abort(400)


@reports.get("/medarbejder/beskeder")
@audience("staff")
def told() -> ResponseReturnValue:
    """What families have told the employee's places, and nothing else of them."""
    g.relation = "staff"
    found = portal().reports.told(viewer())
    return render_template("caseworker/messages.html", messages=found, citizen=None, here="home")


def _open(citizen: str) -> Overview:
    at = look(citizen, wait=within(FORM_SECONDS))
    page = portal().overviews.open(viewer(), citizen, at)
    g.relation = page.citizen.relation.value
    return page


def _page(page: Overview, about: str, filled: ReportForm | None = None) -> str:
    citizen, place = page.citizen.id, PLACE + about
    draft = None if filled else portal().drafts.of(viewer(), citizen).get(place)
    filled = ReportForm(text=draft.text) if draft else filled
    return render_template(
        "overview/missing.html",
        overview=page,
        page=portal().reports.page(viewer(), page, about, filled),
        draft=draft,
        ticket=portal().drafts.ticket(viewer(), citizen, place),
        citizen=page.citizen,
        whole_url=url_for("reports.show", citizen=citizen, om=about or None, vent=1),
        here="missing",
    )
