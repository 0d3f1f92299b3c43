"""Which language a person reads, and the words the services need from it.

The source language is Danish. Chosen by the person, remembered in the session
and a cookie; else what the browser asks for; else Danish.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from flask import Flask, current_app, g, request, session
from flask_babel import Babel
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup
from werkzeug.wrappers import Request

from portal import speech
from portal.identity.browser import cookie_name
from portal.records import Sector
from portal.speech import gettext as _

COOKIE = "sprog"
CATALOGUES = str(Path(__file__).parent.parent / "translations")


class Language(NamedTuple):
    """One way of writing every text of the portal."""

    name: str
    """Its own name for itself."""
    locale: str
    """As babel and the catalogue's folder write it: dates, numbers, plurals, texts."""
    tag: str
    """BCP 47, for `lang`; what a screen reader picks its voice by."""
    reviewed: bool = False
    """Whether a translator has read its texts on consent and rights; else the page says so."""
    offered: bool = True
    """Whether a browser's wish chooses it; easy Danish only a person does."""


DANISH = Language("Dansk", "da", "da", reviewed=True)
LANGUAGES = {
    "da": DANISH,
    "da-x-let": Language("Dansk, let at læse", "da@let", "da", offered=False),
    "en": Language("English", "en_GB", "en"),
    "ar": Language("العربية", "ar", "ar"),
    "uk": Language("Українська", "uk", "uk"),
    "pl": Language("Polski", "pl", "pl"),
    "tr": Language("Türkçe", "tr", "tr"),
    "so": Language("Soomaali", "so", "so"),
}
"""Code (cookie, account, consent) -> language, in the order shown. Here when every text is there."""
REVIEWED = frozenset(code for code, language in LANGUAGES.items() if language.reviewed)


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
    Babel(
        app,
        locale_selector=lambda: chosen().locale,
        default_locale="da",
        default_timezone="Europe/Copenhagen",
    )
    speech.install(app)

    @app.context_processor
    def words() -> dict[str, object]:
        language = chosen()
        return {
            "language": choose(),
            "locale": language.tag,
            "text_dir": "rtl" if speech.right_to_left() else "ltr",
            "languages": LANGUAGES,
            "unreviewed": not language.reviewed,
        }

    app.jinja_env.globals["in_danish"] = in_danish


@pass_context
def in_danish(context: Context, template: str, **more: object) -> Markup:
    """A template as a Danish reader gets it: rights stand in Danish beside a translation.

    `more` is what it is handed in Danish in place of the reader's own.
    """
    with speech.spoken_as(DANISH.locale):
        return Markup(  # noqa: S704  what a template of ours has escaped
            context.environment.get_template(template).render(context.get_all() | more)
        )


def chosen() -> Language:
    """The language of this request, with what is known about it."""
    return LANGUAGES[choose()]


def choose() -> str:
    """The code of this request's language."""
    if "language" not in g:
        account = getattr(session, "account", None)
        wanted = session.get("language") or (account.language if account else "")
        g.language = wanted if wanted in LANGUAGES else of_browser()
    return str(g.language)


def of_browser(asked: Request = request) -> str:
    """The language the browser asks for, by cookie or header; needs no session."""
    wanted = asked.cookies.get(cookie_name(current_app.extensions["portal"].settings, COOKIE), "")
    if wanted in LANGUAGES:
        return wanted
    offered = [code for code, language in LANGUAGES.items() if language.offered]
    return asked.accept_languages.best_match(offered, default="da") or "da"
