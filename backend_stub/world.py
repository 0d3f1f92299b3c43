"""The whole demo world: every system with everything it knows about everyone."""

from __future__ import annotations

from datetime import date

from backend_stub.calendar_content import CalendarContent
from backend_stub.calendar_days import Days
from backend_stub.cast import people
from backend_stub.fhir_content import FhirContent
from backend_stub.municipal_content import CaseListContent, PlanContent
from backend_stub.systems import SYSTEMS


class World:
    """Systems by id. The family files fill them; the server only reads them."""

    def __init__(self, today: date | None = None) -> None:
        self.days = Days(today)
        self._fhir: dict[str, FhirContent] = {}
        self._calendars: dict[str, CalendarContent] = {}
        self._cases: dict[str, CaseListContent] = {}
        self._plans: dict[str, PlanContent] = {}
        for system in SYSTEMS:
            if system.kind == "fhir":
                self._fhir[system.id] = FhirContent(system, self.days)
            elif system.kind == "icalendar":
                self._calendars[system.id] = CalendarContent(system, self.days)
            elif system.kind == "hentsagsliste":
                self._cases[system.id] = CaseListContent(system, self.days)
            else:
                self._plans[system.id] = PlanContent(system, self.days)

    def fhir(self, system: str) -> FhirContent:
        return self._fhir[system]

    def calendar(self, system: str) -> CalendarContent:
        return self._calendars[system]

    def cases(self, system: str) -> CaseListContent:
        return self._cases[system]

    def plans(self, system: str) -> PlanContent:
        return self._plans[system]

    @property
    def municipal(self) -> dict[str, CaseListContent | PlanContent]:
        """Every municipal JSON system, whatever its shape."""
        return {**self._cases, **self._plans}

    def cpr(self, key: str) -> str:
        return people(self.days.today)[key].cpr


def build(today: date | None = None) -> World:
    """A world with all families in it."""
    from backend_stub.families import FAMILIES

    world = World(today)
    for tell in FAMILIES:
        tell(world)
    return world
