"""What follows from the consent events: the state is a fold over them, nothing is ever edited.

Pure: events in, answers out. consents.py writes events and asks here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum

import msgspec

from portal.access import ADULT, DECIDES_ON_HEALTH, Facts, deciders
from portal.access_staff import ANY_OWNER, Scope
from portal.records import Category, Sector

Pair = tuple[Category, str]
UNDO = timedelta(hours=24)
"""How long taking a new yes back is offered as "Fortryd"; it is a withdrawal all the same."""


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """One person's yes: exactly what she saw and ticked.

    `owners` are actor ids, fixed when granted; `sources` the systems that
    delivered them then, `delivered` which system delivered for which owner (None in
    a yes from before that was kept); `text` the sentences shown, `language` their language;
    `age` the citizen's age at that moment.
    """

    categories: frozenset[Category]
    owners: frozenset[str]
    sources: frozenset[str]
    delivered: frozenset[tuple[str, str]] | None = None
    excluded: frozenset[str] = frozenset()
    purpose: str
    start: date
    until: date
    age: int
    language: str = "da"
    text: str = ""
    child_says: str = ""

    @property
    def pairs(self) -> frozenset[Pair]:
        owned = {c for c in self.categories if c not in OWNERLESS}
        return frozenset((c, o) for c in owned for o in self.owners) | frozenset(
            (c, ANY_OWNER) for c in self.categories & OWNERLESS
        )


OWNERLESS = frozenset({Category.MASTER_DATA, Category.COMMENTS})


class Kind(StrEnum):
    """What can happen to a consent."""

    GRANTED = "granted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    ENDED = "ended"
    """By age or custody."""
    SUPERSEDED = "superseded"
    """By the same person's newer yes, which follows at once."""


BY_ITSELF = frozenset({Kind.EXPIRED, Kind.ENDED})
"""What nobody said: time, age or custody did it."""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One fact: who said what about which actor, when."""

    seq: int
    actor: str
    kind: Kind
    by: str
    at: datetime
    grant: Grant | None = None
    """Of a yes, and of nothing else."""


class Mine(StrEnum):
    """A viewer's own consent row: `data-consent`."""

    NONE = "none"
    PENDING = "pending"
    ACTIVE = "active"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


def latest(events: Iterable[Event], actor: str) -> dict[str, Event]:
    """Each person's last word about one actor."""
    return {e.by: e for e in events if e.actor == actor}


def scopes(
    events: Iterable[Event], actor: str, facts: Facts, sectors: Mapping[str, Sector]
) -> tuple[Scope, ...]:
    """What applies to the actor now: what everybody who must say yes has said yes to.

    One scope for each set of deciders (15-17: health is the young person's
    alone, the rest joint). Where answers differ only what they share applies;
    different purposes share nothing.
    """
    grants = _standing(events, actor, facts.today)
    counting = {by: _counting(g, facts, sectors) for by, g in grants.items()}
    deciding = {s: deciders(facts, s) for s in Sector}
    groups: dict[frozenset[str], set[Pair]] = {}
    for pair in frozenset().union(*counting.values()):
        groups.setdefault(deciding[sector_of(pair, sectors)], set()).add(pair)
    found = []
    for who, pairs in sorted(groups.items(), key=lambda group: sorted(group[0])):
        said = [grants[by] for by in sorted(who) if by in grants]
        if len(said) != len(who) or len({g.purpose for g in said}) != 1:
            continue  # somebody has not said yes, or nobody can
        shared = pairs.intersection(*(counting[by] for by in who))
        if shared:
            found.append(_intersection(actor, shared, said))
    return tuple(found)


def _standing(events: Iterable[Event], actor: str, today: date) -> dict[str, Grant]:
    """Each person's grant that has begun and not run out, if her last word was yes."""
    return {
        by: e.grant
        for by, e in latest(events, actor).items()
        if e.grant and e.grant.start <= today <= e.grant.until
    }


def _counting(grant: Grant, facts: Facts, sectors: Mapping[str, Sector]) -> frozenset[Pair]:
    if facts.age is None or facts.age < ADULT:
        return grant.pairs
    return frozenset(p for p in grant.pairs if _still_counts(grant, p, sectors))


def _deciders(pair: Pair, facts: Facts, sectors: Mapping[str, Sector]) -> frozenset[str]:
    return deciders(facts, sector_of(pair, sectors))


