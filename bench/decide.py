"""What deciding costs: 500 entries of 29 actors through every rule of one employee's view."""

from __future__ import annotations

import statistics
import time
from datetime import date

from bench.figure import Figure
from bench.world import Stage
from portal.access import Facts, Scope, family_hides, staff_hides
from portal.consent_state import Event, Grant, Kind, applies
from portal.db import now
from portal.handout import Relation
from portal.records import AnyEntry, Category, Contact, Intervention, Plan, Sector

ACTORS = [f"sted-{n}" for n in range(29)]
ENTRIES, RUNS = 500, 30
TODAY = date(2026, 6, 1)
SECTORS = {a: list(Sector)[n % 5] for n, a in enumerate(ACTORS)}


def measure(_stage: Stage | None = None) -> list[Figure]:
    """In process: fold the consents of 28 actors into scopes, then decide on each entry twice."""
    entries = [_entry(n) for n in range(ENTRIES)]
    events = [_yes(n, actor) for n, actor in enumerate(ACTORS[1:], 1)]
    facts = Facts(citizen="c", born=date(2014, 1, 1), custodians=frozenset({"m"}), today=TODAY)
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        scopes = applies(events, facts, SECTORS).get(ACTORS[1], ())
        _decide(entries, scopes)
        times.append(time.perf_counter() - began)
    spent = statistics.median(times) * 1000
    return [Figure("decide", "consents and rules, 29 actors, 500 entries", spent, 2, 1, unit="ms")]


def _decide(entries: list[AnyEntry], scopes: tuple[Scope, ...]) -> int:
    mine = frozenset({ACTORS[1]})
    shown = [e for e in entries if staff_hides(e, mine, scopes, "moede") is None]
    family = [
        e
        for e in entries
        if family_hides(e, frozenset({SECTORS[e.owner]}), Relation.GUARDIAN, 12) is None
    ]
    return len(shown) + len(family)


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
