"""What a young person's parents may see now, and what changes on which birthday.

Nothing is decided here: the rules of `access` are asked as they would be asked
about a parent, so that the page cannot say one thing and the portal do another.
"""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum

import msgspec

from portal.access import Facts, Viewer, family_hides, family_may_ask, reads_line, relation, turning
from portal.handout import Relation
from portal.records import Category, Entry, Sector

PARENT = "parent"
LIFETIME = 200 * 366


class Sight(StrEnum):
    """How much of one kind of information a parent sees."""

    ALL = "all"
    BUT_HEALTH = "but_health"
    NOTHING = "nothing"


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """What parents see from one day on. The first stage is now, and has no day.

    Comments are not here: who reads one is chosen for each.

    `follows` is whether they see what the young person herself looks at and answers here.
    """

    age: int
    day: date | None = None
    sees: dict[Category, Sight]
    follows: bool


def stages(facts: Facts) -> tuple[Stage, ...]:
    """Now, and each birthday still to come on which the rules change; none without a birth date."""
    if facts.age is None:
        return ()
    found = [_stage(facts)]
    tomorrow = facts.today + timedelta(days=1)
    while coming := turning(msgspec.structs.replace(facts, today=tomorrow), LIFETIME):
        day = coming[1]
        found.append(_stage(msgspec.structs.replace(facts, today=day), day))
        tomorrow = day + timedelta(days=1)
    return tuple(found)


def _stage(facts: Facts, day: date | None = None) -> Stage:
    age = facts.age or 0
    return Stage(
        age=age,
        day=day,
        sees={c: _sight(c, facts) for c in Category if c is not Category.COMMENTS},
        follows=any(
            reads_line(PARENT, Relation.GUARDIAN, age, facts.citizen, about, frozenset(), True)
            for about in (True, False)
        ),
    )


def _sight(category: Category, facts: Facts) -> Sight:
    """What a parent with custody, whom nobody has shut out, sees of entries nobody restricted."""
    known = msgspec.structs.replace(facts, custodians=frozenset({PARENT}), closed=frozenset())
    how = relation(Viewer(person=PARENT), known)
    if how is None or category is Category.MASTER_DATA:  # the register's, of no sector
        return Sight.ALL if how else Sight.NOTHING
    entry = Entry(key="", source="", owner="")
    age = facts.age or 0
    seen = {
        sector
        for sector in Sector
        if family_may_ask(sector, how, age)
        and family_hides(entry, frozenset({sector}), how, age) is None
    }
    if seen == set(Sector):
        return Sight.ALL
    return Sight.BUT_HEALTH if seen == set(Sector) - {Sector.HEALTH} else Sight.NOTHING
