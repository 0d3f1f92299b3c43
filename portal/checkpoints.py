"""Signed checkpoints of the access log, kept in a second place: what the database cannot take back.

Each says which line every chain had reached, signed with Ed25519, and names the
checkpoint before it. Before a chain's new lines are signed they are checked to
follow from what was signed last: a rewritten log is never signed over. The
folder should lie where the database's administrators cannot write twice
(`[audit] checkpoints`); the key where they cannot read (`[audit] key`).
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import stat
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from sqlalchemy import Connection, func, select

from portal import audit
from portal.db import Store, Task, aware, now
from portal.models import access_entry
from portal.settings import Settings
from portal.verifier import (
    CHECKPOINT,
    GENESIS,
    LOG,
    Chains,
    Fault,
    Head,
    Row,
    Sealed,
    fold,
    problem,
)

FULL = 288
"""Each so many checkpoints name every chain, not only those that grew: a day's worth."""
LATE = timedelta(minutes=15)
"""How long a line may have waited to be committed, and clocks may differ."""
NEW_LOG = timedelta(hours=1)
SUFFIX = ".checkpoint"


class Unsignable(Exception):
    """No checkpoint can be made or read; the text says why."""


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """What one checkpoint signed; `faults` are chains it refused to sign on."""

    number: int
    chains: int
    faults: tuple[Fault, ...] = ()


