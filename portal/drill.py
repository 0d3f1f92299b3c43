"""Trying a backup before it is needed: put back into a database nobody serves from, checked, timed, remembered.

A drill that is older than a month counts as none: a backup nobody has tried is a hope.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from portal import schema
from portal.backup import Backups, moment
from portal.db import Store, now
from portal.restore import Back, Refused, Restore, cut_off
from portal.settings import Settings

LATEST = timedelta(days=30)
"""How old the last drill that went well may be."""
BACKUP = timedelta(days=1)
"""How old the newest backup may be."""


class Drilled(msgspec.Struct, frozen=True, kw_only=True):
    """A drill that went well: of which backup, when, how long it took, how much it put back."""

    backup: str
    at: datetime
    seconds: float
    rows: int
    replayed: int


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """How old backup and drill are; None when there is none. For people, and for a monitor."""

    at: datetime
    backup: datetime | None
    drill: Drilled | None

    def problems(self) -> Iterator[str]:
        """What is too old, or was never done."""
        if self.backup is None:
            yield "there is no backup"
        elif self.at - self.backup > BACKUP:
            yield f"the newest backup is {age(self.at - self.backup)} old"
        if self.drill is None:
            yield "no restore was ever drilled"
        elif self.at - self.drill.at > LATEST:
            yield f"the last drill is {age(self.at - self.drill.at)} old (at most {LATEST.days} days)"


def status(settings: Settings, store: Store) -> Status:
    """How it stands, from the folder of backups alone: the database is not asked. Raises OSError."""
    files = Backups(settings, store).files()
    record, last = _record(settings), None
    if record.exists():
        try:
            last = msgspec.json.decode(record.read_bytes(), type=Drilled)
        except msgspec.DecodeError:
            last = None
    return Status(at=now(), backup=moment(files[-1]) if files else None, drill=last)


def drill(settings: Settings, store: Store, url: str = "", file: Path | None = None) -> Drilled:
    """Put the newest backup (or this one) into a scratch database, which is gone afterwards.

    `url`: an empty PostgreSQL database; without it a SQLite file. Raises Refused, and what
    `Restore.run` raises.
    """
    files = [file] if file else Backups(settings, store).files()
    if not files:
        raise Refused(f"there is no backup in {settings.backup.path}")
    began = time.monotonic()
    with _scratch(settings, url) as (there, scratch):
        back = Restore(there, scratch).run(files[-1], sign=False)
    if bad := _bad(back):
        raise Refused(f"{files[-1]}: {bad}")
    done = Drilled(
        backup=files[-1].name,
        at=now(),
        seconds=round(time.monotonic() - began, 1),
        rows=sum(back.rows.values()),
        replayed=sum(back.replayed.values()),
    )
    _remember(settings, done)
    return done


def age(span: timedelta) -> str:
    """In the largest whole unit."""
    if span >= timedelta(days=2):
        return f"{span.days} days"
    if span >= timedelta(hours=2):
        return f"{span // timedelta(hours=1)} hours"
    return f"{span // timedelta(minutes=1)} minutes"


def _bad(back: Back) -> str:
    """What is wrong with what was put back; empty when nothing is."""
    if back.faults:
        return f"its log has {len(back.faults)} faults; the first: {back.faults[0]}"
    if back.torn:
        return cut_off(back)
    return f"{back.disobeyed} withdrawals do not hold in it" if back.disobeyed else ""


@contextmanager
def _scratch(settings: Settings, url: str) -> Iterator[tuple[Settings, Store]]:
    """An empty database of its own, and settings that differ in nothing else."""
    with tempfile.TemporaryDirectory(prefix="portal-drill-") as folder:
        address = url or f"sqlite:///{folder}/drill.db"
        store = Store(address, Path(folder), settings.municipality)
        if schema.version(store):
            raise Refused("the database to drill in is not empty")
        try:
            yield msgspec.structs.replace(settings, database=address), store
        finally:
            if url and schema.version(store):
                schema.downgrade(store, "base")
            store.engine.dispose()


def _record(settings: Settings) -> Path:
    return settings.path(settings.backup.path) / f"{settings.municipality}.drill"


def _remember(settings: Settings, done: Drilled) -> None:
    file = _record(settings)
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.write_bytes(msgspec.json.encode(done))
    os.replace(draft, file)
