"""What every entry carries besides its own texts: owner, kinds, restrictions.

The operator's [[actor]], [[kind]] and [[source]] tables decide; contract
"Owners" and "Restrictions".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from portal.records import Audience
from portal.settings import KINDS, Settings, SourceConfig

UNIT = re.compile(
    r"https://kombit\.dk/sts/organisation\|urn:uuid:"
    r"([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})",
    re.IGNORECASE,
)
"""A municipal unit, named by its UUID in the common organisation system."""


class Organization(msgspec.Struct, frozen=True):
    """An organisation as a source names it: "system|value" identifiers and a name."""

    identifiers: tuple[str, ...] = ()
    name: str = ""


class Marks:
    """The tables of one source."""

    def __init__(self, config: SourceConfig, settings: Settings) -> None:
        self._config = config
        self._own_name = settings.actors[config.actor].name.casefold()
        self._names = {a.id: a.name for a in settings.actor}
        own = settings.actors[config.actor]
        places = (*settings.actor, own)  # of two that share an identifier, a source means its own
        self._actors = {_same(i): a.id for a in places for i in a.identifiers}
        rules = [(_rule(k.coding.casefold()), k.is_) for k in settings.kind]
        self._beginnings = [(r[:-1], is_) for r, is_ in rules if r.endswith("*")]
        self._codings: dict[str, set[str]] = {}
        for rule, is_ in rules:
            self._codings.setdefault(rule, set()).add(is_)

    def entry(
        self,
        key: str,
        organization: Organization | None = None,
        kinds: frozenset[str] = frozenset(),
        audience: Iterable[Audience] = (),
        lang: str = "",
    ) -> dict[str, Any]:
        """The fields that every Entry has."""
        owner, by = self.owner(organization)
        return {
            "key": key,
            "source": self._config.id,
            "owner": owner,
            "by": by,
            "kinds": kinds,
            "audience": frozenset(audience) | frozenset(self._config.audience),
            "lang": lang,
        }

    def owner(self, organization: Organization | None) -> tuple[str, str]:
        """(configured actor's id, name of an organisation nobody configured)."""
        if organization is None:
            return self._config.actor, ""
        if found := self.actor(organization):
            return found, ""
        same = organization.name.casefold() == self._own_name
        return self._config.actor, "" if same else self.name(organization)

    def name(self, organization: Organization) -> str:
        """As the source has it, else as the file has it, else the unit to look up (named.py)."""
        if organization.name:
            return organization.name
        if found := self.actor(organization):
            return self._names[found]
        return next((i.lower() for i in organization.identifiers if UNIT.fullmatch(i)), "")

    def actor(self, organization: Organization) -> str:
        """The configured actor that shares an identifier, or ""."""
        found = (self._actors.get(_same(i)) for i in organization.identifiers)
        return next((f for f in found if f), "")

    def kinds(self, codings: Iterable[tuple[str, str]]) -> frozenset[str]:
        """What the [[kind]] table says of (system, code) pairs; case never hides anything."""
        found: set[str] = set()
        for system, code in codings:
            full = f"{system}|{code}".casefold()
            found.update(self._codings.get(full, ()))
            found.update(is_ for start, is_ in self._beginnings if full.startswith(start))
        return frozenset(found)

    def said(self, words: Iterable[str]) -> frozenset[str]:
        """As `kinds`, for a mapping's "system|code", bare codes, and our own words for kinds."""
        words = list(words)
        pairs = (w.rpartition("|") for w in words)
        ours = {w for w in words if w in KINDS or w.startswith("excluded:")}
        return self.kinds((system, code) for system, _, code in pairs) | ours


def _rule(coding: str) -> str:
    """A rule without a system matches codes that have none."""
    return coding if "|" in coding else "|" + coding


def _same(identifier: str) -> str:
    """UUIDs are the same in either case; other values are not."""
    system, _, value = identifier.partition("|")
    return f"{system}|{value.lower()}" if value.lower().startswith("urn:uuid:") else identifier
