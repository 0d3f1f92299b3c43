"""What deciding costs: 500 entries of 29 actors through every rule, before anything is shown."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import date

from bench.figure import Figure
from bench.world import Stage
from portal.access import Facts, family_hides
from portal.access_staff import staff_hides
from portal.consent_state import Event, Grant, Kind, scopes
from portal.db import now
from portal.handout import Relation
from portal.records import AnyEntry, Category, Contact, Intervention, Plan, Sector

ACTORS = [f"sted-{n}" for n in range(29)]
ENTRIES, RUNS = 500, 30
TODAY = date(2026, 6, 1)
SECTORS = {a: list(Sector)[n % 5] for n, a in enumerate(ACTORS)}


def measure(_stage: Stage | None = None) -> list[Figure]:
    """In process, CPU time: an employee's page, whose consents are folded first, and a guardian's."""
    entries = [_entry(n) for n in range(ENTRIES)]
    events = [_yes(n, actor) for n, actor in enumerate(ACTORS[1:], 1)]
    facts = Facts(citizen="c", born=date(2014, 1, 1), custodians=frozenset({"m"}), today=TODAY)

    def employee() -> int:
        mine = frozenset({ACTORS[1]})
        opened = scopes(events, ACTORS[1], facts, SECTORS)
        return sum(staff_hides(e, mine, opened, "moede", TODAY) is None for e in entries)

    def guardian() -> int:
        sectors = {a: frozenset({s}) for a, s in SECTORS.items()}
        how = Relation.GUARDIAN
        return sum(family_hides(e, sectors[e.owner], how, 12) is None for e in entries)

    assert 0 < employee() < ENTRIES and guardian() == ENTRIES
    return [
        Figure(f"rules{n}", f"deciding, 29 actors, 500 entries, {who}", _spent(decide), 2, 1,
               unit="ms")
        for n, (who, decide) in enumerate({"employee": employee, "guardian": guardian}.items(), 1)
    ]  # fmt: skip


def _spent(decide: Callable[[], int]) -> float:
    times = []
    for _ in range(RUNS):
        began = time.thread_time()
        decide()
        times.append(time.thread_time() - began)
    return statistics.median(times) * 1000


def _entry(n: int) -> AnyEntry:
    key, owner = f"x/{n}", ACTORS[n % len(ACTORS)]
    if n % 3 == 0:
        return Contact(key=key, source=f"kilde-{owner}", owner=owner, name=f"Navn {n}")
    if n % 3 == 1:
        return Intervention(key=key, source=f"kilde-{owner}", owner=owner, title=f"Hjælp {n}")
    return Plan(key=key, source=f"kilde-{owner}", owner=owner, title=f"Plan {n}")


def _yes(n: int, actor: str) -> Event:
    grant = Grant(
        categories=frozenset({Category.CONTACTS, Category.INTERVENTIONS}),
        owners=frozenset(ACTORS), sources=frozenset(f"kilde-{a}" for a in ACTORS),
        purpose="moede", start=TODAY, until=date(2026, 12, 1), age=12,
    )  # fmt: skip
    return Event(seq=n, actor=actor, kind=Kind.GRANTED, by="m", at=now(), grant=grant)
