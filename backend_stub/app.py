"""Joins the parts: one aiohttp application, one base URL per system."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import date

import msgspec
from aiohttp import web

from backend_stub import bench, organisation, register
from backend_stub.calendar_content import CalendarContent
from backend_stub.faults import FAULTS, FaultSwitch
from backend_stub.fhir_server import FhirServer
from backend_stub.municipal_content import CaseListContent, PlanContent
from backend_stub.page import state_page
from backend_stub.room_page import Room
from backend_stub.serving import DOORS
from backend_stub.systems import SYSTEMS, System
from backend_stub.tokens import Guard, Tokens
from backend_stub.world import World, build

FAULT_SWITCH: web.AppKey[FaultSwitch] = web.AppKey("faults", FaultSwitch)
PER_REQUEST = 0.25
"""A FHIR answer takes several requests one after another; each costs its share."""
Wait = Callable[[float], float]
Inner = Callable[[web.Request], Awaitable[web.StreamResponse]]


def create_app(today: date | None = None, latency: float = 1.0,
               delay: float | None = None, portal: str = "") -> web.Application:
    """The whole stub.

    `latency` multiplies each system's own delay (0 switches delays off);
    `delay` is a fixed number of seconds per request instead. With the address of the
    `portal`, the tester's room is open at `/rum`.
    """
    world, switch = build(today), FaultSwitch()
    tokens = Tokens()

    def wait(own: float) -> float:
        return own * latency if delay is None else delay

    app = web.Application(client_max_size=2**20)
    app[FAULT_SWITCH] = switch
    app.router.add_get("/", _page(switch))
    app.router.add_post("/fault", _set_fault(switch))
    app.router.add_delete("/fault", _heal(switch))
    app.router.add_post("/fault/heal", _heal(switch))
    bench.add_routes(app)
    if portal:
        Room(portal, world, switch).add_routes(app)
    for system in (s for s in SYSTEMS if s.connected):
        _add_system(app, system, world, switch, tokens, wait)
    _add_register(app, world, switch, wait)
    units = _faulty("organisation", switch, wait(0.05), organisation.answer)
    app.router.add_post(organisation.PATH, units)
    return app


def _add_system(app: web.Application, system: System, world: World, switch: FaultSwitch,
                tokens: Tokens, wait: Wait) -> None:
    if system.kind == "fhir":
        server = FhirServer(system.name, world.fhir(system.id).resources, lacks=system.lacks,
                            page_size=system.page_size)
        own = system.latency * PER_REQUEST
        _add_fhir(app, system.path, system.id, server, switch, wait(own),
                  tokens.guard(system))
        if system.smart:
            tokens.add_routes(app, system)
    elif system.kind == "icalendar":
        inner = _calendar(world.calendar(system.id))
        app.router.add_post(system.path, _faulty(system.id, switch, wait(system.latency), inner))
    else:
        inner = _municipal(world.municipal[system.id])
        app.router.add_post(system.path, _faulty(system.id, switch, wait(system.latency), inner))


def _add_register(app: web.Application, world: World, switch: FaultSwitch, wait: Wait) -> None:
    store = register.resources(world.days.today)
    server = FhirServer("Register", store, lacks={"include"}, register=True)
    _add_fhir(app, "/register/fhir", "register", server, switch, wait(0.03), None)


def _add_fhir(app: web.Application, path: str, name: str, server: FhirServer,
              switch: FaultSwitch, seconds: float, guard: Guard | None) -> None:
    async def right(request: web.Request) -> web.StreamResponse:
        if guard and (refused := await guard(request)):
            return refused
        base = f"{request.url.origin()}{path}"
        return await server.handle(request, request.path.removeprefix(path), base)

    handler = _faulty(name, switch, seconds, right)
    app.router.add_route("*", path, handler)
    app.router.add_route("*", path + "/{rest:.*}", handler)


def _faulty(name: str, switch: FaultSwitch, seconds: float, right: Inner) -> Inner:
    async def handler(request: web.Request) -> web.StreamResponse:
        if seconds:
            await asyncio.sleep(seconds)
        with suppress(ConnectionError):  # who was bored went away
            return await switch.answer(name, request, right)
        return web.Response()
    return handler


def _calendar(content: CalendarContent) -> Inner:
    async def right(request: web.Request) -> web.StreamResponse:
        citizen = (await request.post()).get("borger", "")
        if not isinstance(citizen, str) or len(citizen) != 10:
            return web.Response(status=400, text="borger mangler")
        return web.Response(body=content.feed(citizen), content_type="text/calendar",
                            charset="utf-8")
    return right


def _municipal(content: CaseListContent | PlanContent) -> Inner:
    name = "CPR-nr" if isinstance(content, CaseListContent) else "cpr"

    async def right(request: web.Request) -> web.StreamResponse:
        try:
            body = msgspec.json.decode(await request.read(), type=dict[str, str])
            return web.json_response(content.answer(body[name]))
        except (msgspec.DecodeError, KeyError):
            return web.json_response({"fejl": f"{name} mangler"}, status=400)
    return right


def _page(switch: FaultSwitch) -> Inner:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(text=state_page(switch.now, request.app.get(DOORS, {})), content_type="text/html")
    return handler


def _set_fault(switch: FaultSwitch) -> Inner:
    async def handler(request: web.Request) -> web.StreamResponse:
        by_hand = request.content_type != "application/json"
        said = dict(await request.post()) if by_hand else await request.json()
        system, fault, only = (str(said.get(k, "")) for k in ("system", "fault", "only"))
        known = {*(s.id for s in SYSTEMS), "register", "organisation"}
        if system not in known or fault not in {*FAULTS, ""}:
            return web.json_response({"systems": [s.id for s in SYSTEMS], "faults": FAULTS},
                                     status=400)
        switch.set(system, fault, only)
        if by_hand:
            raise web.HTTPSeeOther("/")
        return web.json_response(switch.now)
    return handler


def _heal(switch: FaultSwitch) -> Inner:
    async def handler(request: web.Request) -> web.StreamResponse:
        named = request.query.get("system")
        for system in [named] if named else [*switch.now]:
            switch.set(system, "")
        if request.method == "POST":
            raise web.HTTPSeeOther("/")
        return web.json_response(switch.now)
    return handler
