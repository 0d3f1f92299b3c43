"""Consents: who may see what, decided by the family, actor by actor.

Every answer is a new event, written with its log line in one transaction;
withdrawing is as near as granting and holds from the next byte anybody gets.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime

import msgspec
from sqlalchemy import Connection, RowMapping, func, insert, select

from portal import audit, consent_state
from portal.access import Facts, decided_sectors, deciders
from portal.access_staff import Scope
from portal.audit import Act, Line
from portal.consent_state import OWNERLESS, Event, Grant, Kind, Mine
from portal.db import Store, aware, now
from portal.family import Family, Household
from portal.journal import Journal
from portal.models import consent_event, person
from portal.records import Category, Sector
from portal.settings import Settings


class Changed(Exception):
    """The viewer's own answer changed after the form was shown (409)."""


class NotAllowed(Exception):
    """The viewer does not decide about this."""


class Problem(msgspec.Struct, frozen=True):
    """One field of a proposal that cannot be accepted; `why` is a message key of forms.py."""

    field: str
    why: str


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """What a family member wants to let an actor see, before she has confirmed it."""

    actor: str
    categories: frozenset[Category]
    owners: frozenset[str]
    excluded: frozenset[str] = frozenset()
    purpose: str
    until: date
    sources: frozenset[str] = frozenset()
    seen: int = 0
    """The viewer's own latest event number when the form was shown."""
    child_says: str = ""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One actor on a family member's consent list; `scopes` is what applies now."""

    actor: str
    mine: Mine
    grant: Grant | None = None
    scopes: tuple[Scope, ...] = ()
    version: int = 0
    at: datetime | None = None


