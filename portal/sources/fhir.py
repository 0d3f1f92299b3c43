"""The FHIR R4 source: who is it, everything about that person, verified, as records.

`POST Patient/_search`: none is empty, two are a failure. Then every type at
once. A type the server does not know is not delivered; any other failure of a
type fails the whole source, for a silent hole would read as "you have none".
Whatever belongs to somebody else is dropped, and nothing is believed when that is all.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import date, datetime, timedelta
from itertools import chain

from portal.records import AnyEntry, Hole
from portal.settings import SourceConfig
from portal.sources import Delivery, SourceFailure
from portal.sources.fhir_answer import Found, name_of
from portal.sources.fhir_client import FhirClient, NotSupported, together, token
from portal.sources.fhir_contacts import contacts
from portal.sources.fhir_contained import lift
from portal.sources.fhir_graph import Graph, kind_said
from portal.sources.fhir_help import help_and_plans
from portal.sources.fhir_measurements import measurements
from portal.sources.fhir_meetings import meetings
from portal.sources.fhir_modifiers import altered
from portal.sources.fhir_reading import Reading
from portal.sources.fhir_shape import COPENHAGEN, Json, obj, objs, text
from portal.sources.http import Http
from portal.sources.json_in import decode_identity
from portal.sources.marks import Marks
from portal.sources.register_person import identifiers

DAYS_BACK = 30
ROLE = ("PractitionerRole:practitioner", "PractitionerRole:organization")
INCLUDES = {
    "CareTeam": ("CareTeam:participant", *ROLE),
    "CarePlan": ("CarePlan:performer", *ROLE),
    "Goal": (),
    "Appointment": ("Appointment:actor", *ROLE),
    "EpisodeOfCare": ("EpisodeOfCare:organization", "EpisodeOfCare:care-manager", *ROLE),
    "ServiceRequest": ("ServiceRequest:performer", *ROLE),
    "Observation": ("Observation:performer",),
    "Encounter": ("Encounter:participant", "Encounter:location", *ROLE),
}


class FhirSource:
    """One FHIR server."""

    def __init__(
        self,
        config: SourceConfig,
        marks: Marks,
        today: Callable[[], date] = lambda: datetime.now(COPENHAGEN).date(),
    ) -> None:
        self.config = config
        self._marks, self._today = marks, today

    async def fetch(self, value: str, http: Http) -> Delivery:
        """Raises SourceFailure."""
        asked = (self.config.subject, value)
        patient, who = await self._patient(asked, http)
        if not patient:
            return Delivery(entries=(), partial=who.partial)
        client = FhirClient(self.config.url, http, about=value)
        found = await self._everything(client, patient)
        graph = Graph(client.base)
        met = {n: r for n, r in who.pool.items() if not n.startswith("urn:")}  # a bundle's own
        for pool in met, *(some.pool for some in found.values()):
            graph.pool |= pool

        names = {patient} | {n for n, r in met.items() if any(r is m for m in who.matches)}

        def hers(resource: Json) -> bool:
            return any(_is(r, resource, graph, names, asked) for r in _subjects(resource))

        strangers = _drop_strangers(found, graph, hers)
        lift(found, graph, hers)
        whole = await graph.complete(client, [r for some in found.values() for r in some.matches])
        cut = any(some.partial for some in (who, *found.values()))
        partial = cut or strangers or not whole
        return Delivery.of(self.records(found, graph), partial=partial, strangers=strangers)

    async def _patient(self, asked: tuple[str, str], http: Http) -> tuple[str, Found]:
        """("Patient/<id>" or "", what was found)."""
        client = FhirClient(self.config.url, http, decode_identity)
        found = await client.search("Patient", {"identifier": token(*asked)})
        patients = {name_of(p): p for p in found.matches}
        if len(patients) > 1:
            raise SourceFailure("several persons")
        if any(asked not in identifiers(p) for p in patients.values()):
            raise SourceFailure("wrong person")
        if not patients and found.failed:
            raise SourceFailure("outcome")
        return next(iter(patients), ""), found

    async def _everything(self, client: FhirClient, patient: str) -> dict[str, Found]:
        searches = (self._type(client, kind, patient) for kind in INCLUDES)
        found = dict(zip(INCLUDES, await together(*searches), strict=True))
        known = {kind: some for kind, some in found.items() if some}
        if not known:
            raise SourceFailure("nothing supported")
        return known

    async def _type(self, client: FhirClient, kind: str, patient: str) -> Found | None:
        params = {"patient": patient, "_count": "100"}
        if kind == "Appointment":
            params["date"] = f"ge{self._today() - timedelta(days=DAYS_BACK)}"
        if kind == "Encounter":
            params["status"] = "planned"
        try:
            found = await client.search(kind, params, INCLUDES[kind])
        except NotSupported:
            return None
        if found.failed and not found.matches:
            raise SourceFailure("outcome")
        return found

    def records(self, found: dict[str, Found], graph: Graph) -> Iterator[AnyEntry | Hole]:
        reading = Reading(self.config, self._marks, graph)
        by_type = {kind: _once(some.matches) for kind, some in found.items()}
        since = datetime.combine(
            self._today() - timedelta(days=DAYS_BACK), datetime.min.time(), COPENHAGEN
        )
        told = (
            contacts(reading, by_type),
            meetings(reading, by_type, since),
            help_and_plans(reading, by_type),
            measurements(reading, by_type),
        )
        lost = _altered(by_type, graph)
        for entry in chain(*told):
            yield Hole.instead_of(entry) if _stands_in(entry, lost) else entry


def _altered(by_type: dict[str, list[Json]], graph: Graph) -> set[str]:
    """The names of what an unknown extension may turn around, and of what stands in it."""
    names = ((name_of(r), r) for some in by_type.values() for r in some)
    return {n for n, r in names if altered(r) or altered(graph.around.get(n, {}))}


def _stands_in(entry: AnyEntry | Hole, names: set[str]) -> bool:
    return any(entry.key == n or entry.key.startswith(n + "#") for n in names)


def _once(resources: list[Json]) -> list[Json]:
    return list({name_of(r): r for r in resources}.values())


def _drop_strangers(found: dict[str, Found], graph: Graph, hers: Callable[[Json], bool]) -> bool:
    """Take out what belongs to somebody else; whether there was any.

    Raises SourceFailure when nothing else was found.
    """
    strangers = {id(r): r for some in found.values() for r in some.matches if not hers(r)}
    for some in found.values():
        some.matches = [r for r in some.matches if id(r) not in strangers]
    graph.pool = {name: r for name, r in graph.pool.items() if id(r) not in strangers}
    if strangers and not any(some.matches for some in found.values()):
        raise SourceFailure("wrong person")
    return bool(strangers)


def _subjects(resource: Json) -> Iterator[Json]:
    if resource.get("resourceType") == "Appointment":
        yield from (obj(p, "actor") for p in objs(resource, "participant"))
    else:
        yield from (obj(resource, key) for key in ("subject", "patient"))


def _is(
    reference: Json, holder: Json, graph: Graph, names: Collection[str], asked: tuple[str, str]
) -> bool:
    """By one of the names of the Patient who was found, or by the identifier asked for.

    The identifier counts where the reference leads to nobody; what is somebody else's outweighs it.
    """
    said = obj(reference, "identifier")
    number = (text(said, "system"), text(said, "value"))
    if number[0] == asked[0] and number[1] and _plain(number) != _plain(asked):
        return False
    target = graph.local(text(reference, "reference"))
    if target in names:
        return True
    if target and ":" not in target and not target.startswith("#"):
        return False
    if found := graph.find(reference, holder):
        return found.get("resourceType") == "Patient" and asked in identifiers(found)
    return _plain(number) == _plain(asked) and kind_said(reference) in ("", "Patient")


def _plain(number: tuple[str, str]) -> tuple[str, str]:
    """A CPR number may be written with a hyphen."""
    return number[0], number[1].replace("-", "")
