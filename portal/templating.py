"""What templates can use beside the values they get: filters, icons, hashed addresses.

Pure text work; nothing here reads a network or a database.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import cache
from types import CodeType
from typing import Any

from flask import Flask
from jinja2 import BytecodeCache, Template
from jinja2.bccache import Bucket
from markupsafe import Markup

from portal import dates, glossary, words, written
from portal.assets import Assets
from portal.bars import timeline
from portal.chart import all_goals, charts
from portal.log_words import log_sentence
from portal.month import month, this_month, written_month
from portal.network import network
from portal.network_map import tall_map, wide_map
from portal.pieces import Pieces, days, hours, lasting, leaf, mark, owners, sector_icon, when
from portal.records import Sector, State
from portal.timeline import by_month, meeting_months
from portal.turns import TURN
from portal.words import category_word, joined, sector_word

__all__ = ["category_word", "install", "joined", "sector_word"]

STATEMENT_DAY = date(2026, 11, 22)
"""When the accessibility statement was last gone through; at least once a year."""

STATE_ICON = {
    State.WAITING: "hourglass",
    State.STALE: "time",
    State.UNAVAILABLE: "error",
    State.WITHHELD: "lock",
}


class Compiled(BytecodeCache):
    """Templates' code, made once for all apps of a process and for the workers forked from it."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[str, CodeType | None]] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """What was made of this very text."""
        text, code = self._kept.get(bucket.key, ("", None))
        if text == bucket.checksum:
            bucket.code = code

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep it."""
        self._kept[bucket.key] = bucket.checksum, bucket.code


COMPILED = Compiled()


class Drawn(Template):
    """Made into text one at a time (portal/turns.py): the values are finished, nothing is waited for."""

    def render(self, *values: Any, **more: Any) -> str:
        """The text."""
        with TURN:
            return super().render(*values, **more)


def compile_all(app: Flask) -> None:
    """Make every template's code now, so that no worker's first guests wait for it."""
    for name in app.jinja_env.list_templates(["html"]):
        app.jinja_env.get_template(name)


def install(app: Flask) -> None:
    """Give every template of `app` these filters, and `asset` and `icon`."""
    asset = Assets()
    sprite = asset("icons.svg")
    env = app.jinja_env
    env.template_class = Drawn
    written.install(env)
    drawn = cache(lambda name: icon(sprite, name))
    pieces = Pieces(drawn)
    env.globals.update(asset=asset, icon=drawn)
    env.globals.update(statement_day=STATEMENT_DAY, explained_as=glossary.explained_as)
    env.trim_blocks = env.lstrip_blocks = True
    for filter_ in (
        dates.dato, dates.kort_dato, dates.dag, dates.maaned_aar,
        dates.klokken, dates.idag, dates.klokkeslaet,
        words.phone, words.tel, words.weblink, words.mailbox, words.map_url, words.ejefald, words.joined, words.tal,
        words.sector_word, words.status_word, words.category_word, words.phase_word, words.gender_word,
        words.record_word, words.role_words, words.said, words.amid, sector_icon, state_icon,
        mark, owners, leaf, when, hours, days, lasting, pieces.kind, pieces.ring, by_sector, by_month, meeting_months,
        month, this_month, written_month, charts, all_goals, timeline, network, wide_map, tall_map,
        log_sentence, glossary.explained, glossary.known_codes,
    ):  # fmt: skip
        env.filters[filter_.__name__] = filter_


def icon(sprite: str, name: str) -> Markup:
    """An icon from the sprite; always beside a word, so it is hidden from screen readers."""
    return Markup('<svg class="i" aria-hidden="true"><use href="%s#%s"/></svg>') % (
        sprite,
        name,
    )


def state_icon(state: State) -> str:
    """The sprite's name of the icon of a source's state."""
    return STATE_ICON.get(state, "check")


def by_sector(things: Iterable[object]) -> list[tuple[Sector, list[object]]]:
    """Entries or places grouped by sector, in the portal's fixed order."""
    groups: dict[Sector, list[object]] = {sector: [] for sector in Sector}
    for thing in things:
        place = getattr(thing, "owner", None) or getattr(thing, "place", None) or thing
        groups[getattr(place, "sector", None) or Sector.OTHER].append(thing)
    return [(sector, found) for sector, found in groups.items() if found]
