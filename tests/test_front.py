"""Slow visitors and too many of them: everybody else is still answered, by the server as it runs."""

from __future__ import annotations

import ast
import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.wrappers import Request

from portal.bodies import LARGEST_BODY, SECONDS
from portal.i18n import COOKIE, LANGUAGES
from portal.lanes import lanes
from portal.refusals import Refusals
from tests.front_fixtures import LONG, Served
from tests.front_fixtures import served as served
from tests.page_checks import faults
from tests.proving import times
from tests.serving_stage import until

SLOW = times(90, 500)
HEADERS = b"GET /hjaelp HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nX-Slow: "
BODIES = tuple(
    f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nContent-Length: 1000\r\n"
    "Content-Type: application/x-www-form-urlencoded\r\n\r\n".encode()
    for path in ("/sprog", "/log-ind/bagkanal", f"/overblik/{'0' * 32}/samtykke/ppr")
)


@contextlib.contextmanager
def dripping(wires: list[socket.socket]) -> Iterator[None]:
    """One more byte on each, once a second."""
    over = threading.Event()

    def drip() -> None:
        while not over.wait(1.0):
            for wire in wires:
                with contextlib.suppress(OSError):
                    wire.send(b"a")

    dripper = threading.Thread(target=drip)
    dripper.start()
    try:
        yield
    finally:
        over.set()
        dripper.join()
        for wire in wires:
            wire.close()


def test_a_byte_a_second_keeps_nobody_waiting(served: Served) -> None:
    """A third drip their headers, two thirds their bodies, far more than there are threads."""
    began = time.monotonic()
    beginnings = (HEADERS, *BODIES)
    wires = [served.open(beginnings[n % len(beginnings)]) for n in range(SLOW)]
    with dripping(wires):
        while time.monotonic() - began < SECONDS / 2:
            for path, method, status in (("/", "GET", 200), ("/healthz", "GET", 200), ("/log-ud", "POST", 303)):  # fmt: skip
                answer = served.ask(path, method)
                assert answer.status == status, path
                assert answer.seconds < SECONDS / 2, path
            time.sleep(0.2)
        assert all(_ended(wire) for wire in wires), "a drip goes on for ever"


def _ended(wire: socket.socket) -> bool:
    """Told that it was too slow, or simply ended; never served."""
    wire.settimeout(LONG)
    said = b""
    with contextlib.suppress(OSError):
        while part := wire.recv(65536):
            said += part
    return not said or said.startswith(b"HTTP/1.1 408")


def test_a_body_that_breaks_off_is_not_half_a_form(served: Served) -> None:
    wire = served.open(BODIES[0] + b"sprog=en&retur=")
    wire.shutdown(socket.SHUT_WR)
    wire.settimeout(LONG)
    said = b""
    with contextlib.suppress(OSError):
        said = wire.recv(65536)
    wire.close()
    assert not said or said.split(b" ")[1] in (b"400", b"408")


def test_whoever_does_not_read_holds_no_thread(served: Served) -> None:
    """Fifty are sent twenty megabytes each and read none."""
    asked = b"GET /-/long HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n\r\n"
    wires = []
    for _ in range(times(20, 50)):
        wire = socket.socket()
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        wire.connect(("127.0.0.1", served.port))
        wire.sendall(asked)
        wires.append(wire)
    until(lambda: served.ask("/hjaelp").status == 200)  # twenty megabytes are long in the making
    for wire in wires:
        wire.close()


def test_a_full_house_says_come_again(served: Served) -> None:
    """Pages wait less than a second; doors and health are let in while the house is full."""
    with crowd(served, "/-/sleep?4", 120) as answers:
        inside = served.ask("/healthz"), served.ask("/log-ind"), served.ask("/log-ud", "POST")
        assert [a.status for a in inside] == [200, 302, 303]
        refused = served.ask("/hjaelp", Accept_Language="uk")
    assert refused.status == 503
    assert refused.headers["Retry-After"] == "5"
    assert 'lang="uk"' in refused.text and 'data-viewer="anonymous"' in refused.text
    statuses = [a.status for a in answers]
    assert {*statuses} == {200, 503} and statuses.count(200) >= 16
    assert served.ask("/hjaelp").status == 200, "and afterwards all is as before"


def test_who_waits_for_sources_does_not_hold_the_others_seats(served: Served) -> None:
    with crowd(served, "/-/sleep?vent=1&7", 60), crowd(served, "/del/-/sleep?7", 60):
        assert served.ask("/hjaelp").status == 200
        part = served.ask("/del/x", HX_Request="true", HX_Request_Type="partial")
        assert part.status == 503 and "<html" not in part.text


