"""What the database holds about one citizen that decides what is shown, in one question.

Closed accesses, consents and comments are read together: a page is made of all three, and
is handed out only if all three stand unchanged in the transaction that writes its log line.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    CompoundSelect,
    Connection,
    Integer,
    LargeBinary,
    String,
    bindparam,
    cast,
    literal_column,
    null,
    select,
    union_all,
)

from portal.models import access_closed, access_entry, comment, consent_event

NO_TEXT, NO_NUMBER = literal_column("''", String), literal_column("0", Integer)
CITIZEN, TENANT = bindparam("citizen", type_=String), bindparam("tenant", type_=String)


class EventRow(NamedTuple):
    """A consent event as it is stored."""

    seq: int
    actor: str
    kind: str
    by: str
    at: datetime
    detail: bytes | None


class CommentRow(NamedTuple):
    """One version of a comment as it is stored."""

    id: str
    version: int
    about: str
    at: datetime
    detail: bytes


class Head(NamedTuple):
    """The newest line of a citizen's log: its number and hash."""

    seq: int
    hash: bytes


class Held(NamedTuple):
    """Equal to another when nothing has changed between them."""

    closed: frozenset[str] = frozenset()
    """Adults to whom an authority has closed this citizen's overview."""
    events: tuple[EventRow, ...] = ()
    comments: tuple[CommentRow, ...] = ()


NOTHING = Held()


def held(connection: Connection, citizen: str) -> Held:
    """As the database has it at this moment."""
    return _read(connection, HELD, {"citizen": citizen})[0]


def held_and_head(connection: Connection, tenant: str, citizen: str) -> tuple[Held, Head | None]:
    """The same, and where the citizen's log ends; None when it has no line yet."""
    return _read(connection, HELD_AND_HEAD, {"citizen": citizen, "tenant": tenant})


def _read(
    connection: Connection, query: CompoundSelect[Any], values: dict[str, str]
) -> tuple[Held, Head | None]:
    closed, events, comments, head = [], [], [], None
    for what, name, other, by, number, at, detail in connection.execute(query, values):
        if what == "comment":
            comments.append(CommentRow(name, number, other, at, detail))
        elif what == "event":
            events.append(EventRow(number, other, name, by, at, detail))
        elif what == "closed":
            closed.append(name)
        else:
            head = Head(number, detail)
    events.sort(key=lambda row: row.seq)
    comments.sort(key=lambda row: (row.at, row.version, row.id))
    return Held(frozenset(closed), tuple(events), tuple(comments)), head


def _queries() -> tuple[CompoundSelect[Any], CompoundSelect[Any]]:
    """One statement each, whose rows say in their first column what they are."""
    note, event, shut, line = (t.c for t in (comment, consent_event, access_closed, access_entry))
    comments = select(
        literal_column("'comment'", String),
        note.id, note.about, NO_TEXT.label("by"), note.version, note.at, note.detail,
    ).where(note.citizen == CITIZEN)  # fmt: skip
    events = select(
        literal_column("'event'", String),
        event.kind, event.actor, event.by, event.seq, event.at, event.detail,
    ).where(event.citizen == CITIZEN)  # fmt: skip
    closed = select(
        literal_column("'closed'", String),
        shut.adult, NO_TEXT, NO_TEXT, NO_NUMBER, shut.at, cast(null(), LargeBinary),
    ).where(shut.citizen == CITIZEN)  # fmt: skip
    newest = (
        select(line.seq, line.at, line.hash)
        .where(line.tenant == TENANT, line.citizen == CITIZEN)
        .order_by(line.seq.desc())
        .limit(literal_column("1", Integer))
        .subquery()
        .c
    )
    head = select(
        literal_column("'head'", String),
        NO_TEXT, NO_TEXT, NO_TEXT, newest.seq, newest.at, newest.hash,
    )  # fmt: skip
    return union_all(comments, events, closed), union_all(comments, events, closed, head)


HELD, HELD_AND_HEAD = _queries()
