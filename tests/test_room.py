"""The tester's room leaves nothing out: every page the portal has is a stop, or is said to be reached by hand."""

from __future__ import annotations

from flask import Flask
from werkzeug.exceptions import NotFound

from backend_stub.room import SCENES, stops
from backend_stub.systems import SYSTEMS

NO_PAGE = {
    "calendar.feed", "calendar.meeting", "consents.receipt_fhir", "account.left", "account.own_data",
    "overview.late", "overview.late_family", "pages.was", "pages.healthz", "pages.readyz",
    "phone.manifest", "phone.contact", "sign_in.citizen", "sign_in.staff", "sign_in.keys",
}  # fmt: skip
"""Files, parts of pages, redirects and signs of life."""
BY_HAND = {"consents.preview", "consents.receipt", "overview.bring", "again.ask"}
"""Pages that need something done first; the room's own page says what."""


def test_every_page_is_a_stop(app: Flask) -> None:
    pages = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and rule.endpoint not in NO_PAGE | BY_HAND
    }
    assert pages - _met(app) == set()


def test_no_stop_leads_nowhere(app: Flask) -> None:
    assert None not in {_endpoint(app, path) for path in _paths() if path != "/findes-ikke"}


def test_what_is_left_out_exists(app: Flask) -> None:
    known = {rule.endpoint for rule in app.url_map.iter_rules()}
    assert (NO_PAGE | BY_HAND) - known == set()


def test_every_scene_has_stops_and_real_systems() -> None:
    known = {s.id for s in SYSTEMS} | {"register"}
    for name, scene in SCENES.items():
        assert list(stops(name))
        assert set(scene.faults) <= known


def _paths() -> set[str]:
    return {
        (f"/overblik/{'0' * 32}" if stop.child else "") + stop.path
        for scene in SCENES
        for stop in stops(scene)
    }


def _met(app: Flask) -> set[str | None]:
    return {_endpoint(app, path) for path in _paths()}


def _endpoint(app: Flask, path: str) -> str | None:
    try:
        return app.url_map.bind("127.0.0.1").match(path)[0]
    except NotFound:
        return None