def test_withdrawing_waits_where_pages_are_refused(served: Served) -> None:
    """More consents than there are seats for: they stand in line, and none is refused."""
    path = f"/overblik/{'0' * 32}/samtykke/-/sleep?1"
    with crowd(served, path, 24, method="POST", body="handling=traek") as answers:
        pass
    assert {a.status for a in answers} == {200}


@contextlib.contextmanager
def crowd(served: Served, path: str, many: int, **how: Any) -> Iterator[list[Any]]:
    """So many ask at once; their answers are there when the block has ended."""
    answers: list[Any] = []
    with ThreadPoolExecutor(many) as pool:
        under_way = [pool.submit(served.ask, path, **how) for _ in range(many)]
        time.sleep(1.5)
        yield answers
        answers += [asked.result() for asked in under_way]


def test_the_seats_stand_in_the_guide() -> None:
    guide = Path("docs/operator.md").read_text()
    for name, lane in lanes().items():
        row = f"| {lane.seats} | {lane.patience:g} s | {lane.line:,} |"
        assert row in guide, name


def test_every_refusal_is_a_page_of_its_language(app: Flask) -> None:
    refusals = Refusals(app)
    for code, part in itertools.product(LANGUAGES, (False, True)):
        asking = {"Cookie": f"{COOKIE}={code}"} | ({"HX-Request-Type": "partial"} if part else {})
        request = Request.from_values(headers=asking)
        for why, status in (("busy", 503), ("slow", 408)):
            told, headers, body = refusals.find(why, request)
            said = dict(headers)
            assert told == status and said["Retry-After"] == "5" and said["Connection"] == "close"
            assert said["Cache-Control"] == "no-store" and "Set-Cookie" not in said
            assert "default-src 'none'" in said["Content-Security-Policy"]
            assert not faults(body.decode(), whole=not part)
            assert part or f'lang="{LANGUAGES[code].tag}"' in body.decode()


def told(served: Served, request: bytes) -> dict[str, Any]:
    """What the application was told of a request as these bytes."""
    with contextlib.closing(served.open(request)) as wire:
        said = b""
        while b"}" not in said:
            said += wire.recv(65536)
    found: dict[str, Any] = ast.literal_eval(said.partition(b"\r\n\r\n")[2].decode())
    return found


def test_what_the_application_is_told(served: Served) -> None:
    request = (
        b"POST /%C3%A6/-/told?a=%20b HTTP/1.1\r\nHost: x\r\nCookie: a=1\r\nCookie: b=2\r\n"
        b"X-Forwarded-For: 1.1.1.1\r\nX_Forwarded_For: 2.2.2.2\r\nContent_Length: 9\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    )
    found = told(served, request)
    assert found["PATH_INFO"] == "/\u00c3\u00a6/-/told" and found["QUERY_STRING"] == "a=%20b"
    assert found["HTTP_COOKIE"] == "a=1; b=2" and found["CONTENT_LENGTH"] == "5"
    assert found["BODY"] == 5 and found["REMOTE_ADDR"] == "127.0.0.1"
    assert "2.2.2.2" not in str(found), "a header written with an underscore passes for another"
    assert not [k for k in found if k.startswith("PORTAL_")], "secrets of the process in a request"


def test_too_much_is_not_read(served: Served) -> None:
    """Said beforehand it is refused unread; unsaid, when it has become too much."""
    start = b"POST /sprog HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    many = LARGEST_BODY + 1000
    said = b"Content-Length: %d\r\n\r\n" % many
    unsaid = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % many + b"a" * many + b"\r\n"
    for rest in (said, unsaid):
        with contextlib.closing(served.open(start + rest)) as wire:
            assert wire.recv(65536).startswith(b"HTTP/1.1 413"), rest[:40]


SMUGGLED = b"GET /-/told HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 5\r\nContent-Length: 50\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Transfer-Encoding : chunked\r\n",
        b"Content-Length: +5\r\n",
        b"Content-Length: 0x5\r\n",
    ],
)
def test_where_a_request_ends_is_told_in_one_way(served: Served, headers: bytes) -> None:
    """What could be read as two requests is refused, or ends its connection (RFC 9112, 6.3 and 11.2)."""
    start = b"POST /-/told HTTP/1.1\r\nHost: x\r\n" + headers + b"\r\n0\r\n\r\n"
    with contextlib.closing(served.open(start + SMUGGLED + SMUGGLED)) as wire:
        wire.settimeout(LONG)
        said = b""
        with contextlib.suppress(OSError):
            while part := wire.recv(65536):
                said += part
    assert said.count(b"HTTP/1.1 ") <= 1, said
