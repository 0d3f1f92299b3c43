"""Taking a backup while the portal serves: one moment of the database, sealed, whole or not there at all.

Before it begins the journal says so: what a restore must add to it stands after that mark.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

import msgspec

from portal import backup_rows, schema
from portal.backup_file import Batch, Manifest, Writer
from portal.checkpoints import known
from portal.crypto import Vault, new_id
from portal.db import Store, now, scope
from portal.journal import Journal, settle
from portal.settings import Settings

SUFFIX = ".backup"
DAY = timedelta(days=1)


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A backup that was taken; `key`: the label of the data key that seals it."""

    file: Path
    manifest: Manifest
    rows: dict[str, int]
    key: str
    size: int
    removed: int


class Backups:
    """The backups of one municipality."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self.folder = settings.path(settings.backup.path)
        self._settings, self._store, self._tenant = settings, store, settings.municipality
        self._vault, self._journal = Vault(settings.data_keys), Journal(settings)

    def make(self, target: Path | None = None) -> Made:
        """Take one, into a folder or as a file that is not there yet.

        Raises StoreDown, OSError; FileExistsError when the file is there.
        """
        at, id = now(), new_id()
        file = self._name(target, at)
        self._journal.mark(id, at)
        with _whole(file) as out:
            with self._store.snapshot() as c:
                scope(c, self._tenant)
                manifest = Manifest(
                    id=id,
                    tenant=self._tenant,
                    schema=schema.newest(),
                    at=at,
                    checkpoint=known(c, self._tenant).number,
                )
                writer = Writer(out, self._vault, manifest)
                for table, rows in backup_rows.rows(c, self._tenant):
                    writer.add(Batch(table, rows))
            total = writer.end()
        removed = self._tidy(at) if target is None else 0
        return Made(
            file=file,
            manifest=manifest,
            rows=total.rows,
            key=self._vault.label.hex(),
            size=file.stat().st_size,
            removed=removed,
        )

    def files(self) -> list[Path]:
        """Those in the folder, oldest first."""
        return sorted(self.folder.glob(f"{self._tenant}-*{SUFFIX}"))

    def _name(self, target: Path | None, at: datetime) -> Path:
        if target is not None and not target.is_dir():
            return target
        return (target or self.folder) / f"{self._tenant}-{at:%Y%m%dT%H%M%SZ}{SUFFIX}"

    def _tidy(self, at: datetime) -> int:
        """All of the last day stay, then the last of each day, then none; and journals nothing needs."""
        keep = timedelta(days=self._settings.backup.keep_days)
        newest_of: dict[object, Path] = {moment(f).date(): f for f in self.files()}
        old = [f for f in self.files() if moment(f) < at - DAY]
        gone = [f for f in old if moment(f) < at - keep or newest_of[moment(f).date()] != f]
        for file in gone:
            file.unlink()
        self._journal.cut(at)
        return len(gone)


def moment(file: Path) -> datetime:
    """When a backup in the folder was taken, by its name."""
    stamp = file.name.removesuffix(SUFFIX).rpartition("-")[2]
    return datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


@contextmanager
def _whole(file: Path) -> Iterator[IO[bytes]]:
    """A file that only its owner reads, and that appears under its name when all of it is on the disk."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if file.exists():
        raise FileExistsError(f"{file} is there already; nothing was written")
    draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        os.link(draft, file)
    finally:
        draft.unlink()
    settle(file.parent)
