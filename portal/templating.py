"""What templates can say: dates, times, numbers and the portal's words in the reader's language.

Pure text work; nothing here reads a network or a database. Times are shown in
Europe/Copenhagen whatever the server's clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_skeleton, format_time
from babel.lists import format_list
from babel.numbers import format_decimal
from flask import Flask
from flask_babel import get_locale
from flask_babel import gettext as _
from markupsafe import Markup

from portal.assets import Assets
from portal.chart import charts
from portal.records import Category, Entry, Sector, Status

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
SECTOR_ICON = {
    Sector.SOCIAL: "social",
    Sector.SCHOOL: "student",
    Sector.HEALTH: "health",
    Sector.EMPLOYMENT: "work",
    Sector.OTHER: "persons",
}


def install(app: Flask) -> None:
    """Give every template of `app` these filters, and `asset` and `icon`."""
    from portal.log_words import log_sentence  # it speaks with the filters below

    asset = Assets()
    sprite = asset("icons.svg")
    app.jinja_env.globals.update(asset=asset, icon=lambda name: icon(sprite, name))
    for filter_ in (
        dato, kort_dato, ugedag, dag, maaned, klokken, klokkeslaet, relative_day, phone, tel,
        ejefald, joined, sector_word, sector_icon, status_word, category_word, phase_word, tal, record_word, by_sector, charts, log_sentence,
    ):  # fmt: skip
        app.jinja_env.filters[filter_.__name__] = filter_
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True


def icon(sprite: str, name: str) -> Markup:
    """An icon from the sprite; always beside a word, so it is hidden from screen readers."""
    return Markup(
        '<svg class="i" aria-hidden="true" focusable="false"><use href="%s#%s"/></svg>'
    ) % (
        sprite,
        name,
    )


def local(moment: datetime) -> datetime:
    """`moment` on a Danish clock."""
    return moment.astimezone(COPENHAGEN)


def _day(value: date | datetime) -> date:
    return local(value).date() if isinstance(value, datetime) else value


def _locale() -> str:
    found = get_locale()
    return str(found) if found else "da"


def dato(value: date | datetime | None, weekday: bool = True) -> str:
    """ "torsdag den 3. december"; with the year when it is not this one."""
    if value is None:
        return ""
    day = _day(value)
    other_year = day.year != datetime.now(COPENHAGEN).year
    return _written(day, _locale(), weekday, other_year)


@lru_cache(4096)
def _written(day: date, locale: str, weekday: bool, year: bool) -> str:
    if Locale.parse(locale).language == "da":
        pattern = ("EEEE 'den' " if weekday else "") + "d. MMMM" + (" y" if year else "")
        return format_date(day, pattern, locale=locale)
    skeleton = ("y" if year else "") + "MMMM" + ("EEEE" if weekday else "") + "d"
    try:
        return str(format_skeleton(skeleton, day, locale=locale))
    except KeyError:
        return format_date(day, "full" if weekday else "long", locale=locale)


def kort_dato(value: date | datetime | None) -> str:
    """ "3. december", with the year when it is not this one."""
    return dato(value, weekday=False)


@lru_cache(4096)
def _part(day: date, pattern: str, locale: str) -> str:
    return format_date(day, pattern, locale=locale).strip(".")


def ugedag(value: date | datetime) -> str:
    """ "tor", for the small calendar leaf."""
    return _part(_day(value), "ccc", _locale())


def dag(value: date | datetime) -> str:
    """ "3", for the small calendar leaf."""
    return _part(_day(value), "d", _locale())


def maaned(value: date | datetime) -> str:
    """ "dec", for the small calendar leaf."""
    return _part(_day(value), "LLL", _locale())


def klokken(start: datetime, end: datetime | None = None) -> str:
    """ "kl. 10-11", "kl. 9.30"; the end only on the same day."""
    first = _clock(start)
    if end is None or end <= start or _day(end) != _day(start):
        return _("kl. %(time)s", time=first)
    return _("kl. %(start)s-%(end)s", start=first, end=_clock(end))


def klokkeslaet(value: datetime | None) -> str:
    """ "kl. 08.12": the exact minute something was fetched or read."""
    return _("kl. %(time)s", time=_clock(value, exact=True)) if value else ""


def _clock(value: datetime, exact: bool = False) -> str:
    moment, locale = local(value), _locale()
    if Locale.parse(locale).language != "da":
        return format_time(moment, "short", tzinfo=COPENHAGEN, locale=locale)
    if exact:
        return f"{moment:%H.%M}"
    return f"{moment.hour}.{moment:%M}" if moment.minute else str(moment.hour)


def relative_day(value: date | datetime, at: datetime | None = None) -> str:
    """ "I dag", "I morgen", "Om 5 dage"; empty when it is further than two weeks away."""
    today = local(at or datetime.now(COPENHAGEN)).date()
    days = (_day(value) - today) // timedelta(days=1)
    if days == 0:
        return _("I dag")
    if days == 1:
        return _("I morgen")
    if days == -1:
        return _("I går")
    return _("Om %(days)s dage", days=days) if 1 < days <= 14 else ""


def phone(number: str) -> str:
    """ "12 34 56 78" for a Danish number; anything else stays as the source wrote it."""
    digits = tel(number)
    digits = digits.removeprefix("+45") if len(digits) == 11 else digits
    if len(digits) == 8 and digits.isdigit():
        return " ".join(digits[i : i + 2] for i in range(0, 8, 2))
    return number


def tel(number: str) -> str:
    """Only what a tel: link may hold."""
    kept = "".join(c for c in number if c in "0123456789")
    return ("+" if number.strip().startswith("+") else "") + kept


def ejefald(name: str) -> str:
    """The owner's form where the language makes it with an ending: Emils, Jonas', Emil's."""
    language = Locale.parse(_locale()).language
    if language == "da":
        return name + ("'" if name[-1:].lower() in "sxz" else "s")
    return name + ("'" if name.endswith("s") else "'s") if language == "en" else name


