"""What every backend adapter is: asked about one person, it delivers records or fails by name.

Adapters know nothing about viewers, consents or pages; the rules work on what
they deliver (portal/overview.py is the only door to it).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

import msgspec

from portal.records import AnyEntry, Hole
from portal.settings import SourceConfig

if TYPE_CHECKING:
    from portal.sources.http import Http


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a source is asked about.

    `citizen` is the portal's own random id: part of the cache key, never sent.
    `identifiers` maps identifier system to value, as the register has them.
    """

    citizen: str
    identifiers: dict[str, str]


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """What a source delivered. `partial`: it did not give all. `holes`: what it gave and nobody can read.

    `strangers`: entries about somebody else were among it. They are dropped;
    the answer is not kept, and somebody is told.
    """

    entries: tuple[AnyEntry, ...]
    partial: bool = False
    strangers: bool = False
    holes: tuple[Hole, ...] = ()

    @classmethod
    def of(
        cls, found: Iterable[AnyEntry | Hole], *, partial: bool = False, strangers: bool = False
    ) -> Delivery:
        """Of holes that the same people may know of, one is enough."""
        found = tuple(found)
        same = {"key": "", "by": "", "lang": ""}
        holes = (msgspec.structs.replace(h, **same) for h in found if isinstance(h, Hole))
        return cls(
            entries=tuple(e for e in found if not isinstance(e, Hole)),
            partial=partial,
            strangers=strangers,
            holes=tuple(dict.fromkeys(holes)),
        )


class SourceFailure(Exception):
    """A source did not give an answer that can be trusted.

    `problem` is a short machine word, never text from the source. `down` tells
    that the system itself is in trouble, not only this one person's answer:
    only such failures open the breaker.
    """

    def __init__(self, problem: str, *, down: bool = False) -> None:
        super().__init__(problem)
        self.problem = problem
        self.down = down


class Source(Protocol):
    """One configured backend."""

    config: SourceConfig

    async def fetch(self, value: str, http: Http) -> Delivery:
        """Everything about the person whose identifier is `value`.

        Raises SourceFailure.
        """
        ...
