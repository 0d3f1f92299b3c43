"""A young person's own pages: what her parents may see, and her rights."""

from __future__ import annotations

from flask import Blueprint, abort, g, render_template
from flask.typing import ResponseReturnValue

from portal.access import Facts
from portal.gate import audience, portal, viewer
from portal.growing import stages
from portal.handout import Citizen, Relation

young = Blueprint("young", __name__)


@young.get("/overblik/<citizen>/mine-foraeldre")
@audience("citizen")
def parents(citizen: str) -> ResponseReturnValue:
    """What parents see now and from the next birthdays, as the rules say today."""
    person, facts = _myself(citizen)
    now, *coming = stages(facts) or (abort(404),)
    return render_template(
        "young/parents.html", citizen=person, now=now, coming=coming, here="mere"
    )


@young.get("/overblik/<citizen>/mine-rettigheder")
@audience("citizen")
def rights(citizen: str) -> ResponseReturnValue:
    """The rights that hold at this age, and those to come."""
    person, _facts = _myself(citizen)
    return render_template("young/rights.html", citizen=person, here="mere")


def _myself(citizen: str) -> tuple[Citizen, Facts]:
    """The one who is logged in; for anybody else the page does not exist."""
    standing = portal().overviews.glance(viewer(), citizen)
    if standing.relation is not Relation.SELF:
        abort(404)
    g.relation = Relation.SELF.value
    return portal().overviews.citizen(standing), standing.home.facts
