"""Standing + answers -> one finished overview: what may be seen, redacted, merged and named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from functools import cache, partial

import msgspec

from portal.access import turning
from portal.access_staff import categories
from portal.arrange import Arranger, line
from portal.comments import Comment
from portal.consent_state import Mine
from portal.consents import Consents
from portal.db import now
from portal.family import Family
from portal.handout import (
    Citizen,
    ConsentCount,
    Line,
    Note,
    Overview,
    Relation,
)
from portal.merge import merge
from portal.notes import Notes
from portal.places import Places
from portal.records import Answer, AnyEntry, Category
from portal.redaction import redact
from portal.settings import Settings
from portal.standing import Standing, Standings
from portal.turns import TURN


class Presenter:
    """Turns what the sources said into what one viewer is shown."""

    def __init__(
        self,
        settings: Settings,
        family: Family,
        consents: Consents,
        standings: Standings,
        places: Places,
    ) -> None:
        self._settings, self._family, self._consents = settings, family, consents
        self._standings, self._places = standings, places
        self._notes = Notes(family, standings, places)
        self._actors = settings.actors
        self._apart = {s.id for s in settings.source if not s.merge}

    def present(
        self, standing: Standing, answers: Mapping[str, Answer], comments: Iterable[Comment]
    ) -> Overview:
        """The finished page value; nothing in it was withheld from this viewer.

        What may have to be asked for is asked for before the turn is taken.
        """
        self._family.key(standing.home.citizen.id)
        comments = tuple(comments)
        names = self._notes.names(comments)
        with TURN:
            return self._presented(standing, answers, comments, names)

    def _presented(
        self,
        standing: Standing,
        answers: Mapping[str, Answer],
        comments: tuple[Comment, ...],
        names: Mapping[str, str],
    ) -> Overview:
        configured = self._standings.sources(standing)
        asked = [s for s in configured if s.connected and s.id in answers]
        everything = [e for s in asked for e in answers[s.id].entries]
        seen = (self._standings.seen(standing, e) for e in everything)
        visible = [e for e in seen if e]
        guard = self._places.guarding(standing.guard, everything)
        standing = msgspec.structs.replace(standing, guard=guard)
        ref = self._family.key(standing.home.citizen.id).ref
        told = {ref(e.source, e.key) for e in visible} if comments else set()
        notes = tuple(self._notes.read(standing, c, c.about in told, names) for c in comments)
        arranged = self._arranger(standing, answers, notes).arrange(
            redact(e, guard, self._places.locates(e)) for e in merge(visible, self._apart)
        )
        speaking = {e.source for e in visible}
        lines = tuple(
            self._line(standing, answers[s.id], s.actor, s.name, s.id in speaking)
            for s in asked
            if self._standings.previewed(standing, s)
        )
        return Overview(
            citizen=self.citizen(standing),
            at=now(),
            complete=not any(x.state == "waiting" for x in lines),
            lines=lines,
            not_connected=tuple(
                self._places.source_name(standing, s.actor, s.name)
                for s in configured
                if not s.connected
            ),
            notes=notes,
            opens=_opens(standing, visible),
            may_comment=standing.relation is not Relation.STAFF and not standing.preview_for,
            withheld_health=self._withheld_health(standing),
            cut=standing.relation is Relation.STAFF or bool(standing.preview_for),
            consents=self.count(standing),
            turning=self._turning(standing),
            **{f: getattr(arranged, f) for f in arranged.__struct_fields__},
        )

    def citizen(self, standing: Standing) -> Citizen:
        """The person the page is about; her address only where nothing hides it."""
        known, home = standing.home.citizen, standing.home
        person = known.person
        how = Relation.STAFF if standing.preview_for else standing.relation
        told = Category.MASTER_DATA in _opens(standing, ())
        hidden = standing.guard.places or not told
        return Citizen(
            id=known.id,
            name=person.name,
            first_name=known.first_name,
            relation=how,
            age=home.facts.age if told else None,
            born=person.born if told else None,
            gender=person.gender if told else "",
            address="" if hidden else _address(person.address, person.postcode, person.city),
            custodians=tuple(c.person.name for c in home.custodians or ()) if told else (),
            lives_at_hidden_address=told and standing.guard.places,
        )

    def count(self, standing: Standing) -> ConsentCount | None:
        """How many places have access through this viewer's yes, and how many do not yet."""
        if standing.relation is Relation.STAFF or standing.viewer.person is None:
            return None
        home, person = standing.home, standing.viewer.person
        rows = self._consents.rows(home, person, home.held)
        states = [r.mine for r in rows.values()]
        active = {a: row for a, row in rows.items() if row.mine is Mine.ACTIVE}
        soon = home.facts.today + timedelta(days=self._settings.consents.remind_days)
        return ConsentCount(
            active=len(active),
            pending=states.count(Mine.PENDING),
            ending=sum(any(s.until <= soon for s in row.scopes) for row in active.values()),
            places=frozenset(self._standings.shown_id(standing, a) for a in active),
        )

    def _arranger(
        self, standing: Standing, answers: Mapping[str, Answer], notes: Iterable[Note]
    ) -> Arranger:
        by_entry: dict[str, tuple[Note, ...]] = {}
        for note in notes:
            by_entry[note.about] = (*by_entry.get(note.about, ()), note)
        place = cache(partial(self._places.shown, standing))
        return Arranger(
            ref=self._family.key(standing.home.citizen.id).ref,
            place=lambda e: place(e.owner, e.by),
            name=lambda a: place(a).name,
            answers=answers,
            notes=by_entry,
            maps=not standing.protected_family,
            now=now(),
        )

    def _line(
        self, standing: Standing, answer: Answer, actor: str, name: str, speaks: bool
    ) -> Line:
        missed = [h for h in answer.holes if self._standings.misses(standing, h)]
        lacks = set(Category) if answer.partial else {c for h in missed for c in categories(h)}
        if missed:
            answer = msgspec.structs.replace(answer, partial=True)
        shown_name = self._places.source_name(standing, actor, name)
        found = line(answer, shown_name, self._actors[actor].sector, speaks)
        shown_id = self._standings.shown_source(standing, answer.source, actor)
        return msgspec.structs.replace(found, source=shown_id, lacks=frozenset(lacks))

    def _turning(self, standing: Standing) -> tuple[int, date] | None:
        if standing.relation is Relation.SELF:
            return turning(standing.home.facts, self._settings.consents.remind_days)
        return turning(standing.home.facts, 0) if standing.relation is Relation.GUARDIAN else None

    def _withheld_health(self, standing: Standing) -> bool:
        age = standing.home.facts.age or 0
        return standing.relation is Relation.GUARDIAN and age >= 15


def _opens(standing: Standing, visible: Iterable[AnyEntry]) -> frozenset[Category]:
    """What there can be a section about: for an actor only what is opened, or its own.

    A section that is not opened is left out, so that "none" is never said of it.
    """
    if standing.relation is not Relation.STAFF and not standing.preview_for:
        return frozenset(Category)
    current = (s for s in standing.scopes if s.purpose == standing.purpose)
    opened = {c for s in current for c, _owner in s.pairs}
    return frozenset(opened.union(*(categories(e) for e in visible)))


def _address(street: str, postcode: str, city: str) -> str:
    return ", ".join(p for p in (street, f"{postcode} {city}".strip()) if p)
