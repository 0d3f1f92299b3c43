"""Which entries an employee sees: her own actor's, what a legal basis opens, what a consent opens.

Pure rules like access.py's; what no consent opens stands in NEVER_TO_STAFF.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime

import msgspec

from portal.access import today_in_copenhagen
from portal.records import (
    CATEGORY_OF,
    DECIDED,
    KIND_OF,
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
    Meeting,
    Plan,
    Sector,
)

NEVER_TO_STAFF = {
    "document": "Case documents of other actors",
    "application": "Undecided applications",
    "refused": "Refused services",
    "collection": "Collections",
}
"""Kinds no consent opens to another actor."""
NO_RELATION = frozenset({"concern", "application", "refused"})
"""Kinds of which nothing runs."""


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """What one active consent opens to one actor: pairs of category and owner, and the systems that have them."""

    actor: str
    pairs: frozenset[tuple[Category, str]]
    sources: frozenset[str]
    excluded: frozenset[str] = frozenset()
    purpose: str
    until: date


ANY_OWNER = "*"
"""The owner of what no source owns: master data and comments."""


def staff_hides(
    entry: AnyEntry | Hole,
    actors: Collection[str],
    scopes: Iterable[Scope],
    purpose: str,
    today: date,
) -> str | None:
    """The name of the rule that hides the entry from the employee, or None: it is shown."""
    if "concern" in entry.kinds:
        return "concern"
    if entry.owner in actors:
        return None
    if entry.audience & {Audience.OWNER_ONLY, Audience.CITIZEN_FROM_15}:
        return "restricted"
    if entry.kinds & NEVER_TO_STAFF.keys():
        return "never to staff"
    if not is_running(entry, today):
        return "earlier service"
    if not any(_opens(scope, entry, purpose) for scope in scopes):
        return "no consent"
    return None


def _opens(scope: Scope, entry: AnyEntry | Hole, purpose: str) -> bool:
    if scope.purpose != purpose or entry.source not in scope.sources:
        return False
    if excluded_names(entry) - scope.excluded:
        return False
    return any((category, entry.owner) in scope.pairs for category in categories(entry))


def before_consent(
    entry: AnyEntry, owner: Actor, municipality: str, today: date
) -> Intervention | None:
    """What a written legal basis opens before any consent: of running help in the same
    municipality the paragraph and name, whom to call, the goal and the period; never health."""
    if not isinstance(entry, Intervention) or not basis_opens(entry, owner, municipality, today):
        return None
    kept = (*BEFORE_CONSENT, "key", "source", "owner", "by", "lang")
    return Intervention(**{name: getattr(entry, name) for name in kept})


def basis_opens(entry: Intervention | Hole, owner: Actor, municipality: str, today: date) -> bool:
    """Whether the legal basis tells that this help is there."""
    if isinstance(entry, Hole) and KIND_OF[entry.of] is not Intervention:
        return False
    if owner.sector is Sector.HEALTH or owner.municipality != municipality:
        return False
    return is_running(entry, today) and not entry.kinds and not entry.audience


BEFORE_CONSENT = ("title", "status", "paragraph", "responsible", "phone", "goal", "start", "end")


def excluded_names(entry: Entry) -> frozenset[str]:
    """The names of the excluded kinds (housing benefit, aids ...) the entry belongs to."""
    marks = (k for k in entry.kinds if k.startswith("excluded:"))
    return frozenset(k.removeprefix("excluded:") for k in marks)


def categories(entry: AnyEntry | Hole) -> tuple[Category, ...]:
    """What opens an entry; a goal is opened by interventions or by plans."""
    kind = KIND_OF[entry.of] if isinstance(entry, Hole) else type(entry)
    if kind is Goal:
        return (Category.INTERVENTIONS, Category.PLANS)
    return (CATEGORY_OF[kind],)


def is_running(entry: AnyEntry | Hole, today: date) -> bool:
    """Whether help, plan or contact goes on; earlier services never reach other actors' staff.

    What is said to go on and to have ended is over, for them, and what is not decided has not begun.
    """
    if isinstance(entry, Intervention | Assessment | Plan):
        return entry.status in DECIDED and (entry.end is None or entry.end >= today)
    if isinstance(entry, Goal):
        return entry.status in DECIDED
    if isinstance(entry, Contact | Hole):
        return entry.running
    return True


def has_relation(entries: Iterable[AnyEntry], actors: Collection[str], now: datetime) -> bool:
    """Whether an employee's actor owns something *running* of the citizen.

    What is not decided yet, or was refused, runs as little as what is over.
    """
    today = today_in_copenhagen(now)
    return any(
        e.owner in actors and is_running(e, today) and _ahead(e, now) and not e.kinds & NO_RELATION
        for e in entries
    )


def _ahead(entry: AnyEntry, now: datetime) -> bool:
    if isinstance(entry, Meeting):
        return not entry.cancelled and (entry.end or entry.start) >= now
    return isinstance(entry, Contact | Intervention | Assessment | Plan)
