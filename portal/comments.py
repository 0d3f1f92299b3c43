"""Comments on a meeting, plan, intervention or contact, read by exactly those named when sent.

The audience is a list of persons and actors, fixed at sending: nobody added
later sees it. A correction is a new version, taking back leaves a tombstone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import func, insert, select

from portal import audit
from portal.access import Viewer
from portal.audit import Act, Line
from portal.crypto import new_id
from portal.db import Store, aware, now
from portal.family import Family
from portal.held import CommentRow, Held
from portal.journal import Ended, Journal
from portal.models import comment
from portal.records import Category
from portal.settings import Settings

LONGEST = 4000
MOST = 100
"""New comments of one author about one citizen within DAY: more is harassment, or a machine."""
DAY = timedelta(days=1)


class NotYours(Exception):
    """Only the author may correct or take back."""


class TooMany(Exception):
    """This author has written enough for a day."""


class Detail(msgspec.Struct, frozen=True, kw_only=True):
    """What is sealed of one version. `text` None: taken back."""

    author: str | None
    subject: str = ""
    author_actor: str = ""
    persons: frozenset[str] = frozenset()
    actors: frozenset[str] = frozenset()
    text: str | None = None
    about_title: str = ""


class Comment(msgspec.Struct, frozen=True, kw_only=True):
    """A comment as it stands now: its newest version, and when it was first written."""

    id: str
    about: str
    written: datetime
    corrected: datetime | None
    version: int
    detail: Detail


class Comments:
    """The comments of all citizens of one municipality."""

    def __init__(self, settings: Settings, store: Store, family: Family) -> None:
        self._tenant, self._store, self._family = settings.municipality, store, family
        self._journal = Journal(settings)

    def write(self, citizen: str, viewer: Viewer, about: str, detail: Detail) -> str:
        """Send a comment; returns its id. Raises TooMany, db.StoreDown."""
        since = now() - DAY
        if self._versions(citizen, since) >= MOST and self._own(citizen, viewer, since) >= MOST:
            raise TooMany
        id = new_id()
        self._insert(citizen, viewer, id, 1, about, detail)
        return id

    def correct(self, citizen: str, viewer: Viewer, id: str, text: str | None) -> None:
        """A new version of one's own comment; None takes it back. Raises NotYours."""
        found = next((c for c in self._all(citizen) if c.id == id), None)
        if found is None or not wrote(viewer, found.detail) or found.detail.text is None:
            raise NotYours
        detail = msgspec.structs.replace(found.detail, text=text)
        self._insert(citizen, viewer, id, found.version + 1, found.about, detail)

    def readable(
        self,
        citizen: str,
        viewer: Viewer,
        actors: Collection[str] = (),
        held: Held | None = None,
    ) -> tuple[Comment, ...]:
        """Those this viewer may read, newest first. `actors`: hers that hold `comments` now.

        `held`: what the database holds, for a caller that makes sure of it when it logs.
        """
        found = self._all(citizen) if held is None else self._newest(citizen, held.comments)
        return tuple(c for c in found if may_read(viewer, c.detail, actors))

    def _all(self, citizen: str) -> tuple[Comment, ...]:
        t = comment
        with self._store.read(citizen) as c:
            rows = c.execute(
                select(t.c.id, t.c.version, t.c.about, t.c.at, t.c.detail)
                .where(t.c.citizen == citizen)
                .order_by(t.c.at, t.c.version)
            )
            return self._newest(citizen, (CommentRow(*row) for row in rows))

    def _newest(self, citizen: str, rows: Iterable[CommentRow]) -> tuple[Comment, ...]:
        found: dict[str, Comment] = {}
        for row in rows:
            found[row.id] = self._newer(citizen, row, found.get(row.id))
        return tuple(sorted(found.values(), key=lambda c: c.written, reverse=True))

    def _newer(self, citizen: str, row: CommentRow, before: Comment | None) -> Comment:
        key = self._family.key(citizen)
        opened = key.open(row.detail, f"comment {row.id} {row.version}")
        at = aware(row.at)
        return Comment(
            id=row.id,
            about=row.about,
            written=before.written if before else at,
            corrected=at if before else None,
            version=row.version,
            detail=msgspec.msgpack.decode(opened, type=Detail),
        )

    def _insert(
        self, citizen: str, viewer: Viewer, id: str, version: int, about: str, detail: Detail
    ) -> None:
        key = self._family.key(citizen)
        sealed = key.seal(msgspec.msgpack.encode(detail), f"comment {id} {version}")
        line = Line(
            act=Act.COMMENT,
            person=viewer.person,
            subject=viewer.subject,
            actors=tuple(sorted(viewer.actors)),
            role=viewer.role,
            categories=(Category.COMMENTS,),
            outcome="ok" if detail.text is not None else "taken back",
        )
        with self._store.write(citizen) as c:
            c.execute(
                insert(comment).values(
                    tenant=self._tenant,
                    id=id,
                    version=version,
                    citizen=citizen,
                    about=about,
                    at=now(),
                    detail=sealed,
                )
            )
            audit.append(c, self._tenant, citizen, key, line)
        if detail.text is None:
            self._journal.keep(Ended(thing="comment", id=id, citizen=citizen, at=now()))

    def _own(self, citizen: str, viewer: Viewer, since: datetime) -> int:
        found = self._all(citizen)
        return sum(1 for c in found if c.written > since and wrote(viewer, c.detail))

    def _versions(self, citizen: str, since: datetime) -> int:
        """How many versions anybody wrote; counted without opening one."""
        t = comment
        with self._store.read(citizen) as c:
            where = (t.c.citizen == citizen) & (t.c.at > since)
            return c.execute(select(func.count()).where(where)).scalar() or 0


def may_read(viewer: Viewer, detail: Detail, actors: Collection[str] = ()) -> bool:
    """The author and the persons named; employees while their actor still holds `comments`: of
    one that is named in it, and who wrote it."""
    if viewer.person:
        return wrote(viewer, detail) or viewer.person in detail.persons
    holding = viewer.actors & set(actors)
    return bool(detail.actors & holding) or (
        wrote(viewer, detail) and detail.author_actor in holding
    )


def wrote(viewer: Viewer, detail: Detail) -> bool:
    """Whether the viewer is the comment's author."""
    if viewer.person:
        return detail.author == viewer.person
    return bool(viewer.subject) and detail.subject == viewer.subject
