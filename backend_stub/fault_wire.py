"""Faults below the answer: connections that hang, drip, break, or do not speak HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from backend_stub.fhir_server import FHIR_JSON

DRIP = 0.05
HUGE = 100 * 2**20
BEGINNING = b'{"resourceType":"Bundle","type":"searchset","entry":['
ALIEN = b'{"CPR-nr":"1111119999","m":[{"t":"EN ANDENS","s":"2026-12-01"}]}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"


async def _waits(request: web.Request) -> None:
    """Until the client goes away; aiohttp cancels nothing, so look at the transport."""
    while request.transport and not request.transport.is_closing():
        await asyncio.sleep(0.05)


async def _hang(request: web.Request) -> web.StreamResponse:
    await _waits(request)
    return web.Response()


async def _begun(request: web.Request, **headers: str) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": FHIR_JSON, **headers})
    await response.prepare(request)
    await response.write(BEGINNING)
    return response


async def _hang_midway(request: web.Request) -> web.StreamResponse:
    response = await _begun(request)
    await _waits(request)
    return response


async def _too_short(request: web.Request) -> web.StreamResponse:
    response = await _begun(request, **{"Content-Length": "5000"})
    await _waits(request)
    return response


async def _reset(request: web.Request) -> web.StreamResponse:
    response = await _begun(request, **{"Content-Length": "5000"})
    if request.transport:
        request.transport.abort()
    return response


async def _huge(request: web.Request) -> web.StreamResponse:
    response = await _begun(request)
    block = b'{"resource":{"resourceType":"Basic"}},' * 3000
    for _ in range(HUGE // len(block) + 1):
        await response.write(block)
    await response.write(b"{}]}")
    return response


async def drip(request: web.Request, found: web.StreamResponse) -> web.StreamResponse:
    """The right answer, a byte at a time."""
    body = found.body if isinstance(found, web.Response) else b""
    raw = body if isinstance(body, bytes) else b""
    response = web.StreamResponse(headers={"Content-Type": found.content_type,
                                           "Content-Length": str(len(raw))})
    await response.prepare(request)
    for at in range(len(raw)):
        await response.write(raw[at:at + 1])
        await asyncio.sleep(DRIP)
    return response


async def _slow_headers(request: web.Request) -> web.StreamResponse:
    _write(request, b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while request.transport and not request.transport.is_closing():
        _write(request, b"x")
        await asyncio.sleep(DRIP)
    return web.Response()


def _raw(*parts: bytes) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """These bytes in place of an answer, and the end of the connection."""
    async def answer(request: web.Request) -> web.StreamResponse:
        for part in parts:
            _write(request, part)
            await asyncio.sleep(0)
        if request.transport:
            request.transport.close()
        return web.Response()
    return answer


async def _too_long(request: web.Request) -> web.StreamResponse:
    """The connection stays open: who does not look takes the rest for the next answer."""
    first = b'{"m":[]}'
    _write(request, ANSWER % (len(first), first))
    await asyncio.sleep(DRIP)
    _write(request, ANSWER % (len(ALIEN), ALIEN))
    await _waits(request)
    return web.Response()


def _write(request: web.Request, part: bytes) -> None:
    if request.transport and not request.transport.is_closing():
        request.transport.write(part)


WIRE: dict[str, Callable[[web.Request], Awaitable[web.StreamResponse]]] = {
    "hang": _hang, "hang-midway": _hang_midway, "slow-headers": _slow_headers, "closed": _raw(),
    "reset": _reset, "too-short": _too_short, "too-long": _too_long, "huge": _huge,
    "not-http": _raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03SSH-2.0-hej\r\n" * 40),
    "huge-headers": _raw(b"HTTP/1.1 200 OK\r\nX-Big: ", *([b"x" * 65536] * 16), b"\r\n\r\n{}"),
    "bad-chunks": _raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                       b"zz\r\n{}\r\n-1\r\n\r\n0\r\n\r\n"),
}
