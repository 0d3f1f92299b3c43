"""Consents: who may see what, decided by the family, actor by actor.

Every answer is a new event, written with its log line in one transaction;
withdrawing is as near as granting and holds from the next byte anybody gets.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from portal import audit, consent_state
from portal.access import Facts, decided_sectors, deciders
from portal.access_staff import Scope
from portal.audit import Act, Line
from portal.consent_events import ConsentEvents
from portal.consent_state import BY_ITSELF, UNDO, Event, Grant, Kind, Mine
from portal.db import Store, now
from portal.family import Family, Household
from portal.held import Held, held
from portal.journal import Journal, said
from portal.proposal import Proposal, problems
from portal.settings import Settings


class Changed(Exception):
    """The viewer's own answer changed after the form was shown (409)."""


class NotAllowed(Exception):
    """The viewer does not decide about this."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One actor on a family member's consent list; `scopes` is what applies now."""

    actor: str
    mine: Mine
    scopes: tuple[Scope, ...] = ()
    version: int = 0
    undo_until: datetime | None = None
    """While a yes is new: until when taking it back is called "Fortryd"."""

    @property
    def open(self) -> bool:
        """Whether the viewer's own yes stands, be it that others must say theirs too."""
        return self.mine in (Mine.ACTIVE, Mine.PENDING)


