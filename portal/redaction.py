"""The one place that removes whatever locates a protected person.

Danish breaches in this field are family leaks: an address, or merely the name
of a child's institution, that reached the other parent. So every entry, place
name and free text passes here before page, calendar, export, preview and log.
Source: CPR-loven § 28 (name and address protection).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TypeVar

import msgspec

from portal.records import Actor, AnyEntry, Contact, Meeting, Person, Sector
from portal.spelling import letters_of, normal, spellings

CUT = "…"
SHARED = 6
SHORTEST = 4
"""Letters and digits a known name or street must have before it is searched for."""

AnyRecord = TypeVar("AnyRecord", bound=AnyEntry)


class Shield(msgspec.Struct, frozen=True, kw_only=True):
    """What one private viewer must not learn about one citizen's family.

    `places`  the citizen's own whereabouts are hidden: no place, school or
              clinic is named.
    `words`   known places in normal form (letters and digits only).
    `towns`   those of them that are only a town; an office's mail address may hold one.
    `codes`   postcodes of the protected.
    """

    places: bool = False
    words: tuple[str, ...] = ()
    towns: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()

    @property
    def raised(self) -> bool:
        return self.places or bool(self.words or self.codes)


NO_SHIELD = Shield()


def shield(
    viewer: Person,
    citizen: Person,
    others: Iterable[Person],
    near: Iterable[Person] = (),
    is_self: bool = False,
) -> Shield:
    """What must be kept from this viewer.

    `others` are the other custody holders, `near` the viewer's other children or
    the citizen's brothers and sisters. Protected are those with name and address
    protection who are not the viewer and do not live where she lives; an unknown
    address counts as living elsewhere. One who is `near` counts as the citizen does
    where the two live together; else only the address itself is kept.
    """
    home, house = _home(viewer), _home(citizen)
    near = list(near)
    together = [p for p in near if _same_home(house, _home(p))]
    people = (*(() if is_self else (citizen,)), *others, *together)
    hidden = [p for p in people if p.protected and not _same_home(home, _home(p))]
    apart = [p for p in near if p.protected and not _same_home(home, _home(p))]
    if not hidden and not apart:
        return NO_SHIELD
    words = {w for p in (*hidden, *apart) for text in _address_texts(p) for w in spellings(text)}
    towns = {w for p in hidden for w in spellings(p.city)}
    return Shield(
        places=bool(hidden) and not is_self and not _same_home(home, house),
        words=_searched(words | towns),
        towns=tuple(sorted(towns)),
        codes=tuple(sorted({p.postcode for p in hidden if p.postcode})),
    )


def with_known_places(guard: Shield, names: Iterable[str]) -> Shield:
    """The same shield, also knowing the names of institutions and places the sources mentioned."""
    if not guard.places:
        return guard
    known = set(names)
    known |= {_townless(n, guard.towns) for n in known}
    words = {w for n in known for w in _known(n)}
    return msgspec.structs.replace(guard, words=_searched({*guard.words, *words}))


def _townless(name: str, towns: tuple[str, ...]) -> str:
    """ "Klubben Regnbuen Bindslev" is called "Klubben Regnbuen" in Bindslev itself."""
    words = name.replace(",", " ").split()
    return " ".join(words[:-1]) if len(words) > 2 and normal(words[-1]) in towns else name


@lru_cache(maxsize=4096)
def _known(name: str) -> tuple[str, ...]:
    """A name as it may be written; of "SFO Skovmusen" also its own part, "Skovmusen"."""
    own = OWN_PART.match(name.strip())
    return tuple({*spellings(name), *(spellings(own[1]) if own else ())})


OWN_PART = re.compile(
    r"(?:sfo|sfo'en|dus|fritids\w*|klub\w*|børnehave\w*|vuggestue\w*|institution\w*|dagpleje\w*|"
    r"børnehus\w*|opholdssted\w*|krisecent\w*|bosted\w*|skole\w*|friskole\w*|familiehus\w*|"
    r"specialcent\w*|aflastnings\w*|lægehus\w*|lægerne)\s+(?:ved\s+|på\s+|i\s+)?(\w{5,}[\w -]*)$",
    re.IGNORECASE,
)
"""A kind of place, then what only this one is called; texts often use the latter alone."""


@lru_cache(maxsize=4096)
def locates(actor: Actor) -> bool:
    """Whether an actor's name tells where somebody lives."""
    if actor.locates is not None:
        return actor.locates
    if actor.municipality is None:
        return True
    return actor.sector not in (Sector.SOCIAL, Sector.EMPLOYMENT) and not WHOLE_TOWN.match(
        actor.name
    )


WHOLE_TOWN = re.compile(
    r"(?:ppr|pædagogisk[- ]psykologisk rådgivning|sundhedsplejen|den kommunale tandpleje)\s*(?:,|$|i\s)",
    re.IGNORECASE,
)
"""One office for a whole municipality: its name tells no more than the portal's own does."""


def telling(id: str, name: str) -> bool:
    """Whether a machine id gives away a name: they share six letters in a row or more."""
    plain = normal(id)
    hidden = normal(name)
    return any(plain[i : i + SHARED] in hidden for i in range(len(plain) - SHARED + 1))


