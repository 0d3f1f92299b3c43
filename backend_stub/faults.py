"""What can go wrong at a system, on a switch: `POST /fault {"system": ..., "fault": ...}`.

One fault per system; `DELETE /fault` (with `?system=` or for all) heals. The special
system "register" is switched the same way. `"only": "Goal"` keeps the fault to
addresses that hold that word, so that the first question may go well.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

from aiohttp import web

from backend_stub.fault_bodies import BODIES
from backend_stub.fault_edits import EDITS
from backend_stub.fault_wire import WIRE, drip

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

FAULTS = {
    "slow": "answers rightly, but each request takes 1.5 seconds longer",
    "hang": "takes the request and never answers",
    "hang-midway": "begins well and never goes on",
    "drip": "answers rightly, one byte every 50 ms",
    "slow-headers": "one byte of a header every 50 ms, for ever",
    "closed": "takes the connection, reads the request and closes without a word",
    "reset": "breaks the connection in the middle of the answer",
    "not-http": "answers bytes that are no HTTP",
    "huge-headers": "a header of 1 MB",
    "too-short": "promises more bytes than it gives, and waits",
    "too-long": "gives more than it promised: a second answer about somebody else lies behind the first",
    "bad-chunks": "chunks whose sizes are no numbers",
    "huge": "a 100 MB answer that begins well",
    "gzip-bomb": "a small compressed answer that unpacks to 512 MB",
    "gzip-twice": "the same, compressed twice",
    "brotli-bomb": "the same in a compression nobody asked for",
    "not-gzip": "says compressed, is not",
    "many-gzips": "100,000 compressed parts one after another",
    "500": "internal error, as an HTML page with a stack trace",
    "401": "the client is no longer known",
    "403": "not this client",
    "404": "no such address",
    "429": "too many requests, Retry-After 30",
    "redirect": "302 to an address inside somebody's network",
    "html": "status 200 and a login page instead of data",
    "xml": "status 200 and XML instead of JSON",
    "nothing": "status 200 and not a byte",
    "null": "status 200 and the JSON value null",
    "cut": "a whole answer in HTTP, but its text ends in the middle",
    "deep-json": "nested 200,000 levels deep",
    "nan": "numbers that are none: NaN, Infinity, 1e999",
    "huge-ints": "numbers of 100,000 digits",
    "twice": "the same key twice, with different people",
    "many-keys": "an object of 200,000 keys",
    "surrogates": "half characters (\\ud800) and bytes that are no UTF-8",
    "wrong-charset": "the right answer in UTF-16",
    "many": "as many of the right entries, each with an id of its own, as 4.9 MB (calendars: 590 kB) hold",
    "too-many": "100,000 entries or events",
    "secondly": "calendars: an event every second, and rules that never match",
    "wrong-kinds": "the right answer, each text a number, each list an object",
    "bad-dates": "the right answer, each day one that does not exist",
    "empty-bundle": "status 200 and nothing in it, as if there were nothing",
    "outcome": "the right answer plus an OperationOutcome: not everything could be delivered",
    "wrong-person": "answers about somebody else (a calendar cannot: it names nobody)",
    "alien": "one entry about somebody else in the right answer",
    "loop": "FHIR: the next page is this page, for ever",
    "away": "FHIR: the next page is at another address",
    "cookie": "the right answer and a cookie that says who it was about",
    "markup": "every text ends with a script and an image that fails",
    "random": "each request: one of the others, or none",
}
SLOW = 1.5
UNHURRIED = frozenset({"slow", "drip", "random", "huge", "markup"})
"""Not among what "random" chooses: they fill time or memory, not the lab."""


class FaultSwitch:
    """Which system has which fault now."""

    def __init__(self, seed: int = 851) -> None:
        self.now: dict[str, str] = {}
        self.only: dict[str, str] = {}
        self._dice = random.Random(seed)

    def set(self, system: str, fault: str, only: str = "") -> None:
        """Make a system ill; an empty fault heals it."""
        for kept, value in (self.now, fault), (self.only, only):
            if value:
                kept[system] = value
            else:
                kept.pop(system, None)

    async def answer(self, system: str, request: web.Request,
                     right: Handler) -> web.StreamResponse:
        """The right answer, or the fault's."""
        fault = self.now.get(system, "")
        if self.only.get(system, "") not in request.path:
            fault = ""
        if fault == "random":
            fault = self._dice.choice(["", *sorted(FAULTS.keys() - UNHURRIED)])
        if fault in BODIES:
            return BODIES[fault](request)
        if fault in WIRE:
            return await WIRE[fault](request)
        if fault == "slow":
            await asyncio.sleep(SLOW)
        found = await right(request)
        if fault == "drip":
            return await drip(request, found)
        if fault in EDITS and isinstance(found, web.Response) and found.status == 200:
            return EDITS[fault](request, found)
        return found
