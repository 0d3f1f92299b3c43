"""What is new since last time: what a family member said she had seen, against what she is shown now.

Nothing is remembered until she asks for it, and nothing is written by looking: the
marks are made when she presses the button. A mark is a hash under her own key.
An entry is new when its source had been seen, and it had not; so a source that was
down that day brings no old things back as news.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import timedelta

import msgspec
from sqlalchemy import ColumnElement, and_, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from portal.access import Viewer
from portal.db import Store, now
from portal.family import Family
from portal.handout import Note, Overview, Shown
from portal.models import seen
from portal.records import Category
from portal.settings import Settings

LIFE = timedelta(days=400)
MOST = 4000
"""Marks written at once."""
FRESH_SECONDS = 60.0
"""How long a worker remembers a session's marks: what she did in another browser comes so late."""
MOST_REMEMBERED = 5000
COMMENTS = "comments"
"""Counts as a source: what others wrote to the viewer is news as well."""
FIELDS = {
    "contacts": Category.CONTACTS,
    "meetings": Category.MEETINGS,
    "interventions": Category.INTERVENTIONS,
    "plans": Category.PLANS,
    "loose_goals": Category.PLANS,
    "measurements": Category.WELLBEING,
}
"""Field of an overview -> what kind of news it holds. Past meetings are no news."""

Mark = Callable[[str, str], str]
"""(what, id) -> its hash under the viewer's key, on one overview."""


class Seen:
    """The marks of one municipality."""

    def __init__(self, settings: Settings, store: Store, family: Family) -> None:
        self._tenant, self._store, self._family = settings.municipality, store, family
        self._memory: dict[tuple[str, str, str], tuple[float, frozenset[str]]] = {}
        self._lock = threading.Lock()

    def compare(self, viewer: Viewer, pages: Iterable[Overview]) -> tuple[Overview, ...]:
        """The pages with what is new marked and counted; unchanged for an employee."""
        pages = tuple(pages)
        if viewer.person is None or not pages:
            return pages
        known = self._known(viewer, [p.citizen.id for p in pages])
        if not any(known.values()):
            return pages
        return tuple(self._compared(viewer.person, p, known[p.citizen.id]) for p in pages)

    def remember(
        self, viewer: Viewer, page: Overview, answered: Iterable[str], listed: Collection[str]
    ) -> None:
        """Mark what was on the page as seen.

        `answered`: the sources that had; `listed`: ids of what was marked as new.
        What came after the page was shown is neither, and stays new. Raises StoreDown.
        """
        person = viewer.person or ""
        citizen = page.citizen.id
        mark = self._mark(person, citizen)
        known = self._read(person, [citizen])[citizen]
        wanted = {mark("source", s) for s in (*answered, COMMENTS)}
        for source, id in _things(page):
            found = mark("entry", id)
            if id in listed or found in known or mark("source", source) not in known:
                wanted.add(found)
        at = now()
        rows = [
            {"tenant": self._tenant, "person": person, "mark": m, "citizen": citizen, "at": at}
            for m in sorted(wanted)[:MOST]
        ]
        insert = sqlite.insert if self._store.sqlite else postgresql.insert
        again = insert(seen).on_conflict_do_update(
            index_elements=["person", "mark"], set_={"at": at}
        )
        with self._store.write(person, citizen) as c:
            c.execute(again, rows)

    def forget(self, viewer: Viewer, citizen: str) -> None:
        """Remove every mark of this viewer on one overview."""
        person = viewer.person or ""
        with self._store.write(person, citizen) as c:
            c.execute(delete(seen).where(self._of(person), seen.c.citizen == citizen))

    def _compared(self, person: str, page: Overview, known: Collection[str]) -> Overview:
        if not known:
            return page
        mark = self._mark(person, page.citizen.id)
        sources = {s for s, _ in _things(page)}
        told = {s for s in sources if mark("source", s) in known}
        new = {id for s, id in _things(page) if s in told and mark("entry", id) not in known}
        if not new:
            return msgspec.structs.replace(page, remembers=True)
        changed = {f: _marked(getattr(page, f), new) for f in FIELDS}
        notes = _notes(page.notes, new)
        return msgspec.structs.replace(
            page, remembers=True, new=tuple(sorted(new)), notes=notes, **changed
        )

    def _known(self, viewer: Viewer, citizens: Collection[str]) -> dict[str, frozenset[str]]:
        """Her marks on each overview; the same session is answered from memory for a minute."""
        moment, key = time.monotonic(), (viewer.session, viewer.seen)
        found: dict[str, frozenset[str]] = {}
        with self._lock:
            for citizen in citizens:
                at, marks = self._memory.get((*key, citizen), (-1e9, frozenset()))
                if viewer.session and moment - at < FRESH_SECONDS:
                    found[citizen] = marks
        missing = [c for c in citizens if c not in found]
        if missing:
            found |= self._read(viewer.person or "", missing)
            with self._lock:
                if len(self._memory) > MOST_REMEMBERED:
                    self._memory.clear()
                self._memory |= {(*key, c): (moment, found[c]) for c in missing}
        return found

    def _read(self, person: str, citizens: Collection[str]) -> dict[str, frozenset[str]]:
        found: dict[str, set[str]] = {citizen: set() for citizen in citizens}
        where = and_(self._of(person), seen.c.citizen.in_(citizens))
        with self._store.read(*dict.fromkeys((person, *citizens))) as c:
            for row in c.execute(select(seen.c.citizen, seen.c.mark).where(where)):
                found[row.citizen].add(row.mark)
        return {citizen: frozenset(marks) for citizen, marks in found.items()}

    def _of(self, person: str) -> ColumnElement[bool]:
        return and_(seen.c.tenant == self._tenant, seen.c.person == person)

    def _mark(self, person: str, citizen: str) -> Mark:
        ref = self._family.key(person).ref
        return lambda what, id: ref("seen", citizen, what, id)


def kinds_of_news(page: Overview) -> tuple[Category, ...]:
    """Of which kinds there is something new on a page."""
    if not page.new:
        return ()
    found = tuple(
        kind
        for name, kind in FIELDS.items()
        if any(s.new or any(g.new for g in s.goals) for s in getattr(page, name))
    )
    return (*found, *(Category.COMMENTS for n in page.notes if n.new))


def _things(page: Overview) -> Iterator[tuple[str, str]]:
    """(source, id) of everything that can be new."""
    for name in FIELDS:
        for shown in getattr(page, name):
            yield shown.entry.source, shown.ref
            for goal in shown.goals:
                yield goal.entry.source, goal.ref
    for note in page.notes:
        if not note.mine and note.text is not None:
            yield COMMENTS, note.id


def _marked(entries: tuple[Shown, ...], new: Collection[str]) -> tuple[Shown, ...]:
    return tuple(_one(s, new) for s in entries)


def _one(shown: Shown, new: Collection[str]) -> Shown:
    goals = _marked(shown.goals, new) if shown.goals else ()
    notes = _notes(shown.notes, new) if shown.notes else ()
    if shown.ref not in new and goals == shown.goals and notes == shown.notes:
        return shown
    return msgspec.structs.replace(shown, new=shown.ref in new, goals=goals, notes=notes)


def _notes(notes: tuple[Note, ...], new: Collection[str]) -> tuple[Note, ...]:
    return tuple(msgspec.structs.replace(n, new=True) if n.id in new else n for n in notes)
