"""Standing + answers -> one finished overview: what may be seen, redacted, merged and named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache, partial

import msgspec

from portal.access import exists_for, turning
from portal.access_staff import categories
from portal.arrange import Arranger, line
from portal.comments import Comment, wrote
from portal.consent_state import Mine
from portal.consents import Consents
from portal.db import now
from portal.family import Family, RegisterDown, UnknownPerson
from portal.handout import (
    Citizen,
    ConsentCount,
    Line,
    Note,
    Overview,
    Place,
    Relation,
)
from portal.merge import merge
from portal.records import Answer, AnyEntry, Category, Contact, Meeting, Sector
from portal.redaction import (
    Shield,
    cut,
    holds_protected,
    locates,
    redact,
    telling,
    with_known_places,
)
from portal.settings import Settings
from portal.spelling import normal
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
        neutral: Mapping[Sector, str],
    ) -> None:
        self._settings, self._family, self._consents = settings, family, consents
        self._standings, self._neutral = standings, neutral
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
        writers = {p for c in comments for p in (c.detail.author, *c.detail.persons) if p}
        names = {p: self._person_name(p) for p in writers}
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
        standing = msgspec.structs.replace(
            standing, guard=with_known_places(standing.guard, self._places(everything))
        )
        ref = self._family.key(standing.home.citizen.id).ref
        told = {ref(e.source, e.key) for e in visible} if comments else set()
        notes = tuple(self._note(standing, c, c.about in told, names) for c in comments)
        arranged = self._arranger(standing, answers, notes).arrange(
            redact(e, standing.guard, self._locates(e)) for e in merge(visible, self._apart)
        )
        speaking = {e.source for e in visible}
        lines = tuple(
            self._line(standing, answers[s.id], s.actor, s.name, s.id in speaking) for s in asked
        )
        return Overview(
            citizen=self.citizen(standing),
            at=now(),
            complete=not any(x.state == "waiting" for x in lines),
            lines=lines,
            not_connected=tuple(
                self._source_name(standing, s.actor, s.name) for s in configured if not s.connected
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

    def place(self, standing: Standing, actor: str, by: str = "") -> Place:
        """An actor as this viewer may see it; `by` is an unconfigured organisation's own name."""
        found = self._actors[actor]
        name = self._standings.name(standing, actor, self._neutral)
        if name != found.name or by:
            named = cut(by, standing.guard) if by else name
            shown = self._standings.shown_id(standing, actor)
            return Place(id=shown, name=named, sector=found.sector)
        kept = {f: getattr(found, f) for f in ("id", "name", "sector", "phone", "hours", "url")}
        return Place(**kept)

    def unplaced(self, citizen: str, actor: str) -> Place:
        """An actor when the register is down: the most protective answer."""
        found = self._actors.get(actor)
        if found is None:
            return Place(id=actor, name=self._neutral[Sector.OTHER], sector=Sector.OTHER)
        if not locates(found):
            return Place(id=actor, name=found.name, sector=found.sector)
        id = self._standings.alias(citizen, actor) if telling(actor, found.name) else actor
        return Place(id=id, name=self._neutral[found.sector], sector=found.sector)

    def count(self, standing: Standing) -> ConsentCount | None:
        """How many places have access through this viewer's yes, and how many do not yet."""
        if standing.relation is Relation.STAFF or standing.viewer.person is None:
            return None
        home, person = standing.home, standing.viewer.person
        rows = self._consents.rows(home, person, home.held)
        states = [r.mine for r in rows.values()]
        active = (a for a, row in rows.items() if row.mine is Mine.ACTIVE)
        return ConsentCount(
            active=states.count(Mine.ACTIVE),
            pending=states.count(Mine.PENDING),
            places=frozenset(self._standings.shown_id(standing, a) for a in active),
        )

    def reveals(self, guard: Shield, entries: Iterable[AnyEntry], text: str) -> bool:
        """Whether a text holds a place that must be kept from the reader behind this guard."""
        knowing = with_known_places(guard, self._places(entries))
        return holds_protected(text, knowing)

    def _places(self, entries: Iterable[AnyEntry]) -> Iterable[str]:
        """Every name of a place or institution that the sources or the configuration mention."""
        actors = self._actors
        offices = {normal(a.name.split(",")[0]) for a in actors.values() if not locates(a)}
        for e in entries:
            yield e.by
            if locates(actors[e.owner]):
                yield getattr(e, "phone", "")
            if isinstance(e, Meeting):
                yield from (p for p in e.place.split(",") if normal(p) not in offices)
            elif isinstance(e, Contact):
                yield from e.address.split(",")
        for actor in actors.values():
            if locates(actor) or not exists_for(actor, self._settings.municipality, True):
                yield actor.name
                yield actor.phone

    def _arranger(
        self, standing: Standing, answers: Mapping[str, Answer], notes: Iterable[Note]
    ) -> Arranger:
        by_entry: dict[str, tuple[Note, ...]] = {}
        for note in notes:
            by_entry[note.about] = (*by_entry.get(note.about, ()), note)
        place = cache(partial(self.place, standing))
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
        shown_name = self._source_name(standing, actor, name)
        found = line(answer, shown_name, self._actors[actor].sector, speaks)
        shown_id = self._standings.shown_source(standing, answer.source, actor)
        return msgspec.structs.replace(found, source=shown_id)

    def _source_name(self, standing: Standing, actor: str, name: str) -> str:
        if standing.guard.places and locates(self._actors[actor]):
            return self._neutral[self._actors[actor].sector]
        return name

    def _locates(self, entry: AnyEntry) -> bool:
        return bool(entry.by) or locates(self._actors[entry.owner])

    def _turning(self, standing: Standing) -> tuple[int, date] | None:
        if standing.relation is Relation.SELF:
            return turning(standing.home.facts, self._settings.consents.remind_days)
        return turning(standing.home.facts, 0) if standing.relation is Relation.GUARDIAN else None

    def _withheld_health(self, standing: Standing) -> bool:
        age = standing.home.facts.age or 0
        return standing.relation is Relation.GUARDIAN and age >= 15

    def _note(
        self, standing: Standing, comment: Comment, told: bool, names: Mapping[str, str]
    ) -> Note:
        """A comment; what it stands on is named only to whom sees that entry, or wrote."""
        detail, viewer = comment.detail, standing.viewer
        audience = [names[p] for p in sorted(detail.persons)]
        audience += [
            self.place(standing, a).name for a in sorted(detail.actors) if a in self._actors
        ]
        author = names.get(detail.author or "", "") or self._desk(standing, detail.author_actor)
        mine = wrote(viewer, detail)
        return Note(
            id=comment.id,
            author=author,
            mine=mine,
            text=None if detail.text is None else cut(detail.text, standing.guard),
            written=comment.written,
            corrected=comment.corrected,
            audience=tuple(audience),
            about=comment.about,
            about_title=cut(detail.about_title, standing.guard) if told or mine else "",
            owner=self._standings.shown_id(standing, detail.author_actor),
        )

    def _desk(self, standing: Standing, actor: str) -> str:
        return self.place(standing, actor).name if actor in self._actors else ""

    def _person_name(self, person: str) -> str:
        try:
            return self._family.known(person).first_name
        except (UnknownPerson, RegisterDown):
            return ""


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
