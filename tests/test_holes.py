"""A hole is told to exactly those who would see what it is a hole of."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from portal.access import Relation, family_hides
from portal.access_staff import Scope, basis_opens, before_consent, is_running, staff_hides
from portal.records import (
    Actor,
    AnyEntry,
    Assessment,
    Audience,
    Category,
    Contact,
    Entry,
    Goal,
    Hole,
    Intervention,
    Measurement,
    Meeting,
    Plan,
    Sector,
    Status,
)
from portal.sources import Delivery

KINDS = ("concern", "document", "application", "refused", "collection", "excluded:boligstøtte")
OWNERS = ("familie", "skole")
TODAY = date(2026, 6, 15)
TITLED = (Goal, Intervention, Assessment, Plan)
statuses = st.sampled_from(Status)


@st.composite
def entries(draw: st.DrawFn) -> AnyEntry:
    common: dict[str, Any] = {
        "key": draw(st.sampled_from(["a", "b"])),
        "source": "system",
        "owner": draw(st.sampled_from(OWNERS)),
        "kinds": draw(st.frozensets(st.sampled_from(KINDS), max_size=2)),
        "audience": draw(st.frozensets(st.sampled_from(Audience), max_size=2)),
    }
    kind = draw(st.sampled_from([*TITLED, Contact, Meeting, Measurement]))
    if kind in TITLED:
        return kind(**common, title="x", status=draw(statuses))
    if kind is Contact:
        return Contact(**common, name="x", running=draw(st.booleans()))
    if kind is Meeting:
        return Meeting(**common, title="x", start=datetime(2026, 12, 1, tzinfo=UTC))
    return Measurement(**common, scale="x", day=date(2026, 12, 1), value=1.0)


def hole(entry: AnyEntry) -> Hole:
    common = {name: getattr(entry, name) for name in Entry.__struct_fields__}
    return Hole(**common, of=type(entry).__name__.lower(), running=is_running(entry, TODAY))


@given(
    entries(),
    st.frozensets(st.sampled_from(OWNERS), max_size=1),
    st.frozensets(st.tuples(st.sampled_from(Category), st.sampled_from(OWNERS))),
    st.frozensets(st.just("boligstøtte")),
    st.sampled_from(["1", "2"]),
)
def test_employees(
    entry: AnyEntry,
    actors: frozenset[str],
    pairs: frozenset[tuple[Category, str]],
    excluded: frozenset[str],
    purpose: str,
) -> None:
    scope = Scope(
        actor="ppr",
        pairs=pairs,
        sources=frozenset({"system"}),
        excluded=excluded,
        purpose="1",
        until=date(2027, 1, 1),
    )
    seen = staff_hides(entry, actors, [scope], purpose, TODAY)
    assert staff_hides(hole(entry), actors, [scope], purpose, TODAY) == seen


@given(
    entries(), st.frozensets(st.sampled_from(Sector)), st.sampled_from(Relation), st.integers(0, 30)
)
def test_the_family(entry: AnyEntry, sectors: frozenset[Sector], how: Relation, age: int) -> None:
    assert family_hides(hole(entry), sectors, how, age) == family_hides(entry, sectors, how, age)


@given(entries(), st.sampled_from(Sector), st.sampled_from(["0851", "0840", None]))
def test_before_consent(entry: AnyEntry, sector: Sector, municipality: str | None) -> None:
    owner = Actor(id="familie", name="x", sector=sector, municipality=municipality)
    told = before_consent(entry, owner, "0851", TODAY) is not None
    assert basis_opens(hole(entry), owner, "0851", TODAY) == told


@given(st.lists(entries()))
def test_of_those_that_the_same_people_may_know_of_one_is_kept(found: list[AnyEntry]) -> None:
    holes = [hole(e) for e in found]
    kept = Delivery.of([*found, *holes, *holes])
    assert kept.entries == tuple(found) and not kept.partial
    assert {(h.of, h.owner, h.kinds, h.audience, h.running) for h in kept.holes} == {
        (h.of, h.owner, h.kinds, h.audience, h.running) for h in holes
    }
    assert len(set(kept.holes)) == len(kept.holes)
