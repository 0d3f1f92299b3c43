"""THE DOOR: the only way from the sources to a page.

rules -> gather -> rules again -> redaction -> log -> finished values. A view
cannot skip consent or log: it has no other way to the data.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping

import msgspec

from portal import audit
from portal.access import Viewer
from portal.access_staff import ANY_OWNER, Scope, has_relation
from portal.arrange import starts
from portal.audit import Act, Line
from portal.comments import Comment, Comments
from portal.consents import Consents
from portal.db import Store, now
from portal.family import NOBODY, Family, UnknownPerson
from portal.handout import Citizen, FamilyCard, FamilyPage, Overview, Place, Shown
from portal.present import Presenter
from portal.records import Answer, Category, Sector, State
from portal.redaction import holds_protected
from portal.seen import Seen, kinds_of_news
from portal.settings import CPR_SYSTEM, Settings
from portal.sources import Subject
from portal.sources.gather import Gatherer
from portal.standing import NotFound, Standing, Standings

EVERYTHING = tuple(Category)
NEXT_MEETINGS = 3


Involved = Mapping[str, frozenset[str]]
"""Actor id -> ids of the sources that delivered something it owns."""


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """How an overview is opened: how long to wait, why, and what is looked at.

    `wait` seconds; None waits for every source within its own limit.
    `for_actor` and `scopes` make it a preview of what that actor would see.
    """

    wait: float | None = None
    purpose: str = ""
    act: Act = Act.READ
    categories: tuple[Category, ...] = EVERYTHING
    fresh: bool = False
    for_actor: str = ""
    scopes: tuple[Scope, ...] = ()


PLAIN = Look()


class Overviews:
    """Opens overviews. One object per worker, shared by its threads."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        gatherer: Gatherer,
        family: Family,
        consents: Consents,
        comments: Comments,
        seen: Seen,
        neutral: Mapping[Sector, str],
    ) -> None:
        self._settings, self._store, self._gatherer = settings, store, gatherer
        self._family, self._comments, self._seen = family, comments, seen
        self._standings = Standings(settings, family, consents)
        self._presenter = Presenter(settings, family, consents, self._standings, neutral)

    def open(self, viewer: Viewer, citizen: str, look: Look = PLAIN) -> Overview:
        """One citizen's overview, logged before it is handed out.

        Raises NotFound, PurposeMissing, RegisterDown, db.StoreDown.
        """
        return self._open(viewer, citizen, look)[0]

    def remember(self, viewer: Viewer, citizen: str, look: Look, listed: Collection[str]) -> None:
        """A family member says that she has seen her page: `listed` are ids of what was new on it.

        Raises as `open`, and NotFound for an employee.
        """
        if viewer.staff:
            self.standing(viewer, citizen, look)
            raise NotFound
        page, answers = self._open(viewer, citizen, look)
        had = (State.SHOWN, State.EMPTY)
        self._seen.remember(viewer, page, [s for s, a in answers.items() if a.state in had], listed)

    def forget_seen(self, viewer: Viewer, citizen: str) -> None:
        """She wants nothing marked as new any more. Raises NotFound, RegisterDown."""
        self._seen.forget(self.standing(viewer, citizen).viewer, citizen)

    def _open(
        self, viewer: Viewer, citizen: str, look: Look
    ) -> tuple[Overview, Mapping[str, Answer]]:
        before = self.standing(viewer, citizen, look)
        answers = self._ask(before, look.wait)
        after = self.standing(viewer, citizen, msgspec.structs.replace(look, fresh=False))
        page = self._presenter.present(after, answers, self.comments(after))
        if not after.preview_for:
            (page,) = self._seen.compare(viewer, [page])
        self._log([(after, msgspec.structs.replace(look, categories=shown_of(page, look)))])
        if not self._still(after, look):
            return self._open(viewer, citizen, look)  # something changed while the log was written
        return page, answers

    def family(self, viewer: Viewer, wait: float | None) -> FamilyPage:
        """Me and my children. Raises RegisterDown, db.StoreDown."""
        assert viewer.person
        look = Look(wait=wait, categories=(Category.CONTACTS, Category.MEETINGS))
        people = [viewer.person, *(c.id for c in self._family.children(viewer.person))]
        before = [s for s in (self._visible(viewer, p, look) for p in people) if s]
        for standing in before:
            self._ask(standing, 0)
        until = None if wait is None else time.monotonic() + wait
        pages, opened = [], []
        for standing in before:
            answers = self._ask(
                standing, None if until is None else max(0, until - time.monotonic())
            )
            after = self._visible(viewer, standing.home.citizen.id, look)
            if after:
                pages.append(self._presenter.present(after, answers, self.comments(after)))
                opened.append(after)
        compared = self._seen.compare(viewer, pages)
        self._log((o, _with_news(look, p)) for o, p in zip(opened, compared, strict=True))
        again = (self._visible(viewer, o.home.citizen.id, look) for o in opened)
        if any(a is None or a.guard != o.guard for a, o in zip(again, opened, strict=True)):
            return self.family(viewer, wait)  # something changed meanwhile
        return family_page(self._family.known(viewer.person).first_name, compared)

    def look_up(self, viewer: Viewer, cpr: str) -> str | None:
        """An employee's look-up by full CPR, asking only her own actor's sources; logged.

        Returns the citizen's id when the actor has something running with her.
        Raises RegisterDown, db.StoreDown.
        """
        try:
            known = self._family.identify(CPR_SYSTEM, cpr)
        except UnknownPerson:
            unknown = self._line(viewer, Look(act=Act.LOOK_UP, categories=()), "unknown person")
            self._write([(NOBODY, unknown)])
            return None
        facts = self._family.household(known.id).facts
        here = self._standings.of_this_municipality(viewer.actors)
        own = [
            s.id
            for s in self._settings.source
            if s.connected and s.actor in here and _about(s.ages, facts.age)
        ]
        answers = self._gatherer.ask(own, _subject(self._family, known.id), None)
        entries = (e for a in answers.values() for e in a.entries)
        related = has_relation(entries, here, now())
        related = related and not facts.deceased and facts.age is not None
        outcome = "ok" if related else "no relation"
        self._write([(known.id, self._line(viewer, Look(act=Act.LOOK_UP, categories=()), outcome))])
        return known.id if related else None

    def involved(self, viewer: Viewer, citizen: str, look: Look) -> tuple[Standing, Involved]:
        """Which actors the sources name for this citizen, and which systems deliver for them."""
        standing = self.standing(viewer, citizen, look)
        answers = self._ask(standing, look.wait)
        standing = self.standing(viewer, citizen, msgspec.structs.replace(look, fresh=False))
        found: dict[str, set[str]] = {}
        for answer in answers.values():
            for entry in answer.entries:
                if self._standings.shows(standing, entry):
                    found.setdefault(entry.owner, set()).add(entry.source)
        self._log([(standing, look)])
        if not self._still(standing, look):
            return self.involved(viewer, citizen, look)
        return standing, {a: frozenset(s) for a, s in found.items()}

    def listed(self, viewer: Viewer, citizens: Iterable[str]) -> tuple[tuple[str, str], ...]:
        """Those an employee's actor holds an active consent for, by name; each listing is logged."""
        look = Look(purpose=self._settings.purpose[0].id, act=Act.LISTED, categories=())

        def consented() -> dict[str, str]:
            standings = ((c, self._visible(viewer, c, look)) for c in citizens)
            return {c: s.home.citizen.person.name for c, s in standings if s and s.scopes}

        citizens = tuple(citizens)
        found = consented()
        line = self._line(viewer, msgspec.structs.replace(look, purpose=""), "ok")
        self._write((citizen, line) for citizen in found)
        kept = found.keys() & consented().keys()  # one may have changed while the log was written
        return tuple(sorted(((c, found[c]) for c in kept), key=lambda pair: pair[1]))

    def checked(self, citizen: str) -> None:
        """An operator asks the sources about somebody: logged like everything else."""
        self._write([(citizen, Line(act=Act.LOOK_UP, subject="operator", outcome="sources check"))])

    def reveals(self, standing: Standing, reader: str, text: str) -> bool:
        """Whether a text would tell a reader where a protected person is."""
        guard = self._standings.guard(reader, standing.home)
        everything = [e for a in self._ask(standing, 0.2).values() for e in a.entries]
        return self._presenter.reveals(guard, everything, text)

    def tells_address(self, standing: Standing, text: str) -> bool:
        """Whether a text holds a protected address of this family, whoever is to read it."""
        return holds_protected(text, self._standings.addresses(standing.home))

    def reachable(self, actor: str) -> bool:
        """Whether employees of an actor can read a message here; a list crosses no municipality."""
        here = self._standings.of_this_municipality(frozenset({actor}))
        staffed = self._settings.identity.staff is not None
        return staffed and any(self._settings.actors[a].identifiers for a in here)

    def may_open(self, viewer: Viewer, citizen: str) -> bool:
        """Whether an employee may open the overview now, whatever her purpose."""
        return bool(self._visible(viewer, citizen, Look(purpose=self._settings.purpose[0].id)))

    def messages_read(self, viewer: Viewer, messages: Iterable[tuple[str, str]]) -> None:
        """An employee reads messages of (citizen, author): logged to each author before she does."""
        line = self._line(viewer, Look(act=Act.REPORT, categories=()), "ok")
        pairs = dict.fromkeys(messages)
        self._write((c, msgspec.structs.replace(line, told=author)) for c, author in pairs)

    def standing(self, viewer: Viewer, citizen: str, look: Look = PLAIN) -> Standing:
        """Where the viewer stands; a refusal is logged. Raises NotFound, PurposeMissing, RegisterDown."""
        try:
            return self._stand(viewer, citizen, look)
        except NotFound:
            refused = Look(act=Act.REFUSED, categories=(), purpose=look.purpose)
            whose = citizen if self._family.exists(citizen) else NOBODY
            self._write([(whose, self._line(viewer, refused, "refused"))])
            raise

    def glance(self, viewer: Viewer, citizen: str) -> Standing:
        """Where the viewer stands, logged as a read: for receipts and the log itself."""
        look = Look(categories=())
        standing = self.standing(viewer, citizen, look)
        self._log([(standing, look)])
        return self.standing(viewer, citizen, look)

    def citizen(self, standing: Standing) -> Citizen:
        """The person, as this viewer may know her."""
        return self._presenter.citizen(standing)

    def place(self, standing: Standing, actor: str) -> Place:
        """An actor, as this viewer may see it."""
        return self._presenter.place(standing, actor)

    def meant(self, standing: Standing, shown: str) -> str:
        """The actor behind an id that a viewer sent; empty when it is none she can have met."""
        return self._standings.meant(standing, shown)

    def unplaced(self, citizen: str, actor: str) -> Place:
        """An actor when nothing is known about the viewer: named only where no name can locate."""
        return self._presenter.unplaced(citizen, actor)

    # --- the steps ---

    def _stand(self, viewer: Viewer, citizen: str, look: Look) -> Standing:
        standing = self._standings.of(viewer, citizen, look.purpose, look.fresh)
        if look.for_actor:
            return self._standings.preview(standing, look.for_actor, look.scopes)
        return standing

    def _visible(self, viewer: Viewer, citizen: str, look: Look) -> Standing | None:
        try:
            return self._stand(viewer, citizen, look)
        except (NotFound, UnknownPerson):
            return None

    def _still(self, standing: Standing, look: Look) -> bool:
        """Whether the viewer stands where she stood; asked when the log is written, before a page
        is made of it. Raises NotFound when the citizen is not hers any more."""
        look = msgspec.structs.replace(look, fresh=False)
        again = self.standing(standing.viewer, standing.home.citizen.id, look)
        return (again.scopes, again.guard) == (standing.scopes, standing.guard)

    def _ask(self, standing: Standing, wait: float | None) -> dict[str, Answer]:
        ids = [s.id for s in self._standings.sources(standing) if s.connected]
        return self._gatherer.ask(ids, _subject(self._family, standing.home.citizen.id), wait)

    def comments(self, standing: Standing) -> tuple[Comment, ...]:
        """The comments this viewer may read now."""
        if standing.preview_for:
            return ()
        holding = {
            s.actor
            for s in standing.scopes
            if (Category.COMMENTS, ANY_OWNER) in s.pairs and s.purpose == standing.purpose
        }
        return self._comments.readable(standing.home.citizen.id, standing.viewer, holding)

    def _log(self, looks: Iterable[tuple[Standing, Look]]) -> None:
        self._write((s.home.citizen.id, self._line(s.viewer, look, "ok")) for s, look in looks)

    def _write(self, lines: Iterable[tuple[str, Line]]) -> None:
        ordered = sorted(lines, key=lambda pair: pair[0])  # one order: no deadlock
        with self._store.write(*dict.fromkeys(citizen for citizen, _ in ordered)) as c:
            for citizen, line in ordered:
                key = self._family.key(citizen)
                audit.append(c, self._settings.municipality, citizen, key, line)

    def _line(self, viewer: Viewer, look: Look, outcome: str) -> Line:
        return Line(
            act=look.act,
            person=viewer.person,
            subject=viewer.subject,
            name=viewer.name if viewer.staff and self._settings.audit.staff_names else "",
            actors=tuple(sorted(viewer.actors)),
            role=viewer.role,
            categories=look.categories,
            purpose=look.purpose,
            outcome=outcome,
            about=look.for_actor,
        )


