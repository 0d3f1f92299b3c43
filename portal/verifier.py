"""Checks an exported access log against its signed checkpoints, with nothing but a public key.

    python -m portal.verifier EXPORT PUBLICKEY

For the authority and its auditors, also without the portal: this one file needs
Python and `cryptography`, and reads no database. The portal checks its own log
by the same functions. What it finds: a line changed, removed, put in, moved,
the newest cut off (also when others were written instead), or all of it
rewritten by somebody who has the code but not the signing key. It says which
lines no checkpoint covers yet, and when the newest checkpoint is missing. A chain
whose oldest lines were cut after their time begins where a checkpoint says so.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

LOG = "familieoverblik-log-1"
CHECKPOINT = "familieoverblik-checkpoint-1"
GENESIS = bytes(32)
SLACK = timedelta(minutes=2)
"""How long before a checkpoint a line may say it was written and yet not be under it."""


class Untrue(Exception):
    """A checkpoint, or a row of them, that nobody with the key made like this."""


class Head(NamedTuple):
    """The newest line of one citizen's chain."""

    seq: int
    hash: bytes


class Row(NamedTuple):
    """One line of the log, as it is hashed; `at` is ISO 8601 in UTC with microseconds."""

    citizen: str
    seq: int
    at: str
    detail: bytes
    previous: bytes
    hash: bytes


class Fault(NamedTuple):
    """Where a chain does not hold, and how."""

    citizen: str
    seq: int
    problem: str


class Known(NamedTuple):
    """The newest checkpoint that the database says was made."""

    number: int = 0
    digest: str = ""

    def missing(self, here: Sealed) -> str:
        """How the checkpoints that are here fall short of it; empty when they do not."""
        if self.number > here.number:
            return f"checkpoint {self.number} was made, but the newest here is {here.number}"
        if self.number == here.number and self.digest != here.digest:
            return f"checkpoint {self.number} is not the one that was made"
        return ""


class Restored(NamedTuple):
    """A database put back from a backup: which checkpoint says so, and what was lost with it.

    `backup`: when the backup was taken; `lines` of `chains`: signed before, and not in it.
    """

    number: int
    at: str
    backup: str
    lines: int
    chains: int


@dataclass
class Sealed:
    """What the checkpoints, one after the other, have signed."""

    tenant: str
    number: int = 0
    at: str = ""
    digest: str = ""
    heads: dict[str, Head] = field(default_factory=dict)
    begins: dict[str, Head] = field(default_factory=dict)
    """Where chains may begin whose older lines were cut after their time."""
    known: Known = field(default_factory=Known)
    restored: tuple[Restored, ...] = ()
    """Every time a backup was put back, for good."""

    def lost(self, heads: Mapping[str, Head]) -> tuple[int, int]:
        """(lines, chains) that were signed and are not there when the chains end at these heads."""
        none = Head(0, GENESIS)
        gone = [h.seq - heads.get(c, none).seq for c, h in self.heads.items()]
        return sum(n for n in gone if n > 0), sum(n > 0 for n in gone)


def chain(tenant: str, citizen: str, seq: int, at: str, detail: bytes, previous: bytes) -> bytes:
    """The hash that binds a line to its place and to every line before it."""
    head = "\x1f".join((tenant, citizen, str(seq), at)).encode()
    return hashlib.sha256(previous + hashlib.sha256(head).digest() + detail).digest()


def problem(tenant: str, row: Row, expected: int, previous: bytes) -> str:
    """Why a line does not stand where it stands; empty when it does."""
    if row.seq != expected:
        return f"expected number {expected}"
    if row.previous != previous:
        return "does not follow the line before it"
    if row.hash != chain(tenant, *row[:5]):
        return "was changed"
    return ""


