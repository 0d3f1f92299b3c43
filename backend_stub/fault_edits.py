"""Faults made of the right answer: emptied, marked up, about somebody else, bent."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import web

from backend_stub.fhir_server import FHIR_JSON, answer
from backend_stub.shapes import Json

Edit = Callable[[web.Request, web.Response], web.Response]
CALENDAR = "text/calendar"
STRANGER = "1111119999"
MARKUP = "<script>alert(1)</script><img src=x onerror=alert(2)>"
IDS = {"id", "fullUrl", "SagUUID", "AftaleUUID"}
TEXTS = {"title", "description", "text", "display", "patientInstruction", "Sagstitel",
         "Aftaletitel", "Bemaerkning", "titel", "navn", "beskrivelse", "ord"}


def _raw(found: web.Response) -> bytes:
    return found.body if isinstance(found.body, bytes) else b""


def _json(found: web.Response) -> Any:
    return msgspec.json.decode(_raw(found))


def _as(found: web.Response, body: bytes) -> web.Response:
    return web.Response(body=body, status=found.status, content_type=found.content_type)


def _emptied(request: web.Request, found: web.Response) -> web.Response:
    if found.content_type == CALENDAR:
        return _as(found, b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nEND:VCALENDAR\r\n")
    if found.content_type == FHIR_JSON:
        return answer({"resourceType": "Bundle", "type": "searchset"})
    kept = {k: [] if isinstance(v, list) else v for k, v in _json(found).items()}
    return web.json_response(kept)


def _bundle(found: web.Response) -> Json:
    """Its bundle, or {} when it is none."""
    body: Json = _json(found) if found.content_type == FHIR_JSON else {}
    return body if body.get("resourceType") == "Bundle" else {}


def _with_outcome(request: web.Request, found: web.Response) -> web.Response:
    body = _bundle(found)
    if not body:
        return found
    issue = {"severity": "warning", "code": "incomplete",
             "details": {"text": "Nogle oplysninger kunne ikke hentes"}}
    said = {"resource": {"resourceType": "OperationOutcome", "issue": [issue]},
            "search": {"mode": "outcome"}}
    return answer(body | {"entry": [*body.get("entry", ()), said]})


def _somebody_else(request: web.Request, found: web.Response) -> web.Response:
    raw = re.sub(rb'"Patient/[^"]+"', b'"Patient/en-anden"', _raw(found))
    return _as(found, re.sub(rb'"\d{6}9\d{3}"', b'"%s"' % STRANGER.encode(), raw))


def _alien(request: web.Request, found: web.Response) -> web.Response:
    """One more entry, of the kind asked for, about somebody else; JSON that names nobody below
    its top gets the stranger's whole answer inside a list."""
    if body := _bundle(found):
        kind = request.path.split("/")[-2]
        whose = {"subject": {"reference": "Patient/en-anden"},
                 "participant": [{"actor": {"reference": "Patient/en-anden"}}]}
        stranger = {"resource": {"resourceType": kind, "id": "alien", "status": "active",
                                 "description": {"text": "EN ANDENS"}, "title": "EN ANDENS",
                                 **whose}, "search": {"mode": "match"}}
        return answer(body | {"entry": [*body.get("entry", ()), stranger]} if kind != "Patient"
                      else body)
    if found.content_type == CALENDAR:
        return found
    told = {k: [*v, {"cpr": STRANGER, "CPR-nr": STRANGER, "titel": "EN ANDENS"}]
            if isinstance(v, list) else v for k, v in _json(found).items()}
    return web.json_response(told)


def _marked_up(request: web.Request, found: web.Response) -> web.Response:
    if found.content_type == CALENDAR:
        marked = _raw(found).replace(b"SUMMARY:", f"SUMMARY:{MARKUP} ".encode())
        return web.Response(body=marked, content_type=CALENDAR, charset="utf-8")
    return web.json_response(_with_markup(_json(found)), content_type=found.content_type)


def _with_markup(node: Any) -> Any:
    if isinstance(node, list):
        return [_with_markup(n) for n in node]
    if not isinstance(node, dict):
        return node
    return {k: v + MARKUP if k in TEXTS and isinstance(v, str) and v else _with_markup(v)
            for k, v in node.items()}