def shown_of(page: Overview, look: Look) -> tuple[Category, ...]:
    """The categories that a look asked for and the page holds something of."""
    held = {
        Category.CONTACTS: page.contacts,
        Category.MEETINGS: page.meetings or page.past_meetings,
        Category.INTERVENTIONS: page.interventions or page.loose_goals,
        Category.PLANS: page.plans or page.loose_goals,
        Category.WELLBEING: page.measurements,
        Category.MASTER_DATA: Category.MASTER_DATA in page.opens,
        Category.COMMENTS: page.notes,
    }
    return tuple(c for c in look.categories if held[c])


def _with_news(look: Look, page: Overview) -> Look:
    """A card counts what is new of every kind: the log says of which."""
    kinds = {*look.categories, *kinds_of_news(page)}
    return msgspec.structs.replace(look, categories=tuple(c for c in Category if c in kinds))


def _subject(family: Family, citizen: str) -> Subject:
    return Subject(citizen=citizen, identifiers=family.known(citizen).person.identifiers)


def _about(ages: tuple[int, int], age: int | None) -> bool:
    return age is not None and ages[0] <= age <= ages[1]


def family_page(first_name: str, pages: Iterable[Overview]) -> FamilyPage:
    """Cards for everyone, the next meetings of all, and every source's line."""
    pages = tuple(pages)
    meetings = sorted(
        ((p.citizen, m) for p in pages for m in p.meetings),
        key=lambda pair: starts(pair[1]),
    )
    return FamilyPage(
        first_name=first_name,
        at=now(),
        cards=tuple(_card(p) for p in pages),
        meetings=tuple(meetings[:NEXT_MEETINGS]),
        lines=tuple((p.citizen, x) for p in pages for x in p.lines),
        complete=all(p.complete for p in pages),
    )


def _card(page: Overview) -> FamilyCard:
    coming = (m for m in page.meetings if not _cancelled(m))
    return FamilyCard(
        citizen=page.citizen,
        next_meeting=next(coming, None),
        coordinator=next(iter(page.coordinators), None),
        new=len(page.new),
        complete=page.complete,
        failed=len(page.failed),
    )


def _cancelled(meeting: Shown) -> bool:
    return bool(getattr(meeting.entry, "cancelled", False))
