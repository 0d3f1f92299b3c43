"""Every no, in files beside the database: so that no restored backup brings a yes back.

One sealed line for each refusal, withdrawal, closed access, hold, erasure and ended link, on the
disk before anybody is told that it holds. The folder should lie where the backups and the
database do not (`[consents] journal`).
"""

from __future__ import annotations

import fcntl
import logging
import os
import re
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec

from portal.consent_state import Event, Kind
from portal.crypto import Unreadable, Vault, sealed_by
from portal.settings import Settings

log = logging.getLogger(__name__)

MONTHS = 13
"""How long a month's file is of use: a consent lasts at most twelve, and so do backups of ours."""


class Said(msgspec.Struct, frozen=True, kw_only=True, tag_field="what", tag="said"):
    """A yes that ended: about whom, to which actor, whose, how, and which event it was."""

    citizen: str
    actor: str
    by: str | None
    kind: Kind
    seq: int
    at: datetime


class Shut(msgspec.Struct, frozen=True, kw_only=True, tag_field="what", tag="shut"):
    """An access closed by an authority, or opened again; people as "system|value".

    Not by portal id: an erased person's id must lead to nobody, and this outlives it.
    """

    adult: str
    child: str
    closed: bool
    at: datetime


class Kept(msgspec.Struct, frozen=True, kw_only=True, tag_field="what", tag="kept"):
    """A place's log lines kept from one reader to and with a day; people as in `Shut`."""

    reader: str
    citizen: str
    actor: str
    until: date
    reason: str
    at: datetime


class Erased(msgspec.Struct, frozen=True, kw_only=True, tag_field="what", tag="erased"):
    """A person erased, by an id that leads to nobody; `fresh` bears her closed accesses."""

    citizen: str
    fresh: str
    at: datetime


class Ended(msgspec.Struct, frozen=True, kw_only=True, tag_field="what", tag="ended"):
    """A calendar link closed, a report ended or a comment taken back."""

    thing: Literal["feed", "report", "comment"]
    id: str
    citizen: str
    at: datetime


class Mark(msgspec.Struct, frozen=True, kw_only=True, tag_field="what", tag="backup"):
    """A backup was begun: what it does not hold stands after this."""

    id: str
    at: datetime


class Unopened(Exception):
    """A no that stands in the journal cannot be read; the text says where, and what to do."""


No = Said | Shut | Kept | Erased | Ended
Entry = No | Mark


def said(citizen: str, event: Event) -> Said:
    """The journal's words for a consent event."""
    return Said(
        citizen=citizen,
        actor=event.actor,
        by=event.by,
        kind=event.kind,
        seq=event.seq,
        at=event.at,
    )


