"""THE DOOR: the only way from the sources to a page.

rules -> gather -> rules again -> redaction -> log -> finished values. A view
cannot skip consent or log: it has no other way to the data. When something
changed before the log line was written, the door begins again.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping

import msgspec

from portal.access import Facts, Viewer, grown_today, today_in_copenhagen, turning
from portal.access_staff import categories as kinds_of
from portal.comments import Comment
from portal.db import now
from portal.family import Family, Known
from portal.family_page import family_page
from portal.handout import Citizen, FamilyPage, Overview, Place
from portal.places import Places
from portal.present import Presenter
from portal.records import Answer, Category, State
from portal.redaction import holds_protected
from portal.seen import Seen, kinds_of_news
from portal.standing import NotFound, Standing
from portal.threshold import EVERYTHING, PLAIN, Look, Overtaken, Threshold

__all__ = ["PLAIN", "Look", "Overviews"]


class Overviews:
    """Opens overviews. One object per worker, shared by its threads."""

    def __init__(
        self,
        threshold: Threshold,
        family: Family,
        presenter: Presenter,
        places: Places,
        seen: Seen,
    ) -> None:
        self._threshold, self._family, self._places = threshold, family, places
        self._standings, self._presenter, self._seen = threshold.standings, presenter, seen

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
        answers = self._threshold.ask(before, _patience(before, look.wait))
        after = self._threshold.again(before, look)
        page = self._present(after, answers)
        if not after.preview_for:
            (page,) = self._seen.compare(viewer, [page])
        categories = shown_of(page, look)
        shared = self._shared(after, answers, categories) if viewer.staff else None
        shown = msgspec.structs.replace(look, categories=categories, shared=shared)
        try:
            self._threshold.log([(after, shown)])
        except Overtaken:
            return self._open(viewer, citizen, look)
        return page, answers

    def _present(self, standing: Standing, answers: Mapping[str, Answer]) -> Overview:
        notes = self._threshold.comments(standing, standing.home.held)
        return self._presenter.present(standing, answers, notes)

    def _shared(
        self, standing: Standing, answers: Mapping[str, Answer], shown: tuple[Category, ...]
    ) -> dict[str, tuple[Category, ...]]:
        """Which categories of an employee's page each of the family may see something of, too.

        A log that said more would tell a parent what the young person alone has opened, or
        that somebody wrote what is not for her.
        """
        home = standing.home
        entries = [
            e for a in answers.values() for e in a.entries if self._standings.seen(standing, e)
        ]
        notes = {n.id for n in self._threshold.comments(standing, home.held)}
        shared = {}
        for reader in self._standings.family(home):
            mine = {Category.MASTER_DATA}
            mine.update(c for e in entries if self._standings.shows(reader, e) for c in kinds_of(e))
            if any(n.id in notes for n in self._threshold.comments(reader, home.held)):
                mine.add(Category.COMMENTS)
            person = reader.viewer.person or ""
            shared[person] = tuple(c for c in shown if c in mine)
        return shared

    def family(self, viewer: Viewer, wait: float | None) -> FamilyPage:
        """Me and my children. Raises RegisterDown, db.StoreDown."""
        assert viewer.person
        look = Look(wait=wait, categories=(Category.CONTACTS, Category.MEETINGS))
        children = self._family.children(viewer.person)
        people = [viewer.person, *(c.id for c in children)]
        before = [s for s in (self._threshold.visible(viewer, p, look) for p in people) if s]
        for standing in before:
            self._threshold.ask(standing, 0)
        waits = [_patience(s, wait) for s in before]
        until = None if None in waits or wait is None else time.monotonic() + wait
        pages, opened = [], []
        for standing in before:
            left = None if until is None else max(0, until - time.monotonic())
            answers = self._threshold.ask(standing, left)
            home = standing.home
            after = self._threshold.visible(viewer, home.citizen.id, look, home.held)
            if after:
                pages.append(self._present(after, answers))
                opened.append(after)
        compared = self._seen.compare(viewer, pages)
        open_to_her = {s.home.citizen.id for s in opened}
        grown = self._grown_today(viewer.person, [c for c in children if c.id not in open_to_her])
        try:
            told = zip(opened, compared, strict=True)
            self._threshold.log((o, _with_news(look, p)) for o, p in told)
        except Overtaken:
            return self.family(viewer, wait)
        if grown:
            self._threshold.told_of(viewer, [c.id for c in grown])
        mine = self._family.known(viewer.person)
        return family_page(mine.first_name, compared, [c.first_name for c in grown])

    def _grown_today(self, adult: str, shut: Iterable[Known]) -> list[Known]:
        """Those of her children who come of age today: their overviews are not hers any more."""
        today = today_in_copenhagen(now())
        known = (self._family.known(c.id) for c in shut)
        due = (c for c in known if turning(Facts(citizen=c.id, born=c.person.born, today=today), 0))
        return [c for c in due if grown_today(adult, self._family.household(c.id).facts)]

    def glance(self, viewer: Viewer, citizen: str) -> Standing:
        """Where the viewer stands, logged as a read: for receipts and the log itself."""
        look = Look(categories=())
        standing = self.standing(viewer, citizen, look)
        try:
            self._threshold.log([(standing, look)])
        except Overtaken:
            return self.glance(viewer, citizen)
        return standing

    def standing(self, viewer: Viewer, citizen: str, look: Look = PLAIN) -> Standing:
        """Where the viewer stands; a refusal is logged. Raises NotFound, PurposeMissing, RegisterDown."""
        return self._threshold.standing(viewer, citizen, look)

    def comments(self, standing: Standing) -> tuple[Comment, ...]:
        """The comments this viewer may read now."""
        return self._threshold.comments(standing)

    # --- how persons and places may be called in front of this viewer ---

    def citizen(self, standing: Standing) -> Citizen:
        """The person, as this viewer may know her."""
        return self._presenter.citizen(standing)

    def place(self, standing: Standing, actor: str) -> Place:
        """An actor, as this viewer may see it."""
        return self._places.shown(standing, actor)

    def meant(self, standing: Standing, shown: str) -> str:
        """The actor behind an id that a viewer sent; empty when it is none she can have met."""
        return self._standings.meant(standing, shown)

    def unplaced(self, citizen: str, actor: str) -> Place:
        """An actor when nothing is known about the viewer: named only where no name can locate."""
        return self._places.unplaced(citizen, actor)

    # --- whether a text may be sent ---

    def reveals(self, standing: Standing, reader: str, text: str) -> bool:
        """Whether a text would tell a reader where a protected person is."""
        guard = self._standings.guard(reader, standing.home)
        everything = [e for a in self._threshold.ask(standing, 0.2).values() for e in a.entries]
        return self._places.reveals(guard, everything, text)

    def tells_address(self, standing: Standing, text: str) -> bool:
        """Whether a text holds a protected address of this family, whoever is to read it."""
        return holds_protected(text, self._standings.addresses(standing.home))


def _patience(standing: Standing, wait: float | None) -> float | None:
    """How long to wait. Where whereabouts are hidden: for all, because what one source calls a place
    must be known before another's text is shown."""
    return None if standing.guard.places else wait


def shown_of(page: Overview, look: Look) -> tuple[Category, ...]:
    """The categories that a look asked for and the page holds something of."""
    shown = {
        Category.CONTACTS: page.contacts,
        Category.MEETINGS: (*page.meetings, *page.past_meetings),
        Category.INTERVENTIONS: (*page.interventions, *page.loose_goals),
        Category.PLANS: (*page.plans, *page.loose_goals),
        Category.WELLBEING: page.measurements,
    }
    beside = [e for c in look.categories for e in shown.get(c, ())]
    held: dict[Category, object] = {
        **shown,
        Category.MASTER_DATA: Category.MASTER_DATA in page.opens,
        Category.COMMENTS: page.notes
        if look.categories in (EVERYTHING, (Category.COMMENTS,))
        else any(e.notes for e in beside),
    }
    return tuple(c for c in look.categories if held[c])


def _with_news(look: Look, page: Overview) -> Look:
    """A card counts what is new of every kind: the log says of which."""
    kinds = {*look.categories, *kinds_of_news(page)}
    return msgspec.structs.replace(look, categories=tuple(c for c in Category if c in kinds))