def joined(names: Iterable[str]) -> str:
    """ "A, B og C" in the reader's language."""
    return format_list([n for n in names if n], locale=_locale())


def sector_word(sector: Sector) -> str:
    """The area of life, in words."""
    return {
        Sector.SOCIAL: _("Familie og støtte"),
        Sector.SCHOOL: _("Skole og dagtilbud"),
        Sector.HEALTH: _("Sundhed"),
        Sector.EMPLOYMENT: _("Job og økonomi"),
        Sector.OTHER: _("Andre"),
    }[sector]


def sector_icon(sector: Sector) -> str:
    """The sprite's name of a sector's icon."""
    return SECTOR_ICON[sector]


def status_word(status: Status) -> str:
    """How far something has come, in words."""
    return {
        Status.PLANNED: _("Aftalt, ikke startet"),
        Status.WAITING: _("Venter på at komme i gang"),
        Status.RUNNING: _("I gang"),
        Status.PAUSED: _("Holder pause"),
        Status.DONE: _("Afsluttet"),
        Status.CANCELLED: _("Aflyst"),
        Status.UNKNOWN: _("Vi ved ikke, hvor langt det er"),
    }[status]


def category_word(category: Category) -> str:
    """What a consent opens, in words."""
    return {
        Category.CONTACTS: _("Kontakter"),
        Category.MEETINGS: _("Møder"),
        Category.INTERVENTIONS: _("Hjælp og udredninger"),
        Category.PLANS: _("Planer og mål"),
        Category.WELLBEING: _("Trivsel"),
        Category.MASTER_DATA: _("Oplysninger om dig"),
        Category.COMMENTS: _("Kommentarer"),
    }[Category(category)]


def record_word(entry: Entry) -> str:
    """The stable English word of `data-record`, e.g. "assessment"."""
    return type(entry).__name__.lower()


def phase_word(phase: str) -> str:
    """When a measurement was taken, seen from the help."""
    words = {"before": _("før hjælpen"), "during": _("undervejs"), "after": _("efter hjælpen")}
    return words.get(phase, "")


def tal(value: float) -> str:
    """ "3,5" in Danish; no decimals where there are none."""
    return str(format_decimal(value, "#,##0.##", locale=_locale()))


def by_sector(things: Iterable[object]) -> list[tuple[Sector, list[object]]]:
    """Entries or places grouped by sector, in the portal's fixed order."""
    groups: dict[Sector, list[object]] = {sector: [] for sector in Sector}
    for thing in things:
        place = getattr(thing, "owner", None) or getattr(thing, "place", None) or thing
        groups[getattr(place, "sector", None) or Sector.OTHER].append(thing)
    return [(sector, found) for sector, found in groups.items() if found]
