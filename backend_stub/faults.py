"""What can go wrong at a system, on a switch: `POST /fault {"system": ..., "fault": ...}`.

One fault per system; `DELETE /fault` (with `?system=` or for all) heals. The
special system "register" is switched the same way.
"""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any

import msgspec
from aiohttp import web

from backend_stub.fhir_server import FHIR_JSON, answer
from backend_stub.shapes import Json

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

FAULTS = {
    "slow": "answers rightly, but each request takes 1.5 seconds longer",
    "hang": "takes the request and never answers",
    "drip": "answers rightly, one byte every 50 ms",
    "500": "internal error, as an HTML page with a stack trace",
    "html": "status 200 and a login page instead of data",
    "wrong-person": "answers about somebody else (a calendar cannot: it names nobody)",
    "reset": "breaks the connection in the middle of the answer",
    "huge": "a 64 MB answer that begins well",
    "gzip-bomb": "a small compressed answer that unpacks to 512 MB",
    "deep-json": "JSON nested 200,000 levels deep",
    "redirect": "302 to an address inside somebody's network",
    "401": "the client is no longer known",
    "429": "too many requests, Retry-After 30",
    "empty-bundle": "status 200 and nothing in it, as if there were nothing",
    "markup": "every text ends with a script and an image that fails",
    "outcome": "the right answer plus an OperationOutcome: not everything could be delivered",
}
SLOW, DRIP, HUGE, DEEP = 1.5, 0.05, 64 * 2**20, 200_000


class FaultSwitch:
    """Which system has which fault now."""

    def __init__(self) -> None:
        self.now: dict[str, str] = {}

    async def answer(self, system: str, request: web.Request,
                     right: Handler) -> web.StreamResponse:
        """The right answer, or the fault's."""
        fault = self.now.get(system, "")
        if fault in PLAIN:
            return PLAIN[fault]()
        if fault in STREAMED:
            return await STREAMED[fault](request)
        if fault == "slow":
            await asyncio.sleep(SLOW)
        found = await right(request)
        if fault == "drip":
            return await _drip(request, found)
        if fault in EDITED and isinstance(found, web.Response):
            return EDITED[fault](found)
        return found


def _failed() -> web.Response:
    return web.Response(status=500, content_type="text/html", text=(
        "<html><h1>500</h1><pre>java.lang.NullPointerException\n"
        "\tat dk.fagsystem.Boern.hent(Boern.java:117)</pre></html>"))


def _login_page() -> web.Response:
    return web.Response(content_type="text/html", text=(
        "<!doctype html><title>Log ind</title><form><input name=bruger></form>"
        "<script>alert('fagsystem')</script>"))


@lru_cache(maxsize=1)
def _bomb() -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = packer.compress(b'{"resourceType":"Bundle","entry":[')
    blank = b" " * 2**20
    return packed + b"".join(packer.compress(blank) for _ in range(512)) + packer.flush()


def _gzip_bomb() -> web.Response:
    return web.Response(body=_bomb(), content_type=FHIR_JSON,
                        headers={"Content-Encoding": "gzip"})


def _deep() -> web.Response:
    return web.Response(text="[" * DEEP + "]" * DEEP, content_type=FHIR_JSON)


def _redirect() -> web.Response:
    return web.Response(status=302, headers={"Location": "http://169.254.169.254/latest/"})


def _unknown_client() -> web.Response:
    return web.Response(status=401, headers={"WWW-Authenticate": "Bearer"})


def _too_many() -> web.Response:
    return web.Response(status=429, headers={"Retry-After": "30"})


PLAIN: dict[str, Callable[[], web.Response]] = {
    "500": _failed, "html": _login_page, "gzip-bomb": _gzip_bomb, "deep-json": _deep,
    "redirect": _redirect, "401": _unknown_client, "429": _too_many,
}


async def _hang(request: web.Request) -> web.StreamResponse:
    """Waits until the client goes away; aiohttp cancels nothing, so look at the transport."""
    while request.transport and not request.transport.is_closing():
        await asyncio.sleep(0.05)
    return web.Response()