class Consents:
    """The consent events of all citizens of one municipality."""

    def __init__(self, settings: Settings, store: Store, family: Family) -> None:
        self._settings, self._store, self._family = settings, store, family
        self._tenant, self._journal = settings.municipality, Journal(settings)
        self._events = ConsentEvents(self._tenant, store, family)
        self._sectors = {a.id: a.sector for a in settings.actor}

    def applies(self, citizen: str, facts: Facts) -> dict[str, tuple[Scope, ...]]:
        """What applies now, by actor, read from the database at this moment."""
        return consent_state.applies(self.events(citizen), facts, self._sectors)

    def of(
        self, citizen: str, facts: Facts, actors: Collection[str], held: Held | None = None
    ) -> tuple[Scope, ...]:
        """The same for these actors alone. `held`: for a caller that makes sure of it when it logs."""
        events = self.events(citizen, held)
        return tuple(
            scope
            for actor in sorted(actors)
            for scope in consent_state.scopes(events, actor, facts, self._sectors)
        )

    def row(self, home: Household, viewer: str, actor: str) -> Row:
        """The viewer's own standing answer about one actor."""
        return self._row(self.events(home.citizen.id), home, viewer, actor)

    def rows(self, home: Household, viewer: str, held: Held | None = None) -> dict[str, Row]:
        """The same for every actor about which anything was ever said by the viewer, or applies."""
        events = self.events(home.citizen.id, held)
        found = {a: self._row(events, home, viewer, a) for a in {e.actor for e in events}}
        return {a: r for a, r in found.items() if r.mine is not Mine.NONE}

    def _row(self, events: tuple[Event, ...], home: Household, viewer: str, actor: str) -> Row:
        word = consent_state.latest(events, actor).get(viewer)
        state = consent_state.mine(events, actor, viewer, home.facts, self._sectors)
        scopes = consent_state.scopes(events, actor, home.facts, self._sectors)
        visible = tuple(s for s in scopes if self._concerns(s, viewer, home))
        if not decided_sectors(viewer, home.facts) and visible:
            state = Mine.ACTIVE
        if state is Mine.ACTIVE and actor not in self._sectors:  # gone: a yes that opens nothing
            state = Mine.PENDING
        said_yes = state in (Mine.ACTIVE, Mine.PENDING)
        return Row(
            actor=actor,
            mine=state,
            scopes=visible if state is Mine.ACTIVE else (),
            version=sum((e.actor, e.by) == (actor, viewer) for e in events),
            undo_until=word.at + UNDO if word and said_yes and now() < word.at + UNDO else None,
        )

    def _concerns(self, scope: Scope, viewer: str, home: Household) -> bool:
        """The citizen sees all that applies to her; a custody holder what she decides about."""
        if viewer == home.citizen.id:
            return True
        sectors = {consent_state.sector_of(pair, self._sectors) for pair in scope.pairs}
        return any(viewer in deciders(home.facts, sector) for sector in sectors)

    def number(self, citizen: str, event: Event) -> str:
        """What a receipt is called: never the event's number, which counts the others' answers."""
        sign = self._family.key(citizen).ref("receipt", str(event.seq))
        return f"{sign[:4]}-{sign[4:8]}"

    # --- saying yes and no ---

    def grant(
        self, home: Household, viewer: str, proposal: Proposal, text: str, language: str
    ) -> Event:
        """Write a yes; the one it replaces ends with it. Raises Changed, NotAllowed, db.StoreDown."""
        found = problems(proposal, home.facts, viewer, self._settings)
        if found or not decided_sectors(viewer, home.facts):
            raise NotAllowed
        grant = Grant(
            categories=proposal.categories,
            owners=proposal.owners,
            sources=proposal.sources,
            delivered=proposal.delivered,
            excluded=proposal.excluded,
            purpose=proposal.purpose,
            start=home.facts.today,
            until=proposal.until,
            age=home.facts.age or 0,
            language=language,
            text=text,
            child_says=proposal.child_says,
        )
        citizen, actor = home.citizen.id, proposal.actor
        with self._store.write(citizen) as c:
            self._events.lock(c, citizen)
            hers = self._events.hers(c, citizen, actor, viewer)
            if len(hers) != proposal.seen:
                raise Changed
            last = hers[-1] if hers else None
            how = consent_state.replaced(last, home.facts, self._sectors)
            ended = self._add(c, citizen, actor, how, viewer) if how else None
            event = self._add(c, citizen, actor, Kind.GRANTED, viewer, grant)
        if ended:  # a restore that loses the new yes must not bring the old one back
            self._journal.keep(said(citizen, ended))
        return event

    def withdraw(self, citizen: str, viewer: str, actor: str, decides: bool) -> Event:
        """Write a no; needs no register, only an own earlier answer or being a decider.

        Raises NotAllowed, db.StoreDown.
        """
        with self._store.write(citizen) as c:
            self._events.lock(c, citizen)
            hers = self._events.hers(c, citizen, actor, viewer)
            if not hers and not decides:
                raise NotAllowed
            never = not hers or hers[-1].kind is Kind.REFUSED
            event = self._add(c, citizen, actor, Kind.REFUSED if never else Kind.WITHDRAWN, viewer)
        self._journal.keep(said(citizen, event))
        return event

    def settle(self, home: Household) -> int:
        """Write down every yes that has ended by itself; returns how many.

        What applies does not wait for this: it follows from the events and the
        day. Written, an ended yes stays ended when custody comes back.
        """
        citizen, events = home.citizen.id, self.events(home.citizen.id)
        ended = 0
        for actor in sorted({e.actor for e in events}):
            for by, word in consent_state.latest(events, actor).items():
                how = consent_state.over(word, home.facts, self._sectors)
                if how:
                    ended += self._end(citizen, actor, by, word, how)
        return ended

    def _end(self, citizen: str, actor: str, by: str, word: Event, how: Kind) -> bool:
        with self._store.write(citizen) as c:
            self._events.lock(c, citizen)
            if self._events.hers(c, citizen, actor, by)[-1] != word:
                return False  # she has said something new meanwhile
            event = self._add(c, citizen, actor, how, by)
        self._journal.keep(said(citizen, event))
        return True

    def _add(
        self,
        c: Connection,
        citizen: str,
        actor: str,
        kind: Kind,
        by: str,
        grant: Grant | None = None,
    ) -> Event:
        """An event and its log line: one fact."""
        line = Line(
            act=Act.AUTOMATIC if kind in BY_ITSELF else Act.CONSENT,
            person=by,
            categories=tuple(sorted(grant.categories)) if grant else (),
            purpose=grant.purpose if grant else "",
            outcome=kind.value,
            about=actor,
        )
        event = self._events.add(c, citizen, actor, kind, by, grant)
        audit.append(c, self._tenant, citizen, self._family.key(citizen), line)
        return event

    # --- looking ---

    def shut_out(self, citizen: str, adult: str) -> bool:
        """Whether an authority has closed the citizen's overview to this adult; asks no register."""
        with self._store.read(citizen) as c:
            return adult in held(c, citizen).closed

    def events(self, citizen: str, held: Held | None = None) -> tuple[Event, ...]:
        """Every event of one citizen, oldest first, as the database has them now (or `held`)."""
        if held is None:
            return self._events.of(citizen)
        return self._events.read(citizen, held.events)

    def ever(self, citizen: str, actors: frozenset[str]) -> bool:
        """Whether anything was ever said about one of these actors (cheap, before any look-up)."""
        return self._events.ever(citizen, actors)

    def citizens_of(self, actors: frozenset[str]) -> tuple[str, ...]:
        """Citizens about whom anything was ever said to these actors (to be folded)."""
        return self._events.citizens(actors)

    def everybody(self) -> tuple[str, ...]:
        """Every citizen about whom a consent was ever said."""
        return self._events.citizens()
