"""Made-up citizens and entries, and what the rules answer about them: the examples of the rulebook."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import msgspec

from portal import access, access_staff
from portal.access import Facts, Viewer
from portal.access_staff import ANY_OWNER, Scope
from portal.handout import Relation
from portal.records import Actor, Audience, Category, Intervention, Sector, Status

DAY = date(2026, 6, 1)
AGES = (9, 12, 13, 14, 15, 17, 18, 40)
HERSELF, MOTHER, FATHER, STRANGER = "citizen", "mother", "father", "stranger"


def situations() -> Iterator[tuple[str, Facts]]:
    for age in AGES:
        yield f"{age}", facts_at(age)
    yield "of unknown age", facts_at(None)
    yield "12, custody unknown", facts_at(12, custodians=None)
    yield "12, dead", facts_at(12, deceased=True)


def facts_at(
    age: int | None,
    custodians: frozenset[str] | None = frozenset({MOTHER, FATHER}),
    deceased: bool = False,
) -> Facts:
    born = None if age is None else DAY.replace(year=DAY.year - age)
    return Facts(citizen=HERSELF, born=born, custodians=custodians, deceased=deceased, today=DAY)


def opened(who: str, facts: Facts) -> str:
    shut_out = msgspec.structs.replace(facts, closed=frozenset({FATHER}))
    found = access.relation(Viewer(person=who), shut_out)
    return found.value if found else "-"


def hidden(entry: Intervention, sector: Sector, how: Relation, age: int) -> str:
    name = access.family_hides(entry, frozenset({sector}), how, age)
    return f"hidden ({name})" if name else "shown"


def marked() -> Iterator[tuple[str, Intervention, Sector]]:
    yield "not marked, not health", _entry(), Sector.SOCIAL
    yield "not marked, health", _entry(), Sector.HEALTH
    yield "a report of concern", _entry("concern"), Sector.SOCIAL
    for mark in Audience:
        yield f"marked `{mark.value}`", _entry(audience=mark), Sector.SOCIAL


def of_owner() -> Iterator[tuple[str, Intervention]]:
    yield "running", _entry()
    yield "finished", _entry(status=Status.DONE)
    yield "a report of concern", _entry("concern")
    for kind, what in access_staff.NEVER_TO_STAFF.items():
        yield f"`{kind}`: {what.lower()}", _entry(kind)
    yield "`excluded:...` and not ticked by name", _entry("excluded:Befordring")
    for mark in Audience:
        yield f"marked `{mark.value}`", _entry(audience=mark)


def _entry(
    kind: str = "", audience: Audience | None = None, status: Status = Status.RUNNING
) -> Intervention:
    return Intervention(
        key="1", source="s", owner="owner", title="t", status=status,
        kinds=frozenset({kind} - {""}), audience=frozenset({audience} - {None}),  # type: ignore[arg-type]
    )  # fmt: skip


def to_staff(entry: Intervention) -> Iterator[str]:
    scope = Scope(
        actor="asker",
        pairs=frozenset({(Category.INTERVENTIONS, "owner"), (Category.COMMENTS, ANY_OWNER)}),
        sources=frozenset({"s"}),
        purpose="p",
        until=DAY,
    )
    for actor, scopes, purpose in (
        ("owner", (), "p"), ("asker", (scope,), "p"), ("asker", (scope,), "q"), ("asker", (), "p"),
    ):  # fmt: skip
        name = access_staff.staff_hides(entry, {actor}, scopes, purpose, DAY)
        yield f"hidden ({name})" if name else "shown"


def deciding(facts: Facts, sector: Sector) -> str:
    names = {HERSELF: "the citizen", MOTHER: "both custody holders", FATHER: ""}
    who = access.deciders(facts, sector)
    return " + ".join(n for p, n in names.items() if p in who and n) or "nobody"


def place_in(municipality: str | None) -> Actor:
    return Actor(id="a", name="A", sector=Sector.SOCIAL, municipality=municipality)
