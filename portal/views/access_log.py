"""Who has looked, as each reader may know it."""

from __future__ import annotations

from flask import Blueprint, g, render_template, request
from flask.typing import ResponseReturnValue

from portal.gate import audience, portal, viewer

access_log = Blueprint("access_log", __name__)


@access_log.get("/overblik/<citizen>/hvem-har-set")
@audience("citizen")
def show(citizen: str) -> ResponseReturnValue:
    page = portal().seen_by.page(viewer(), citizen, request.args.get("sted", ""))
    g.relation = page.citizen.relation.value
    return render_template(
        "access_log/list.html", page=page, citizen=page.citizen, here="access_log"
    )
