""" "Hvem har set mine oplysninger": each reader's own view of the access log, in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from urllib.parse import quote

import msgspec
from flask_babel import gettext as _

from portal import audit
from portal.access import ADULT, Facts, Viewer, exists_for, reads_line
from portal.audit import Act, Entry, Line
from portal.db import Store
from portal.family import Family, RegisterDown, UnknownPerson
from portal.handout import AccessLog, Choice, LogLine, Relation
from portal.overview import Overviews
from portal.records import Category, Sector
from portal.settings import Settings
from portal.standing import NotFound, Standing
from portal.words import configured_word

ONE_VISIT = timedelta(minutes=10)
MOST_LINES = 2000
OF_ANSWERS = frozenset({Act.CONSENT, Act.COMMENT})
"""Acts that would tell what another family member decided or wrote."""


class SeenBy:
    """The log as one reader may see it."""

    def __init__(
        self, settings: Settings, store: Store, family: Family, overviews: Overviews
    ) -> None:
        self._settings, self._store = settings, store
        self._family, self._overviews = family, overviews
        self._actors = settings.actors

    def page(
        self, viewer: Viewer, citizen: str, chosen: str = "", most: int = MOST_LINES
    ) -> AccessLog:
        """The lines this reader may see, newest first. Raises NotFound, RegisterDown."""
        standing = self._overviews.glance(viewer, citizen)
        if standing.relation is Relation.STAFF:
            raise NotFound
        entries = self._entries(citizen, most)
        every = entries if len(entries) < most else self._entries(citizen, None)
        silent = held_back(every, viewer.person or "", standing.home.facts.today)
        mine = [
            self._cut(standing, e)
            for e in entries
            if self._readable(standing, e) and not (by_staff(e) and silent & {*e.line.actors})
        ]
        actors = sorted({a for e in mine for a in e.line.actors if a in self._actors})
        actor = self._overviews.meant(standing, chosen)
        shown = [e for e in mine if not chosen or actor in e.line.actors]
        return AccessLog(
            citizen=self._overviews.citizen(standing),
            lines=tuple(self._line(standing, e) for e in visits(shown)),
            since=mine[-1].at if mine else None,
            actors=tuple(
                Choice(value=place.id, label=place.name, ticked=place.id == chosen)
                for place in (self._overviews.place(standing, a) for a in actors)
            ),
            chosen=chosen,
            contact_phone=self._settings.contact.phone,
        )

    def _entries(self, citizen: str, most: int | None) -> tuple[Entry, ...]:
        with self._store.read(citizen) as c:
            key = self._family.key(citizen)
            return audit.entries(c, self._settings.municipality, citizen, key, most)

    def _readable(self, standing: Standing, entry: Entry) -> bool:
        line = entry.line
        if line.act is Act.HOLD:
            return False
        if line.act is Act.REPORT:  # between its author and one place
            return standing.viewer.person in (line.person, line.told)
        if self._by_a_child(standing, line.person):
            return False
        if line.shared is not None and line.categories and not self._shared(standing, line):
            return False  # an employee saw nothing that this reader may know of
        hidden = standing.guard.places
        actors = [self._actors.get(a) for a in line.actors]
        exists = all(
            exists_for(a, self._settings.municipality, hidden) if a else not hidden for a in actors
        )
        return reads_line(
            standing.viewer.person or "",
            standing.relation,
            standing.home.facts.age or 0,
            line.person,
            line.act in OF_ANSWERS or (line.act is Act.AUTOMATIC and line.person is not None),
            frozenset(a.sector if a else Sector.HEALTH for a in actors),  # gone: may be health
            exists,
            frozenset(line.footing),
        )

    @staticmethod
    def _shared(standing: Standing, line: Line) -> tuple[Category, ...]:
        """The categories of an employee's look that this reader may see something of, too."""
        if line.shared is None:
            return line.categories
        return line.shared.get(standing.viewer.person or "", ())

    def _cut(self, standing: Standing, entry: Entry) -> Entry:
        """The line as this reader may see it."""
        line = msgspec.structs.replace(
            entry.line, categories=self._shared(standing, entry.line), shared=None, footing=()
        )
        return msgspec.structs.replace(entry, line=line)

    def _by_a_child(self, standing: Standing, person: str | None) -> bool:
        """Whether a brother or sister looked, or tried: a log tells of adults' reads only.

        Whom the register does not know, or cannot tell of now, counts as an adult: a
        grown-up's look may not go unseen because a system is down.
        """
        if person is None or person == standing.viewer.person:
            return False
        try:
            born = self._family.known(person).person.born
        except (UnknownPerson, RegisterDown):
            return False
        age = Facts(citizen=person, born=born, today=standing.home.facts.today).age
        return age is not None and age < ADULT

    def _line(self, standing: Standing, entry: Entry) -> LogLine:
        line = entry.line
        mine = line.person is not None and line.person == standing.viewer.person
        about = line.about
        known = [a for a in line.actors if a in self._actors]
        return LogLine(
            at=entry.at,
            act=line.act.value,
            who=self._who(standing, entry, mine),
            actor=next((self._overviews.place(standing, a).id for a in known), ""),
            mine=mine,
            categories=tuple(c for c in Category if c in line.categories),
            purpose=next(
                (configured_word(p.text) for p in self._settings.purpose if p.id == line.purpose),
                "",
            ),
            outcome=line.outcome,
            about=self._overviews.place(standing, about).name if about in self._actors else "",
            ask_url=self._ask_url(entry),
        )

    def _who(self, standing: Standing, entry: Entry, mine: bool) -> str:
        line = entry.line
        if mine:
            return _("Du")
        if line.person:
            return self._first_name(line.person)
        names = self._names(standing, line.actors)
        told = ", ".join(x for x in (line.role, line.name) if x)
        return f"{names} ({told})" if names and told else names or told or _("Systemet")

    def _names(self, standing: Standing, actors: Iterable[str]) -> str:
        return ", ".join(
            self._overviews.place(standing, a).name for a in actors if a in self._actors
        )

    def _first_name(self, person: str) -> str:
        try:
            return self._family.known(person).first_name
        except (UnknownPerson, RegisterDown):
            return _("En voksen i familien")

    def _ask_url(self, entry: Entry) -> str:
        """A mail to the configured contact; names the line by time, never a person."""
        email = self._settings.contact.email
        if not email:
            return ""
        subject = _("Spørgsmål om et opslag den %(when)s", when=f"{entry.at:%Y-%m-%d %H:%M} UTC")
        return f"mailto:{email}?subject={quote(subject)}"