def sector_of(pair: Pair, sectors: Mapping[str, Sector]) -> Sector:
    """An owner gone from the configuration opens nothing, but must not raise: it counts as health."""
    return Sector.OTHER if pair[1] == ANY_OWNER else sectors.get(pair[1], Sector.HEALTH)


def _still_counts(grant: Grant, pair: Pair, sectors: Mapping[str, Sector]) -> bool:
    """From 18 only what was granted alone goes on: own health data from 15, all from 18."""
    alone = sector_of(pair, sectors) is Sector.HEALTH and grant.age >= DECIDES_ON_HEALTH
    return grant.age >= ADULT or alone


def _intersection(actor: str, pairs: Iterable[Pair], grants: list[Grant]) -> Scope:
    """The narrowest of several yeses; never called with none."""
    opened = frozenset(pairs)
    return Scope(
        actor=actor,
        pairs=opened,
        sources=frozenset.intersection(*(asked(g.sources, g.delivered, opened) for g in grants)),
        excluded=frozenset.intersection(*(g.excluded for g in grants)),
        purpose=grants[0].purpose,
        until=min(g.until for g in grants),
    )


def asked(
    sources: frozenset[str],
    delivered: frozenset[tuple[str, str]] | None,
    opened: Iterable[Pair],
) -> frozenset[str]:
    """Of a yes' systems those with something that it opens now.

    The others' "nothing" would tell an employee that an answer is missing, or has ended.
    """
    owners = {owner for _, owner in opened}
    return sources if delivered is None else frozenset(s for s, o in delivered if o in owners)


def mine(
    events: Iterable[Event],
    actor: str,
    person: str,
    facts: Facts,
    sectors: Mapping[str, Sector],
) -> Mine:
    """One person's own row. Another's answer never shows in it, but in what applies now."""
    events = list(events)
    word = latest(events, actor).get(person)
    if word is None or word.kind is Kind.REFUSED:
        return Mine.NONE
    if word.kind in (Kind.EXPIRED, Kind.ENDED):
        return Mine.EXPIRED
    if word.grant is None:
        return Mine.WITHDRAWN
    if over(word, facts, sectors):
        return Mine.EXPIRED
    counting = _hers(word.grant, person, facts, sectors)
    now = scopes(events, actor, facts, sectors)
    return Mine.ACTIVE if any(s.pairs & counting for s in now) else Mine.PENDING


def over(word: Event, facts: Facts, sectors: Mapping[str, Sector]) -> Kind | None:
    """How a yes has ended by itself, if it has: run out, or by age or custody.

    Age or custody that nobody knows opens nothing, but it ends nothing either.
    """
    if word.grant is None:
        return None
    if facts.today > word.grant.until:
        return Kind.EXPIRED
    if facts.age is None or (facts.custodians is None and facts.age < ADULT):
        return None
    return None if _hers(word.grant, word.by, facts, sectors) else Kind.ENDED


def replaced(word: Event | None, facts: Facts, sectors: Mapping[str, Sector]) -> Kind | None:
    """How a person's last word ends when she says a new yes; None when there was no yes."""
    if word is None or word.kind is not Kind.GRANTED:
        return None
    return over(word, facts, sectors) or Kind.SUPERSEDED


def predecessor(events: Iterable[Event], event: Event) -> Event | None:
    """The yes that this yes replaced while it still stood."""
    own = [e for e in events if (e.actor, e.by) == (event.actor, event.by) and e.seq < event.seq]
    if own and own[-1].kind is Kind.SUPERSEDED:
        own.pop()
    return own[-1] if own and own[-1].kind is Kind.GRANTED else None


def _hers(
    grant: Grant, person: str, facts: Facts, sectors: Mapping[str, Sector]
) -> frozenset[Pair]:
    """The part of a yes that still is its giver's to decide."""
    still = _counting(grant, facts, sectors)
    return frozenset(p for p in still if person in _deciders(p, facts, sectors))


def applies(
    events: Iterable[Event], facts: Facts, sectors: Mapping[str, Sector]
) -> dict[str, tuple[Scope, ...]]:
    """Everything that applies now, by actor."""
    events = list(events)
    found = {a: scopes(events, a, facts, sectors) for a in {e.actor for e in events}}
    return {a: s for a, s in found.items() if s}
