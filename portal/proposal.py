"""What a family member wants to let a place see, before she has confirmed it, and what is wrong with it."""

from __future__ import annotations

from calendar import monthrange
from datetime import date

import msgspec

from portal.access import Facts, decided_sectors
from portal.consent_state import OWNERLESS
from portal.records import Category
from portal.settings import Settings


class Problem(msgspec.Struct, frozen=True):
    """One field of a proposal that cannot be accepted; `why` is a message key of forms.py."""

    field: str
    why: str


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """What a family member wants to let an actor see, before she has confirmed it."""

    actor: str
    categories: frozenset[Category]
    owners: frozenset[str]
    excluded: frozenset[str] = frozenset()
    purpose: str
    until: date
    sources: frozenset[str] = frozenset()
    delivered: frozenset[tuple[str, str]] | None = None
    seen: int = 0
    """How often the viewer herself had answered when the form was shown; never an event's
    number, which would count the others' answers too."""
    child_says: str = ""


def problems(
    proposal: Proposal, facts: Facts, viewer: str, settings: Settings
) -> tuple[Problem, ...]:
    """Why a proposal cannot be confirmed; empty when it can."""
    found = []
    owned = proposal.categories - OWNERLESS
    if not proposal.categories:
        found.append(Problem("kategori", "choose"))
    if owned and not proposal.owners:
        found.append(Problem("ejer", "choose"))
    if proposal.purpose not in {p.id for p in settings.purpose}:
        found.append(Problem("formaal", "choose"))
    latest = months_ahead(facts.today, settings.consents.months)
    if not facts.today < proposal.until <= latest:
        found.append(Problem("til", "period"))
    if not proposal.excluded <= settings.excluded_kinds:
        found.append(Problem("undtaget", "choose"))
    mine, actors = decided_sectors(viewer, facts), settings.actors
    if any(o not in actors or actors[o].sector not in mine for o in proposal.owners):
        found.append(Problem("ejer", "not yours"))
    return tuple(found)


def months_ahead(day: date, months: int) -> date:
    """The same day so many months later, or the month's last day."""
    year, month = divmod(day.month - 1 + months, 12)
    _, last = monthrange(day.year + year, month + 1)
    return date(day.year + year, month + 1, min(day.day, last))
