"""What a backup holds: every row of one municipality, read and put back through the walls.

The same rows on both databases, in an order in which each finds those it points at. On
PostgreSQL no role that sees everything is needed: the transaction says for each part whom
it is about, or which task it has, as all others do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, Table, insert, select

from portal.db import Task, aware, scope
from portal.models import (
    access_closed,
    access_entry,
    checkpoint,
    comment,
    consent_event,
    draft,
    feed,
    lasting_key,
    log_start,
    person,
    report,
    seen,
    session,
    spent,
)

AT_ONCE = 500
"""Rows that are read, sealed or written together."""
LEFT_OUT = frozenset({session.name, spent.name})
"""Nobody is logged in after a restore, and no token lies in a backup."""


class Part(NamedTuple):
    """One table: by which task all of it is read, or citizen by citizen; whom its rows name."""

    table: Table
    task: Task | None
    names: tuple[str, ...] = ("citizen",)


PARTS = (
    Part(lasting_key, None, ()),
    Part(checkpoint, None, ()),
    Part(person, Task.ROTATE, ("id",)),
    Part(access_closed, Task.CLOSED, ("adult", "citizen")),
    Part(consent_event, Task.SETTLE),
    Part(log_start, Task.LOG),
    Part(access_entry, Task.LOG),
    Part(feed, Task.TIDY, ("person", "citizen")),
    Part(comment, None),
    Part(draft, None),
    Part(seen, None, ("person", "citizen")),
    Part(report, None, ("person", "citizen")),
)
Rows = list[tuple[Any, ...]]


def rows(c: Connection, tenant: str) -> Iterator[tuple[str, Rows]]:
    """(table, rows) by the hundred, in the order of PARTS; times aware, in UTC."""
    people: list[str] = []
    for part in PARTS:
        for found in _read(c, tenant, part, people):
            if part.table is person:
                people += [row[0] for row in found]
            yield str(part.table.name), found


def _read(c: Connection, tenant: str, part: Part, people: list[str]) -> Iterator[Rows]:
    """All of a table; citizen by citizen where no task opens it."""
    query = select(part.table).where(part.table.c.tenant == tenant)
    query = query.order_by(*part.table.primary_key.columns)
    if part.task or not part.names:
        scope(c, tenant, task=part.task)
        yield from _batches(c, query)
        return
    for some in batches(people):
        scope(c, tenant, *some)
        yield from _batches(c, query.where(part.table.c.citizen.in_(some)))


def _batches(c: Connection, query: Select[Any]) -> Iterator[Rows]:
    result = c.execute(query, execution_options={"yield_per": AT_ONCE})
    for found in result.partitions():
        yield [tuple(map(_plain, row)) for row in found]


def _plain(value: Any) -> Any:
    return aware(value) if isinstance(value, datetime) else value


def put(c: Connection, tenant: str, name: str, found: Sequence[Sequence[Any]]) -> None:
    """Add rows that `rows` gave, in the caller's transaction."""
    part = next(p for p in PARTS if p.table.name == name)
    columns = [column.name for column in part.table.columns]
    values = [dict(zip(columns, row, strict=True)) for row in found]
    people = {row[n] for row in values for n in part.names}
    task = Task.TIDY if part.table is log_start else None
    scope(c, tenant, *sorted(people), task=task)
    c.execute(insert(part.table), values)


def occupied(c: Connection, tenant: str) -> str:
    """A table that holds something of this municipality already; empty when none does."""
    for part in PARTS:
        if part.task or not part.names:
            scope(c, tenant, task=part.task)
            mine = select(part.table.c.tenant).where(part.table.c.tenant == tenant).limit(1)
            if c.execute(mine).first():
                return part.table.name
    return ""


def batches(items: Iterable[str], size: int = AT_ONCE) -> Iterator[list[str]]:
    """So many at a time."""
    left = iter(items)
    while found := list(islice(left, size)):
        yield found
