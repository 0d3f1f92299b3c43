"""Alarms for operators: a source answered about somebody else, written where nobody can take it out.

A line in the chain of nobody: it tells the source and the time, and no citizen.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime

from portal import audit
from portal.audit import Act, Line
from portal.crypto import Vault
from portal.db import Store, StoreDown
from portal.family import NOBODY, Family
from portal.settings import Settings
from portal.sources.register import Register

log = logging.getLogger(__name__)
WRONG_PERSON = "wrong person"
MOST_LINES = 20_000
"""Of the chain of nobody, which also holds refused attempts."""


class Alarms:
    """Writes and tells them, for one municipality."""

    def __init__(self, settings: Settings, store: Store, family: Family) -> None:
        self._tenant, self._store, self._family = settings.municipality, store, family

    def wrong_person(self, source: str) -> None:
        """`source` answered about somebody else. Fails into the server's log only."""
        line = Line(act=Act.AUTOMATIC, subject="source", outcome=WRONG_PERSON, about=source)
        try:
            with self._store.write(NOBODY) as c:
                audit.append(c, self._tenant, NOBODY, self._family.key(NOBODY), line)
        except StoreDown:
            log.error("ALARM source %s: could not be written down", source)

    def newest(self) -> Iterator[tuple[datetime, str]]:
        """(when, source id), newest first. Raises StoreDown."""
        with self._store.read(NOBODY) as c:
            lines = audit.entries(c, self._tenant, NOBODY, self._family.key(NOBODY), MOST_LINES)
        for entry in lines:
            if entry.line.outcome == WRONG_PERSON:
                yield entry.at, entry.line.about


def opened(settings: Settings) -> Alarms:
    """For a command: only what telling needs."""
    store = Store(settings.database, settings.path("."), settings.municipality)
    family = Family(settings, store, Vault(settings.data_keys), Register(settings))
    return Alarms(settings, store, family)
