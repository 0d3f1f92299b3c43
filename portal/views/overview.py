"""The family, one citizen, and each part as a page of its own."""

from __future__ import annotations

from typing import Any, cast

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.audit import Act
from portal.gate import audience, portal, viewer
from portal.handout import Overview
from portal.htmx import PortalRequest
from portal.records import Category
from portal.views.page import look, patience

overview = Blueprint("overview", __name__)

PARTS: dict[str, tuple[str, tuple[Category, ...]]] = {
    "kontakter": ("contacts", (Category.CONTACTS,)),
    "moeder": ("meetings", (Category.MEETINGS,)),
    "indsatser": ("interventions", (Category.INTERVENTIONS,)),
    "planer": ("plans", (Category.PLANS,)),
    "trivsel": ("wellbeing", (Category.WELLBEING,)),
    "oplysninger": ("master_data", (Category.MASTER_DATA,)),
    "netvaerk": ("network", (Category.CONTACTS, Category.INTERVENTIONS, Category.PLANS)),
    "tidslinje": ("timeline", (Category.MEETINGS, Category.INTERVENTIONS, Category.PLANS)),
}
"""Address of a part -> its template and the categories it opens."""


@overview.get("/overblik")
@audience("citizen")
def family() -> ResponseReturnValue:
    page = portal().overviews.family(viewer(), patience())
    if len(page.cards) == 1 and page.cards[0].citizen.id == viewer().person:
        g.relation = "self"
        return redirect(url_for("overview.show", citizen=page.cards[0].citizen.id, **_waiting()))
    g.relation = "guardian" if len(page.cards) > 1 else "self"
    late = url_for("overview.late_family")
    return render_template("overview/family.html", page=page, late_url=late, here="overview")


@overview.get("/del/overblik")
@audience("citizen")
def late_family() -> ResponseReturnValue:
    _only_inside_a_page()
    page = portal().overviews.family(viewer(), patience(fragment=True))
    g.relation = "guardian" if len(page.cards) > 1 else "self"
    late = url_for("overview.late_family")
    return render_template("overview/_family.html", page=page, late_url=late)


@overview.get("/overblik/<citizen>")
@audience("logged-in")
def show(citizen: str) -> ResponseReturnValue:
    found = _open(citizen, wait=patience())
    return _page("overview/show.html", found, "all", here="overview")


@overview.get(f"/overblik/<citizen>/<any({', '.join(PARTS)}):part>")
@audience("logged-in")
def part(citizen: str, part: str) -> ResponseReturnValue:
    template, categories = PARTS[part]
    found = _open(citizen, wait=patience(), categories=categories)
    if not set(categories) & found.opens:
        abort(404)
    return _page(f"overview/{template}.html", found, template, part, here=template)


@overview.get("/del/overblik/<citizen>")
@audience("logged-in")
def late(citizen: str) -> ResponseReturnValue:
    _only_inside_a_page()
    name = request.args.get("part", "")
    template, categories = PARTS.get(name, ("all", tuple(Category)))
    found = _open(citizen, wait=patience(fragment=True), categories=categories)
    return _page("overview/_parts.html", found, template, name)


@overview.get("/overblik/<citizen>/moeder/<ref>/tag-med")
@audience("logged-in")
def bring(citizen: str, ref: str) -> ResponseReturnValue:
    found = _open(citizen, wait=None, act=Act.EXPORT, fresh=True)
    meeting = next((m for m in found.meetings if m.ref == ref), None) or abort(404)
    return render_template(
        "overview/bring.html",
        overview=found,
        citizen=found.citizen,
        meeting=meeting,
        here="meetings",
    )


def _open(citizen: str, **how: Any) -> Overview:
    found = portal().overviews.open(viewer(), citizen, look(citizen, **how))
    g.relation = found.citizen.relation.value
    return found


def _page(template: str, found: Overview, part: str, name: str = "", **more: Any) -> str:
    late = url_for("overview.late", citizen=found.citizen.id, part=name or None)
    return render_template(
        template, overview=found, citizen=found.citizen, part=part, late_url=late, **more
    )


def _only_inside_a_page() -> None:
    """A fragment opened as a page would be half a page: 400."""
    if not cast(PortalRequest, request).wants_part:
        abort(400)


def _waiting() -> dict[str, Any]:
    return {"vent": "1"} if request.args.get("vent") == "1" else {}
