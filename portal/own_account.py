"""One's own account: whose overviews are open to her now, and her calendar links to them.

A child whose overview was closed to her, who has come of age or has died is as absent here
as there: in no list, and on no link that she still has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import select

from portal.access import Viewer, relation
from portal.db import Store
from portal.family import Family, Known, RegisterDown, UnknownPerson
from portal.handout import FeedLine
from portal.models import feed


class OwnAccount:
    """What a family member's account says of others."""

    def __init__(self, store: Store, family: Family) -> None:
        self._store, self._family = store, family

    def people(self, viewer: Viewer) -> tuple[Known, ...]:
        """Herself and her children, whose overviews she may open now. Raises RegisterDown."""
        if not viewer.person:
            return ()
        children = (c.id for c in self._family.children(viewer.person))
        return tuple(self._open(viewer, (viewer.person, *children)))

    def is_guardian(self, viewer: Viewer) -> bool:
        """Whether a child's overview is open to her; no when the register cannot say."""
        try:
            children = self._family.children(viewer.person) if viewer.person else ()
            return any(self._open(viewer, [c.id for c in children]))
        except (RegisterDown, UnknownPerson):
            return False

    def links(self, viewer: Viewer, people: Iterable[Known]) -> tuple[FeedLine, ...]:
        """Her calendar links; one to an overview that is not open to her names nobody."""
        names = {one.id: one.first_name for one in people}
        query = select(feed.c.id, feed.c.citizen, feed.c.created)
        mine = query.where(feed.c.person == viewer.person).order_by(feed.c.created)
        with self._store.read(viewer.person or "") as c:
            return tuple(
                FeedLine(id=r.id, label=names.get(r.citizen, ""), created=r.created)
                for r in c.execute(mine)
            )

    def _open(self, viewer: Viewer, people: Iterable[str]) -> Iterator[Known]:
        for citizen in people:
            try:
                home = self._family.household(citizen)
            except UnknownPerson:
                continue
            if relation(viewer, home.facts):
                yield home.citizen
