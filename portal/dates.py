"""Dates and times as a person says them, in the reader's language and on a Danish clock."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_skeleton

from portal.speech import gettext as _
from portal.speech import language as locale_code
from portal.speech import ngettext, spoken

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
MONTH, DASH = re.compile("M+"), re.compile(r"\s*–\s*")
WHOLE_WEEKDAY = {
    "uk": "EEEE, d MMMM",
    "pl": "EEEE, d MMMM",
    "tr": "d MMMM EEEE",
    "so": "EEEE, MMMM d",
}
"""Weekday, day and month where CLDR's shortest way of saying them cuts the weekday to letters."""


def local(moment: datetime) -> datetime:
    """`moment` on a Danish clock."""
    return moment.astimezone(COPENHAGEN)


def day_of(value: date | datetime) -> date:
    """The day it is in Denmark at a moment; a day is itself."""
    return local(value).date() if isinstance(value, datetime) else value


def dato(value: date | datetime | None, weekday: bool = True, year: bool = False) -> str:
    """ "torsdag den 3. december"; with the year when asked for, or when it is not this one."""
    if value is None:
        return ""
    day = day_of(value)
    other_year = day.year != datetime.now(COPENHAGEN).year
    return _written(day, locale_code(), spoken(), weekday, year or other_year)


@lru_cache(4096)
def _written(day: date, locale: str, language: str, weekday: bool, year: bool) -> str:
    if language == "da":
        pattern = ("EEEE 'den' " if weekday else "") + "d. MMMM" + (" y" if year else "")
        return format_date(day, pattern, locale=locale)
    if weekday and not year and language in WHOLE_WEEKDAY:
        return format_date(day, WHOLE_WEEKDAY[language], locale=locale)
    if year:
        return format_date(day, "full" if weekday else "long", locale=locale)
    try:
        return str(format_skeleton("MMMMEEEEd" if weekday else "MMMMd", day, locale=locale))
    except KeyError:
        return format_date(day, "full" if weekday else "long", locale=locale)


def kort_dato(value: date | datetime | None) -> str:
    """ "3. december", with the year when it is not this one."""
    return dato(value, weekday=False)


def last_day(start: datetime, end: datetime | None) -> date:
    """The last day it goes on: what ends at midnight ends the day before."""
    return max(day_of(start), day_of(end - timedelta(microseconds=1)) if end else date.min)


def dage(first: date, last: date) -> str:
    """ "5.-8. oktober", with the year when it is not this one."""
    this_year = datetime.now(COPENHAGEN).year
    return _span(first, last, locale_code(), {first.year, last.year} != {this_year})


@lru_cache(1024)
def _span(first: date, last: date, locale: str, year: bool) -> str:
    """The locale's own shortest way, with months in whole words."""
    known = Locale.parse(locale)
    changed = "y" if first.year != last.year else "M" if first.month != last.month else "d"
    patterns = known.interval_formats["yMMMd" if year else "MMMd"][changed]
    whole = (MONTH.sub("MMMM", p).replace("dd", "d") for p in patterns)
    days = zip((first, last), whole, strict=True)
    written = "".join(format_date(day, pattern, locale=known) for day, pattern in days)
    return DASH.sub("–" if changed == "d" else " – ", written)


@lru_cache(4096)
def _part(day: date, pattern: str, locale: str) -> str:
    return format_date(day, pattern, locale=locale).strip(".")


def idag(moment: datetime) -> date:
    """The day it is in Denmark at that moment."""
    return local(moment).date()


def ugedag(value: date | datetime) -> str:
    """ "tor", for the small calendar leaf."""
    return _part(day_of(value), "ccc", locale_code())


def dag(value: date | datetime) -> str:
    """ "3", for the small calendar leaf."""
    return _part(day_of(value), "d", locale_code())


def maaned(value: date | datetime) -> str:
    """ "dec", for the small calendar leaf."""
    return _part(day_of(value), "LLL", locale_code())


def maaned_aar(value: date) -> str:
    """ "december 2026", a heading."""
    return _part(value, "LLLL y", locale_code())


def klokken(start: datetime, end: datetime | None = None) -> str:
    """ "kl. 10-11", "kl. 9.30"; the end only on the same day."""
    first = _clock(start)
    if end is None or end <= start or day_of(end) != day_of(start):
        return _("kl. %(time)s", time=first)
    return _("kl. %(start)s-%(end)s", start=first, end=_clock(end))


def klokkeslaet(value: datetime | None) -> str:
    """ "kl. 08.12": the exact minute something was fetched or read."""
    return _("kl. %(time)s", time=_clock(value, exact=True)) if value else ""


def _clock(value: datetime, exact: bool = False) -> str:
    return _clock_in(spoken(), value, exact)


@lru_cache(4096)
def _clock_in(language: str, value: datetime, exact: bool) -> str:
    moment = local(value)
    if language != "da":
        return f"{moment:%H:%M}"  # 24 hours, as in every letter the family gets
    if exact:
        return f"{moment:%H.%M}"
    return f"{moment.hour}.{moment:%M}" if moment.minute else str(moment.hour)


def relative_day(value: date | datetime, at: date | datetime | None = None) -> str:
    """ "I dag", "I morgen", "Om 5 dage"; empty when it is further than two weeks away."""
    today = day_of(at or datetime.now(COPENHAGEN))
    days = (day_of(value) - today) // timedelta(days=1)
    if days == 0:
        return _("I dag")
    if days == 1:
        return _("I morgen")
    if days == -1:
        return _("I går")
    return ngettext("Om %(count)s dag", "Om %(count)s dage", days) if 1 < days <= 14 else ""
