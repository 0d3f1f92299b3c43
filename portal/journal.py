"""Every no, in a file beside the database: so that no restored backup brings a yes back.

One sealed line per refusal or withdrawal, on the disk before the family is told
that it holds. The folder should lie where the backups do not (`[consents] journal`).
"""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec

from portal.consent_state import Event, Kind
from portal.crypto import Unreadable, Vault
from portal.settings import Settings

log = logging.getLogger(__name__)

NEVER = frozenset({Kind.GRANTED})
"""What is not kept: a yes that a restore loses is asked for again, a no must not be."""


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody's no: about whom, to which actor, by whom, and which event it was."""

    citizen: str
    actor: str
    by: str | None
    kind: Kind
    seq: int
    at: datetime


class Journal:
    """The journal of one municipality: a file a month, only ever added to."""

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.path(settings.consents.journal)
        self._tenant, self._vault = settings.municipality, Vault(settings.data_keys)

    def keep(self, citizen: str, event: Event) -> None:
        """Add a no. It holds already: a journal that cannot be written must not undo it."""
        if event.kind in NEVER:
            return
        said = Said(
            citizen=citizen,
            actor=event.actor,
            by=event.by,
            kind=event.kind,
            seq=event.seq,
            at=event.at,
        )
        sealed = self._vault.seal(msgspec.json.encode(said), f"journal {self._tenant}")
        try:
            _append(self._folder / f"{self._tenant}-{event.at:%Y-%m}.journal", sealed.hex())
        except OSError as e:
            log.error("a withdrawal holds, but is not in the journal: %s", e)

    def read(self) -> Iterator[Said]:
        """Every no, oldest first. A line that was cut off by a crash was told to nobody."""
        for file in sorted(self._folder.glob(f"{self._tenant}-*.journal")):
            for line in file.read_text().split():
                try:
                    opened = self._vault.open(bytes.fromhex(line), f"journal {self._tenant}")
                    yield msgspec.json.decode(opened, type=Said)
                except (ValueError, Unreadable):
                    log.error("%s: a line cannot be read", file)

    def reseal(self) -> int:
        """Seal anew what older data keys sealed; the number of lines. Raises OSError.

        What no key opens stays as it is.
        """
        return sum(map(self._resealed, sorted(self._folder.glob(f"{self._tenant}-*.journal"))))

    def old(self) -> int:
        """How many lines another key than the first sealed; a line cut off by a crash is none."""
        files = sorted(self._folder.glob(f"{self._tenant}-*.journal"))
        lines = [line for f in files for line in f.read_text().split()]
        return sum(self._vault.outdated(line) for line in lines)

    def _resealed(self, file: Path) -> int:
        descriptor = _opened(file)  # whoever wants to add waits, and then finds the new file
        try:
            lines = file.read_text().split()
            fresh = [self._anew(line) for line in lines]
            changed = sum(a != b for a, b in zip(lines, fresh, strict=True))
            if changed:
                draft = file.with_suffix(".draft")
                draft.unlink(missing_ok=True)
                _append(draft, "\n".join(fresh))
                os.replace(draft, file)
                _settle(file.parent)
            return changed
        finally:
            os.close(descriptor)

    def _anew(self, line: str) -> str:
        context = f"journal {self._tenant}"
        try:
            if not self._vault.outdated(line):
                return line
            return self._vault.seal(self._vault.open(bytes.fromhex(line), context), context).hex()
        except (ValueError, Unreadable):
            return line


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
        os.write(descriptor, f"\n{line}\n".encode())  # a cut line before it ends here
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if fresh:
        _settle(file.parent)


def _settle(folder: Path) -> None:
    """The names in a folder are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