def _cut(request: web.Request, found: web.Response) -> web.Response:
    return _as(found, _raw(found)[:max(1, len(_raw(found)) * 2 // 3)])


def _half_characters(request: web.Request, found: web.Response) -> web.Response:
    if found.content_type == CALENDAR:
        return _as(found, _raw(found).replace(b"SUMMARY:", b"SUMMARY:\xff\xfe\xed\xa0\x80 "))
    return _as(found, re.sub(rb'("(?:[Tt]itel|title|text|display|Sagstitel|Aftaletitel)": ?")',
                             rb"\1\\ud800 ", _raw(found)))


def _utf_16(request: web.Request, found: web.Response) -> web.Response:
    return _as(found, _raw(found).decode().encode("utf-16"))


def _other_kinds(request: web.Request, found: web.Response) -> web.Response:
    if found.content_type == CALENDAR:
        return _as(found, re.sub(rb"(SUMMARY|STATUS|UID|DTEND)[^\r]*", rb"\1;VALUE=BINARY:7",
                                 _raw(found)))
    return web.json_response(_bent(_json(found)), content_type=found.content_type)


def _bent(node: Any, top: bool = True) -> Any:
    """What tells whom and what it is stays, so that the rest is read at all."""
    if isinstance(node, dict):
        return {k: v if k in ("resourceType", "id", "CPR-nr", "cpr") else _bent(v, top and k in
                ("entry", "resource", "borger")) for k, v in node.items()}
    if isinstance(node, list):
        bent = [_bent(n, top) for n in node]
        return bent if top else {str(n): b for n, b in enumerate(bent)}
    return 7 if isinstance(node, str) and not top else node


def _no_such_days(request: web.Request, found: web.Response) -> web.Response:
    if found.content_type == CALENDAR:
        return _as(found, re.sub(rb"(DTSTART[^:]*:)[0-9T]+", rb"\g<1>20261399T996199",
                                 _raw(found)))
    return _as(found, re.sub(rb'"\d{4}-\d{2}-\d{2}([^"]*)"', rb'"2026-13-99\1"', _raw(found)))


def _repeated(request: web.Request, found: web.Response) -> web.Response:
    raw = _raw(found)
    if found.content_type == CALENDAR:
        head, mark, events = raw.partition(b"BEGIN:VEVENT")
        one = mark + events.rpartition(b"END:VEVENT")[0] + b"END:VEVENT\r\n"
        rounds = (b"".join((head, *(one.replace(b"UID:", b"UID:%d-" % n) for n in range(times)),
                            b"END:VCALENDAR\r\n")) for times in (590_000 // (len(one) * 4 // 3),))
        return _as(found, next(rounds)) if mark else found
    body = _json(found)
    if _bundle(found) and "/Patient/" in request.path:
        return found
    lists = {k: v for k, v in body.items() if isinstance(v, list) and v and k != "link"}
    size = sum(len(msgspec.json.encode(v)) for v in lists.values())
    times = 4_900_000 // max(1, size * 11 // 10)
    more = {k: [_renamed(x, n) for n in range(times) for x in v] for k, v in lists.items()}
    return _as(found, msgspec.json.encode(body | {"total": None, "link": []} | more))


def _renamed(entry: Any, n: int) -> Any:
    """With another id, one level down too."""
    if not isinstance(entry, dict):
        return entry
    return {k: f"{v}-{n}" if k in IDS and isinstance(v, str) else _renamed(v, n)
            if k == "resource" else v for k, v in entry.items()}


def _next_is(where: Callable[[web.Request], str]) -> Edit:
    def edit(request: web.Request, found: web.Response) -> web.Response:
        body = _bundle(found)
        link = [{"relation": "next", "url": where(request)}]
        return answer(body | {"link": link}) if body else found
    return edit


def _with_cookie(request: web.Request, found: web.Response) -> web.Response:
    found.set_cookie("borger", STRANGER)
    return found


EDITS: dict[str, Edit] = {
    "empty-bundle": _emptied, "outcome": _with_outcome, "wrong-person": _somebody_else,
    "alien": _alien, "markup": _marked_up, "cut": _cut, "surrogates": _half_characters,
    "wrong-charset": _utf_16, "wrong-kinds": _other_kinds, "bad-dates": _no_such_days,
    "loop": _next_is(lambda request: f"{request.url.origin()}"
                     f"{request.path.removesuffix('/_search')}?_id=ingen"),
    "away": _next_is(lambda request: "http://169.254.169.254/latest/?_page=2"),
    "cookie": _with_cookie, "many": _repeated,
}
