"""A backup as a file: frames sealed with the data key, none of which can be changed, moved or left out.

The first line says what it is, its id, and by which key it is sealed. Frame n is bound to
the id and to n; the first tells what the backup is of, the last how much there was.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from datetime import datetime
from typing import IO, Any, TypeVar

import msgspec

from portal.crypto import LABEL, Unreadable, Vault

FORMAT = "familieoverblik-backup-1"
LONGEST = 256 << 20
"""Bytes of one frame: more than any that we write."""
T = TypeVar("T")


class Spoilt(Exception):
    """This is not a backup, not one that we can open, or not as it was written; the text says which."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup is of. `checkpoint`: the newest its database knew, by number."""

    id: str
    tenant: str
    schema: str
    at: datetime
    checkpoint: int


class Total(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a backup: how many rows each table gave."""

    rows: dict[str, int]


class Batch(msgspec.Struct, frozen=True, array_like=True):
    """Some rows of one table, as backup_rows.py gave them."""

    table: str
    rows: list[tuple[Any, ...]]


class Writer:
    """Writes one backup, front to back."""

    def __init__(self, out: IO[bytes], vault: Vault, manifest: Manifest) -> None:
        self._out, self._vault, self._id, self._count = out, vault, manifest.id, 0
        out.write(f"{FORMAT} {manifest.id} {vault.label.hex()}\n".encode())
        self._frame(manifest)
        self._rows: dict[str, int] = {}

    def add(self, batch: Batch) -> None:
        """Some more rows. Raises OSError."""
        self._rows[batch.table] = self._rows.get(batch.table, 0) + len(batch.rows)
        self._frame(batch)

    def end(self) -> Total:
        """Without this a backup is not whole. Raises OSError."""
        total = Total(rows=self._rows)
        self._frame(total)
        return total

    def _frame(self, what: object) -> None:
        plain = zlib.compress(msgspec.msgpack.encode(what), 1)
        sealed = self._vault.seal(plain, _context(self._id, self._count))
        self._out.write(struct.pack(">I", len(sealed)) + sealed)
        self._count += 1


class Reader:
    """Reads one backup, front to back; every frame is checked before it is used."""

    def __init__(self, source: IO[bytes], vault: Vault) -> None:
        """Raises Spoilt."""
        self._source, self._vault, self._count = source, vault, 0
        head = source.readline(200).split()
        if len(head) != 3 or head[0] != FORMAT.encode():
            raise Spoilt("this is not a backup of the portal, or of another version")
        self._id, self._label = head[1].decode("ascii", "replace"), head[2]
        self.manifest = self._decoded(self._frame(), Manifest)
        if self.manifest.id != self._id:
            raise Spoilt("its first line was changed")

    def batches(self) -> Iterator[Batch]:
        """Every row. Raises Spoilt, at the latest after the last one."""
        rows: dict[str, int] = {}
        ahead = self._frame()
        while following := self._frame(last=True):
            batch = self._decoded(ahead, Batch)
            rows[batch.table] = rows.get(batch.table, 0) + len(batch.rows)
            yield batch
            ahead = following
        if self._decoded(ahead, Total).rows != rows:
            raise Spoilt("it does not hold as many rows as were written")

    def _frame(self, last: bool = False) -> bytes:
        """The next frame, open; empty at the end of the file, if it may end here."""
        size = self._source.read(4)
        if not size and last:
            return b""
        length = struct.unpack(">I", size)[0] if len(size) == 4 else 0
        sealed = self._source.read(length) if 0 < length <= LONGEST else b""
        if not sealed or len(sealed) != length:
            raise Spoilt(f"it ends in the middle, after {self._count} parts")
        return self._opened(sealed)

    def _opened(self, sealed: bytes) -> bytes:
        try:
            plain = self._vault.open(sealed, _context(self._id, self._count))
        except Unreadable:
            if self._vault.holds(sealed[:LABEL]):
                raise Spoilt(f"part {self._count} was changed, or is in the wrong place") from None
            key = self._label.decode("ascii", "replace")
            raise Spoilt(f"it is sealed with data key {key}, which is not among ours") from None
        self._count += 1
        return zlib.decompress(plain)

    @staticmethod
    def _decoded(plain: bytes, kind: type[T]) -> T:
        try:
            return msgspec.msgpack.decode(plain, type=kind)
        except (msgspec.DecodeError, msgspec.ValidationError):
            raise Spoilt("it does not end as a backup does") from None


def _context(id: str, count: int) -> str:
    return f"{FORMAT} {id} {count}"
