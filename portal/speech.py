"""Texts in the reader's language; its catalogue is found once per request.

flask_babel finds language and catalogue anew for every text, which was a third
of a page's time (docs/performance.md). Same texts, same rules as its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from babel.support import NullTranslations
from flask import Flask, g
from flask_babel import force_locale, get_locale, get_translations
from markupsafe import Markup

NOTHING = NullTranslations()
RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur"})


def install(app: Flask) -> None:
    """Templates speak with these instead of flask_babel's; what is filled in is escaped."""
    app.jinja_env.globals.update({"gettext": _markup, "_": _markup, "ngettext": _markup_of})


def gettext(text: str, /, **values: object) -> str:
    """The text in the reader's language, with `%(name)s` filled in."""
    found: str = _catalogue().gettext(text)
    return found % _apart(values) if values else found


def ngettext(one: str, many: str, count: int, /) -> str:
    """As gettext, in the form the language has for `count`, which fills `%(count)s`."""
    found: str = _catalogue().ngettext(one, many, count)
    return found % {"count": count}


def language() -> str:
    """The locale of this request as babel writes it; Danish outside of one."""
    try:
        return cast(str, g.locale_name)
    except AttributeError:
        g.locale_name = name = str(get_locale() or "da")
        return name
    except RuntimeError:  # no request, no app: a command
        return "da"


@contextmanager
def spoken_as(name: str) -> Iterator[None]:
    """Within, texts and dates come in this language: for what must stand in Danish too."""
    kept = _catalogue(), language()
    with force_locale(name):
        g.catalogue, g.locale_name = get_translations(), name
        try:
            yield
        finally:
            g.catalogue, g.locale_name = kept


def right_to_left() -> bool:
    """Whether the reader's language is written from the right."""
    return language().partition("_")[0] in RIGHT_TO_LEFT


def left_to_right(text: str) -> str:
    """A phone number or the like, kept in its order among words written from the right."""
    return f"\u2066{text}\u2069" if text and right_to_left() else text


def apart(text: str) -> str:
    """A name in its own direction, so that a Danish one cannot turn an Arabic sentence."""
    return "\u2068" + text + "\u2069" if right_to_left() else text


def _apart(values: dict[str, object]) -> dict[str, object]:
    if not right_to_left():
        return values
    return {k: apart(v) if isinstance(v, str) else v for k, v in values.items()}


def _markup(text: str, /, **values: object) -> Markup:
    return _filled(_catalogue().gettext(text), values)


def _markup_of(one: str, many: str, count: int, /, **values: object) -> Markup:
    return _filled(_catalogue().ngettext(one, many, count), {"num": count} | values)


def _filled(text: str, values: dict[str, object]) -> Markup:
    """In templates a percent sign is always written twice (Jinja's newstyle gettext)."""
    return Markup(text) % _apart(values) if values or "%" in text else Markup(text)  # noqa: S704  our own texts


def _catalogue() -> NullTranslations:
    try:
        return cast(NullTranslations, g.catalogue)
    except AttributeError:
        g.catalogue = found = get_translations()
        return cast(NullTranslations, found)
    except RuntimeError:
        return NOTHING
