"""Calendar subscriptions: a secret link per viewer and citizen, obeying every rule at each fetch.

Only the hash of the secret is kept, so a link is shown once. A link dies with
the relation, and can be closed at any time.
"""

from __future__ import annotations

import secrets

from sqlalchemy import delete, insert, select

from portal.access import Viewer
from portal.audit import Act
from portal.calendar import several_meetings
from portal.crypto import new_id, token_hash
from portal.db import Store, Task, now
from portal.family import Family
from portal.journal import Ended, Journal
from portal.models import feed
from portal.overview import Look, Overviews
from portal.records import Category, State
from portal.settings import Settings
from portal.standing import NotFound


class Feeds:
    """The calendar links of one municipality's citizens."""

    def __init__(
        self, settings: Settings, store: Store, family: Family, overviews: Overviews
    ) -> None:
        self._settings, self._store = settings, store
        self._family, self._overviews = family, overviews
        self._journal = Journal(settings)

    def open(self, viewer: Viewer, citizen: str) -> str:
        """A new link's address, shown this once. Raises NotFound, RegisterDown."""
        self._overviews.standing(viewer, citizen, Look(fresh=True))
        token = secrets.token_urlsafe(32)
        with self._store.write(*_people(viewer), citizen) as c:
            c.execute(
                insert(feed).values(
                    token=token_hash(token),
                    tenant=self._settings.municipality,
                    id=new_id(),
                    person=viewer.person,
                    citizen=citizen,
                    created=now(),
                )
            )
        return f"{self._settings.base_url}/kalender/{token}.ics"

    def close(self, viewer: Viewer, id: str) -> None:
        """The link is gone at once; closing what is not hers does nothing."""
        mine = (feed.c.id == id) & (feed.c.person == viewer.person)
        with self._store.write(*_people(viewer)) as c:
            if not c.execute(delete(feed).where(mine)).rowcount:
                return
        self._journal.keep(Ended(thing="feed", id=id, citizen=viewer.person or "", at=now()))

    def fetch(self, token: str) -> bytes:
        """What a calendar programme gets: meetings, neutral. Raises NotFound, RegisterDown."""
        hashed = token_hash(token)
        with self._store.read(task=Task.LINK, keys=(hashed,)) as c:
            row = c.execute(
                select(feed.c.person, feed.c.citizen).where(feed.c.token == hashed)
            ).first()
        if row is None:
            raise NotFound
        page = self._overviews.open(
            Viewer(person=row.person),
            row.citizen,
            Look(wait=None, act=Act.FEED, categories=(Category.MEETINGS,), fresh=True),
        )
        silent = any(line.state is State.UNAVAILABLE for line in page.lines)
        whole = not (silent or any(Category.MEETINGS in line.lacks for line in page.lines))
        return several_meetings(page.meetings, self._settings.base_url, whole)


def _people(viewer: Viewer) -> tuple[str, ...]:
    """Whose rows a family member's own links are; an employee has none."""
    return (viewer.person,) if viewer.person else ()
