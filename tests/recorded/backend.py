"""A real HTTP server on a thread, told by each test what to answer: the outside world."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web

from portal import records
from portal.records import Actor, Sector
from portal.settings import (
    CPR_SYSTEM,
    Identity,
    KindRule,
    Provider,
    Register,
    Settings,
    SourceConfig,
)
from portal.sources import Delivery, Subject

HERE = Path(__file__).parent
CPR = "0108169995"
OTHER_CPR = "0201919990"
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Backend:
    """`backend.answers["/path"] = ...` with an async function, or a value for JSON or text."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.url = ""
        self.loop = asyncio.new_event_loop()

    def count(self, path: str) -> int:
        return self.asked.count(path)

    async def pause(self, seconds: float) -> None:
        """A slow system: the server's own time, not the test's."""
        await asyncio.sleep(seconds)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        self.headers.append(dict(request.headers))
        answer = self.answers.get(request.path)
        if answer is None:
            return web.json_response(outcome("not-found"), status=404)
        if callable(answer):
            found: web.StreamResponse = await answer(request)
            return found
        if isinstance(answer, (dict, list)):
            return web.json_response(answer, content_type="application/fhir+json")
        if isinstance(answer, int):
            return web.Response(status=answer)
        return web.Response(body=answer)


@contextmanager
def running_backend() -> Iterator[Backend]:
    backend = Backend()
    ready = threading.Event()

    async def start() -> web.AppRunner:
        app = web.Application(client_max_size=10_000_000)
        app.router.add_route("*", "/{path:.*}", backend.handle)
        runner = web.AppRunner(app, shutdown_timeout=0, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        backend.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        ready.set()
        return runner

    thread = threading.Thread(target=backend.loop.run_forever, daemon=True)
    thread.start()
    runner = asyncio.run_coroutine_threadsafe(start(), backend.loop).result(5)
    assert ready.wait(5)
    try:
        yield backend
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), backend.loop).result(5)
        backend.loop.call_soon_threadsafe(backend.loop.stop)
        thread.join(5)


class Gate:
    """An answer that waits until the test opens it; `reached` tells that it was asked for."""

    def __init__(self, backend: Backend, then: Any) -> None:
        self._then, self._loop = then, backend.loop
        self._open = asyncio.Event()
        self.reached = threading.Event()

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        self.reached.set()
        await self._open.wait()
        return web.json_response(self._then)

    def open(self) -> None:
        self._loop.call_soon_threadsafe(self._open.set)


def recorded(name: str) -> Any:
    """A recorded answer: JSON as a value, anything else as bytes."""
    body = (HERE / name).read_bytes()
    return json.loads(body) if name.endswith(".json") else body


def settings(url: str = "http://127.0.0.1:9", *sources: SourceConfig, **more: Any) -> Settings:
    """A small municipality: the family department, PPR and child psychiatry."""
    chosen: dict[str, Any] = {
        "base_url": "http://127.0.0.1:8000",
        "database": "sqlite://",
        "municipality": "0851",
        "identity": Identity(citizen=Provider(issuer="http://127.0.0.1:8001/op", client_id="x")),
        "register": Register(url=f"{url}/register/fhir"),
        "actor": ACTORS,
        "source": sources,
        "kind": KINDS,
        "data_keys": (base64.b64decode("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="),),
        "environ": {"SECRET": "hemmeligt-ord"},
    }
    return Settings(**(chosen | more))


ACTORS = (
    Actor(
        id="familie",
        name="Familieafdelingen",
        sector=Sector.SOCIAL,
        municipality="0851",
        identifiers=("http://p-nummer.dk|1003000001",),
    ),
    Actor(
        id="ppr",
        name="PPR",
        sector=Sector.SCHOOL,
        municipality="0851",
        identifiers=(
            "https://kombit.dk/sts/organisation|urn:uuid:0000aaaa-0851-4000-8000-00000000aaaa",
        ),
    ),
    Actor(
        id="bup",
        name="BUP",
        sector=Sector.HEALTH,
        identifiers=("urn:oid:1.2.208.176.1.1|410000000000103",),
    ),
)
KINDS = (
    KindRule(coding="urn:art|underretning*", is_="concern"),
    KindRule(coding="urn:art|tandpleje", is_="excluded:tandpleje"),
    KindRule(coding="|Underretning", is_="concern"),
)


def source(backend: Backend | None = None, kind: str = "fhir", **more: Any) -> SourceConfig:
    base = backend.url if backend else "http://127.0.0.1:9"
    chosen: dict[str, Any] = {
        "id": "system",
        "name": "Systemet",
        "kind": kind,
        "actor": "familie",
        "url": f"{base}/fhir" if kind == "fhir" else f"{base}/svar",
    }
    if kind != "fhir":
        chosen |= {"method": "POST", "body": "cpr={subject}"}
    return SourceConfig(**(chosen | more))


def subject(citizen: str = "borger-1", cpr: str = CPR) -> Subject:
    return Subject(citizen=citizen, identifiers={CPR_SYSTEM: cpr})


def bundle(
    *resources: dict[str, Any], included: tuple[dict[str, Any], ...] = (), **more: Any
) -> dict[str, Any]:
    """A searchset: matches, then includes."""
    entries = [{"resource": r, "search": {"mode": "match"}} for r in resources]
    entries += [{"resource": r, "search": {"mode": "include"}} for r in included]
    return {"resourceType": "Bundle", "type": "searchset", "entry": entries} | more


def outcome(code: str, severity: str = "error") -> dict[str, Any]:
    return {"resourceType": "OperationOutcome", "issue": [{"severity": severity, "code": code}]}


def patient(number: str = "p1", cpr: str = CPR, **more: Any) -> dict[str, Any]:
    found = {
        "resourceType": "Patient",
        "id": number,
        "identifier": [{"system": CPR_SYSTEM, "value": cpr, "use": "official"}],
    }
    return found | more


def serve_fhir(
    backend: Backend, *resources: dict[str, Any], base: str = "/fhir", lacks: tuple[str, ...] = ()
) -> None:
    """A small FHIR server: searches by type, `_id` and, for Patient, identifier."""
    types = (
        "Patient",
        "CareTeam",
        "CarePlan",
        "Goal",
        "Appointment",
        "EpisodeOfCare",
        "ServiceRequest",
        "Observation",
        "Encounter",
        "Practitioner",
        "PractitionerRole",
        "Organization",
        "Location",
        "RelatedPerson",
    )
    for kind in types:
        if kind not in lacks:
            backend.answers[f"{base}/{kind}/_search"] = _search(
                [r for r in resources if r["resourceType"] == kind]
            )


def _search(kept: list[dict[str, Any]]) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        form = parse_qs((await request.read()).decode())
        found = kept
        if "_id" in form:
            found = [r for r in kept if r["id"] in form["_id"][0].split(",")]
        if "identifier" in form:
            value = form["identifier"][0].rpartition("|")[2]
            found = [r for r in kept if value in [i["value"] for i in r.get("identifier", [])]]
        return web.json_response(bundle(*found))

    return answer


def in_days(days: int, hour: int = 10) -> str:
    when = datetime.now(UTC).replace(hour=hour, minute=0, second=0, microsecond=0)
    return (when + timedelta(days=days)).isoformat()


def lost(found: records.Answer | Delivery) -> list[str]:
    """What is missing, and from whom that is kept: "meeting R"."""
    return sorted(" ".join([h.of, *sorted(h.kinds), *sorted(h.audience)]) for h in found.holes)
