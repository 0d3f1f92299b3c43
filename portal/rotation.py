"""Sealing anew with the first data key what older ones sealed, so that an old key can go.

Bounded transactions, beside a portal that serves: each takes a handful of rows, reads
them again under its lock, and commits. Stopped halfway nothing is lost: what is done
is done, and the next run goes on with the rest.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from sqlalchemy import ColumnElement, Connection, RowMapping, Table, and_, func, select, update

from portal.crypto import LABEL, Unreadable, Vault
from portal.db import Store, Task
from portal.family import SEPARATOR
from portal.journal import Journal
from portal.lasting import Lasting
from portal.models import person, session
from portal.settings import Settings

AT_ONCE = 100
"""Rows in one transaction: on SQLite every other writer waits for it."""


class Rotated(msgspec.Struct, frozen=True, kw_only=True):
    """How much was sealed anew, by name, and how much is still under an older key."""

    done: dict[str, int]
    left: dict[str, int]


class Rotation:
    """Of one municipality, by the tables' owner."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._tenant, self._store = settings.municipality, store
        self._vault, self._journal = Vault(settings.data_keys), Journal(settings)
        self._lasting = Lasting(store, self._vault, self._tenant)

    def run(self) -> Rotated:
        """Seal anew all there is. Raises StoreDown, OSError, Unreadable (the lasting key's is gone)."""
        done = {
            "people": sum(map(self._people, self._batches(person))),
            "sessions": sum(map(self._sessions, self._batches(session))),
            "lines of the journal": self._journal.reseal(),
        }
        left = self.left()
        if not any(
            left.values()
        ):  # else the key it hangs on may be one that was taken out too early
            self._lasting.keep()
        self._store.settle()
        return Rotated(done=done, left=left)

    def left(self) -> dict[str, int]:
        """What an older key sealed; for ever, if none that we hold opens it."""
        found = {}
        for name, table in (("people", person), ("sessions", session)):
            with self._store.own(task=_task(table)) as c:
                count = select(func.count()).select_from(table).where(self._old(table))
                found[name] = c.execute(count).scalar() or 0
        found["lines of the journal"] = self._journal.old()
        return found

    def _batches(self, table: Table) -> Iterator[list[str]]:
        """The ids of what is still under an older key, a handful at a time; each once."""
        last = ""
        while True:
            with self._store.own(task=_task(table)) as c:
                which = and_(self._old(table), table.c.id > last)
                query = select(table.c.id).where(which).order_by(table.c.id).limit(AT_ONCE)
                ids = list(c.execute(query).scalars())
            if not ids:
                return
            yield ids
            last = ids[-1]

    def _old(self, table: Table) -> ColumnElement[bool]:
        """Sealed, and not by the first key; an erased person has nothing sealed."""
        sealed = table.c.identifier if table is person else table.c.data
        other = func.substr(sealed, 1, LABEL) != self._vault.label
        return and_(table.c.tenant == self._tenant, func.length(sealed) > 0, other)

    def _people(self, ids: list[str]) -> int:
        with self._store.own(*ids) as c:
            return sum(self._anew(c, row) for row in self._locked(c, person, ids))

    def _anew(self, c: Connection, row: RowMapping) -> bool:
        id = row["id"]
        try:
            text = self._vault.open(row["identifier"], f"identifier {id}")
            key = self._vault.open(row["key"], f"key {id}")
        except Unreadable:
            return False
        value = f"{self._tenant}{SEPARATOR}{text.decode()}"
        values = {
            "index": self._vault.index(value),
            "identifier": self._vault.seal(text, f"identifier {id}"),
            "key": self._vault.seal(key, f"key {id}"),
        }
        c.execute(update(person).where(person.c.id == id).values(**values))
        return True

    def _sessions(self, ids: list[str]) -> int:
        done = 0
        with self._store.own(task=Task.SESSIONS) as c:
            for row in self._locked(c, session, ids):
                context = f"session {row['token']}"
                try:
                    fresh = self._vault.seal(self._vault.open(row["data"], context), context)
                except Unreadable:
                    continue
                c.execute(update(session).where(session.c.id == row["id"]).values(data=fresh))
                done += 1
        return done

    def _locked(self, c: Connection, table: Table, ids: list[str]) -> list[RowMapping]:
        """As they are now: one may have been erased or ended since its id was read."""
        which = and_(self._old(table), table.c.id.in_(ids))
        return list(c.execute(select(table).where(which).with_for_update()).mappings())


def _task(table: Table) -> Task:
    return Task.ROTATE if table is person else Task.SESSIONS
