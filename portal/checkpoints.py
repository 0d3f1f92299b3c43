"""Signed checkpoints of the access log, kept in a second place: what the database cannot take back.

Each says which line every chain had reached, signed with Ed25519, and names the
checkpoint before it. Before a chain's new lines are signed they are checked to
follow from what was signed last: a rewritten log is never signed over. The
folder should lie where the database's administrators cannot write twice
(`[audit] checkpoints`); the key where they cannot read (`[audit] key`).
"""

from __future__ import annotations

import base64
import hashlib
import json
import stat
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime, timedelta

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from sqlalchemy import Connection, func, insert, select

from portal import audit
from portal.db import Store, Task, aware, now
from portal.models import access_entry, checkpoint, log_start
from portal.second_place import SecondPlace, Statement, Unsignable, publish
from portal.settings import Settings
from portal.verifier import (
    CHECKPOINT,
    GENESIS,
    LOG,
    Chains,
    Fault,
    Head,
    Known,
    Restored,
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


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """What one checkpoint signed; `faults` are chains it refused to sign on."""

    number: int
    chains: int
    faults: tuple[Fault, ...] = ()


class Checkpoints:
    """The checkpoints of one municipality's log."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self.tenant, self._store = settings.municipality, store
        self._place = SecondPlace(settings.path(settings.audit.checkpoints), self.tenant)
        self._key_file = settings.path(settings.audit.key)

    def public(self) -> bytes:
        """The public key, PEM; the key is made if there is none. Raises Unsignable."""
        key = self._key().public_key()
        return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def age(self) -> float:
        """Seconds since the newest was written; infinite when there is none."""
        return self._place.age()

    def sealed(self, until: datetime | None = None) -> Sealed:
        """What is signed now, or was at a moment. Raises Unsignable, verifier.Untrue, StoreDown."""
        with self._store.read(task=Task.LOG) as c:
            made = known(c, self.tenant)  # before the folder is read: there it stands first
        found = fold(self.tenant, self.statements(until), self._key().public_key())
        return replace(found, known=made)

    def statements(
        self, until: datetime | None = None, upto: int | None = None
    ) -> tuple[Statement, ...]:
        """(body, signature) from the newest full one on, oldest first. Raises Unsignable."""
        return self._place.statements(until, upto)

    def signed_upto(self, number: int) -> Sealed:
        """What was signed when this checkpoint was the newest. Raises Unsignable, verifier.Untrue."""
        found = self.statements(upto=number)
        return fold(self.tenant, found, self._key().public_key())

    def make(self, first: bool = False, begins: Mapping[str, Head] | None = None) -> Made | None:
        """Sign what is new; None when nothing is, or another worker just did.

        `first`: an old log whose checkpoints are gone may be signed as it stands.
        `begins`: lines that were signed before, with which chains may begin from now on.
        Raises Unsignable, verifier.Untrue, StoreDown.
        """
        before, at, begins = self.sealed(), now(), begins or {}
        with self._store.read(task=Task.LOG) as c:
            lost = before.known.missing(before)
            if not before.number and not lost and self._old(c, at):
                lost = "the log is old, but its checkpoints are gone"
            if lost and not first:
                raise Unsignable(lost)
            if lost:
                before = _anew(c, before)
            heads, faults = _grown(c, before)
        if not heads and not begins:
            return Made(number=before.number, chains=0, faults=faults) if faults else None
        if not self._publish(before, at, heads, begins, full=bool(lost)):
            return None
        return Made(number=before.number + 1, chains=len(heads), faults=faults)

    def put_back(
        self,
        c: Connection,
        at: datetime,
        backup: datetime,
        begins: Mapping[str, Head],
        heads: Mapping[str, Head],
    ) -> Restored:
        """Sign that a backup was put back, its chains ending at these heads; tell the database in `c`.

        `at`: when; lines that were added since then are not under it. Raises Unsignable, verifier.Untrue, OSError.
        """
        before = self.sealed()
        known_there = known(c, self.tenant)
        number = max(before.number, known_there.number)
        if known_there.missing(before):
            before = Sealed(self.tenant, number, "", known_there.digest, restored=before.restored)
        lines, chains = before.lost(heads)
        said = audit.moment(at), audit.moment(backup)
        fact = Restored(number + 1, *said, lines, chains)
        before = replace(before, heads={}, begins={}, restored=(*before.restored, fact))
        if not self._publish(before, at, heads, begins, full=True, c=c):
            raise Unsignable(
                "another checkpoint was made at the same moment; stop the portal first"
            )
        return fact

    def _publish(
        self,
        before: Sealed,
        at: datetime,
        heads: Mapping[str, Head],
        begins: Mapping[str, Head],
        full: bool,
        c: Connection | None = None,
    ) -> bool:
        """Keep the next checkpoint, then tell the database; False when another worker was first."""
        number, full = before.number + 1, full or before.number % FULL == 0
        said = {
            "format": CHECKPOINT,
            "tenant": self.tenant,
            "number": number,
            "at": at.isoformat(timespec="microseconds"),
            "full": full,
            "previous": before.digest,
            "heads": _listed({**before.heads, **heads} if full else heads),
            "begins": _listed({**before.begins, **begins} if full else begins),
            "restored": before.restored,
        }
        body = json.dumps(said, separators=(",", ":")).encode()
        if not self._place.add(number, body, self._key().sign(body)):
            return False
        row = {"tenant": self.tenant, "number": number, "at": at}
        told = insert(checkpoint).values(**row, digest=hashlib.sha256(body).hexdigest())
        with self._store.write() if c is None else nullcontext(c) as connection:
            connection.execute(told)
        return True

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
        with self._store.read(task=Task.LOG) as c:
            made = known(c, self.tenant)
        head = {"format": LOG, "tenant": self.tenant, "at": audit.moment(now()), "known": made}
        yield json.dumps(head)
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

    def _key(self) -> Ed25519PrivateKey:
        file = self._key_file
        if not file.exists():
            made = Ed25519PrivateKey.generate()
            pem = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            publish(file, pem, 0o600)  # another worker's, if it was first
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


def known(c: Connection, tenant: str) -> Known:
    """The newest checkpoint that the database knows of."""
    t = checkpoint
    query = select(t.c.number, t.c.digest).where(t.c.tenant == tenant)
    found = c.execute(query.order_by(t.c.number.desc()).limit(1)).first()
    return Known(*found) if found else Known()


def _anew(c: Connection, before: Sealed) -> Sealed:
    """Nothing signed, on from the number that was reached; chains that were cut begin as they do."""
    t, s = access_entry, log_start
    here = (s.c.tenant == t.c.tenant) & (s.c.citizen == t.c.citizen) & (s.c.seq == t.c.seq)
    query = select(t.c.citizen, t.c.seq, t.c.hash).join(s, here).where(t.c.tenant == before.tenant)
    begins = {citizen: Head(seq, hash) for citizen, seq, hash in c.execute(query)}
    number = max(before.known.number, before.number)
    digest, back = before.known.digest, before.restored
    return Sealed(before.tenant, number, "", digest, begins, begins, restored=back)


def _listed(heads: Mapping[str, Head]) -> list[tuple[str, int, str]]:
    return sorted((citizen, head.seq, head.hash.hex()) for citizen, head in heads.items())


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