async def _reset(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": FHIR_JSON, "Content-Length": "5000"})
    await response.prepare(request)
    await response.write(b'{"resourceType":"Bundle","entry":[')
    if request.transport:
        request.transport.abort()
    return response


async def _huge(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": FHIR_JSON})
    await response.prepare(request)
    block = b'{"resource":{"resourceType":"Basic"}},' * 3000
    await response.write(b'{"resourceType":"Bundle","type":"searchset","entry":[')
    for _ in range(HUGE // len(block)):
        await response.write(block)
    await response.write(b"{}]}")
    return response


async def _drip(request: web.Request, found: web.StreamResponse) -> web.StreamResponse:
    body = found.body if isinstance(found, web.Response) else b""
    raw = body if isinstance(body, bytes) else b""
    response = web.StreamResponse(headers={"Content-Type": found.content_type,
                                           "Content-Length": str(len(raw))})
    await response.prepare(request)
    for at in range(len(raw)):
        await response.write(raw[at:at + 1])
        await asyncio.sleep(DRIP)
    return response


STREAMED: dict[str, Callable[[web.Request], Awaitable[web.StreamResponse]]] = {
    "hang": _hang, "reset": _reset, "huge": _huge,
}


def _json(found: web.Response) -> Any:
    return msgspec.json.decode(found.body) if isinstance(found.body, bytes) else None


def _emptied(found: web.Response) -> web.Response:
    if found.content_type == "text/calendar":
        return web.Response(body=b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nEND:VCALENDAR\r\n",
                            content_type="text/calendar")
    if found.content_type == FHIR_JSON:
        return answer({"resourceType": "Bundle", "type": "searchset"})
    kept = {k: [] if isinstance(v, list) else v for k, v in _json(found).items()}
    return web.json_response(kept)


def _with_outcome(found: web.Response) -> web.Response:
    body: Json = _json(found) if found.content_type == FHIR_JSON else {}
    if body.get("resourceType") != "Bundle":
        return found
    issue = {"severity": "warning", "code": "incomplete",
             "details": {"text": "Nogle oplysninger kunne ikke hentes"}}
    said = {"resource": {"resourceType": "OperationOutcome", "issue": [issue]},
            "search": {"mode": "outcome"}}
    return answer(body | {"entry": [*body.get("entry", ()), said]})


def _somebody_else(found: web.Response) -> web.Response:
    raw = found.body if isinstance(found.body, bytes) else b""
    raw = re.sub(rb'"Patient/[^"]+"', b'"Patient/en-anden"', raw)
    raw = re.sub(rb'"\d{6}9\d{3}"', b'"1111119999"', raw)
    return web.Response(body=raw, content_type=found.content_type)


MARKUP = "<script>alert(1)</script><img src=x onerror=alert(2)>"
TEXTS = {"title", "description", "text", "display", "patientInstruction", "Sagstitel",
         "Aftaletitel", "Bemaerkning", "titel", "navn", "beskrivelse", "ord"}


def _marked_up(found: web.Response) -> web.Response:
    if found.content_type == "text/calendar":
        raw = found.body if isinstance(found.body, bytes) else b""
        marked = raw.replace(b"SUMMARY:", f"SUMMARY:{MARKUP} ".encode())
        return web.Response(body=marked, content_type="text/calendar", charset="utf-8")
    return web.json_response(_with_markup(_json(found)), content_type=found.content_type)


def _with_markup(node: Any) -> Any:
    if isinstance(node, list):
        return [_with_markup(n) for n in node]
    if not isinstance(node, dict):
        return node
    return {k: v + MARKUP if k in TEXTS and isinstance(v, str) and v else _with_markup(v)
            for k, v in node.items()}


EDITED: dict[str, Callable[[web.Response], web.Response]] = {
    "empty-bundle": _emptied, "outcome": _with_outcome,
    "wrong-person": _somebody_else, "markup": _marked_up,
}