class Chains:
    """All chains of a log, line by line in the order (citizen, number), against what was signed.

    `young`: the log began so lately that it need not have a checkpoint yet.
    `waiting`: since when the oldest line waits that no checkpoint covers.
    """

    def __init__(self, sealed: Sealed, young: bool = False) -> None:
        self.count = self.unsigned = 0
        self.waiting = ""
        self.faults: list[Fault] = []
        self._sealed, self._young = sealed, young
        self._due = _before(sealed.at)
        self._seen: set[str] = set()
        self._citizen = ""
        self._signed: Head | None = None
        self._start: Head | None = None
        self._last = Head(0, GENESIS)

    def add(self, row: Row) -> None:
        """The next line."""
        self.count += 1
        if row.citizen != self._citizen or not self._seen:
            self._begin(row)
        if found := problem(self._sealed.tenant, row, self._last.seq + 1, self._last.hash):
            self._fault(row.seq, found)
        self._last = Head(row.seq, row.hash)
        if self._start and row.seq == self._start.seq and row.hash != self._start.hash:
            self._fault(row.seq, "is not the line with which the chain begins")
        if self._signed and row.seq <= self._signed.seq:
            if row.seq == self._signed.seq and row.hash != self._signed.hash:
                self._fault(row.seq, "is not the line that was signed")
            return
        self.unsigned += 1
        self.waiting = min(self.waiting or row.at, row.at)
        if row.at < self._due:
            self._fault(row.seq, "is older than the checkpoint that should hold it")

    def finish(self) -> tuple[Fault, ...]:
        """Nothing follows: every fault found."""
        self._end()
        for citizen in self._sealed.heads.keys() - self._seen:
            self.faults.append(Fault(citizen, 0, "the whole chain is gone"))
        if self.count and not self._sealed.number and not self._young:
            self.faults.append(Fault("", 0, "there is no signed checkpoint"))
        if missing := self._sealed.known.missing(self._sealed):
            self.faults.append(Fault("", 0, missing))
        return tuple(self.faults)

    def _begin(self, row: Row) -> None:
        self._end()
        self._citizen, self._last = row.citizen, Head(0, GENESIS)
        self._signed = self._sealed.heads.get(row.citizen)
        self._start = self._sealed.begins.get(row.citizen)
        if self._start and row.seq <= self._start.seq:  # what is left of its older lines
            self._last = Head(row.seq - 1, row.previous)
        if row.citizen in self._seen:
            self._fault(row.seq, "the chain stands twice")
        self._seen.add(row.citizen)

    def _end(self) -> None:
        if self._signed and self._last.seq < self._signed.seq:
            self._fault(self._last.seq, f"is the last line, but {self._signed.seq} were signed")

    def _fault(self, seq: int, found: str) -> None:
        self.faults.append(Fault(self._citizen, seq, found))


def _before(at: str) -> str:
    moment = datetime.fromisoformat(at) - SLACK if at else None
    return moment.isoformat(timespec="microseconds") if moment else ""


# --- checkpoints -----------------------------------------------------------------------


def follow(sealed: Sealed, body: bytes, signature: bytes, key: Ed25519PublicKey) -> Sealed:
    """What is signed after one more checkpoint. Raises Untrue."""
    try:
        key.verify(signature, body)
        said = json.loads(body)
        assert said["format"] == CHECKPOINT
        heads = {c: Head(seq, bytes.fromhex(hash)) for c, seq, hash in said["heads"]}
        begins = {c: Head(seq, bytes.fromhex(hash)) for c, seq, hash in said.get("begins", ())}
        restored = tuple(Restored(*r) for r in said.get("restored", ()))
        number, at, full, previous = (said[k] for k in ("number", "at", "full", "previous"))
    except InvalidSignature:
        raise Untrue(f"the checkpoint after {sealed.number} was not signed by this key") from None
    except (AssertionError, KeyError, TypeError, ValueError):
        raise Untrue(f"the checkpoint after {sealed.number} cannot be read") from None
    if said["tenant"] != sealed.tenant:
        raise Untrue(f"checkpoint {number} speaks of municipality {said['tenant']}")
    if sealed.number and (number != sealed.number + 1 or previous != sealed.digest):
        raise Untrue(f"checkpoint {number} does not follow {sealed.number}")
    if not sealed.number and not full:
        raise Untrue(f"checkpoint {number} stands without those before it")
    back = _put_back(sealed, number, full, restored, heads)
    for citizen, head in heads.items():
        if not back and head.seq < sealed.heads.get(citizen, head).seq:
            raise Untrue(f"checkpoint {number} takes lines back")
    kept = heads if full else {**sealed.heads, **heads}
    if not back and len(kept) < len(sealed.heads):
        raise Untrue(f"checkpoint {number} leaves chains out")
    starts = begins if full else {**sealed.begins, **begins}
    if any(c not in kept or head.seq > kept[c].seq for c, head in starts.items()):
        raise Untrue(f"checkpoint {number} lets a chain begin after its end")
    digest = hashlib.sha256(body).hexdigest()
    return Sealed(sealed.tenant, number, at, digest, kept, starts, sealed.known, restored)


