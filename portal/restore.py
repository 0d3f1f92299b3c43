"""Putting a backup back: its rows, then every no that came after it, then a signature that says so.

All of it is one transaction, into a database that holds nothing of this municipality yet. A
backup of another municipality or schema, one that was changed, and one to which the journal
does not reach back, are refused before anything is written for good.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec
from sqlalchemy import Connection, delete, func, select

from portal import audit, backup_rows, schema
from portal.audit import Act, Line
from portal.backup_file import Manifest, Reader, Spoilt
from portal.checkpoints import Checkpoints, known, rows
from portal.crypto import Unreadable, Vault
from portal.db import Store, Task, aware, now, scope
from portal.family import NOBODY
from portal.journal import Entry, Journal, No, Unopened
from portal.key_check import opens
from portal.lasting import nobodys
from portal.models import access_entry, session
from portal.replay import Replay, ordered, since, unsaid
from portal.settings import Settings
from portal.verifier import Chains, Fault, Head, Restored, Sealed


class Refused(Exception):
    """Nothing was restored; the text says why."""


class Back(msgspec.Struct, frozen=True, kw_only=True):
    """What was put back. `replayed`: what the journal knew and the backup did not, by name.

    `signed` is None when the log has `faults`: then nothing is signed over them.
    `disobeyed`: how many nos of the journal the restored database does not obey; never any.
    `torn`: lines of the journal that were cut off: a crash does so, and a damaged disk.
    """

    at: datetime
    rows: dict[str, int]
    replayed: dict[str, int]
    newest: datetime | None
    faults: tuple[Fault, ...]
    signed: Restored | None
    disobeyed: int = 0
    torn: tuple[str, ...] = ()


class Restore:
    """Puts one municipality's database back."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings, self._store, self._tenant = settings, store, settings.municipality
        self._vault, self._journal = Vault(settings.data_keys), Journal(settings)
        self._checkpoints = Checkpoints(settings, store)

    def run(self, file: Path, *, without_journal: bool = False, sign: bool = True) -> Back:
        """A backup into an empty database. Without the journal every consent ends.

        Raises Refused, StoreDown, OSError, Unsignable, verifier.Untrue.
        """
        with file.open("rb") as source:
            try:
                reader = Reader(source, self._vault)
                manifest = self._ours(reader.manifest)
                nos = None if without_journal else self._after(manifest)
                self._prepare()
                with self._store.own() as c:
                    self._empty(c)
                    found = self._load(c, reader)
                    return self._told(c, manifest.at, manifest.checkpoint, found, nos, sign)
            except Spoilt as e:
                raise Refused(f"{file}: {e}") from None

    def replay(self) -> Back:
        """The same for a database that was put back by its own tools. Raises as `run`."""
        nos = ordered(self._said())
        with self._store.own() as c:
            t = access_entry
            scope(c, self._tenant, task=Task.LOG)
            newest = c.execute(select(func.max(t.c.at)).where(t.c.tenant == self._tenant)).scalar()
            if newest is None:
                raise Refused("the database is empty; restore a backup into it first")
            if not nos or nos[0].at > aware(newest):
                raise Refused("the journal does not reach back to this database's newest line")
            scope(c, self._tenant, task=Task.SESSIONS)
            c.execute(delete(session).where(session.c.tenant == self._tenant))
            number = known(c, self._tenant).number
            return self._told(c, aware(newest), number, {}, nos, True)

    def _ours(self, manifest: Manifest) -> Manifest:
        if manifest.tenant != self._tenant:
            other = f"municipality {manifest.tenant}, this file is {self._tenant}"
            raise Refused(f"the backup is of {other}")
        if manifest.schema != schema.newest():
            other = f"schema {manifest.schema}, this version has {schema.newest()}"
            raise Refused(
                f"the backup has {other}; restore with the version that took it, then portal db upgrade"
            )
        return manifest

    def _after(self, manifest: Manifest) -> list[No]:
        nos = since(self._said(), manifest.id)
        if nos is None:
            raise Refused(
                f"the journal in {self._settings.consents.journal} does not reach back to this "
                "backup: put all of it there, or say --without-journal, which ends every consent"
            )
        return nos

    def _said(self) -> list[Entry]:
        """All of the journal: what is skipped may be somebody's no."""
        try:
            return list(self._journal.read())
        except Unopened as e:
            raise Refused(str(e)) from None

    def _prepare(self) -> None:
        """An empty database gets its schema; one that has another is not touched."""
        if not schema.problem(self._store):
            return
        if found := schema.version(self._store):
            raise Refused(f"the database has schema {found}; restore into an empty database")
        schema.upgrade(self._store)

    def _empty(self, c: Connection) -> None:
        if table := backup_rows.occupied(c, self._tenant):
            raise Refused(f"the database is not empty (table {table}); restore into an empty one")

    def _load(self, c: Connection, reader: Reader) -> dict[str, int]:
        found: dict[str, int] = {}
        for batch in reader.batches():
            backup_rows.put(c, self._tenant, batch.table, batch.rows)
            found[batch.table] = found.get(batch.table, 0) + len(batch.rows)
        return found

    def _told(
        self,
        c: Connection,
        at: datetime,
        number: int,
        found: dict[str, int],
        nos: list[No] | None,
        sign: bool,
    ) -> Back:
        """Check the log as it was put back, tell it every no since, and sign where it ended before."""
        self._openable(c)
        moment, sealed = now(), self._checkpoints.signed_upto(number)
        chains, heads = self._log(c, sealed)
        replay = Replay(c, self._tenant, self._vault)
        if nos is None:
            replay.close_everything()
        else:
            replay.all(nos)
        self._say(c, at, nos is None)
        faults, signed = chains.finish(), None
        if sign and not faults:  # last: what it says must not be undone
            begins = _still(sealed, heads)
            signed = self._checkpoints.put_back(c, moment, at, begins, heads)
        return Back(
            at=at,
            rows=found,
            replayed=dict(replay.done),
            newest=max((n.at for n in nos or ()), default=None),
            faults=faults,
            signed=signed,
            disobeyed=unsaid(c, self._tenant, nos or ()),
            torn=() if nos is None else self._journal.torn,
        )

    def _openable(self, c: Connection) -> None:
        """A backup names the key that sealed its file; people in it may be under older ones."""
        scope(c, self._tenant, task=Task.ROTATE)
        try:
            opens(c, self._vault, self._tenant)
        except Unreadable:
            name = self._settings.data_keys_env
            raise Refused(
                f"{name} (data_keys_env): people in it are sealed with another data key, which is "
                f"not among ours; put it behind the others (example: {name}=NEW,OLD)"
            ) from None

    def _log(self, c: Connection, sealed: Sealed) -> tuple[Chains, dict[str, Head]]:
        """The log against what was signed when the backup was taken; where each chain ends."""
        chains, heads = Chains(sealed, young=True), {}
        scope(c, self._tenant, task=Task.LOG)
        for row in rows(c, self._tenant):
            chains.add(row)
            heads[row.citizen] = Head(row.seq, row.hash)
        return chains, heads

    def _say(self, c: Connection, at: datetime, without_journal: bool) -> None:
        outcome = f"restored from a backup of {at:%Y-%m-%d %H:%M} UTC"
        outcome += ", without the journal" if without_journal else ""
        line = Line(act=Act.AUTOMATIC, subject="operator", outcome=outcome)
        scope(c, self._tenant, NOBODY)
        audit.append(c, self._tenant, NOBODY, nobodys(c, self._vault, self._tenant), line)


def cut_off(back: Back) -> str:
    """What an operator must know of lines that were cut off: nobody can tell whether somebody was told."""
    return (
        f"{len(back.torn)} lines of the journal were cut off ({back.torn[0]}): if no machine died while it "
        "was written, somebody's no is lost, and another copy of the journal is needed; else take it out"
    )


def _still(sealed: Sealed, heads: dict[str, Head]) -> dict[str, Head]:
    """Where chains may begin, as it was signed then."""
    return {c: h for c, h in sealed.begins.items() if c in heads and h.seq <= heads[c].seq}
