"""Goals, requests and teams that stand inside another resource are told like those outside.

R4 2.27 (contained): such a resource has no identity and no security label of its
own; it gets a name from its holder, and the holder's person, owner, kinds and
restrictions (fhir_reading.py asks `Graph.around`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from portal.sources.fhir_answer import Found, name_of
from portal.sources.fhir_graph import Graph, name_inside
from portal.sources.fhir_shape import Json, objs, text

LIFTED = frozenset({"Goal", "ServiceRequest", "CareTeam"})
PERSON = ("subject", "patient")


def lift(found: dict[str, Found], graph: Graph, hers: Callable[[Json], bool]) -> None:
    """Add what stands inside the matches to the matches of its own type.

    A plan for siblings is shown per child: what is another child's is left out.
    """
    holders = [r for some in found.values() for r in some.matches]
    for holder in holders:
        for inner in filter(hers, _inside(holder)):
            graph.around[name_of(inner)] = holder
            found.setdefault(text(inner, "resourceType"), Found([], {})).matches.append(inner)


def _inside(holder: Json) -> Iterator[Json]:
    for inner in objs(holder, "contained"):
        if text(inner, "resourceType") in LIFTED and text(inner, "id"):
            number = name_inside(holder, inner).partition("/")[2]
            named = inner | {"id": number, "contained": holder["contained"]}
            if not any(key in inner for key in PERSON):
                named |= {key: holder[key] for key in PERSON if key in holder}
            yield named
