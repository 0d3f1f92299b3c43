"""The access log: append-only, one gap-free hash chain per citizen, committed before data leaves.

`append` runs inside the caller's transaction, so that a consent and its log
line are one fact. The line is sealed with the citizen's key and the chain runs
over the sealed bytes: erasing the key erases the words, and the chain still
verifies. No CPR and no name of a citizen is ever written into it.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

import msgspec
from sqlalchemy import Connection, RowMapping, func, insert, select

from portal.crypto import CitizenKey
from portal.db import aware, now
from portal.held import Head
from portal.models import access_entry
from portal.records import Category, Sector
from portal.verifier import GENESIS, chain


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
    REPORT = "report"
    REFUSED = "refused"
    AUTOMATIC = "automatic"
    HOLD = "hold"
    """An owner keeps its own lines from one reader (`told`) until a day, for a lawful reason."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """What one log line says.

    `person` is the citizen who read (portal id); `subject`, `actor`, `role`
    the employee. `categories` what was opened; `purpose` a purpose id;
    `outcome` "ok" or the reason of a refusal; `about` an actor id a consent
    speaks of; `told` the citizen whose message an employee read: nobody else
    reads that line. Of an employee's look: `shared` the categories that each of
    the family may see something of too (None: all, as lines from before say),
    `footing` the sectors of the data it rests on. `until` the last day of a hold.
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
    told: str = ""
    shared: dict[str, tuple[Category, ...]] | None = None
    footing: tuple[Sector, ...] = ()
    until: date | None = None


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A line with its place in the chain."""

    seq: int
    at: datetime
    line: Line


def append(connection: Connection, tenant: str, citizen: str, key: CitizenKey, line: Line) -> int:
    """Add a line to a citizen's chain in the caller's transaction; returns its number."""
    table = access_entry
    lock(connection, tenant, citizen)
    head = connection.execute(
        select(table.c.seq, table.c.hash)
        .where(table.c.tenant == tenant, table.c.citizen == citizen)
        .order_by(table.c.seq.desc())
        .limit(1)
    ).first()
    return append_to(connection, tenant, citizen, key, line, Head(*head) if head else None)


def lock(connection: Connection, tenant: str, citizen: str) -> None:
    """Nobody else adds to this chain until the transaction ends (SQLite has one writer anyway)."""
    if connection.dialect.name != "sqlite":
        chain_name = func.hashtextextended(f"{tenant}/{citizen}", 0)
        connection.execute(select(func.pg_advisory_xact_lock(chain_name)))


def append_to(
    connection: Connection,
    tenant: str,
    citizen: str,
    key: CitizenKey,
    line: Line,
    head: Head | None,
) -> int:
    """As `append`, where the chain was locked and its head read in the same transaction."""
    seq, previous = (head.seq + 1, head.hash) if head else (1, GENESIS)
    at = now()
    detail = key.seal(msgspec.msgpack.encode(line), f"{citizen}/{seq}")
    connection.execute(
        insert(access_entry).values(
            tenant=tenant,
            citizen=citizen,
            seq=seq,
            at=at,
            detail=detail,
            previous=previous,
            hash=chain(tenant, citizen, seq, moment(at), detail, previous),
        )
    )
    return seq


def moment(at: datetime) -> str:
    """A time as it is hashed: ISO 8601, UTC, microseconds."""
    return aware(at).isoformat(timespec="microseconds")


def entries(
    connection: Connection, tenant: str, citizen: str, key: CitizenKey, limit: int | None = 2000
) -> tuple[Entry, ...]:
    """A citizen's lines, newest first; None: all of them."""
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