def by_staff(entry: Entry) -> bool:
    """Whether no citizen did this."""
    return entry.line.person is None


def held_back(entries: Iterable[Entry], reader: str, today: date) -> frozenset[str]:
    """The places whose lines are kept from this reader today; what was said last about one counts."""
    said: dict[str, date] = {}
    for entry in entries:  # newest first
        line = entry.line
        if line.act is Act.HOLD and line.told == reader and line.until:
            for actor in line.actors:
                said.setdefault(actor, line.until)
    return frozenset(actor for actor, until in said.items() if today <= until)


def visits(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Entries newest first, with the parts of one visit joined: a page and what came late to it."""
    kept: Entry | None = None
    for entry in entries:
        if kept and _same_visit(kept, entry):
            both = {*kept.line.categories, *entry.line.categories}
            line = msgspec.structs.replace(kept.line, categories=tuple(sorted(both)))
            kept = msgspec.structs.replace(kept, line=line)
            continue
        if kept:
            yield kept
        kept = entry
    if kept:
        yield kept


def _same_visit(newer: Entry, older: Entry) -> bool:
    if newer.line.act is not Act.READ or newer.at - older.at > ONE_VISIT:
        return False
    if bool(newer.line.categories) != bool(older.line.categories):
        return False
    bare = msgspec.structs.replace
    return bare(newer.line, categories=()) == bare(older.line, categories=())
