"""Texts in the reader's language; how to speak is found once per request.

flask_babel finds language and catalogue anew for every text, which was a third
of a page's time (docs/performance.md). Same texts, same rules as its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import NamedTuple, cast

from babel.support import NullTranslations
from flask import Flask, g
from flask_babel import force_locale, get_locale, get_translations
from markupsafe import Markup, escape

RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur"})
VARIANT = re.compile("[_@]")
"""What sets a country or a variant off: en_GB, da@let."""


class Speech(NamedTuple):
    """How this request speaks."""

    locale: str
    """As babel writes it."""
    catalogue: NullTranslations
    right_to_left: bool
    spoken: str
    """The language alone: "da" of easy Danish too."""


NUMBERS = (int, float)
OUTSIDE = Speech("da", NullTranslations(), False, "da")
"""Where there is no request and no app: a command."""


def install(app: Flask) -> None:
    """Templates speak with these instead of flask_babel's; what is filled in is escaped."""
    app.jinja_env.globals.update({"gettext": markup, "_": markup, "ngettext": markup_of})


def gettext(text: str, /, **values: object) -> str:
    """The text in the reader's language, with `%(name)s` filled in."""
    found: str = _speech().catalogue.gettext(text)
    if not values:
        return found
    return found % (_apart(values) if right_to_left() else values)


def ngettext(one: str, many: str, count: int, /) -> str:
    """As gettext, in the form the language has for `count`, which fills `%(count)s`."""
    found: str = _speech().catalogue.ngettext(one, many, count)
    return found % {"count": count}


def language() -> str:
    """The locale of this request as babel writes it; Danish outside of one."""
    return _speech().locale


def spoken() -> str:
    """The language of this request without country or variant: "da" of easy Danish too."""
    return _speech().spoken


@contextmanager
def spoken_as(name: str) -> Iterator[None]:
    """Within, texts and dates come in this language: for what must stand in Danish too."""
    kept = _speech()
    with force_locale(name):
        g.speech = _found()
        try:
            yield
        finally:
            g.speech = kept


def right_to_left() -> bool:
    """Whether the reader's language is written from the right."""
    return _speech().right_to_left


def left_to_right(text: str) -> str:
    """A phone number or the like, kept in its order among words written from the right."""
    return f"\u2066{text}\u2069" if text and right_to_left() else text


def apart(text: str) -> str:
    """A name in its own direction, so that a Danish one cannot turn an Arabic sentence."""
    return "\u2068" + text + "\u2069" if right_to_left() else text


def _apart(values: dict[str, object]) -> dict[str, object]:
    return {k: apart(v) if isinstance(v, str) else v for k, v in values.items()}


def markup(text: str, /, **values: object) -> Markup:
    """As gettext, for templates: our own text may hold markup, and what is filled in is escaped."""
    speech = _speech()
    if not values:
        return _plain(speech.catalogue, text)
    return _filled(speech, _known(speech.catalogue, text), values)


@lru_cache(4096)
def _known(catalogue: NullTranslations, text: str) -> str:
    return str(catalogue.gettext(text))


@lru_cache(4096)
def _plain(catalogue: NullTranslations, text: str) -> Markup:
    """A text with nothing to fill in is the same on every page in one language."""
    found = _known(catalogue, text)
    return Markup(found % {} if "%" in found else found)  # noqa: S704  our own text


def markup_of(one: str, many: str, count: int, /, **values: object) -> Markup:
    """As ngettext, for templates."""
    speech = _speech()
    found = speech.catalogue.ngettext(one, many, count)
    return _filled(speech, found, {"num": count} | values)


def _filled(speech: Speech, text: str, values: dict[str, object]) -> Markup:
    """In templates a percent sign is always written twice (Jinja's newstyle gettext).

    Escapes each value itself, which is what Markup's own `%` does at four times the cost.
    """
    values = _apart(values) if speech.right_to_left else values
    text %= {k: v if isinstance(v, NUMBERS) else escape(v) for k, v in values.items()}
    return Markup(text)  # noqa: S704  our own text, and what was escaped


def _speech() -> Speech:
    try:
        # the proxy itself would look the request up three times, and a page asks a thousand times
        return cast(Speech, g._get_current_object().speech)
    except AttributeError:
        g.speech = found = _found()
        return found
    except RuntimeError:
        return OUTSIDE


def _found() -> Speech:
    locale = str(get_locale() or "da")
    spoken = VARIANT.split(locale)[0]
    return Speech(locale, get_translations(), spoken in RIGHT_TO_LEFT, spoken)
