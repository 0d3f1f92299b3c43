"""Pieces of markup that every row of a page has, as filters.

In Python, because a page has hundreds of each and a macro costs five times a filter.
What comes from a source is escaped here, once; what is remembered between pages is
days and words alone, never anything about anybody.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache

from markupsafe import Markup, escape

from portal import dates
from portal.glossary import explained
from portal.handout import Shown
from portal.records import Assessment, Intervention, Meeting, Sector
from portal.speech import language
from portal.speech import markup as _
from portal.words import joined, phone, sector_word, tel

Icon = Callable[[str], Markup]

SECTOR_ICON = {
    Sector.SOCIAL: "social",
    Sector.SCHOOL: "student",
    Sector.HEALTH: "health",
    Sector.EMPLOYMENT: "work",
    Sector.OTHER: "persons",
}
NOTHING = Markup()


def mark(shown: Shown, record: str) -> Markup:
    """What an entry is and whose, as attributes."""
    found = f' data-record="{escape(record)}" data-owner="{escape(shown.owner.id)}"'
    if shown.entry.lang:
        found += f' lang="{escape(shown.entry.lang)}"'
    return Markup(found)  # noqa: S704  escaped above


def owners(shown: Shown) -> str:
    """The names of all who answer for an entry."""
    return joined(shown.owners) if shown.owners else shown.entry.by or shown.owner.name


def sector_icon(sector: Sector) -> str:
    """The sprite's name of a sector's icon."""
    return SECTOR_ICON[sector]


def leaf(moment: date | datetime) -> Markup:
    """The small calendar leaf; its day stands in words beside it."""
    return _leaf(dates.day_of(moment), language())


@lru_cache(1024)
def _leaf(day: date, _language: str) -> Markup:
    told = (dates.ugedag(day), dates.dag(day), dates.maaned(day))
    return (
        Markup('<div class="leaf" aria-hidden="true"><span>%s</span><b>%s</b><span>%s</span></div>')
        % told
    )


def when(meeting: Meeting, at: datetime) -> Markup:
    """ "I morgen, torsdag den 3. december, kl. 10-11", seen from the moment `at`."""
    return _when(meeting.start, meeting.end, meeting.all_day, dates.idag(at), language())


@lru_cache(4096)
def _when(
    start: datetime, end: datetime | None, all_day: bool, today: date, _language: str
) -> Markup:
    day, time = _days(start, end, all_day), _("hele dagen") if all_day else _hours(start, end)
    ongoing = all_day and dates.day_of(start) <= today <= dates.last_day(start, end)
    near = dates.relative_day(today if ongoing else start, today)
    if near:
        return _("<b>%(near)s</b>, %(day)s, %(time)s", near=near, day=day, time=time)
    return _("%(day)s, %(time)s", day=day, time=time)


def _days(start: datetime, end: datetime | None, all_day: bool) -> str:
    first, last = dates.day_of(start), dates.last_day(start, end)
    return dates.dage(first, last) if all_day and last > first else dates.dato(start)


def _hours(start: datetime, end: datetime | None) -> Markup:
    """ "kl. 10-11", "kl. 10 – torsdag den 8. oktober, kl. 15"."""
    hours = Markup('<span class="nb">%s</span>')
    begun = hours % dates.klokken(start, end)
    if end is None or dates.last_day(start, end) == dates.day_of(start):
        return begun
    until = _("%(day)s, %(time)s", day=dates.dato(end), time=hours % dates.klokken(end))
    return begun + " – " + until


def hours(meeting: Meeting) -> Markup:
    """What stands beside the day it begins: "kl. 10-11"; nothing of a whole day, "5.-8. oktober" of several."""
    if not meeting.all_day:
        return _hours(meeting.start, meeting.end)
    last = dates.last_day(meeting.start, meeting.end)
    first = dates.day_of(meeting.start)
    return escape(dates.dage(first, last)) if last > first else NOTHING


def days(meeting: Meeting) -> str:
    """ "torsdag den 3. december", "5.-8. oktober"."""
    return _days(meeting.start, meeting.end, all_day=True)


def lasting(entry: Intervention | Assessment) -> Markup:
    """ "fra 3. december til 5. maj"; nothing where no beginning is told."""
    if entry.start is None:
        return NOTHING
    return _lasting(entry.start, entry.end, datetime.now(dates.COPENHAGEN).year, language())


@lru_cache(4096)
def _lasting(start: date, end: date | None, _year: int, _language: str) -> Markup:
    begun = _("fra %(day)s", day=dates.kort_dato(start))
    return begun + " " + _("til %(day)s", day=dates.kort_dato(end)) if end else begun


class Pieces:
    """Those that hold an icon."""

    def __init__(self, icon: Icon) -> None:
        self._icon = icon
        self._areas: dict[tuple[Sector, str], str] = {}

    def kind(self, shown: Shown) -> Markup:
        """Whose something is: the icon of the area of life, its word for who only hears, the names."""
        sector = shown.owner.sector
        area = self._areas.get((sector, language()))
        if area is None:
            words = escape(sector_word(sector))
            area = f'<p class="kind">{self._icon(SECTOR_ICON[sector])}<span><b class="sr">{words}: </b>'
            self._areas[sector, language()] = area
        return Markup(f"{area}{explained(owners(shown))}</span></p>")  # noqa: S704  escaped above

    def ring(self, number: str, name: str) -> Markup:
        """A button that calls; nothing where there is no number."""
        digits = tel(number)
        if not digits:
            return NOTHING
        told = _("Ring til %(name)s på %(number)s", name=name, number=phone(number))
        return Markup(  # noqa: S704  digits, our own text, and what was escaped
            f'<a class="ring" href="tel:{digits}" aria-label="{told}">{self._icon("phone")}</a>'
        )