def redact(entry: AnyRecord, guard: Shield, owner_locates: bool) -> AnyRecord:
    """The entry without anything that locates; the same object when nothing is protected."""
    if not guard.raised:
        return entry
    changes: dict[str, object] = {}
    for name in _TEXTS[type(entry)]:
        value = getattr(entry, name)
        if isinstance(value, tuple):
            changes[name] = tuple(cut(v, guard) for v in value)
        else:
            changes[name] = cut(value, guard)
    for name in _WAYS_IN & set(entry.__struct_fields__):
        value = getattr(entry, name)
        if _tells(value, guard) or (guard.places and owner_locates):
            changes[name] = ""
    if changes.get("responsible") == CUT:
        changes["responsible"] = ""
    if guard.places:
        changes |= _placeless(entry, owner_locates)
    elif isinstance(entry, Meeting | Contact):
        field = "place" if isinstance(entry, Meeting) else "address"
        if changes[field] != getattr(entry, field):
            changes[field] = ""
    return msgspec.structs.replace(entry, **changes)


_WAYS_IN = {"phone", "email", "url"}
"""Numbers and links work whole or not at all; an office's own keep working."""


def _tells(value: str, guard: Shield) -> bool:
    """Whether a number or link holds a known place; a town alone is the office's own."""
    plain = normal(value)
    return any(word in plain for word in guard.words if word not in guard.towns)


def _placeless(entry: AnyEntry, owner_locates: bool) -> dict[str, object]:
    changes: dict[str, object] = {"by": ""}
    if isinstance(entry, Meeting):
        changes |= {"place": "", "url": "", "uid": "", "actors": ()}
    elif isinstance(entry, Contact):
        changes["address"] = ""
        if owner_locates:
            changes["hours"] = ""
    return changes


def place_name(actor: Actor, guard: Shield, neutral: Mapping[Sector, str]) -> str:
    """How the actor may be called in front of this viewer."""
    if guard.places and locates(actor):
        return neutral[actor.sector]
    return actor.name


STREET = re.compile(
    r"(?<![\w.'-])(?:(?-i:[A-ZÆØÅ])[\w.'-]*\s){0,3}[\w.'-]*"
    r"(?:vej|gade|stræde|allé|alle|vænget|vænge|parken|torvet|torv|plads|pladsen|boulevard|"
    r"bakken|haven|engen|marken|toften|lunden|kæret|dalen|krogen|stien|svinget)\s+\d{1,3}(?:\s?[A-Za-z])?\b",
    re.IGNORECASE,
)
"""A street with its number, also "Nørre Allé 7"; a word is tried from its first sign only, so that
no text takes long."""
POSTCODE = re.compile(r"\b(?:DK-?\s?)?[1-9]\d{3}\s+[A-ZÆØÅ][\w.-]+(?:\s+[NSVØCK]\b)?")
PHONE = re.compile(r"(?<!\d)(?:\+45\s?)?\d{2}[\s.]?\d{2}[\s.]?\d{2}[\s.]?\d{2}(?!\d)")
MAPPED = re.compile(r"(?<![\d.])-?\d{1,2}\.\d{3,}\s*[,;/ ]\s*-?\d{1,3}\.\d{3,}(?![\d.])")
"""A latitude and a longitude."""
LINK = re.compile(r"https?://\S+|\bwww\.\S+", re.IGNORECASE)


def cut(text: str, guard: Shield) -> str:
    """Free text without known places; where whereabouts are hidden, also without what looks like one."""
    if not guard.raised:
        return text
    for start, end in reversed(_hits(text, guard)):
        text = text[:start] + CUT + text[end:]
    if guard.places:
        for pattern in (LINK, STREET, POSTCODE, MAPPED, PHONE):
            text = pattern.sub(CUT, text)
    return text


def holds_protected(text: str, guard: Shield) -> bool:
    """Whether a comment holds a protected address (it is refused at sending)."""
    return cut(text, guard) != text


def _hits(text: str, guard: Shield) -> list[tuple[int, int]]:
    letters = letters_of(text)
    line = "".join(letter for letter, _ in letters)
    spans = []
    for word in guard.words:
        at = line.find(word)
        while at >= 0:
            spans.append((letters[at][1], letters[at + len(word) - 1][1] + 1))
            at = line.find(word, at + len(word))
    for code in guard.codes:
        spans += [m.span() for m in re.finditer(_spaced(code), text)]
    return _joined(spans)


def _spaced(code: str) -> str:
    """A postcode, also with invisible signs or spaces between its digits."""
    return r"(?<!\d)" + r"[\s​‌‍⁠]?".join(map(re.escape, code)) + r"(?!\d)"


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _address_texts(p: Person) -> Iterable[str]:
    yield p.address
    yield f"{p.postcode}{p.city}"
    for line in re.split(r"[,\n]", p.address):
        yield line
        street = re.match(r"\D{3,}", line.strip())
        if street:
            yield street[0]


def _searched(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({w for w in words if len(w) >= SHORTEST}))


def _home(p: Person) -> str:
    return normal(p.address) + "/" + normal(p.postcode) if p.address else ""


def _same_home(one: str, other: str) -> bool:
    return bool(one) and one == other


def _texts(record: type[AnyEntry]) -> tuple[str, ...]:
    plain = {"key", "source", "owner", "lang", "plan", "codes", "phase", *_WAYS_IN}
    return tuple(
        f.name
        for f in msgspec.structs.fields(record)
        if f.name not in plain and f.type in (str, tuple[str, ...])
    )


_TEXTS: dict[type, tuple[str, ...]] = {record: _texts(record) for record in AnyEntry.__args__}