class Journal:
    """The journal of one municipality: a file a month, only ever added to."""

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.path(settings.consents.journal)
        self._tenant, self._vault = settings.municipality, Vault(settings.data_keys)
        self._keys_env = settings.data_keys_env
        self._context = f"journal {self._tenant}"
        self.torn: tuple[str, ...] = ()
        """Where the last reading met a line that was cut off."""

    def keep(self, entry: No) -> None:
        """Add a no. It holds already: a journal that cannot be written must not undo it."""
        try:
            self._add(entry)
        except OSError as e:
            what = "a withdrawal" if isinstance(entry, Said) else type(entry).__name__.lower()
            log.error("%s holds, but is not in the journal: %s", what, e)

    def mark(self, backup: str, at: datetime) -> None:
        """Say that a backup begins now. Raises OSError."""
        self._add(Mark(id=backup, at=at))

    def read(self) -> Iterator[Entry]:
        """Everything, as it was added. A line that was cut off by a crash was told to nobody, and is `torn`.

        Other nodes' journals may lie in folders below. Raises OSError, Unopened.
        """
        self.torn = ()
        for file in self._files():
            text = file.read_text(errors="replace")
            for found in re.finditer(r"\S+", text):
                try:
                    yield _decoded(self._vault.open(bytes.fromhex(found[0]), self._context))
                except (ValueError, Unreadable):
                    if self._told(found[0], text[found.end() :]):
                        raise Unopened(self._why(file, text, found)) from None
                    self.torn += (self._where(file, text, found),)
                    log.error("%s: a line cannot be read", file)

    def _told(self, line: str, rest: str) -> bool:
        """Whether somebody was told what the line says: it came to the disk as a whole.

        A whole one ends its line, and the next begins another (`_append`). Under a key that we do
        not hold nobody can tell more than that it is long enough.
        """
        if not self._vault.whole(line) or not rest.startswith("\n"):
            return False
        return not self._vault.holds(sealed_by(line)) or rest == "\n" or rest.startswith("\n\n")

    @staticmethod
    def _where(file: Path, text: str, found: re.Match[str]) -> str:
        return f"{file}, line {text.count(chr(10), 0, found.start()) + 1}"

    def _why(self, file: Path, text: str, found: re.Match[str]) -> str:
        where, name = self._where(file, text, found), self._keys_env
        key = sealed_by(found[0])
        if self._vault.holds(key):
            return f"{where}, was changed; find another copy of the journal"
        return (
            f"{name} (data_keys_env): {where}, is sealed with data key {key.hex()}, which is not "
            f"among ours (example: {name}=NEW,OLD)"
        )

    def cut(self, before: datetime) -> int:
        """Remove the files of months that are over since MONTHS before; how many."""
        oldest = before.year * 12 + before.month - 1 - MONTHS
        old = [f for f in self._files() if _month(f) < oldest]
        for file in old:
            file.unlink()
        return len(old)

    def reseal(self) -> int:
        """Seal anew what older data keys sealed; the number of lines. Raises OSError.

        What no key opens stays as it is.
        """
        return sum(map(self._resealed, self._files()))

    def old(self) -> int:
        """How many lines another key than the first sealed; a line cut off by a crash is none."""
        lines = [line for f in self._files() for line in f.read_text().split()]
        return sum(self._vault.outdated(line) for line in lines)

    def _files(self) -> list[Path]:
        return sorted(self._folder.rglob(f"{self._tenant}-*.journal"), key=lambda f: f.name)

    def _add(self, entry: Entry) -> None:
        sealed = self._vault.seal(msgspec.json.encode(entry), self._context)
        _append(self._folder / f"{self._tenant}-{entry.at:%Y-%m}.journal", sealed.hex())

    def _resealed(self, file: Path) -> int:
        descriptor = _opened(file)  # whoever wants to add waits, and then finds the new file
        try:
            text = self._without_a_cut_end(file.read_text())
            lines, gaps = text.split(), re.findall(r"\S(\s+)(?=\S)", text)
            fresh = [self._anew(line) for line in lines]
            changed = sum(a != b for a, b in zip(lines, fresh, strict=True))
            if changed:
                draft = file.with_suffix(".draft")
                draft.unlink(missing_ok=True)
                # what was between them tells which were cut off
                _append(draft, "".join(map(str.__add__, fresh, [*gaps, ""])))
                os.replace(draft, file)
                settle(file.parent)
            return changed
        finally:
            os.close(descriptor)

    def _without_a_cut_end(self, text: str) -> str:
        """Written anew it would look whole, and a restore would ask what became of it."""
        before, _, last = text.rpartition("\n")
        try:
            if self._vault.whole(last) and self._vault.holds(sealed_by(last)):
                self._vault.open(bytes.fromhex(last), self._context)
        except Unreadable:
            return before
        return text

    def _anew(self, line: str) -> str:
        try:
            if not self._vault.outdated(line):
                return line
            plain = self._vault.open(bytes.fromhex(line), self._context)
            return self._vault.seal(plain, self._context).hex()
        except (ValueError, Unreadable):
            return line


def _decoded(line: bytes) -> Entry:
    """A line without a mark of its kind is a consent's, as the first journals wrote them."""
    kinds: Any = Entry if b'"what":' in line else Said
    entry: Entry = msgspec.json.decode(line, type=kinds)
    return entry


def _month(file: Path) -> int:
    year, month = file.stem.split("-")[-2:]
    return int(year) * 12 + int(month) - 1


def _opened(file: Path) -> int:
    """Locked for adding; the file that stands there now, if another was put in its place meanwhile."""
    while True:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        try:
            if os.path.samestat(os.fstat(descriptor), os.stat(file)):
                return descriptor
        except FileNotFoundError:
            pass
        os.close(descriptor)


def _append(file: Path, line: str) -> None:
    """One write, so that workers do not mix; then wait for the disk."""
    fresh = not file.exists()
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = _opened(file)
    try:
        text = f"\n{line}\n".encode()  # a cut line before it ends here
        if os.write(descriptor, text) != len(text):
            raise OSError("only a part of the line could be written")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if fresh:
        settle(file.parent)


def settle(folder: Path) -> None:
    """The names in a folder are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
