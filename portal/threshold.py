"""The threshold of the door: where a viewer stands, whom to ask, and the log before anything is told.

What an overview is made from is read once, and must stand unchanged in the transaction
that writes its log line; else nothing is written, and the caller begins again.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from portal import audit
from portal.access import Viewer
from portal.access_staff import ANY_OWNER, Scope
from portal.audit import Act, Line
from portal.comments import Comment, Comments
from portal.consents import Consents
from portal.db import Store
from portal.family import NOBODY, Family, UnknownPerson
from portal.held import Held, held_and_head
from portal.records import Answer, Category, Sector
from portal.settings import Settings
from portal.sources import Subject
from portal.sources.gather import Gatherer
from portal.standing import NotFound, Standing, Standings
from portal.telemetry import tell

EVERYTHING = tuple(Category)


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """How an overview is opened: how long to wait, why, and what is looked at.

    `wait` seconds; None waits for every source within its own limit.
    `shared` which of the categories each of the family may see something of, too.
    `for_actor` and `scopes` make it a preview of what that actor would see.
    """

    wait: float | None = None
    purpose: str = ""
    act: Act = Act.READ
    categories: tuple[Category, ...] = EVERYTHING
    shared: Mapping[str, tuple[Category, ...]] | None = None
    fresh: bool = False
    for_actor: str = ""
    scopes: tuple[Scope, ...] = ()


PLAIN = Look()


class Overtaken(Exception):
    """What a page was made from changed while it was made: nothing was logged, nothing is told."""


class Entry(NamedTuple):
    """A log line to be written, if what is held about the citizen is still this (None: anyhow)."""

    citizen: str
    line: Line
    held: Held | None = None


class Threshold:
    """What every way of opening somebody's information goes through."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        gatherer: Gatherer,
        family: Family,
        consents: Consents,
        comments: Comments,
    ) -> None:
        self._settings, self._store, self._gatherer = settings, store, gatherer
        self._family, self._comments = family, comments
        self.standings = Standings(settings, family, consents)

    def standing(
        self, viewer: Viewer, citizen: str, look: Look = PLAIN, held: Held | None = None
    ) -> Standing:
        """Where the viewer stands; a refusal is logged. Raises NotFound, PurposeMissing, RegisterDown."""
        try:
            return self._stand(viewer, citizen, look, held)
        except NotFound:
            refused = Look(act=Act.REFUSED, categories=(), purpose=look.purpose)
            whose = citizen if self._family.exists(citizen) else NOBODY
            self.write([Entry(whose, self.line(viewer, refused, "refused"))])
            raise

    def again(self, before: Standing, look: Look) -> Standing:
        """Where she stands after waiting, by custody and age as they are now.

        What the database holds is not read again: `write` does that. Raises as `standing`.
        """
        look = msgspec.structs.replace(look, fresh=False)
        return self.standing(before.viewer, before.home.citizen.id, look, before.home.held)

    def visible(
        self, viewer: Viewer, citizen: str, look: Look, held: Held | None = None
    ) -> Standing | None:
        """The same where a refusal is no event: one of many who may be listed."""
        try:
            return self._stand(viewer, citizen, look, held)
        except (NotFound, UnknownPerson):
            return None

    def _stand(
        self, viewer: Viewer, citizen: str, look: Look, held: Held | None = None
    ) -> Standing:
        standing = self.standings.of(viewer, citizen, look.purpose, look.fresh, held)
        if look.for_actor:
            return self.standings.preview(standing, look.for_actor, look.scopes)
        return standing

    def ask(self, standing: Standing, wait: float | None) -> dict[str, Answer]:
        """What the sources say that exist for this viewer."""
        ids = [s.id for s in self.standings.sources(standing) if s.connected]
        return self.ask_only(ids, standing.home.citizen.id, wait)

    def ask_only(self, sources: list[str], citizen: str, wait: float | None) -> dict[str, Answer]:
        """What these sources say."""
        identifiers = self._family.known(citizen).person.identifiers
        return self._gatherer.ask(sources, Subject(citizen=citizen, identifiers=identifiers), wait)

    def comments(self, standing: Standing, held: Held | None = None) -> tuple[Comment, ...]:
        """The comments this viewer may read now."""
        if standing.preview_for:
            return ()
        holding = {
            s.actor
            for s in standing.scopes
            if (Category.COMMENTS, ANY_OWNER) in s.pairs and s.purpose == standing.purpose
        }
        return self._comments.readable(standing.home.citizen.id, standing.viewer, holding, held)

    # --- the log ---

    def log(self, looks: Iterable[tuple[Standing, Look]]) -> None:
        """Write what is about to be told. Raises Overtaken, db.StoreDown."""
        self.write(
            Entry(
                s.home.citizen.id,
                self.line(s.viewer, look, "ok", self.standings.footing(s)),
                s.home.held,
            )
            for s, look in looks
        )

    def told_of(self, viewer: Viewer, citizens: Iterable[str]) -> None:
        """Write that the viewer is told who somebody is, and no more. Raises db.StoreDown."""
        line = self.line(viewer, Look(categories=(Category.MASTER_DATA,)), "ok")
        self.write([Entry(c, line) for c in citizens])

    def write(self, entries: Iterable[Entry]) -> None:
        """All lines, or none when what one of them tells of has changed. Raises Overtaken, db.StoreDown."""
        ordered, began = sorted(entries, key=lambda e: e.citizen), time.perf_counter()
        # in one order: no deadlock
        with self._store.write(*dict.fromkeys(e.citizen for e in ordered)) as c:
            for entry in ordered:
                self._append(c, entry)
        tell().log_commit(time.perf_counter() - began)

    def _append(self, c: Connection, entry: Entry) -> None:
        """Behind the chain's lock nobody can withdraw: a withdrawal writes a line of its own."""
        tenant, key = self._settings.municipality, self._family.key(entry.citizen)
        if entry.held is None:
            audit.append(c, tenant, entry.citizen, key, entry.line)
            return
        audit.lock(c, tenant, entry.citizen)
        found, head = held_and_head(c, tenant, entry.citizen)
        if found != entry.held:
            raise Overtaken
        audit.append_to(c, tenant, entry.citizen, key, entry.line, head)

    def line(
        self, viewer: Viewer, look: Look, outcome: str, footing: Iterable[Sector] = ()
    ) -> Line:
        """What the log says of a look."""
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
            shared=None if look.shared is None else dict(look.shared),
            footing=tuple(sorted(footing)),
        )
