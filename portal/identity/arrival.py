"""Who the provider says has arrived: claims read by the profile, level and door judged.

A claim is looked for in the ID token, then in userinfo; every value may be a
string, whatever its nature (a broker sends "true" and "42").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import msgspec

from portal.identity.checks import Claims
from portal.identity.failures import (
    Contradiction,
    LevelTooLow,
    NoUnit,
    UnknownToRegister,
    WrongDoor,
)
from portal.identity.profile import Door, Profile
from portal.records import Actor
from portal.settings import CPR_SYSTEM, same_identifier

LONGEST = 200
CVR = re.compile(r"(?i)(dk)?\d{8}")
YEAR_UNKNOWN = "0000"  # OpenID Connect Core 5.1: a birthdate may leave the year out


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """A login that the provider vouches for; the register has not been asked yet."""

    door: Door
    issuer: str
    subject: str
    provider_session: str
    auth_time: int
    person_system: str
    person: str
    """The identifier: a citizen's CPR, or what names an employee at the provider."""
    name: str = ""
    birth_date: str = ""
    actors: tuple[str, ...] = ()
    role: str = ""
    id_token: str = ""
    return_to: str = ""
    expected: str = ""
    """Set on a step-up: the subject (Account.subject) that must have answered."""


class Words:
    """The claims of one login: ID token first, then userinfo.

    A name with dots that no claim has leads into claims: `realm_access.roles`.
    """

    def __init__(self, id_token: Claims, userinfo: Claims) -> None:
        self._places = (id_token, userinfo)

    def texts(self, names: Iterable[str]) -> list[str]:
        """The values of the first of these claims that has any, as texts."""
        for name in names:
            for value in self._values(name):
                if found := _texts(value):
                    return found
        return []

    def text(self, names: Iterable[str]) -> str:
        """The same when one value is meant; several are none."""
        found = self.texts(names)
        return found[0] if len(found) == 1 else ""

    def everywhere(self, name: str) -> list[str]:
        """Every value of a claim, in both places: for what must not be said anywhere."""
        return [text for value in self._values(name) for text in _texts(value)]

    def _values(self, name: str) -> list[Any]:
        literal = [place[name] for place in self._places if name in place]
        return literal or [_within(place, name) for place in self._places]


def check_level(words: Words, profile: Profile) -> None:
    """Raises LevelTooLow, also when the provider names no level."""
    if not profile.minimum_loa:
        return
    if words.text(profile.loa_claim) not in profile.accepted_levels():
        raise LevelTooLow("level of assurance too low, or not given")


def check_door(words: Words, profile: Profile) -> None:
    """Raises WrongDoor when the provider says it was another kind of login."""
    for name in profile.require:
        if not words.everywhere(name):
            raise WrongDoor(f"{name} is missing")
    for name, right in {**profile.allow, **profile.require}.items():
        if any(value not in right for value in words.everywhere(name)):
            raise WrongDoor(f"{name} is another door's")


def person(words: Words, profile: Profile) -> str:
    """The identifier of the person. Raises UnknownToRegister when the provider gives none."""
    value = words.text(profile.person_claim)
    if profile.door == "citizen" and profile.person_system == CPR_SYSTEM:
        value = value.replace("-", "").replace(" ", "")
        if not re.fullmatch(r"[0-9]{10}", value):
            raise UnknownToRegister("no CPR number from the provider")
    if not value:
        raise UnknownToRegister("no identifier from the provider")
    return value


def actors(words: Words, profile: Profile, configured: Sequence[Actor]) -> tuple[str, ...]:
    """The configured actors whose unit the employee belongs to. Raises NoUnit.

    A CVR number names a whole municipality: alone it is refused, else every
    employee of it would belong to whichever department was configured with it.
    """
    units = {
        same_identifier(value if "|" in value else f"{profile.unit_system}|{value}")
        for value in words.texts(profile.unit_claim)
        if not _is_cvr(value, profile.unit_system)
    }
    found = tuple(a.id for a in configured if units & {same_identifier(i) for i in a.identifiers})
    if not found:
        raise NoUnit("no configured actor has the employee's unit")
    return found


def role(words: Words, profile: Profile, that_opens: str) -> str:
    """The role that counts: of several the one that opens something, else the first."""
    found = [shown(text) for text in words.texts(profile.role_claim)]
    return that_opens if that_opens in found else next(iter(found), "")


def check_birth_date(claimed: str, born: date | None) -> None:
    """Raises Contradiction when the provider's birth date is not the register's."""
    if not claimed or born is None:
        return
    text = claimed[:10]
    if re.fullmatch(r"\d{2}[-./]\d{2}[-./]\d{4}", text):
        text = f"{text[6:]}-{text[3:5]}-{text[:2]}"
    if text.startswith(YEAR_UNKNOWN):
        same = text[4:] == f"{born:-%m-%d}"
    elif len(text) == len(YEAR_UNKNOWN):
        same = text == f"{born.year:04}"
    else:
        same = text.replace("-", "") == f"{born:%Y%m%d}" or text == born.isoformat()
    if not same:
        raise Contradiction("birth date contradicts the register")


def shown(text: str) -> str:
    """A name or role from outside, fit for a page and a log."""
    return "".join(c for c in text if c.isprintable()).strip()[:LONGEST]


def _within(place: Claims, name: str) -> Any:
    """What a name with dots leads to; a name on the way may hold dots itself."""
    if name in place:
        return place[name]
    parts = name.split(".")
    for n in range(1, len(parts)):
        inner = place.get(".".join(parts[:n]))
        if isinstance(inner, dict):
            found = _within(inner, ".".join(parts[n:]))
            if found is not None:
                return found
    return None


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [text for each in values if (text := _as_text(each))]


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if not isinstance(value, str):
        return ""
    text = value.strip()
    return text if text.isprintable() and len(text) <= LONGEST else ""


def _is_cvr(value: str, system: str) -> bool:
    named, _, bare = value.rpartition("|")
    return bool(CVR.fullmatch(bare)) or "cvr" in (named or system).lower()
