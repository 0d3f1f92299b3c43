"""What the municipal JSON systems know, in two shapes.

*hentsagsliste* follows the names of the public overview infrastructure:
`POST <url>` with `{"CPR-nr": "<cpr>"}` answers

    {"CPR-nr": "...", "Myndighed": {"Navn": "...", "CVR-nr": "..."},
     "BorgervendtSag": [{"SagUUID", "Sagsnummer", "Sagstitel", "Sagstatus": 1-5,
        "Hjemmel", "KLE", "Startdato", "Slutdato", "Sagstype", "Adgang",
        "Kontaktpunkt": [{"Kontaktpunktnavn": 2|4|5|6, "Kontaktpunktvaerdi": "..."}]}],
     "BorgervendtAftaleFrister": [{"AftaleUUID", "Aftaletitel", "Aftaletype": "Aftale"|"Frist",
        "Aftalestatus": "Aftalt"|"Foreløbig"|"Aflyst", "Starttidspunkt", "Sluttidspunkt",
        "Aftalested", "Bemaerkning", "Deltagere": ["..."], "Sagstype", "Adgang",
        "Kontaktpunkt": [...]}]}

Sagstatus: 1 Oprettet, 2 Behandles, 3 Afgjort, 4 Afsluttet, 5 Afvist.
Kontaktpunktnavn: 2 telefon, 4 e-mail, 5 hjemmeside, 6 navn.

*kommunale_planer*: `POST <url>` with `{"cpr": "<cpr>"}` answers

    {"borger": {"cpr": "..."},
     "planer": [{"id", "titel", "type", "status", "beskrivelse", "startdato", "slutdato",
        "opfulgt", "naesteOpfoelgning", "ansvarlig": {"navn", "titel", "telefon"}, "link",
        "adgang", "art",
        "maal": [{"id", "titel", "status", "fremdrift", "frist"}],
        "indsatser": [{"id", "navn", "paragraf", "status", "startdato", "slutdato",
            "ansvarlig": {"navn", "telefon"}, "art"}]}],
     "maalinger": [{"id", "skala", "dato", "vaerdi", "enhed", "ord", "fase", "fra", "til"}]}

A person nobody knows is answered with empty lists, never with 404.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from backend_stub.calendar_days import Days
from backend_stub.cast import people
from backend_stub.shapes import Json
from backend_stub.systems import PLACE_OF, System, unit_uuid

CREATED, HANDLED, DECIDED, CLOSED, REFUSED = 1, 2, 3, 4, 5
AALBORG_CVR = "29189420"


class _PerPerson:
    """Lists per CPR; each list keeps the order in which it was told."""

    def __init__(self, system: System, days: Days) -> None:
        self.system, self.days = system, days
        self._kept: dict[str, dict[str, list[Json]]] = {}
        self._number = 0

    def knows(self, cpr: str) -> bool:
        return cpr in self._kept

    def _keep(self, key: str, name: str, item: Json) -> None:
        cpr = people(self.days.today)[key].cpr
        self._kept.setdefault(cpr, {}).setdefault(name, []).append(item)

    def _uuid(self) -> str:
        self._number += 1
        return unit_uuid(f"{self.system.id}-{self._number}")

    def _date(self, offset: int | None) -> str | None:
        return None if offset is None else self.days.day(offset).isoformat()


class CaseListContent(_PerPerson):
    """A hentsagsliste system."""

    def case(self, key: str, title: str, *, status: int = HANDLED, law: str = "", kle: str = "",
             start: int = -60, end: int | None = None, who: str = "", phone: str = "",
             what: str = "", only: str = "") -> None:
        """One case the citizen is party to."""
        uuid = self._uuid()
        self._keep(key, "BorgervendtSag", {
            "SagUUID": uuid, "Sagsnummer": f"{kle or '27.00.00'}-G01-{self._number}-26",
            "Sagstitel": title, "Sagstatus": status, "Hjemmel": law, "KLE": kle,
            "Startdato": self._date(start), "Slutdato": self._date(end),
            "Sagstype": what, "Adgang": only, "Kontaktpunkt": self._points(who, phone),
        })

    def appointment(self, key: str, title: str, start: datetime, minutes: int = 60, *,
                    where: str = "", note: str = "", status: str = "Aftalt",
                    with_: Iterable[str] = (), who: str = "", phone: str = "",
                    deadline: bool = False, what: str = "", only: str = "") -> None:
        """A meeting, or a deadline the citizen must know."""
        end = start + timedelta(minutes=minutes)
        self._keep(key, "BorgervendtAftaleFrister", {
            "AftaleUUID": self._uuid(), "Aftaletitel": title,
            "Aftaletype": "Frist" if deadline else "Aftale", "Aftalestatus": status,
            "Starttidspunkt": start.isoformat(), "Sluttidspunkt": end.isoformat(),
            "Aftalested": where, "Bemaerkning": note, "Deltagere": list(with_),
            "Sagstype": what, "Adgang": only, "Kontaktpunkt": self._points(who, phone),
        })

    def answer(self, cpr: str) -> Json:
        """The whole answer about one person."""
        place = PLACE_OF[self.system.place]
        empty: Json = {"BorgervendtSag": [], "BorgervendtAftaleFrister": []}
        return {
            "CPR-nr": cpr,
            "Myndighed": {"Navn": place.name, "CVR-nr": AALBORG_CVR},
            "ItSystemnavn": f"{AALBORG_CVR}-{self.system.id}",
        } | empty | self._kept.get(cpr, {})

    def _points(self, who: str, phone: str) -> list[Json]:
        place = PLACE_OF[self.system.place]
        values: list[tuple[int, str]] = [(2, phone or place.phone), (5, place.site)]
        if who:
            values.append((6, who))
        return [{"Kontaktpunktnavn": n, "Kontaktpunktvaerdi": v} for n, v in values]


class PlanContent(_PerPerson):
    """A kommunale_planer system."""

    def plan(self, key: str, title: str, *, type_: str, status: str = "aktiv", text: str = "",
             start: int = -90, end: int | None = None, followed: int | None = None,
             follow_up: int | None = None, who: tuple[str, str, str] = ("", "", ""),
             goals: Iterable[Json] = (), help_: Iterable[Json] = (), only: str = "",
             what: str = "") -> None:
        """One plan with its goals and kinds of help."""
        name, job, phone = who
        self._keep(key, "planer", {
            "id": self._uuid(), "titel": title, "type": type_, "status": status,
            "beskrivelse": text, "startdato": self._date(start), "slutdato": self._date(end),
            "opfulgt": self._date(followed), "naesteOpfoelgning": self._date(follow_up),
            "ansvarlig": {"navn": name, "titel": job, "telefon": phone},
            "link": PLACE_OF[self.system.place].site + "planer", "adgang": only, "art": what,
            "maal": list(goals), "indsatser": list(help_),
        })

    def goal(self, title: str, *, status: str = "i gang", percent: int | None = None,
             due: int | None = None) -> Json:
        return {"id": self._uuid(), "titel": title, "status": status, "fremdrift": percent,
                "frist": self._date(due)}

    def help(self, name: str, law: str = "", *, status: str = "i gang", start: int = -60,
             end: int | None = None, who: str = "", phone: str = "", what: str = "") -> Json:
        return {"id": self._uuid(), "navn": name, "paragraf": law, "status": status,
                "startdato": self._date(start), "slutdato": self._date(end),
                "ansvarlig": {"navn": who, "telefon": phone}, "art": what}

    def measure(self, key: str, scale: str, points: Iterable[tuple[int, float, str, str]], *,
                unit: str = "trin", low: float = 1, high: float = 5) -> None:
        """A well-being line: day offset, value, the source's words, phase in Danish."""
        for offset, value, words, phase in points:
            self._keep(key, "maalinger", {
                "id": self._uuid(), "skala": scale, "dato": self._date(offset),
                "vaerdi": value, "enhed": unit, "ord": words, "fase": phase,
                "fra": low, "til": high,
            })

    def answer(self, cpr: str) -> Json:
        """The whole answer about one person."""
        empty: dict[str, Any] = {"planer": [], "maalinger": []}
        return {"borger": {"cpr": cpr}} | empty | self._kept.get(cpr, {})
