"""The country's register and systems as one server, answering about any citizen from her number alone.

    python -m backend_stub.country_app --port 8002 --seed 851 --day 2026-11-24

Each of the 45 systems has a pace of its own between 50 and 800 ms; `--pace 0` switches
that off, and `--alike 0.2` has each take as long and know every child. Whatever is said about a household carries its mark, so that a test can tell
whose an answer is.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta

import msgspec
from aiohttp import web

from backend_stub.calendar_days import COPENHAGEN
from backend_stub.cast import CPR
from backend_stub.country import SIZE, SYSTEMS, Citizen, Country, Household
from backend_stub.fhir_search import bundle
from backend_stub.register import DK_RELATION, ROLE
from backend_stub.shapes import Json, code, human_name, meta, ref

SLOWEST, QUICKEST = 0.8, 0.05
FHIR_JSON = "application/fhir+json"


def create_app(country: Country, pace: float = 1.0, alike: float = 0.0) -> web.Application:
    """Register and systems. `pace` multiplies the systems' own delays; `alike` replaces them."""
    app = web.Application(client_max_size=2**20)
    register = Register(country)
    app.router.add_post("/register/fhir/{type}/_search", register.search)

    def knows(number: int, citizen: Citizen) -> bool:
        return (alike > 0 and citizen.child) or number in country.systems(citizen)

    async def system(request: web.Request) -> web.Response:
        number = int(request.match_info["n"])
        body = msgspec.json.decode(await request.read(), type=dict[str, str])
        citizen = country.citizen(body.get("CPR-nr", ""))
        if pace or alike:
            await asyncio.sleep(alike or pace * seconds(number))
        known = citizen if citizen and knows(number, citizen) else None
        about = entries(country, number, known) if known else {"BorgervendtSag": []}
        said = {"CPR-nr": body.get("CPR-nr", ""), "Myndighed": {"Navn": f"System {number}"}} | about
        return web.Response(body=msgspec.json.encode(said), content_type="application/json")

    app.router.add_post("/land/{n:\\d+}/sager", system)
    return app


def seconds(system: int) -> float:
    """A system's own pace: spread evenly from the quickest to the slowest."""
    return QUICKEST + (SLOWEST - QUICKEST) * (system * 29 % SYSTEMS) / (SYSTEMS - 1)


def entries(country: Country, system: int, citizen: Citizen) -> Json:
    """One case and one meeting, as a hentsagsliste says them."""
    day = datetime.combine(country.day, time(8 + system % 9), COPENHAGEN)
    day += timedelta(days=1 + (system * 11 + citizen.number) % 90)
    points = [{"Kontaktpunktnavn": 2, "Kontaktpunktvaerdi": "99990000"},
              {"Kontaktpunktnavn": 6, "Kontaktpunktvaerdi": f"Rådgiver {system}"}]
    case = {"SagUUID": f"sag-{system}-{citizen.number}", "Sagsnummer": "27.24.00-G01",
            "Sagstitel": f"Hjælp {system} til {citizen.name}", "Sagstatus": 2,
            "Hjemmel": "Barnets Lov § 32, stk. 1, nr. 3", "KLE": "27.24.00",
            "Startdato": "2026-01-05", "Slutdato": None, "Sagstype": "", "Adgang": "",
            "Kontaktpunkt": points}
    meeting = {"AftaleUUID": f"aftale-{system}-{citizen.number}",
               "Aftaletitel": f"Møde {system} om {citizen.name}", "Aftaletype": "Aftale",
               "Aftalestatus": "Aftalt", "Starttidspunkt": day.isoformat(),
               "Sluttidspunkt": (day + timedelta(hours=1)).isoformat(),
               "Aftalested": f"Lokale {system}", "Bemaerkning": "", "Deltagere": [],
               "Sagstype": "", "Adgang": "", "Kontaktpunkt": points}
    return {"BorgervendtSag": [case], "BorgervendtAftaleFrister": [meeting]}


