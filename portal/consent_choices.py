"""What can be ticked on a consent form, in everyday words; nothing is ticked beforehand."""

from __future__ import annotations

from typing import Protocol

from portal.handout import Choice
from portal.proposal import Proposal
from portal.records import Actor, Category, Sector
from portal.settings import Settings
from portal.speech import gettext as _
from portal.words import category_word, configured_word, sector_word


class Filled(Protocol):
    """A form as it was sent, kept when it comes back with errors."""

    proposal: Proposal
    owners: frozenset[str]
    until: str


def last_health(sector: Sector) -> tuple[bool, int]:
    return (sector is Sector.HEALTH, list(Sector).index(sector))


def category_choices(filled: Proposal | None) -> tuple[Choice, ...]:
    helps = {
        Category.CONTACTS: _("Hvem der hjælper jer, og hvordan man får fat i dem."),
        Category.MEETINGS: _("Hvornår I skal mødes, med hvem og hvor."),
        Category.INTERVENTIONS: _("Den hjælp, I får, hvordan det går med den, og hvad målet er."),
        Category.PLANS: _("Planer og mål, og hvor man kan læse dem."),
        Category.WELLBEING: _("Tal for, hvordan det går, over tid."),
        Category.MASTER_DATA: _("Navn, alder, køn, adresse og hvem der har forældremyndigheden."),
        Category.COMMENTS: _("De kommentarer, I selv sender til dem. De kan svare."),
    }
    return tuple(
        Choice(
            value=c.value,
            label=category_word(c),
            help=helps[c],
            ticked=bool(filled and c in filled.categories),
        )
        for c in Category
    )


def sector_choices(owners: tuple[Actor, ...], ticked: frozenset[str]) -> tuple[Choice, ...]:
    sectors = sorted({o.sector for o in owners}, key=last_health)
    return tuple(
        Choice(value=s.value, label=sector_word(s), sector=s, ticked=s.value in ticked)
        for s in sectors
    )


def excluded_choices(settings: Settings, filled: Proposal | None) -> tuple[Choice, ...]:
    names = settings.excluded_kinds
    return tuple(
        Choice(value=n, label=configured_word(n), ticked=bool(filled and n in filled.excluded))
        for n in sorted(names)
    )
