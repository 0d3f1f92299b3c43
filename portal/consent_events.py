"""The consent events as the database keeps them: numbered per citizen, sealed, only ever added.

What they mean is consent_state.py's; who may say what, consents.py's.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from sqlalchemy import ColumnElement, Connection, func, insert, select

from portal.consent_state import Event, Grant, Kind
from portal.db import Store, Task, aware, now
from portal.family import Family
from portal.held import EventRow
from portal.models import consent_event, person


class ConsentEvents:
    """The events of all citizens of one municipality."""

    def __init__(self, tenant: str, store: Store, family: Family) -> None:
        self._tenant, self._store, self._family = tenant, store, family

    # --- writing, in the caller's transaction ---

    @staticmethod
    def lock(c: Connection, citizen: str) -> None:
        """One writer per citizen (PostgreSQL; SQLite has one writer anyway)."""
        c.execute(select(person.c.id).where(person.c.id == citizen).with_for_update())

    def hers(self, c: Connection, citizen: str, actor: str, by: str) -> tuple[Event, ...]:
        """What one person has said about one actor, oldest first."""
        t = consent_event
        where = (t.c.citizen == citizen) & (t.c.actor == actor) & (t.c.by == by)
        return self._found(c, citizen, where)

    def add(
        self, c: Connection, citizen: str, actor: str, kind: Kind, by: str, grant: Grant | None
    ) -> Event:
        """The citizen's next event."""
        t = consent_event
        top = c.execute(select(func.max(t.c.seq)).where(t.c.citizen == citizen)).scalar()
        event = Event(seq=(top or 0) + 1, actor=actor, kind=kind, by=by, at=now(), grant=grant)
        key, said = self._family.key(citizen), msgspec.msgpack.encode(grant)
        c.execute(
            insert(t).values(
                tenant=self._tenant,
                citizen=citizen,
                seq=event.seq,
                actor=actor,
                kind=kind.value,
                by=by,
                at=event.at,
                detail=key.seal(said, f"consent {event.seq}") if grant else None,
            )
        )
        return event

    # --- looking ---

    def of(self, citizen: str) -> tuple[Event, ...]:
        """Every event of one citizen, oldest first, as the database has them now."""
        with self._store.read(citizen) as c:
            return self._found(c, citizen, consent_event.c.citizen == citizen)

    def read(self, citizen: str, rows: Iterable[EventRow]) -> tuple[Event, ...]:
        """The same from rows somebody has just read."""
        return tuple(self._event(citizen, row) for row in rows)

    def _found(self, c: Connection, citizen: str, where: ColumnElement[bool]) -> tuple[Event, ...]:
        t = consent_event
        columns = (t.c.seq, t.c.actor, t.c.kind, t.c.by, t.c.at, t.c.detail)
        rows = c.execute(select(*columns).where(where).order_by(t.c.seq))
        return self.read(citizen, (EventRow(*row) for row in rows))

    def _event(self, citizen: str, row: EventRow) -> Event:
        grant = None
        if row.detail:
            opened = self._family.key(citizen).open(row.detail, f"consent {row.seq}")
            grant = msgspec.msgpack.decode(opened, type=Grant)
        return Event(
            seq=row.seq,
            actor=row.actor,
            kind=Kind(row.kind),
            by=row.by,
            at=aware(row.at),
            grant=grant,
        )

    def ever(self, citizen: str, actors: frozenset[str]) -> bool:
        """Whether anything was ever said about one of these actors (cheap, before any look-up)."""
        t = consent_event
        where = (t.c.citizen == citizen) & t.c.actor.in_(sorted(actors))
        with self._store.read(citizen) as c:
            return c.execute(select(t.c.seq).where(where).limit(1)).first() is not None

    def citizens(self, actors: frozenset[str] | None = None) -> tuple[str, ...]:
        """Everybody about whom anything was ever said, to these actors or to any."""
        t = consent_event
        query = select(t.c.citizen).where(t.c.tenant == self._tenant).distinct()
        task, keys = (Task.SETTLE, []) if actors is None else (Task.ACTORS, sorted(actors))
        if actors is not None:
            query = query.where(t.c.actor.in_(keys))
        with self._store.read(task=task, keys=keys) as c:
            return tuple(sorted(r.citizen for r in c.execute(query)))
