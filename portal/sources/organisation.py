"""FK-ORG: the municipalities' common organisation system knows a unit's name and telephone by its UUID.

GraphQL as KOMBIT publishes it (kombit/org-graphql: `organisationEnhed`, and two
headers that name each request). Asked for UUIDs only, never about a person.
Slow or down, nobody waits: what is not known is not shown, and arrives later.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import time
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

import msgspec

from portal.settings import Organisation, Settings
from portal.sources import SourceFailure
from portal.sources.fhir_shape import clean, obj, objs, text
from portal.sources.http import Connection, expect_ok
from portal.sources.json_in import decode
from portal.sources.loop import LOOP
from portal.sources.marks import UNIT

log = logging.getLogger(__name__)
AT_ONCE = 50
MOST = 5000
UNKNOWN_SECONDS = 3600.0
PAUSE = 30.0
PATIENCE = 10.0
"""Seconds a question may take after those who asked have stopped waiting."""
NOBODY = "00000000-0000-4000-8000-000000000000"
FIELDS = "{ uuid enhedsnavn adresser { adresseRolleTitel adresseTekst } }"


class Unit(msgspec.Struct, frozen=True):
    """`name` is "" for one that the system does not know."""

    name: str = ""
    phone: str = ""


class Directory:
    """One per application; remembers in this process. Used on the loop's thread only."""

    def __init__(self, config: Organisation, settings: Settings) -> None:
        """Raises ConfigError."""
        self._config = config
        self._connection = Connection("organisation", config.url, config.auth, settings)
        self._known: dict[str, tuple[float, Unit | None]] = {}
        """None: it could not be told, and is not asked about again yet."""
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._not_before = 0.0

    async def units(self, names: Collection[str], seconds: float) -> dict[str, Unit]:
        """Those of the units that could be told, by "system|urn:uuid:...".

        Waits at most `seconds`, and never longer than `timeout`.
        """
        self._awake()
        unknown = [n for n in names if self._lately(n) is None]
        tasks = self._take_off(unknown)
        if tasks:
            await asyncio.wait(tasks, timeout=max(0.0, min(seconds, self._config.timeout)))
        return {n: u for n in names if (u := self._lately(n))}

    def check(self) -> str:
        """The problem in a machine word, or "". Blocks; for the operator's command."""

        async def ask() -> str:
            try:
                async with asyncio.timeout(PATIENCE):
                    found = await self._ask(
                        [f"https://kombit.dk/sts/organisation|urn:uuid:{NOBODY}"]
                    )
            except SourceFailure as e:
                return e.problem
            except TimeoutError:
                return "timeout"
            return "" if found else "no data"

        return LOOP.submit(ask()).result()

    def _awake(self) -> None:
        loop = asyncio.get_running_loop()
        if loop is not self._loop:  # first use, or a fork
            self._loop, self._asking = loop, {}

    def _lately(self, name: str) -> Unit | None:
        until, unit = self._known.get(name, (0.0, None))
        return unit if time.monotonic() < until else None

    def _asked_lately(self, name: str) -> bool:
        return time.monotonic() < self._known.get(name, (0.0, None))[0]

    def _take_off(self, names: list[str]) -> set[asyncio.Task[None]]:
        """Join what is under way, ask for the rest, unless the system is in trouble."""
        rest = [n for n in names if n not in self._asking and not self._asked_lately(n)]
        if time.monotonic() >= self._not_before:
            for start in range(0, len(rest), AT_ONCE):
                some = rest[start : start + AT_ONCE]
                task = asyncio.get_running_loop().create_task(self._fly(some))
                self._asking |= dict.fromkeys(some, task)
        return {self._asking[n] for n in names if n in self._asking}

    async def _fly(self, names: list[str]) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                found = await self._ask(names)
        except (SourceFailure, TimeoutError) as e:
            self._not_before = time.monotonic() + PAUSE
            log.warning("organisation: %s", getattr(e, "problem", "timeout"))
        else:
            self._remember(names, found)
        finally:
            for name in names:
                self._asking.pop(name, None)

    def _remember(self, names: list[str], found: dict[str, Unit]) -> None:
        now = time.monotonic()
        if len(found) < len(names):
            log.warning("organisation: %s units met an error", len(names) - len(found))
        for name in names:
            unit = found.get(name)
            self._known.pop(name, None)
            self._known[name] = (now + self._age(unit), unit)
        while len(self._known) > MOST:
            self._known.pop(next(iter(self._known)))

    def _age(self, unit: Unit | None) -> float:
        if unit is None:
            return PAUSE
        return self._config.max_age if unit.name else min(UNKNOWN_SECONDS, self._config.max_age)

    async def _ask(self, names: list[str]) -> dict[str, Unit]:
        numbers = {f"u{n}": m[1] for n, name in enumerate(names) if (m := UNIT.fullmatch(name))}
        declared = ", ".join(f"${alias}: UUID!" for alias in numbers)
        parts = " ".join(f"{a}: organisationEnhed(uuid: ${a}) {FIELDS}" for a in numbers)
        question = {"query": f"query ({declared}) {{ {parts} }}", "variables": numbers}
        http = self._connection.http()
        reply = await http.ask(
            "POST",
            self._config.url,
            body=json.dumps(question).encode(),
            content_type="application/json",
            accept="application/json",
            more={
                "x-TransaktionsId": _number(),
                "x-TransaktionsTid": datetime.now(UTC).isoformat(),
            },
        )
        return _read(decode(expect_ok(reply)), names)


def _number() -> str:
    """A random UUID (RFC 9562, version 4), as the header is documented."""
    chance = secrets.token_hex(16)
    return f"{chance[:8]}-{chance[8:12]}-4{chance[13:16]}-a{chance[17:20]}-{chance[20:]}"


def _read(answer: Any, names: list[str]) -> dict[str, Unit]:
    """Those that are named, and those that are unknown: null, beside no other error than NotFound.

    Raises SourceFailure when there is no data.
    """
    data = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(data, dict):
        raise SourceFailure("no data")
    said = answer.get("errors") or []
    errors = said if isinstance(said, list) else [said]
    found = {}
    for alias, name in ((f"u{n}", name) for n, name in enumerate(names)):
        unit = _unit(data[alias]) if isinstance(data.get(alias), dict) else Unit()
        unknown = alias in data and not any(_concerns(e, alias) for e in errors)
        if unit.name or unknown:
            found[name] = unit
    return found


def _concerns(error: Any, alias: str) -> bool:
    """Whether an error that is more than "not found" may have taken this unit; those without a path, any."""
    if not isinstance(error, dict):
        return True
    more = obj(error, "extensions")
    if text(more, "type") == "WARNING" or text(more, "classification") == "NotFound":
        return False
    path = error.get("path")
    return not (isinstance(path, list) and path) or path[0] == alias


def _unit(found: dict[str, Any]) -> Unit:
    ways = (
        (text(a, "adresseRolleTitel"), text(a, "adresseTekst")) for a in objs(found, "adresser")
    )
    phones = [value for role, value in ways if "telefon" in role.casefold()]
    return Unit(clean(found.get("enhedsnavn"))[:200], next(iter(phones), "")[:40])
