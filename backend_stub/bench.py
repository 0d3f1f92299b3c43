"""A bench world: any number of identical systems, each answering in a given time.

`/bench/<n>/<milliseconds>/sager` answers like a hentsagsliste about anybody, so
that a benchmark measures the portal and not this server: the answer is made
once, and the time is slept. After POST `/bench/<n>/hang` system n says nothing for
a minute, until DELETE.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import msgspec
from aiohttp import web

from backend_stub.calendar_days import COPENHAGEN
from backend_stub.shapes import Json

MARK = "PERSONEN"
MINUTE = 60.0


def add_routes(app: web.Application) -> None:
    """The bench addresses."""
    app.router.add_post("/bench/{n:\\d+}/{ms:\\d+}/sager", _answer)
    app.router.add_route("*", "/bench/{n:\\d+}/hang", _hang)


_hanging: set[str] = set()
_body: dict[str, bytes] = {}


async def _answer(request: web.Request) -> web.Response:
    n, seconds = request.match_info["n"], int(request.match_info["ms"]) / 1000
    asked = await request.read()
    await asyncio.sleep(MINUTE if n in _hanging else seconds)
    if n not in _body:
        _body[n] = msgspec.json.encode(_about(int(n)))
    citizen = msgspec.json.decode(asked, type=dict[str, str]).get("CPR-nr", "")
    return web.Response(body=_body[n].replace(MARK.encode(), citizen.encode()),
                        content_type="application/json")


async def _hang(request: web.Request) -> web.Response:
    if request.method == "POST":
        _hanging.add(request.match_info["n"])
    else:
        _hanging.discard(request.match_info["n"])
    return web.Response(status=204)


def _about(n: int) -> Json:
    start = datetime.now(COPENHAGEN).replace(hour=10, minute=0, second=0, microsecond=0)
    points = [{"Kontaktpunktnavn": 2, "Kontaktpunktvaerdi": "99990000"},
              {"Kontaktpunktnavn": 6, "Kontaktpunktvaerdi": f"Rådgiver {n}"}]
    case = {"SagUUID": f"sag-{n}", "Sagsnummer": f"27.24.00-G01-{n}", "Sagstitel": f"Hjælp {n}",
            "Sagstatus": 2, "Hjemmel": "Barnets Lov § 32, stk. 1, nr. 3", "KLE": "27.24.00",
            "Startdato": "2026-01-05", "Slutdato": None, "Sagstype": "", "Adgang": "",
            "Kontaktpunkt": points}
    day = start + timedelta(days=1 + n)
    meeting = {"AftaleUUID": f"aftale-{n}", "Aftaletitel": f"Møde {n}", "Aftaletype": "Aftale",
               "Aftalestatus": "Aftalt", "Starttidspunkt": day.isoformat(),
               "Sluttidspunkt": (day + timedelta(hours=1)).isoformat(), "Aftalested": "Lokale 1",
               "Bemaerkning": "", "Deltagere": [], "Sagstype": "", "Adgang": "",
               "Kontaktpunkt": points}
    return {"CPR-nr": MARK, "Myndighed": {"Navn": f"Bænk {n}", "CVR-nr": "29189420"},
            "BorgervendtSag": [case], "BorgervendtAftaleFrister": [meeting]}
