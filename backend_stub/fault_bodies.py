"""Faults whose answer has nothing to do with the right one: errors, bombs, texts that are not data.

A calendar is answered with a calendar, anything else with JSON, each as bad as its kind can be.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Callable
from functools import lru_cache

import brotli
from aiohttp import web

from backend_stub.calendar_days import Days
from backend_stub.fhir_server import FHIR_JSON

Body = Callable[[web.Request], web.Response]
DEEP, MANY, BOMB = 200_000, 100_000, 512
DIGITS = "9" * 100_000


def _failed() -> web.Response:
    return web.Response(status=500, content_type="text/html", text=(
        "<html><h1>500</h1><pre>java.lang.NullPointerException\n"
        "\tat dk.fagsystem.Boern.hent(Boern.java:117)</pre></html>"))


def _login_page() -> web.Response:
    return web.Response(content_type="text/html", text=(
        "<!doctype html><title>Log ind</title><form><input name=bruger></form>"
        "<script>alert('fagsystem')</script>"))


def _said(status: int, **headers: str) -> Body:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request: web.Response(status=status, headers=named)


@lru_cache(maxsize=1)
def _bomb() -> bytes:
    """Packed a megabyte at a time, and that one repeated: packing it all stops every system for 3 s."""
    first, blank = b'{"resourceType":"Bundle","entry":[', b" " * 2**20
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    head = packer.compress(first) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(blank) + packer.flush(zlib.Z_FULL_FLUSH)
    check = zlib.crc32(first)
    for _ in range(BOMB):
        check = zlib.crc32(blank, check)
    length = len(first) + BOMB * len(blank)
    opened = b"\x1f\x8b\x08" + bytes(6) + b"\xff"
    return opened + head + block * BOMB + packer.flush() + struct.pack("<II", check, length)


@lru_cache(maxsize=1)
def _brotli_bomb() -> bytes:
    packer = brotli.Compressor(quality=1)
    blank = b" " * 2**20
    packed = b"".join(packer.process(blank) for _ in range(BOMB))
    return bytes(packed + packer.finish())


@lru_cache(maxsize=1)
def _many_gzips() -> bytes:
    return gzip.compress(b" ", 1, mtime=0) * MANY


def _packed(make: Callable[[], bytes], encoding: str) -> Body:
    return lambda request: web.Response(body=make(), content_type=FHIR_JSON,
                                        headers={"Content-Encoding": encoding})


def _either(calendar: Callable[[], str], other: Callable[[], str]) -> Body:
    """A calendar for a calendar, JSON for the rest; texts with no UTF-8 are marked as latin-1."""
    def answer(request: web.Request) -> web.Response:
        if request.path.endswith(".ics"):
            lines = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{calendar()}END:VCALENDAR\r\n"
            return web.Response(body=lines.encode("latin-1"), content_type="text/calendar")
        return web.Response(body=other().encode("latin-1"), content_type=FHIR_JSON)
    return answer


def _event(*lines: str) -> str:
    start = f"{Days().at(1, 10):%Y%m%dT%H%M%S}"
    return "\r\n".join(("BEGIN:VEVENT", f"UID:{hash(lines)}", f"DTSTART:{start}", *lines,
                        "END:VEVENT", ""))


def _bundle(*resources: str) -> str:
    entries = ",".join(f'{{"resource":{r}}}' for r in resources)
    return f'{{"resourceType":"Bundle","type":"searchset","entry":[{entries}]}}'


def _goal(rest: str) -> str:
    return f'{{"resourceType":"Goal","id":"g",{rest}}}'


@lru_cache(maxsize=1)
def _many() -> str:
    goals = (f'{{"resourceType":"Goal","id":"g{n}"}}' for n in range(MANY))
    return _bundle(*goals)


@lru_cache(maxsize=1)
def _many_events() -> str:
    return "".join(_event(f"SUMMARY:{n}") for n in range(MANY))


@lru_cache(maxsize=1)
def _many_keys() -> str:
    return "{" + ",".join(f'"k{n}":{n}' for n in range(2 * MANY)) + "}"


def _secondly() -> str:
    return (_event("SUMMARY:hvert sekund", "RRULE:FREQ=SECONDLY")
            + _event("RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30")
            + _event("RRULE:FREQ=DAILY;INTERVAL=1;COUNT=999999999"))


BODIES: dict[str, Body] = {
    "500": lambda request: _failed(),
    "html": lambda request: _login_page(),
    "401": _said(401, WWW_Authenticate="Bearer"),
    "403": _said(403),
    "404": _said(404),
    "429": _said(429, Retry_After="30"),
    "redirect": _said(302, Location="http://169.254.169.254/latest/"),
    "nothing": _said(200),
    "gzip-bomb": _packed(_bomb, "gzip"),
    "gzip-twice": _packed(lambda: gzip.compress(_bomb(), mtime=0), "gzip, gzip"),
    "brotli-bomb": _packed(_brotli_bomb, "br"),
    "not-gzip": _packed(lambda: b'{"resourceType":"Bundle"}', "gzip"),
    "many-gzips": _packed(_many_gzips, "gzip"),
    "xml": lambda request: web.Response(content_type="application/fhir+xml", text=(
        '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>'
        '<Bundle xmlns="http://hl7.org/fhir"><type value="&b;"/></Bundle>')),
    "null": _either(lambda: "", lambda: "null"),
    "deep-json": _either(lambda: "BEGIN:VEVENT\r\n" * 20_000, lambda: "[" * DEEP + "]" * DEEP),
    "nan": _either(lambda: _event("PRIORITY:NaN", "RRULE:FREQ=DAILY;COUNT=NaN"),
                   lambda: _bundle(_goal('"n":NaN,"m":-Infinity,"o":1e999'))),
    "huge-ints": _either(lambda: _event(f"RRULE:FREQ=DAILY;INTERVAL={DIGITS}"),
                         lambda: _bundle(_goal(f'"n":{DIGITS},"m":1e{DIGITS[:400]}'))),
    "twice": _either(lambda: _event("DTSTART:20200101T100000", "UID:en", "UID:to"),
                     lambda: _bundle('{"resourceType":"Patient","id":"a","id":"b"}')),
    "many-keys": _either(lambda: _event(*(f"X-{n}:{n}" for n in range(20_000))), _many_keys),
    "too-many": _either(_many_events, _many),
    "secondly": _either(_secondly, lambda: '{"events":"hvert sekund"}'),
}
