"""How a page is answered: the values every template needs, and how long a first byte may wait."""

from __future__ import annotations

from typing import Any

import msgspec
from flask import Flask, g, request, session

from portal.access import Viewer
from portal.gate import csrf_token, portal
from portal.overview import Look
from portal.words import configured_word

FRAGMENT_SECONDS = 1.0
"""How long a late fragment waits before it shows what there is and asks once more."""


class Reader(msgspec.Struct, frozen=True, kw_only=True):
    """Who is logged in, in a template's words."""

    kind: str
    name: str
    first_name: str
    place: str = ""
    purpose: str = ""


def install(app: Flask) -> None:
    """Values for every template."""
    app.jinja_env.globals["csrf_token"] = csrf_token

    @app.context_processor
    def common() -> dict[str, Any]:
        settings = portal().settings
        reader = _reader(g.get("viewer"))
        return {
            "viewer": reader,
            "body_viewer": reader.kind if reader else "anonymous",
            "service_name": settings.service_name,
            "authority": settings.authority,
            "settings_contact": settings.contact,
            "quick_exit_url": settings.quick_exit_url,
            "session_seconds": settings.idle_seconds if reader else 0,
        }


def _reader(viewer: Viewer | None) -> Reader | None:
    if viewer is None:
        return None
    first = viewer.name.split(" ")[0] if viewer.name else ""
    if not viewer.staff:
        kind = g.get("relation") or (
            "guardian" if portal().own_account.is_guardian(viewer) else "self"
        )
        return Reader(kind=kind, name=viewer.name, first_name=first)
    actors = portal().settings.actors
    return Reader(
        kind="staff",
        name=viewer.name,
        first_name=viewer.name or first,
        place=", ".join(actors[a].name for a in sorted(viewer.actors) if a in actors),
        purpose=purpose_text(g.get("purpose", "")),
    )


def purpose_text(purpose: str) -> str:
    """The words of a purpose; empty when it is gone from the configuration."""
    return next((configured_word(p.text) for p in portal().settings.purpose if p.id == purpose), "")


def patience(fragment: bool = False) -> float | None:
    """How long this request may wait for sources; `?vent=1` waits for all."""
    if request.args.get("vent") == "1":
        return None
    return FRAGMENT_SECONDS if fragment else portal().settings.first_byte_seconds


def within(seconds: float) -> float | None:
    """The same for a page that fetches nothing by itself: so long, or with `?vent=1` for all."""
    return None if request.args.get("vent") == "1" else seconds


def look(citizen: str, **more: Any) -> Look:
    """How this request looks at a citizen, with the purpose chosen in this session."""
    purpose = session.get("purposes", {}).get(citizen, "")
    g.purpose = purpose
    return Look(purpose=purpose, **more)
