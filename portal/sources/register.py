"""The trusted register of persons and custody: FHIR R4, asked only by POST <Type>/_search.

Where it is silent or contradicts itself the answer is the most protective one:
no custody, no birth date, protected. Nothing is kept here (family.py does).
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import time
from collections.abc import Callable, Coroutine
from datetime import date, datetime
from typing import Any, TypeVar

import msgspec

from portal.records import Person
from portal.settings import Settings
from portal.sources import SourceFailure
from portal.sources.fhir_answer import Found, name_of
from portal.sources.fhir_client import FhirClient, token
from portal.sources.fhir_shape import COPENHAGEN, Json
from portal.sources.gather import Gatherer
from portal.sources.http import Connection
from portal.sources.json_in import decode_identity
from portal.sources.loop import LOOP
from portal.sources.register_person import (
    holds_custody,
    identifiers,
    local_name,
    person,
)
from portal.telemetry import REGISTER, tell

T = TypeVar("T")
GRACE = 0.5
MOST_CHILDREN = 50
MOST_CUSTODIANS = 2


class RegisterDown(Exception):
    """The register gave no answer to build on; `str()` is a machine word, never its text."""


class Registered(msgspec.Struct, frozen=True):
    """A person the register knows, and its reference there ("Patient/<id>")."""

    person: Person
    patient: str


class Register:
    """Asked from any thread; waits at most the register's own time limit."""

    def __init__(
        self,
        settings: Settings,
        gatherer: Gatherer | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(COPENHAGEN),
    ) -> None:
        # `gatherer` shares its loop with us through LOOP; the argument keeps the joint visible.
        self._config = settings.register
        self._connection = Connection("register", self._config.url, self._config.auth, settings)
        self._now = now

    def person(self, system: str, value: str) -> Registered | None:
        """The one person with this identifier.

        Raises RegisterDown; two persons are a "contradiction".
        """
        return self._wait(lambda client: self._person(client, system, value))

    def in_custody_of(self, system: str, value: str) -> tuple[Registered, ...]:
        """Those for whom the adult holds custody today.

        A child whose Patient the register does not show is left out. Raises RegisterDown.
        """
        return self._wait(lambda client: self._children(client, system, value))

    def custodians_of(self, patient: str) -> tuple[Person, ...] | None:
        """All who hold custody of "Patient/<id>" today; None when it cannot be told.

        () means that nobody does. Raises RegisterDown.
        """
        return self._wait(lambda client: self._custodians(client, patient))

    def _wait(self, ask: Callable[[FhirClient], Coroutine[Any, Any, T]]) -> T:
        began, outcome = time.perf_counter(), "broken answer"
        try:
            answer = self._landed(ask)
            outcome = "shown"
        except RegisterDown as e:
            outcome = str(e)
            raise
        finally:
            tell().source(REGISTER, outcome, time.perf_counter() - began)
        return answer

    def _landed(self, ask: Callable[[FhirClient], Coroutine[Any, Any, T]]) -> T:
        future = LOOP.submit(self._within(ask))
        try:
            return future.result(self._config.timeout + GRACE)
        except SourceFailure as e:
            raise RegisterDown(e.problem) from None
        except (TimeoutError, concurrent.futures.TimeoutError):
            future.cancel()
            raise RegisterDown("timeout") from None

    async def _within(self, ask: Callable[[FhirClient], Coroutine[Any, Any, T]]) -> T:
        async with asyncio.timeout(self._config.timeout):
            client = FhirClient(self._config.url, self._connection.http(), decode_identity)
            return await ask(client)

    async def _person(self, client: FhirClient, system: str, value: str) -> Registered | None:
        found = _whole(await client.search("Patient", {"identifier": token(system, value)}))
        patients = {name_of(p): p for p in found.matches}
        if len(patients) > 1:
            raise SourceFailure("contradiction")
        for name, patient in patients.items():
            if (system, value) not in identifiers(patient):
                raise SourceFailure("wrong person")
            return Registered(person(patient, (system, value)), name)
        return None

    async def _children(
        self, client: FhirClient, system: str, value: str
    ) -> tuple[Registered, ...]:
        found = _whole(
            await client.search(
                "RelatedPerson", {"identifier": token(system, value)}, ("RelatedPerson:patient",)
            )
        )
        if any((system, value) not in identifiers(r) for r in found.matches):
            raise SourceFailure("wrong person")
        today = self._today()
        names = [local_name(r, client.base) for r in found.matches if holds_custody(r, today)]
        patients = await self._patients(client, sorted({n for n in names if n}), found)
        return tuple(Registered(person(p), name_of(p)) for p in patients)

    async def _patients(self, client: FhirClient, names: list[str], found: Found) -> list[Json]:
        if len(names) > MOST_CHILDREN:
            raise SourceFailure("too many")
        absent = [n.removeprefix("Patient/") for n in names if n not in found.pool]
        pool = dict(found.pool)
        if absent:
            more = _whole(await client.search("Patient", {"_id": ",".join(absent)}))
            pool |= more.pool
        return [pool[n] for n in names if n in pool]

    async def _custodians(self, client: FhirClient, patient: str) -> tuple[Person, ...] | None:
        found = _whole(await client.search("RelatedPerson", {"patient": patient}))
        if any(local_name(r, client.base) != patient for r in found.matches):
            raise SourceFailure("wrong person")
        today = self._today()
        held = [(r, holds_custody(r, today)) for r in found.matches]
        if any(custody is None for _, custody in held):
            return None
        people = [person(r) for r, custody in held if custody]
        distinct: dict[frozenset[tuple[str, str]], Person] = {}
        for one in people:
            if not one.identifiers:
                return None
            distinct.setdefault(frozenset(one.identifiers.items()), one)
        return tuple(distinct.values()) if len(distinct) <= MOST_CUSTODIANS else None

    def _today(self) -> date:
        return self._now().astimezone(COPENHAGEN).date()


def _whole(found: Found) -> Found:
    """Half an answer about who is who is none. Raises SourceFailure."""
    if found.cut or found.severities - {"information"}:
        raise SourceFailure("incomplete")
    return found
