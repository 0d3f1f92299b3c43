"""The access log: append-only, one gap-free hash chain per citizen, committed before data leaves.

`append` runs inside the caller's transaction, so that a consent and its log
line are one fact. The line is sealed with the citizen's key and the chain runs
over the sealed bytes: erasing the key erases the words, and the chain still
verifies. No CPR and no name of a citizen is ever written into it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

import msgspec
from sqlalchemy import Connection, RowMapping, func, insert, select

from portal.crypto import CitizenKey
from portal.db import aware, now
from portal.models import access_entry
from portal.records import Category

GENESIS = bytes(32)


class Act(StrEnum):
    """What was done with somebody's information."""

    READ = "read"
    LISTED = "listed"
    LOOK_UP = "look_up"
    PREVIEW = "preview"
    EXPORT = "export"
    FEED = "feed"
    CONSENT = "consent"
    COMMENT = "comment"
    REFUSED = "refused"
    AUTOMATIC = "automatic"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """What one log line says.

    `person` is the citizen who read (portal id); `subject`, `actor`, `role`
    the employee. `categories` what was opened; `purpose` a purpose id;
    `outcome` "ok" or the reason of a refusal; `about` an actor id a consent
    speaks of; `adult` whether a citizen reader was a guardian.
    """

    act: Act
    person: str | None = None
    subject: str = ""
    name: str = ""
    actors: tuple[str, ...] = ()
    role: str = ""
    categories: tuple[Category, ...] = ()
    owners: tuple[str, ...] = ()
    purpose: str = ""
    outcome: str = "ok"
    about: str = ""
    visit: str = ""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A line with its place in the chain."""

    seq: int
    at: datetime
    line: Line


def append(connection: Connection, tenant: str, citizen: str, key: CitizenKey, line: Line) -> int:
    """Add a line to a citizen's chain in the caller's transaction; returns its number."""
    table = access_entry
    if connection.dialect.name != "sqlite":  # SQLite has one writer at a time anyway
        chain_name = func.hashtextextended(f"{tenant}/{citizen}", 0)
        connection.execute(select(func.pg_advisory_xact_lock(chain_name)))
    head = connection.execute(
        select(table.c.seq, table.c.hash)
        .where(table.c.tenant == tenant, table.c.citizen == citizen)
        .order_by(table.c.seq.desc())
        .limit(1)
    ).first()
    seq, previous = (head.seq + 1, head.hash) if head else (1, GENESIS)
    at = now()
    detail = key.seal(msgspec.msgpack.encode(line), f"{citizen}/{seq}")
    connection.execute(
        insert(table).values(
            tenant=tenant,
            citizen=citizen,
            seq=seq,
            at=at,
            detail=detail,
            previous=previous,
            hash=chain(tenant, citizen, seq, at, detail, previous),
        )
    )
    return seq


def chain(
    tenant: str, citizen: str, seq: int, at: datetime, detail: bytes, previous: bytes
) -> bytes:
    """The hash that binds a line to its place and to every line before it."""
    moment = aware(at).isoformat(timespec="microseconds")
    head = "\x1f".join((tenant, citizen, str(seq), moment)).encode()
    return hashlib.sha256(previous + hashlib.sha256(head).digest() + detail).digest()


def entries(
    connection: Connection, tenant: str, citizen: str, key: CitizenKey, limit: int = 2000
) -> tuple[Entry, ...]:
    """A citizen's lines, newest first."""
    table = access_entry
    rows = connection.execute(
        select(table.c.seq, table.c.at, table.c.detail)
        .where(table.c.tenant == tenant, table.c.citizen == citizen)
        .order_by(table.c.seq.desc())
        .limit(limit)
    ).mappings()
    return tuple(_entry(row, citizen, key) for row in rows)


def _entry(row: RowMapping, citizen: str, key: CitizenKey) -> Entry:
    line = msgspec.msgpack.decode(key.open(row["detail"], f"{citizen}/{row['seq']}"), type=Line)
    return Entry(seq=row["seq"], at=aware(row["at"]), line=line)


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """Where a chain does not hold, and how."""

    citizen: str
    seq: int
    problem: str


def verify(rows: Iterable[RowMapping]) -> tuple[int, tuple[Fault, ...]]:
    """Check rows ordered by (citizen, seq): returns how many, and every fault found."""
    count, faults = 0, []
    citizen, expected, previous = "", 1, GENESIS
    for row in rows:
        count += 1
        if row["citizen"] != citizen:
            citizen, expected, previous = row["citizen"], 1, GENESIS
        if problem := _problem(row, expected, previous):
            faults.append(Fault(citizen=citizen, seq=row["seq"], problem=problem))
        expected, previous = row["seq"] + 1, row["hash"]
    return count, tuple(faults)


def _problem(row: RowMapping, expected: int, previous: bytes) -> str:
    if row["seq"] != expected:
        return f"expected number {expected}"
    if row["previous"] != previous:
        return "does not follow the line before it"
    values = (row[k] for k in ("tenant", "citizen", "seq", "at", "detail", "previous"))
    if row["hash"] != chain(*values):
        return "was changed"
    return ""