class Consents:
    """The consent events of all citizens of one municipality."""

    def __init__(self, settings: Settings, store: Store, family: Family) -> None:
        self._settings, self._store, self._family = settings, store, family
        self._tenant, self._journal = settings.municipality, Journal(settings)
        self._sectors = {a.id: a.sector for a in settings.actor}

    def applies(self, citizen: str, facts: Facts) -> dict[str, tuple[Scope, ...]]:
        """What applies now, by actor, read from the database at this moment."""
        return consent_state.applies(self.events(citizen), facts, self._sectors)

    def of(self, citizen: str, facts: Facts, actors: Collection[str]) -> tuple[Scope, ...]:
        """The same for these actors alone."""
        events = self.events(citizen)
        return tuple(
            scope
            for actor in sorted(actors)
            for scope in consent_state.scopes(events, actor, facts, self._sectors)
        )

    def row(self, home: Household, viewer: str, actor: str) -> Row:
        """The viewer's own standing answer about one actor."""
        return self._row(self.events(home.citizen.id), home, viewer, actor)

    def rows(self, home: Household, viewer: str) -> dict[str, Row]:
        """The same for every actor about which anything was ever said by the viewer, or applies."""
        events = self.events(home.citizen.id)
        found = {a: self._row(events, home, viewer, a) for a in {e.actor for e in events}}
        return {a: r for a, r in found.items() if r.mine is not Mine.NONE}

    def _row(self, events: tuple[Event, ...], home: Household, viewer: str, actor: str) -> Row:
        word = consent_state.latest(events, actor).get(viewer)
        state = consent_state.mine(events, actor, viewer, home.facts, self._sectors)
        scopes = consent_state.scopes(events, actor, home.facts, self._sectors)
        visible = tuple(s for s in scopes if self._concerns(s, viewer, home))
        if not decided_sectors(viewer, home.facts) and visible:
            state = Mine.ACTIVE
        return Row(
            actor=actor,
            mine=state,
            grant=word.grant if word and word.kind is Kind.GRANTED else None,
            scopes=visible if state is Mine.ACTIVE else (),
            version=word.seq if word else 0,
            at=word.at if word else None,
        )

    def _concerns(self, scope: Scope, viewer: str, home: Household) -> bool:
        """The citizen sees all that applies to her; a custody holder what she decides about."""
        if viewer == home.citizen.id:
            return True
        return any(viewer in deciders(home.facts, self._sector(owner)) for _, owner in scope.pairs)

    def _sector(self, owner: str) -> Sector:
        return self._sectors.get(owner, Sector.OTHER)

    # --- saying yes and no ---

    def problems(self, proposal: Proposal, home: Household, viewer: str) -> tuple[Problem, ...]:
        """Why a proposal cannot be confirmed; empty when it can."""
        found = []
        owned = proposal.categories - OWNERLESS
        if not proposal.categories:
            found.append(Problem("kategori", "choose"))
        if owned and not proposal.owners:
            found.append(Problem("ejer", "choose"))
        if proposal.purpose not in {p.id for p in self._settings.purpose}:
            found.append(Problem("formaal", "choose"))
        today = home.facts.today
        if not today < proposal.until <= months_ahead(today, self._settings.consents.months):
            found.append(Problem("til", "period"))
        if not proposal.excluded <= self._settings.excluded_kinds:
            found.append(Problem("undtaget", "choose"))
        mine = decided_sectors(viewer, home.facts)
        if any(self._sectors.get(o) not in mine for o in proposal.owners):
            found.append(Problem("ejer", "not yours"))
        return tuple(found)

    def grant(
        self, home: Household, viewer: str, proposal: Proposal, text: str, language: str
    ) -> Event:
        """Write a yes. Raises Changed, NotAllowed, db.StoreDown."""
        if self.problems(proposal, home, viewer) or not decided_sectors(viewer, home.facts):
            raise NotAllowed
        grant = Grant(
            categories=proposal.categories,
            owners=proposal.owners,
            sources=proposal.sources,
            excluded=proposal.excluded,
            purpose=proposal.purpose,
            start=home.facts.today,
            until=proposal.until,
            age=home.facts.age or 0,
            language=language,
            text=text,
            child_says=proposal.child_says,
        )
        return self._say(
            home.citizen.id, viewer, proposal.actor, Kind.GRANTED, grant, proposal.seen
        )

    def withdraw(self, citizen: str, viewer: str, actor: str, decides: bool) -> Event:
        """Write a no; needs no register, only an own earlier answer or being a decider.

        Raises NotAllowed, db.StoreDown.
        """
        word = consent_state.latest(self.events(citizen), actor).get(viewer)
        if word is None and not decides:
            raise NotAllowed
        kind = Kind.WITHDRAWN if word else Kind.REFUSED
        return self._say(citizen, viewer, actor, kind, None, None)

    def settle(self, home: Household) -> int:
        """Write down every yes that has ended by itself; returns how many.

        What applies does not wait for this: it follows from the events and the
        day. Written, an ended yes stays ended when custody comes back.
        """
        events = self.events(home.citizen.id)
        ended = 0
        for actor in sorted({e.actor for e in events}):
            for word in consent_state.latest(events, actor).values():
                how = consent_state.over(word, home.facts, self._sectors)
                if how:
                    self._end(home.citizen.id, word, how)
                    ended += 1
        return ended

    def _end(self, citizen: str, word: Event, how: Kind) -> None:
        with self._store.write() as c:
            self._lock(c, citizen)
            if self._version(c, citizen, word.actor, word.by or "") != word.seq:
                return  # she has said something new meanwhile
            self._insert(c, citizen, word.actor, how, word.by or "", None)
            line = Line(act=Act.AUTOMATIC, person=word.by, outcome=how.value, about=word.actor)
            audit.append(c, self._tenant, citizen, self._family.key(citizen), line)

    def everybody(self) -> tuple[str, ...]:
        """Every citizen about whom a consent was ever said."""
        t = consent_event
        with self._store.read() as c:
            rows = c.execute(select(t.c.citizen).where(t.c.tenant == self._tenant).distinct())
            return tuple(sorted(r.citizen for r in rows))

    def _say(
        self,
        citizen: str,
        viewer: str,
        actor: str,
        kind: Kind,
        grant: Grant | None,
        seen: int | None,
    ) -> Event:
        with self._store.write() as c:
            self._lock(c, citizen)
            if seen is not None and self._version(c, citizen, actor, viewer) != seen:
                raise Changed
            event = self._insert(c, citizen, actor, kind, viewer, grant)
            categories = tuple(sorted(grant.categories)) if grant else ()
            line = Line(
                act=Act.CONSENT,
                person=viewer,
                categories=categories,
                purpose=grant.purpose if grant else "",
                outcome=kind.value,
                about=actor,
            )
            audit.append(c, self._tenant, citizen, self._family.key(citizen), line)
        self._journal.keep(citizen, event)
        return event

    @staticmethod
    def _lock(c: Connection, citizen: str) -> None:
        """One writer per citizen (PostgreSQL; SQLite has one writer anyway)."""
        c.execute(select(person.c.id).where(person.c.id == citizen).with_for_update())

    def _insert(
        self,
        c: Connection,
        citizen: str,
        actor: str,
        kind: Kind,
        by: str,
        grant: Grant | None,
    ) -> Event:
        t = consent_event
        top = c.execute(select(func.max(t.c.seq)).where(t.c.citizen == citizen)).scalar()
        seq, at = (top or 0) + 1, now()
        key = self._family.key(citizen)
        detail = key.seal(msgspec.msgpack.encode(grant), f"consent {seq}") if grant else None
        c.execute(
            insert(t).values(
                tenant=self._tenant,
                citizen=citizen,
                seq=seq,
                actor=actor,
                kind=kind.value,
                by=by,
                at=at,
                detail=detail,
            )
        )
        return Event(seq=seq, actor=actor, kind=kind, by=by, at=at, grant=grant)

    def _version(self, c: Connection, citizen: str, actor: str, by: str) -> int:
        t = consent_event
        mine = (t.c.citizen == citizen) & (t.c.actor == actor) & (t.c.by == by)
        return c.execute(select(func.max(t.c.seq)).where(mine)).scalar() or 0

    # --- looking ---

    def events(self, citizen: str) -> tuple[Event, ...]:
        """Every event of one citizen, oldest first, as the database has them now."""
        t = consent_event
        with self._store.read() as c:
            rows = c.execute(
                select(t.c.seq, t.c.actor, t.c.kind, t.c.by, t.c.at, t.c.detail)
                .where(t.c.citizen == citizen)
                .order_by(t.c.seq)
            ).mappings()
            return tuple(self._event(citizen, row) for row in rows)

    def _event(self, citizen: str, row: RowMapping) -> Event:
        grant = None
        if row["detail"]:
            opened = self._family.key(citizen).open(row["detail"], f"consent {row['seq']}")
            grant = msgspec.msgpack.decode(opened, type=Grant)
        return Event(
            seq=row["seq"],
            actor=row["actor"],
            kind=Kind(row["kind"]),
            by=row["by"],
            at=aware(row["at"]),
            grant=grant,
        )

    def ever(self, citizen: str, actors: frozenset[str]) -> bool:
        """Whether anything was ever said about one of these actors (cheap, before any look-up)."""
        t = consent_event
        where = (t.c.citizen == citizen) & t.c.actor.in_(sorted(actors))
        with self._store.read() as c:
            return c.execute(select(t.c.seq).where(where).limit(1)).first() is not None

    def citizens_of(self, actors: frozenset[str]) -> tuple[str, ...]:
        """Citizens about whom anything was ever granted to these actors (to be folded)."""
        t = consent_event
        with self._store.read() as c:
            rows = c.execute(
                select(t.c.citizen)
                .where((t.c.tenant == self._tenant) & t.c.actor.in_(sorted(actors)))
                .distinct()
            )
            return tuple(sorted(r.citizen for r in rows))


def months_ahead(day: date, months: int) -> date:
    """The same day so many months later, or the month's last day."""
    year, month = divmod(day.month - 1 + months, 12)
    last = (date(day.year + year + (month == 11), (month + 1) % 12 + 1, 1) - date.resolution).day
    return date(day.year + year, month + 1, min(day.day, last))
