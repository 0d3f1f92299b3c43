"""What the family says is missing or wrong: a message to the one place that answers for an entry.

Its author chose to tell exactly that place, so its employees may read the message
and what it is about, and nothing else. The line in the log is one fact with the
message; a message ends when its author says so, and after 90 days.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import ColumnElement, Row, and_, func, insert, select, update

from portal import audit
from portal.access import Viewer
from portal.audit import Act, Line
from portal.crypto import Unreadable, new_id
from portal.db import Store, Task, aware, now
from portal.family import Family, UnknownPerson
from portal.journal import Ended, Journal
from portal.models import report
from portal.settings import Settings

LIFE = timedelta(days=90)
LONGEST = 1000
KINDS = ("forkert", "mangler", "slut", "andet")
"""What can be wrong: it says something wrong, it lacks something, it is over, something else."""


class Detail(msgspec.Struct, frozen=True, kw_only=True):
    """What is sealed: `record` and `title` say which entry it is about, as its author saw it."""

    kind: str
    text: str = ""
    record: str = ""
    title: str = ""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One message. `closed`: its author ended it; the place does not see it any more."""

    id: str
    citizen: str
    person: str
    actor: str
    about: str
    at: datetime
    closed: datetime | None
    detail: Detail


class Reports:
    """The messages of one municipality."""

    def __init__(self, settings: Settings, store: Store, family: Family) -> None:
        self._tenant, self._store, self._family = settings.municipality, store, family
        self._journal = Journal(settings)

    def send(self, viewer: Viewer, citizen: str, actor: str, about: str, detail: Detail) -> str:
        """Send a message, and log that it was sent; returns its id. Raises StoreDown."""
        id, person, key = new_id(), viewer.person or "", self._family.key(citizen)
        values = {
            "tenant": self._tenant,
            "id": id,
            "citizen": citizen,
            "person": person,
            "actor": actor,
            "about": about,
            "at": now(),
            "detail": key.seal(msgspec.msgpack.encode(detail), f"report {id}"),
        }
        line = Line(act=Act.REPORT, person=person, about=actor)
        with self._store.write(*dict.fromkeys((citizen, person))) as c:
            c.execute(insert(report).values(values))
            audit.append(c, self._tenant, citizen, key, line)
        return id

    def close(self, viewer: Viewer, citizen: str, id: str) -> bool:
        """Its author says that it is in order, or takes it back; False when it is not hers."""
        key, person = self._family.key(citizen), viewer.person or ""
        line = Line(act=Act.REPORT, person=person, outcome="closed")
        mine = and_(self._own(person, citizen), report.c.id == id, report.c.closed.is_(None))
        with self._store.write(*dict.fromkeys((citizen, person))) as c:
            if not c.execute(update(report).where(mine).values(closed=now())).rowcount:
                return False
            audit.append(c, self._tenant, citizen, key, line)
        self._journal.keep(Ended(thing="report", id=id, citizen=citizen, at=now()))
        return True

    def own(self, viewer: Viewer, citizen: str) -> tuple[Report, ...]:
        """What this viewer has sent about a citizen, newest first."""
        where = and_(self._own(viewer.person or "", citizen), report.c.at > now() - LIFE)
        with self._store.read(citizen) as c:
            rows = c.execute(select(report).where(where).order_by(report.c.at.desc())).all()
        return self._opened(rows)

    def to(self, actors: Collection[str]) -> tuple[Report, ...]:
        """What these places have been sent and is not closed, newest first."""
        with self._store.read(task=Task.ACTORS, keys=actors) as c:
            query = select(report).where(self._open_to(actors)).order_by(report.c.at.desc())
            rows = c.execute(query).all()
        return self._opened(rows)

    def count(self, actors: Collection[str]) -> int:
        """How many there are; a number that tells of nobody."""
        with self._store.read(task=Task.ACTORS, keys=actors) as c:
            query = select(func.count()).select_from(report).where(self._open_to(actors))
            return int(c.execute(query).scalar() or 0)

    def read_since(self, viewer: Viewer, citizen: str) -> dict[str, datetime]:
        """Actor -> when its employees last read what this viewer sent about a citizen."""
        key = self._family.key(citizen)
        with self._store.read(citizen) as c:
            entries = audit.entries(c, self._tenant, citizen, key)
        found: dict[str, datetime] = {}
        for entry in entries:
            line = entry.line
            if line.act is Act.REPORT and line.person is None and line.told == viewer.person:
                for actor in line.actors:
                    found.setdefault(actor, entry.at)
        return found

    def _own(self, person: str, citizen: str) -> ColumnElement[bool]:
        return and_(
            report.c.tenant == self._tenant,
            report.c.person == person,
            report.c.citizen == citizen,
        )

    def _open_to(self, actors: Collection[str]) -> ColumnElement[bool]:
        return and_(
            report.c.tenant == self._tenant,
            report.c.actor.in_(sorted(actors)),
            report.c.closed.is_(None),
            report.c.at > now() - LIFE,
        )

    def _opened(self, rows: Iterable[Row[tuple[object, ...]]]) -> tuple[Report, ...]:
        found = []
        for row in rows:
            values = dict(row._mapping)
            try:
                key = self._family.key(values["citizen"])
                opened = key.open(values["detail"], f"report {values['id']}")
            except (UnknownPerson, Unreadable):
                continue  # erased
            detail = msgspec.msgpack.decode(opened, type=Detail)
            closed = aware(values["closed"]) if values["closed"] else None
            kept = {n: values[n] for n in ("id", "citizen", "person", "actor", "about")}
            found.append(Report(**kept, at=aware(values["at"]), closed=closed, detail=detail))
        return tuple(found)
