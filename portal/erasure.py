"""Erasing a citizen (GDPR art. 17): her key is destroyed, and with it every word it sealed.

What may be removed is removed. What the database must keep (log, consent events,
comments: that nothing was taken away must show) stays as sealed bytes that nothing
opens, under a random id that nothing leads to. An authority's closed access does
not fall with it: it moves to a fresh id of the same person.
"""

from __future__ import annotations

import secrets
from typing import Any

import msgspec
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    delete,
    false,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from portal import audit, journal
from portal.audit import Act, Line
from portal.crypto import Vault, new_id
from portal.db import Store, now
from portal.family import NOBODY, Family
from portal.journal import Journal
from portal.models import (
    access_closed,
    access_entry,
    comment,
    consent_event,
    draft,
    feed,
    person,
    report,
    seen,
    session,
)
from portal.settings import CPR_SYSTEM, Settings
from portal.sources.gather import Gatherer
from portal.sources.register import Register

GOES = {
    "logged-in sessions": (session, ("person",)),
    "calendar links": (feed, ("person", "citizen")),
    "drafts": (draft, ("whose", "citizen")),
    "marks of what was seen": (seen, ("person", "citizen")),
    "reports that something is missing": (report, ("person", "citizen")),
}
"""What is removed, by name: every row in which one of the columns names her."""
SEALED = {
    "log lines": access_entry,
    "consent events": consent_event,
    "versions of comments": comment,
}
"""What stays as bytes that no key opens."""


class Erased(msgspec.Struct, frozen=True, kw_only=True):
    """What went, and what stays, by name and count."""

    removed: dict[str, int]
    sealed: dict[str, int]
    closures: int

    @property
    def something(self) -> bool:
        return any((*self.removed.values(), *self.sealed.values()))


class Erasure:
    """Erases citizens of one municipality."""

    def __init__(self, settings: Settings, store: Store, vault: Vault, family: Family) -> None:
        self._tenant, self._journal = settings.municipality, Journal(settings)
        self._store, self._vault, self._family = store, vault, family

    def of(self, cpr: str) -> Erased | None:
        """What erasing would do; None for somebody nothing is held of. Raises StoreDown."""
        old = self._family.enrolled(CPR_SYSTEM, cpr)
        if old is None:
            return None
        with self._store.read(old) as c:
            found = self._counted(c, old)
        return found if found.something or not found.closures else None

    def erase(self, cpr: str) -> Erased | None:
        """Do it; again does nothing. Raises StoreDown."""
        old = self._family.enrolled(CPR_SYSTEM, cpr)
        if old is None or self.of(cpr) is None:
            return None
        key, fresh, others = self._family.key(old), new_id(), self._others(old)
        with self._store.write(old, fresh, NOBODY, *others) as c:
            c.execute(select(person.c.id).where(person.c.id == old).with_for_update())
            told = Line(act=Act.AUTOMATIC, subject="operator", outcome="erased", about=old)
            audit.append(c, self._tenant, NOBODY, self._family.key(NOBODY), told)
            audit.append(c, self._tenant, old, key, told)
            found = self._counted(c, old)
            bearer = fresh if found.closures else ""
            wipe(c, self._tenant, self._vault, old, bearer)
            # before the commit: after a crash nothing of her is found to be erased again
            self._journal.keep(journal.Erased(citizen=old, fresh=bearer, at=now()))
        self._store.settle()
        return found

    def _counted(self, c: Connection, old: str) -> Erased:
        def count(which: ColumnElement[bool]) -> int:
            return c.execute(select(func.count()).where(which)).scalar() or 0

        return Erased(
            removed={n: count(_hers(t.c, columns, old)) for n, (t, columns) in GOES.items()},
            sealed={n: count(t.c.citizen == old) for n, t in SEALED.items()},
            closures=count(_hers(access_closed.c, ("citizen", "adult"), old)),
        )

    def _others(self, old: str) -> tuple[str, ...]:
        """The other half of each closed access, which names two people."""
        t = access_closed
        with self._store.read(old) as c:
            rows = c.execute(select(t).where(_hers(t.c, ("citizen", "adult"), old))).all()
        return tuple(dict.fromkeys(p for r in rows for p in (r.adult, r.citizen) if p != old))


def wipe(c: Connection, tenant: str, vault: Vault, old: str, fresh: str) -> None:
    """No row that only served her, no key, no identifier, and nothing by which she is found.

    `fresh`: an id that bears her closed accesses from now on; empty when she has none.
    """
    for table, columns in GOES.values():
        c.execute(delete(table).where(_hers(table.c, columns, old)))
    where = person.c.id == old
    row = dict(c.execute(select(person).where(where)).mappings().one())
    gone = {"index": secrets.token_hex(32), "identifier": b"", "key": None, "language": ""}
    c.execute(update(person).where(where).values(**gone))
    if not fresh:
        return
    plain = vault.open(row["identifier"], f"identifier {old}")
    bearer = {
        "id": fresh,
        "tenant": tenant,
        "index": row["index"],
        "identifier": vault.seal(plain, f"identifier {fresh}"),
        "key": vault.seal(secrets.token_bytes(32), f"key {fresh}"),
        "created": now(),
    }
    c.execute(insert(person).values(**bearer))
    for column in ("citizen", "adult"):
        hers = access_closed.c[column] == old
        c.execute(update(access_closed).where(hers).values(**{column: fresh}))


def opened(settings: Settings) -> Erasure:
    """For a command: only what erasing needs."""
    store = Store(settings.database, settings.path("."), settings.municipality)
    vault = Vault(settings.data_keys)
    family = Family(settings, store, vault, Register(settings, Gatherer(settings)))
    return Erasure(settings, store, vault, family)


def _hers(
    columns: ReadOnlyColumnCollection[str, Column[Any]], names: tuple[str, ...], old: str
) -> ColumnElement[bool]:
    return or_(false(), *(columns[n] == old for n in names))
