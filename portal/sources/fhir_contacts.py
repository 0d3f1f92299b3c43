"""CareTeam participants and care managers -> contacts; family members are never contacts.

What one entry says of another may only be said where both are seen: a team
member who manages an episode is joined with it here only when the two have
the same owner and restrictions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from portal.records import Audience, Contact, Hole
from portal.sources.fhir_answer import name_of
from portal.sources.fhir_modifiers import altered
from portal.sources.fhir_reading import Reading, Who
from portal.sources.fhir_shape import (
    Json,
    codings,
    concept_text,
    concept_words,
    first_text,
    obj,
    objs,
    runs,
    telecom,
    text,
)

COORDINATOR_CODES = frozenset({"coordinator", "768820003"})
"""768820003 is SNOMED CT "Care coordinator"."""
_COORDINATOR = re.compile(r"coordinator|tovholder|koordin", re.IGNORECASE)
_NOT_NOW = frozenset({"proposed", "inactive", "finished", "cancelled", "entered-in-error"})


def contacts(reading: Reading, found: dict[str, list[Json]]) -> Iterator[Contact | Hole]:
    """One per participation; a care manager who is in a team too is that team's coordinator.

    Whoever is there and has no name that can be read is a hole.
    """
    told = _participations(reading, found)
    return (c if c.name else Hole.instead_of(c) for c in told)


def _participations(reading: Reading, found: dict[str, list[Json]]) -> Iterator[Contact]:
    managed = {_leads(reading, e, who): (e, who) for e, who in _managers(reading, found)}
    for team in found.get("CareTeam", []):
        if text(team, "status") == "entered-in-error":
            continue
        if not objs(team, "participant"):
            yield from _alone(reading, team)
        for n, participant in enumerate(objs(team, "participant")):
            member = obj(participant, "member")
            if who := reading.professional(member, team):
                contact = _participant(reading, team, participant, who, n)
                who_seen = _Seen(
                    who.key or who.name, contact.owner, contact.kinds, contact.audience
                )
                manages = managed.pop(who_seen, None) if contact.running else None
                yield _leading(contact) if manages else contact
    for episode, who in managed.values():
        yield _manager(reading, episode, who)


def _alone(reading: Reading, team: Json) -> Iterator[Contact]:
    """KLCore's service performer: a team of nobody, delivered by an organisation."""
    behind = (reading.professional(r, team) for r in objs(team, "managingOrganization"))
    who = max((w for w in behind if w), key=lambda w: bool(w.name), default=None)
    phone = telecom(objs(team, "telecom"), "phone") or (who.phone if who else "")
    if not who and not phone:
        return
    yield Contact(
        **reading.entry(team, audience=who.audience if who else frozenset()),
        name=(who.name if who else "") or text(team, "name"),
        responsible_for=first_text(objs(team, "category"))
        or (text(team, "name") if who and who.name else ""),
        phone=phone,
        email=who.email if who else "",
        address=who.address if who else "",
        url=who.url if who else "",
        running=_runs(team) and (who is None or who.running),
    )


class _Seen(NamedTuple):
    """Somebody, and who may see that entry about her."""

    who: str
    owner: str
    kinds: frozenset[str]
    audience: frozenset[Audience]


def _leads(reading: Reading, episode: Json, who: Who) -> _Seen:
    entry = reading.entry(episode, audience=who.audience)
    joins = _runs(episode) and not altered(episode)
    key = who.key or who.name if joins else name_of(episode)
    return _Seen(key, entry["owner"], entry["kinds"], entry["audience"])


def _managers(reading: Reading, found: dict[str, list[Json]]) -> Iterator[tuple[Json, Who]]:
    for episode in found.get("EpisodeOfCare", []):
        if text(episode, "status") in _NOT_NOW:
            continue
        if who := reading.professional(obj(episode, "careManager"), episode):
            yield episode, who


def _participant(reading: Reading, team: Json, participant: Json, who: Who, n: int) -> Contact:
    roles = objs(participant, "role")
    titles = [t for t in (first_text(roles[:1]), who.title) if t]
    duties = [t for r in roles[1:] if (t := concept_text(r))]
    running = _runs(team) and runs(participant) and who.running
    return Contact(
        **reading.entry(
            team,
            f"#{who.key or n}",
            concepts=roles,
            participant=participant,
            audience=who.audience,
        ),
        name="" if altered(participant) else who.name,
        role=", ".join(dict.fromkeys(titles)),
        responsible_for=", ".join(duties) or text(team, "name"),
        coordinator=coordinates(roles),
        phone=who.phone,
        email=who.email,
        hours=who.hours,
        address=who.address,
        url=who.url,
        running=running,
    )


def _manager(reading: Reading, episode: Json, who: Who) -> Contact:
    return Contact(
        **reading.entry(episode, "#careManager", audience=who.audience),
        name=who.name,
        role=who.title,
        responsible_for=first_text(objs(episode, "type")),
        coordinator=True,
        phone=who.phone,
        email=who.email,
        hours=who.hours,
        address=who.address,
        url=who.url,
        running=_runs(episode) and who.running,
    )


def _leading(contact: Contact) -> Contact:
    return msgspec.structs.replace(contact, coordinator=True)


def coordinates(roles: list[Json]) -> bool:
    """Whether a role says tovholder, by code or by words."""
    if {code for _, code in codings(roles)} & COORDINATOR_CODES:
        return True
    return any(_COORDINATOR.search(w) for w in concept_words(roles))


def _runs(holder: Json) -> bool:
    return text(holder, "status") not in _NOT_NOW and runs(holder)