class Checkpoints:
    """The checkpoints of one municipality's log."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self.tenant, self._store = settings.municipality, store
        self._folder = settings.path(settings.audit.checkpoints)
        self._key_file = settings.path(settings.audit.key)

    def public(self) -> bytes:
        """The public key, PEM; the key is made if there is none. Raises Unsignable."""
        key = self._key().public_key()
        return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def age(self) -> float:
        """Seconds since the newest was written; infinite when there is none."""
        files = self._files()
        return time.time() - files[-1].stat().st_mtime if files else float("inf")

    def sealed(self) -> Sealed:
        """What is signed now. Raises Unsignable, verifier.Untrue."""
        return fold(self.tenant, self.statements(), self._key().public_key())

    def statements(self) -> tuple[tuple[bytes, bytes], ...]:
        """(body, signature) from the newest full one on, oldest first. Raises Unsignable."""
        found: list[tuple[bytes, bytes]] = []
        for file in reversed(self._files()):
            body, _, signature = file.read_bytes().partition(b"\n")
            try:
                found.append((body, base64.b64decode(signature.strip(), validate=True)))
                if json.loads(body)["full"]:
                    break
            except (ValueError, KeyError, TypeError):
                raise Unsignable(f"{file} is not a checkpoint") from None
        return tuple(reversed(found))

    def make(self, first: bool = False) -> Made | None:
        """Sign what is new; None when nothing is, or another worker just did.

        `first`: an old log without any checkpoint may be signed as it stands.
        Raises Unsignable, verifier.Untrue, StoreDown.
        """
        before, at = self.sealed(), now()
        with self._store.read(task=Task.LOG) as c:
            if not before.number and not first and self._old(c, at):
                raise Unsignable("the log is old, but its checkpoints are gone")
            heads, faults = _grown(c, before)
        if not heads:
            return Made(number=before.number, chains=0, faults=faults) if faults else None
        full = before.number % FULL == 0
        said = {
            "format": CHECKPOINT,
            "tenant": self.tenant,
            "number": before.number + 1,
            "at": at.isoformat(timespec="microseconds"),
            "full": full,
            "previous": before.digest,
            "heads": sorted(
                (citizen, head.seq, head.hash.hex())
                for citizen, head in ({**before.heads, **heads} if full else heads).items()
            ),
        }
        body = json.dumps(said, separators=(",", ":")).encode()
        signature = base64.b64encode(self._key().sign(body))
        file = self._folder / f"{self.tenant}-{before.number + 1:08d}{SUFFIX}"
        if not _publish(file, body + b"\n" + signature + b"\n", 0o444):
            return None
        return Made(number=before.number + 1, chains=len(heads), faults=faults)

    def check(self, sealed: Sealed) -> Chains:
        """Every line of the log against what is signed. Raises StoreDown."""
        with self._store.read(task=Task.LOG) as c:
            chains = Chains(sealed, young=not self._old(c, now()))
            for row in rows(c, self.tenant):
                chains.add(row)
        chains.finish()
        return chains

    def export(self) -> Iterator[str]:
        """The lines of a file that verifier.py reads: a head, the checkpoints, the log."""
        yield json.dumps({"format": LOG, "tenant": self.tenant, "at": audit.moment(now())})
        for pair in self.statements():
            body, signature = (base64.b64encode(part).decode() for part in pair)
            yield json.dumps({"body": body, "signature": signature})
        with self._store.read(task=Task.LOG) as c:
            for r in rows(c, self.tenant):
                detail = base64.b64encode(r.detail).decode()
                yield json.dumps((r.citizen, r.seq, r.at, detail, r.previous.hex(), r.hash.hex()))

    def _old(self, c: Connection, at: datetime) -> bool:
        t = access_entry
        oldest = c.execute(select(func.min(t.c.at)).where(t.c.tenant == self.tenant)).scalar()
        return oldest is not None and aware(oldest) < at - NEW_LOG

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob(f"{self.tenant}-*{SUFFIX}"))

    def _key(self) -> Ed25519PrivateKey:
        file = self._key_file
        if not file.exists():
            made = Ed25519PrivateKey.generate()
            pem = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            _publish(file, pem, 0o600)  # another worker's, if it was first
        if file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise Unsignable(f"audit.key: {file} can be read by others (chmod 600 {file})")
        key = load_pem_private_key(file.read_bytes(), None)
        if not isinstance(key, Ed25519PrivateKey):
            raise Unsignable(f"audit.key: {file} is not an Ed25519 key")
        return key


def rows(c: Connection, tenant: str, citizen: str = "", start: int = 0) -> Iterator[Row]:
    """Lines in the order (citizen, number): all of a municipality, or one chain from a number on."""
    t = access_entry
    columns = (t.c.citizen, t.c.seq, t.c.at, t.c.detail, t.c.previous, t.c.hash)
    query = select(*columns).where(t.c.tenant == tenant).order_by(t.c.citizen, t.c.seq)
    if citizen:
        query = query.where(t.c.citizen == citizen, t.c.seq >= start)
    for row in c.execute(query, execution_options={"yield_per": 5000}):
        yield Row(row[0], row[1], audit.moment(row[2]), row[3], row[4], row[5])


def _grown(c: Connection, before: Sealed) -> tuple[dict[str, Head], tuple[Fault, ...]]:
    """The chains that have new lines, and those whose lines do not follow from what was signed."""
    t = access_entry
    query = select(t.c.citizen).where(t.c.tenant == before.tenant).distinct()
    if before.at:
        query = query.where(t.c.at > datetime.fromisoformat(before.at) - LATE)
    heads: dict[str, Head] = {}
    faults: list[Fault] = []
    for (citizen,) in c.execute(query).all():
        signed = before.heads.get(citizen)
        found, last = _follow(c, before.tenant, citizen, signed)
        if found:
            faults.append(found)
        elif last != signed:
            heads[citizen] = last
    return heads, tuple(faults)


def _follow(
    c: Connection, tenant: str, citizen: str, signed: Head | None
) -> tuple[Fault | None, Head]:
    """One chain from its signed line on: the first fault, and its newest line."""
    last = signed or Head(0, GENESIS)
    at_signed = signed is None
    for row in rows(c, tenant, citizen, last.seq):
        if not at_signed:
            at_signed = True
            if (row.seq, row.hash) != last:
                return Fault(citizen, row.seq, "is not the line that was signed"), last
            continue
        if found := problem(tenant, row, last.seq + 1, last.hash):
            return Fault(citizen, row.seq, found), last
        last = Head(row.seq, row.hash)
    if not at_signed:
        return Fault(citizen, last.seq, "the signed line is gone"), last
    return None, last


def _publish(file: Path, content: bytes, mode: int) -> bool:
    """Write a file whole or not at all, and only if there is none; False when there is."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(descriptor)
        os.link(draft, file)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    folder = os.open(file.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
    return True
