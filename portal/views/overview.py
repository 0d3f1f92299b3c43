"""The family, one citizen, and each part as a page of its own."""

from __future__ import annotations

from datetime import date
from typing import Any, cast

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.audit import Act
from portal.gate import audience, portal, viewer
from portal.handout import Overview
from portal.htmx import PortalRequest
from portal.limits import limited
from portal.month import asked_month, this_month, written_month
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
    "netvaerk": (
        "network",
        (Category.CONTACTS, Category.INTERVENTIONS, Category.PLANS, Category.MEETINGS),
    ),
    "tidslinje": ("timeline", (Category.MEETINGS, Category.INTERVENTIONS, Category.PLANS)),
}
"""Address of a part -> its template and the categories it opens."""

BESIDE: dict[str, tuple[Category, ...]] = {
    **dict.fromkeys(("kontakter", "moeder", "indsatser", "planer"), (Category.COMMENTS,)),
    "trivsel": (Category.INTERVENTIONS, Category.PLANS),
}
"""What is shown beside a part's own, and logged with it: comments at their entries, the goals at the
lines of well-being."""


@overview.get("/overblik")
@audience("citizen")
def family() -> ResponseReturnValue:
    page = portal().overviews.family(viewer(), patience())
    if len(page.cards) == 1 and not page.grown and page.cards[0].citizen.id == viewer().person:
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
    found = _open(citizen, wait=patience(), categories=(*categories, *BESIDE.get(part, ())))
    if not set(categories) & found.opens:
        abort(404)
    page = _page(f"overview/{template}.html", found, template, part, here=template)
    return page, 404 if g.get("no_such_month") else 200


@overview.get("/del/overblik/<citizen>")
@audience("logged-in")
def late(citizen: str) -> ResponseReturnValue:
    _only_inside_a_page()
    name = request.args.get("part", "")
    template, categories = PARTS.get(name, ("all", tuple(Category)))
    categories = (*categories, *BESIDE.get(name, ()))
    found = _open(citizen, wait=patience(fragment=True), categories=categories)
    return _page("overview/_parts.html", found, template, name)


@overview.get("/overblik/<citizen>/moeder/<ref>/tag-med")
@audience("logged-in")
@limited("export")
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
    month = _month(found) if part == "meetings" else None
    late = url_for(
        "overview.late",
        citizen=found.citizen.id,
        part=name or None,
        maaned=written_month(month) if month else None,
    )
    return render_template(
        template, overview=found, citizen=found.citizen, part=part, late_url=late,
        shown_month=month, no_such_month=g.get("no_such_month", False), **more,
    )  # fmt: skip


def _month(found: Overview) -> date | None:
    """The month asked for by `?maaned=2026-12`; this one when there is no such month."""
    written = request.args.get("maaned")
    if written is None:
        return None
    asked = asked_month(written, this_month(found))
    g.no_such_month = asked is None
    return asked or this_month(found)


def _only_inside_a_page() -> None:
    """A fragment opened as a page would be half a page: 400."""
    if not cast(PortalRequest, request).wants_part:
        abort(400)


def _waiting() -> dict[str, Any]:
    return {"vent": "1"} if request.args.get("vent") == "1" else {}