class Register:
    """Persons and custody as FHIR, asked by POST <Type>/_search."""

    def __init__(self, country: Country) -> None:
        self._country = country

    async def search(self, request: web.Request) -> web.Response:
        """Patient by identifier or _id, RelatedPerson by the adult's identifier or by patient."""
        asked = {k: str(v) for k, v in (await request.post()).items()}
        find = self._patients if request.match_info["type"] == "Patient" else self._related
        base = f"{request.url.origin()}/register/fhir"
        body = msgspec.json.encode(bundle(base, find(asked), (), (), None))
        return web.Response(body=body, content_type=FHIR_JSON)

    def _patients(self, asked: dict[str, str]) -> Iterable[Json]:
        if "_id" in asked:
            numbers = (int(i.rpartition("-")[2]) for i in asked["_id"].split(","))
            return [patient(*self._of(number)) for number in numbers]
        citizen = self._country.citizen(asked.get("identifier", "").removeprefix(f"{CPR}|"))
        return [patient(*self._of(citizen.number))] if citizen else []

    def _related(self, asked: dict[str, str]) -> Iterable[Json]:
        if "patient" in asked:
            home, child = self._of(int(asked["patient"].rpartition("-")[2]))
            return [tie(adult, child) for adult in home.custodians] if child.child else []
        citizen = self._country.citizen(asked.get("identifier", "").removeprefix(f"{CPR}|"))
        if citizen is None or citizen.child:
            return []
        home, adult = self._of(citizen.number)
        return [tie(adult, c) for c in home.citizens if c.child and adult in home.custodians]

    def _of(self, number: int) -> tuple[Household, Citizen]:
        household, slot = divmod(number, SIZE)
        home = self._country.household(household)
        return home, home.citizens[slot]


def patient(home: Household, citizen: Citizen) -> Json:
    """What the register holds of one person."""
    apart = citizen.slot == 1 and not home.together
    line = f"Modelvej {home.number % 900 + 1}{', 1. tv.' if apart else ''}"
    found: Json = {
        "resourceType": "Patient", "id": f"person-{citizen.number}",
        "identifier": [{"use": "official", "system": CPR, "value": citizen.cpr}],
        "active": True, "name": [human_name(citizen.name)], "gender": citizen.gender,
        "birthDate": citizen.born.isoformat(), "deceasedBoolean": False,
        "address": [{"use": "home", "text": f"{line}, 9000 Aalborg", "line": [line],
                     "postalCode": "9000", "city": "Aalborg"}],
    }
    if citizen.protected:
        found["meta"] = meta(["R"])
    return found


def tie(adult: Citizen, child: Citizen) -> Json:
    """One adult's custody of one child."""
    found: Json = {
        "resourceType": "RelatedPerson", "id": f"slaegt-{adult.number}-{child.number}",
        "active": True, "identifier": [{"use": "official", "system": CPR, "value": adult.cpr}],
        "patient": ref(f"Patient/person-{child.number}"),
        "relationship": [code("Forælder", (ROLE, "PRN", "Forælder"),
                              (DK_RELATION, "PARAUTH", "Forældremyndighedsindehaver"))],
        "name": [human_name(adult.name)], "gender": adult.gender,
        "birthDate": adult.born.isoformat(), "period": {"start": child.born.isoformat()},
    }
    if adult.protected:
        found["meta"] = meta(["R"])
    return found


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(prog="python -m backend_stub.country_app", description=__doc__)
    parser.add_argument("--port", type=int, default=8002)
    parser.add_argument("--seed", type=int, default=851)
    parser.add_argument("--day", type=date.fromisoformat, required=True, help="the country's today")
    parser.add_argument("--pace", type=float, default=1.0, help="factor on the systems' delays")
    parser.add_argument(
        "--alike", type=float, default=0.0, help="seconds of every system, each of which knows every child"
    )
    said = parser.parse_args()
    app = create_app(Country(said.seed, said.day), said.pace, said.alike)
    web.run_app(app, host="127.0.0.1", port=said.port, access_log=None, print=None, backlog=2048)


if __name__ == "__main__":
    main()