def _put_back(
    sealed: Sealed,
    number: int,
    full: bool,
    restored: tuple[Restored, ...],
    heads: Mapping[str, Head],
) -> bool:
    """Whether a checkpoint says that a backup was put back: only then may lines be gone, and so many."""
    if not sealed.number or restored == sealed.restored:
        return False
    newest = restored[-1] if restored else None
    if newest is None or restored[:-1] != sealed.restored:
        raise Untrue(f"checkpoint {number} forgets that a backup was put back")
    if newest.number != number or not full or newest[3:] != sealed.lost(heads):
        raise Untrue(f"checkpoint {number} does not tell what was lost with a backup put back")
    return True


def fold(tenant: str, statements: Iterable[tuple[bytes, bytes]], key: Ed25519PublicKey) -> Sealed:
    """What (body, signature) pairs, oldest first, have signed together. Raises Untrue."""
    sealed = Sealed(tenant)
    for body, signature in statements:
        sealed = follow(sealed, body, signature, key)
    return sealed


# --- an export -------------------------------------------------------------------------


def read(lines: Iterable[bytes], key: Ed25519PublicKey) -> tuple[Sealed, Chains, str]:
    """Check an export: a head, its checkpoints, then the log; also when it was made.

    Raises Untrue, ValueError.
    """
    parsed: Iterator[Any] = (json.loads(line) for line in lines)
    head = next(parsed, None)
    if not isinstance(head, dict) or head.get("format") != LOG:
        raise ValueError("this is not an exported log")
    known = Known(*head.get("known", ()))
    sealed, chains = Sealed(head["tenant"], known=known), None
    for line in parsed:
        if isinstance(line, dict):
            if chains:
                raise ValueError("a checkpoint stands among the log's lines")
            body, signature = (base64.b64decode(line[k]) for k in ("body", "signature"))
            sealed = follow(sealed, body, signature, key)
            continue
        chains = chains or Chains(sealed)
        citizen, seq, at, detail, previous, hash = line
        values = base64.b64decode(detail), bytes.fromhex(previous), bytes.fromhex(hash)
        chains.add(Row(citizen, seq, at, *values))
    chains = chains or Chains(sealed)
    chains.finish()
    return sealed, chains, head["at"]


def report(sealed: Sealed, chains: Chains, at: str) -> Iterator[str]:
    """What was found, for people. `at`: when the log was looked at."""
    for fault in chains.faults:
        yield f"{fault.citizen or 'the log'} entry {fault.seq}: {fault.problem}"
    for back in sealed.restored:
        yield (
            f"restored at checkpoint {back.number}, {back.at}, from a backup of {back.backup}: "
            f"{back.lines} signed lines of {back.chains} chains were written after it and are lost"
        )
    held = f"checkpoint {sealed.number}, {sealed.at}" if sealed.at else "no checkpoint"
    yield f"{chains.count} entries, {chains.unsigned} of them not signed yet ({held})"
    if chains.unsigned:
        age = datetime.fromisoformat(at) - datetime.fromisoformat(chains.waiting)
        yield (
            f"not covered yet: the newest {chains.unsigned}; the oldest of them had waited "
            f"{age // timedelta(minutes=1)} minutes ({chains.waiting}). A change to them would not show"
        )
    yield "every chain holds" if not chains.faults else f"{len(chains.faults)} FAULTS"


def public_key(pem: bytes) -> Ed25519PublicKey:
    """The key in a PEM file. Raises ValueError."""
    key = load_pem_public_key(pem)
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("this is not an Ed25519 public key")
    return key


def main(arguments: list[str]) -> int:
    """0: it holds. 1: it does not. 2: it cannot be checked."""
    if len(arguments) != 2:
        sys.stderr.write("usage: python -m portal.verifier EXPORT PUBLICKEY\n")
        return 2
    try:
        key = public_key(Path(arguments[1]).read_bytes())
        with Path(arguments[0]).open("rb") as export:
            sealed, chains, at = read(export, key)
    except Untrue as e:
        sys.stdout.write(f"FAULT: {e}\n")
        return 1
    except (OSError, ValueError, KeyError, TypeError) as e:
        sys.stderr.write(f"cannot be checked: {e}\n")
        return 2
    for line in report(sealed, chains, at):
        sys.stdout.write(line + "\n")
    return 1 if chains.faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
