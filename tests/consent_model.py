"""What applies and who is told what, said once more from the product's rules; nothing of the portal is imported.

One child, three people who may answer and a stranger, some places. A word is
yes (with what was ticked), no, never (a no before any yes) or over.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

SECTOR = {"fam": "social", "skole": "school", "bup": "health", "job": "employment"}
OWNED_BY_NONE = {"master_data", "comments"}


@dataclass(frozen=True)
class Yes:
    """What one person ticked, and how old the child was then."""

    categories: frozenset[str]
    owners: frozenset[str]
    sources: frozenset[str]
    excluded: frozenset[str]
    purpose: str
    start: date
    until: date
    age: int

    def pairs(self) -> Iterator[tuple[str, str]]:
        for category in self.categories:
            for owner in ["*"] if category in OWNED_BY_NONE else self.owners:
                yield category, owner


NO, NEVER, RUN_OUT, ENDED = "no", "never", "run out", "ended"


@dataclass
class Model:
    """The family's facts as they are, and everybody's last word about every place."""

    child: str
    born: date | None
    today: date
    custody: frozenset[str] | None
    closed: frozenset[str] = frozenset()
    dead: bool = False
    words: dict[tuple[str, str], Yes | str] = field(default_factory=dict)

    def age(self) -> int | None:
        """Birthdays had by today; one born on 29 February has hers on 1 March in other years."""
        if self.born is None or self.born > self.today:
            return None
        return sum(birthday(self.born, n) <= self.today for n in range(1, 30))

    def deciders(self, sector: str) -> set[str]:
        """Everybody who must say yes; nobody can when too little is known."""
        age, parents = self.age(), set(self.custody or ()) - self.closed
        if age is None or self.dead:
            return set()
        if age >= 18 or (age >= 15 and sector == "health"):
            return {self.child}
        if age >= 15:
            return parents | {self.child} if parents else set()
        return parents

    def may_decide(self, person: str) -> set[str]:
        return {s for s in (*SECTOR.values(), "other") if person in self.deciders(s)}

    # --- what applies ---

    def applies(self, actor: str) -> dict[tuple[str, str], tuple[object, ...]]:
        """What the actor may see: pair -> (systems, excluded kinds, purpose, last day)."""
        yeses = [(p, w) for (p, a), w in self.words.items() if a == actor and isinstance(w, Yes)]
        found = {}
        for pair in {pair for _, yes in yeses for pair in yes.pairs()}:
            said = [self.counting(p, actor, pair) for p in self.deciders(sector(pair))]
            if said and all(said) and len({y.purpose for y in said if y}) == 1:
                found[pair] = self._narrowest([y for y in said if y])
        return found

    def _narrowest(self, said: list[Yes]) -> tuple[object, ...]:
        return (
            frozenset.intersection(*(y.sources for y in said)),
            frozenset.intersection(*(y.excluded for y in said)),
            said[0].purpose,
            min(y.until for y in said),
        )

    def counting(self, person: str, actor: str, pair: tuple[str, str]) -> Yes | None:
        """The person's yes, if it is about this, runs, and has outlived no birthday it ends at."""
        yes = self.words.get((person, actor))
        if not isinstance(yes, Yes) or pair not in set(yes.pairs()):
            return None
        grown = (self.age() or 0) >= 18
        alone = yes.age >= 18 or (yes.age >= 15 and sector(pair) == "health")
        return yes if yes.start <= self.today <= yes.until and (alone or not grown) else None

    # --- what each is told ---

    def mine(self, person: str, actor: str) -> str:
        """One's own line on the list."""
        word = self.words.get((person, actor), NEVER)
        if not isinstance(word, Yes):
            return {NO: "withdrawn", NEVER: "none", RUN_OUT: "expired", ENDED: "expired"}[word]
        if self.over(person, actor):
            return "expired"
        hers = {p for p in word.pairs() if self.hers(person, actor, p)}
        return "active" if hers & self.applies(actor).keys() else "pending"

    def hers(self, person: str, actor: str, pair: tuple[str, str]) -> bool:
        """Whether this part of her yes is hers to give today."""
        return person in self.deciders(sector(pair)) and bool(self.counting(person, actor, pair))

    def over(self, person: str, actor: str) -> str:
        """How a yes has ended by itself: run out, or by age or custody; empty when it stands."""
        yes = self.words.get((person, actor))
        if not isinstance(yes, Yes):
            return ""
        if self.today > yes.until:
            return RUN_OUT
        age = self.age()
        if age is None or (self.custody is None and age < 18):
            return ""
        return "" if any(self.hers(person, actor, p) for p in yes.pairs()) else ENDED

    def settle(self) -> int:
        """What has ended by itself stays ended, whatever comes back."""
        ended = {key: self.over(*key) for key in self.words}
        self.words.update({key: how for key, how in ended.items() if how})
        return sum(map(bool, ended.values()))


def sector(pair: tuple[str, str]) -> str:
    return "other" if pair[1] == "*" else SECTOR[pair[1]]


def birthday(born: date, nth: int) -> date:
    try:
        return born.replace(year=born.year + nth)
    except ValueError:
        return date(born.year + nth, 3, 1)


def eve(born: date, nth: int) -> date:
    """The last day before a birthday."""
    return birthday(born, nth) - timedelta(days=1)
