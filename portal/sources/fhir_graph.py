"""The resources of one answer and the references between them.

References may be relative, absolute on the same base, `urn:uuid:`, contained,
or logical (identifier and display only): all are common in Danish guides.
What the server did not include is fetched, within bounds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from portal.sources import SourceFailure
from portal.sources.fhir_address import below
from portal.sources.fhir_answer import name_of
from portal.sources.fhir_client import FhirClient, together
from portal.sources.fhir_shape import Json, obj, objs, text

NAMED = frozenset(
    {"Practitioner", "PractitionerRole", "Organization", "Location", "HealthcareService"}
)
LOOKUPS = 100
READS = 20
CANNOT_SEARCH = frozenset(
    {f"status {n}" for n in (400, 403, 404, 405, 422, 501)} | {"not supported", "outcome"}
)
_TYPED = re.compile(r"(?:^|/)([A-Z][A-Za-z]+)/[A-Za-z0-9.\-]{1,64}(?:/_history/[^/]+)?$")
ROUNDS = 2
"""A team's member is a role, the role has a person and an organisation."""


class Graph:
    """Everything that one fetch brought."""

    def __init__(self, base: str) -> None:
        self._base = base
        self.pool: dict[str, Json] = {}
        self.around: dict[str, Json] = {}
        """What a contained resource stood in, by the name it got: what restricts that restricts it."""

    def local(self, reference: str) -> str:
        """ "Type/id" when it is on this server, else the reference as it is."""
        return below(reference, self._base).partition("/_history/")[0]

    def find(self, reference: Json, holder: Json) -> Json | None:
        """The resource referred to, or None.

        What is contained refers to its neighbours in the one list of its container (R4 2.27).
        """
        target = text(reference, "reference")
        if target.startswith("#"):
            inside = objs(holder, "contained")
            found = next((c for c in inside if text(c, "id") == target[1:]), None)
            return found and found | {"contained": inside}
        return self.pool.get(self.local(target)) if target else None

    def name(self, reference: Json, holder: Json) -> str:
        """ "Type/id" of what is referred to, wherever it stands; "" or the reference as it is else."""
        target = text(reference, "reference")
        if not target.startswith(("#", "urn:")):
            return self.local(target)
        found = self.find(reference, holder)
        if found is None:
            return target
        return name_inside(holder, found) if target.startswith("#") else name_of(found)

    async def complete(self, client: FhirClient, resources: Iterable[Json]) -> bool:
        """Fetch the people, organisations and places referred to; False if not all could be asked for.

        Raises SourceFailure.
        """
        tried: set[str] = set()
        whole = True
        waiting = list(resources)
        for _ in range(ROUNDS):
            missing = sorted({n for r in waiting for n in self._named(r)} - tried)
            tried.update(missing)
            if len(tried) > LOOKUPS:
                return False
            found = await together(*(_fetch(client, k, ids) for k, ids in _by_type(missing)))
            waiting = [r for some, _ in found for r in some]
            whole &= all(all_ for _, all_ in found)
            self.pool.update((name_of(r), r) for r in waiting)
        return whole

    def _named(self, resource: Json) -> Iterator[str]:
        for reference in _references(resource):
            name = self.local(reference)
            kind, _, number = name.partition("/")
            if kind in NAMED and number and "/" not in number and name not in self.pool:
                yield name
            elif kind == "PractitionerRole" and name in self.pool:
                yield from self._named(self.pool[name])


def _references(resource: Json) -> Iterator[str]:
    stack: list[Any] = [resource]
    while stack:
        here = stack.pop()
        if isinstance(here, dict):
            if isinstance(found := here.get("reference"), str):
                yield found
            stack.extend(here.values())
        elif isinstance(here, list):
            stack.extend(here)


def _by_type(names: list[str]) -> list[tuple[str, list[str]]]:
    found: dict[str, list[str]] = {}
    for name in names:
        kind, _, number = name.partition("/")
        found.setdefault(kind, []).append(number)
    return list(found.items())


async def _fetch(client: FhirClient, kind: str, ids: list[str]) -> tuple[list[Json], bool]:
    """Those of the ids that the server has, and whether it was asked for all.

    One that it lacks is shown by its display.

    A server that cannot search by id, or finds none of them that way, is read from.
    """
    wanted = {f"{kind}/{i}" for i in ids}
    try:
        answer = await client.search(kind, {"_id": ",".join(ids)})
        found = [r for r in answer.matches if name_of(r) in wanted]
        whole = not answer.cut or wanted == {name_of(r) for r in found}
    except SourceFailure as e:
        if e.problem not in CANNOT_SEARCH:
            raise
        found = []
    if found:
        return found, whole
    read = await together(*(client.read(n) for n in sorted(wanted)[:READS]))
    return [r for r in read if r], len(wanted) <= READS


def name_inside(holder: Json, contained: Json) -> str:
    """The name of a contained resource outside its holder; "#" stands in no id of FHIR's."""
    outer = text(holder, "id").partition("#")[0]
    return f"{text(contained, 'resourceType')}/{outer}#{text(contained, 'id')}"


def identifiers(resource: Json) -> tuple[str, ...]:
    """ "system|value" of each identifier."""
    both = ((text(i, "system"), text(i, "value")) for i in objs(resource, "identifier"))
    return tuple(f"{system}|{value}" for system, value in both if value)


def logical(reference: Json) -> tuple[str, ...]:
    """The "system|value" of a reference by identifier."""
    found = obj(reference, "identifier")
    return (f"{text(found, 'system')}|{text(found, 'value')}",) if text(found, "value") else ()


def kind_said(reference: Json) -> str:
    """The type that an unresolved reference tells of itself, wherever it points; "" if it does not."""
    if said := text(reference, "type"):
        return said.rpartition("/")[2]
    target = _TYPED.search(text(reference, "reference"))
    return target[1] if target else ""
