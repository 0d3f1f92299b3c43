"""Which language a person reads, and the words the services need from it.

The source language is Danish. Chosen by the person, remembered in the session
and a cookie; else what the browser asks for; else Danish.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from flask import Flask, g, request, session
from flask_babel import Babel

from portal import speech
from portal.records import Sector
from portal.speech import gettext as _

COOKIE = "sprog"
CATALOGUES = str(Path(__file__).parent.parent / "translations")
LANGUAGES = {
    "da": "Dansk",
    "en": "English",
    "ar": "العربية",
}
"""Each by its own name. A language stands here when every text of it is translated."""
REVIEWED = frozenset({"da"})
"""Languages whose texts on consent and rights a translator has read; elsewhere the page says so."""
LOCALES = {"en": "en_GB"}
"""How dates are written, where the language alone would say it another country's way."""


class NeutralNames(Mapping[Sector, str]):
    """What a place is called where its own name would tell where somebody lives."""

    def __getitem__(self, sector: Sector) -> str:
        return {
            Sector.SOCIAL: _("Kommunen"),
            Sector.SCHOOL: _("Skole eller dagtilbud"),
            Sector.HEALTH: _("Sundhedsvæsenet"),
            Sector.EMPLOYMENT: _("Jobcenter"),
            Sector.OTHER: _("Et sted, der hjælper"),
        }[sector]

    def __iter__(self) -> Iterator[Sector]:
        return iter(Sector)

    def __len__(self) -> int:
        return len(Sector)


def install(app: Flask) -> None:
    """Choose a locale for every request and tell templates its direction."""
    Babel(app, locale_selector=_locale, default_locale="da", default_timezone="Europe/Copenhagen")
    speech.install(app)

    @app.context_processor
    def words() -> dict[str, object]:
        language = choose()
        direction = "rtl" if speech.right_to_left() else "ltr"
        return {
            "locale": language,
            "text_dir": direction,
            "languages": LANGUAGES,
            "unreviewed": language not in REVIEWED,
        }


def _locale() -> str:
    language = choose()
    return LOCALES.get(language, language)


def choose() -> str:
    """The language of this request."""
    if "language" not in g:
        account = getattr(session, "account", None)
        wanted = session.get("language") or (account.language if account else "")
        g.language = wanted if wanted in LANGUAGES else of_browser()
    return str(g.language)


def of_browser() -> str:
    """The language the browser asks for, by cookie or header; needs no session."""
    wanted = request.cookies.get(COOKIE, "")
    if wanted in LANGUAGES:
        return wanted
    return request.accept_languages.best_match(list(LANGUAGES), default="da") or "da"
