"""The portal's words for what sources deliver: numbers, names, areas, states, in any language."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import quote_plus

from babel.lists import format_list
from babel.numbers import format_decimal
from markupsafe import Markup

from portal.records import Category, Contact, Entry, Sector, Status
from portal.speech import apart, language, left_to_right, spoken
from portal.speech import gettext as _

ADULT = 18
SOURCES_SPEAK = "da"
"""What a source's texts are in when it says nothing (BCP 47)."""
NO_DIGIT = re.compile("[^0-9]+")
MAP = "https://www.openstreetmap.org/search?query="
ON_NO_MAP = ("telefon", "online", "video", "teams", "virtuel", "digital")
"""How places begin that nobody travels to."""
SAID_BESIDE = frozenset({"ansvarlig", "deltager", "tovholder"})
"""Places in a team, as sources write them; marked on their own where they matter."""


def phone(number: str) -> str:
    """ "12 34 56 78" for a Danish number; anything else stays as the source wrote it."""
    digits = tel(number)
    digits = digits.removeprefix("+45") if len(digits) == 11 else digits
    if len(digits) == 8 and digits.isdigit():
        number = " ".join(digits[i : i + 2] for i in range(0, 8, 2))
    return left_to_right(number)


def tel(number: str) -> str:
    """Only what a tel: link may hold; empty when it is no number (withheld, or a text)."""
    kept = NO_DIGIT.sub("", number)
    if len(kept) < 3:
        return ""
    return ("+" if number.strip().startswith("+") else "") + kept


def weblink(url: str) -> str:
    """An address a link may have: http or https, whole and not cut; otherwise none."""
    return url if re.fullmatch(r"https?://[^\s…<>\"]+", url) else ""


def mailbox(address: str) -> str:
    """An address a mailto: link may have; otherwise none."""
    return address if re.fullmatch(r"[^\s@…<>\"?&]+@[^\s@…<>\"?&]+", address) else ""


def map_url(place: str) -> str:
    """Where a map shows a place; empty for one that nobody travels to."""
    return "" if place.casefold().startswith(ON_NO_MAP) else MAP + quote_plus(place)


def ejefald(name: str) -> str:
    """The owner's form where the language makes it with an ending: Emils, Jonas', Emil's."""
    if spoken() == "da":
        return name + ("'" if name[-1:].lower() in "sxz" else "s")
    return name + ("'" if name.endswith("s") else "'s") if spoken() == "en" else name


def joined(names: Iterable[str]) -> str:
    """ "A, B og C" in the reader's language."""
    found = [apart(n) for n in names if n]
    return format_list(found, locale=language()) if len(found) > 1 else "".join(found)


def sector_word(sector: Sector) -> str:
    """The area of life, in words."""
    return _sectors(language())[sector]


@lru_cache(64)
def _sectors(_language: str) -> dict[Sector, str]:
    return {
        Sector.SOCIAL: _("Familie og støtte"),
        Sector.SCHOOL: _("Skole og dagtilbud"),
        Sector.HEALTH: _("Sundhed"),
        Sector.EMPLOYMENT: _("Job og økonomi"),
        Sector.OTHER: _("Andre"),
    }


def status_word(status: Status) -> str:
    """How far something has come, in words."""
    return _statuses(language())[status]


@lru_cache(64)
def _statuses(_language: str) -> dict[Status, str]:
    return {
        Status.PROPOSED: _("Ikke besluttet endnu"),
        Status.PLANNED: _("Aftalt, ikke startet"),
        Status.WAITING: _("Venter på at komme i gang"),
        Status.RUNNING: _("I gang"),
        Status.PAUSED: _("Holder pause"),
        Status.DONE: _("Afsluttet"),
        Status.CANCELLED: _("Aflyst"),
        Status.UNKNOWN: _("Vi ved ikke, hvor langt det er"),
    }


def category_word(category: Category) -> str:
    """What a consent opens, in words."""
    return {
        Category.CONTACTS: _("Kontakter"),
        Category.MEETINGS: _("Møder"),
        Category.INTERVENTIONS: _("Hjælp og udredninger"),
        Category.PLANS: _("Planer og mål"),
        Category.WELLBEING: _("Trivsel"),
        Category.MASTER_DATA: _("Grundoplysninger"),
        Category.COMMENTS: _("Kommentarer"),
    }[Category(category)]


def opened_word(category: Category) -> str:
    """The same amid the sentence of a yes: it names all that it opens."""
    if category == Category.MASTER_DATA:
        return _("grundoplysninger (navn, adresse, alder, køn og forældremyndighed)")
    return amid(category_word(category))


def amid(text: str) -> str:
    """As it stands amid a sentence: "kontakter"; Turkish tells I from İ."""
    first = {"İ": "i", "I": "ı"}.get(text[:1]) if spoken() == "tr" else None
    return (first or text[:1].lower()) + text[1:]


def configured_word(text: str) -> str:
    """A purpose or an excluded kind as a municipality usually words it; others stay as written."""
    return _usual(language()).get(text, text)


@lru_cache(64)
def _usual(_language: str) -> dict[str, str]:
    return {
        "Forberede et møde": _("Forberede et møde"),
        "Følge op på hjælpen": _("Følge op på hjælpen"),
        "Koordinere med andre, der hjælper": _("Koordinere med andre, der hjælper"),
        "Forberede en overgang, fx til ny skole eller til voksenlivet": _(
            "Forberede en overgang, fx til ny skole eller til voksenlivet"
        ),
        "Hjælpemidler": _("Hjælpemidler"),
        "Tabt arbejdsfortjeneste": _("Tabt arbejdsfortjeneste"),
        "Tandpleje og tilskud til tandpleje": _("Tandpleje og tilskud til tandpleje"),
        "Almindelige besøg af sundhedsplejen": _("Almindelige besøg af sundhedsplejen"),
        "Befordring": _("Befordring (kørsel)"),
        "Frivillige kommunale tilbud": _("Frivillige kommunale tilbud"),
    }


def record_word(entry: Entry) -> str:
    """The stable English word of `data-record`, e.g. "assessment"."""
    return type(entry).__name__.lower()


def role_words(contact: Contact) -> str:
    """What somebody is, without the words the page says beside it: "Psykolog"."""
    parts = [p.strip() for p in contact.role.split(",")]
    telling = [p for p in parts if p.casefold() not in SAID_BESIDE]
    return ", ".join(telling or parts)


def said(text: str, entry: Entry) -> str | Markup:
    """A source's own text, marked with its language and direction where the page's is another."""
    tongue = entry.lang or SOURCES_SPEAK
    if not text or tongue.partition("-")[0] == spoken():
        return text
    return Markup('<span lang="%s" dir="auto">%s</span>') % (tongue, text)


def gender_word(gender: str, age: int | None = None) -> str:
    """FHIR's administrative gender in words; empty where the register says nothing more."""
    child = age is not None and age < ADULT
    words = {
        "male": _("Dreng") if child else _("Mand"),
        "female": _("Pige") if child else _("Kvinde"),
        "other": _("Andet"),
    }
    return words.get(gender, "")


def phase_word(phase: str) -> str:
    """When a measurement was taken, seen from the help."""
    words = {"before": _("før hjælpen"), "during": _("undervejs"), "after": _("efter hjælpen")}
    return words.get(phase, "")


def tal(value: float) -> str:
    """ "3,5" in Danish; no decimals where there are none."""
    return _decimal(value, language())


@lru_cache(1024)
def _decimal(value: float, language: str) -> str:
    return str(format_decimal(value, "#,##0.##", locale=language))
