"""A synthetic country: any number of invented households, each worked out from its number, none stored.

Households of four: two adults and two children. A citizen's CPR number and her
number can be worked out from each other, so that a register can answer about any of
millions at once. The four last digits are in the synthetic 9xxx series.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

SIZE = 4
ADULTS = (0, 1)
CHILDREN = (2, 3)
SYSTEMS = 45
FEWEST, MOST = 5, 45
"""Systems that know something about a child."""
_FIRST_ADULT, _ADULT_DAYS = date(1960, 1, 1), 14_600
_CHILD_DAYS = 17 * 365
_STRIDE = 7919
"""Prime to both spans: neighbours in number are not neighbours in age."""
_SERIALS = 1000
_ADULT_NAMES = ["Anna", "Bodil", "Clara", "Dorthe", "Else", "Fie", "Gerda", "Helle", "Allan", "Bent", "Claus", "Dan", "Erik", "Finn", "Gert", "Hans"]
_CHILD_NAMES = ["Alma", "Bertha", "Cilje", "Dagny", "Esther", "Fanny", "Gry", "Hedda", "Aksel", "Bjørn", "Carlo", "Ditlev", "Ejnar", "Felix", "Gorm", "Hjalte"]


class Citizen(NamedTuple):
    """One invented person. `mark` is her household's, and part of the first name: it is on every page."""

    number: int
    slot: int
    cpr: str
    born: date
    first_name: str
    mark: str
    protected: bool

    @property
    def name(self) -> str:
        return f"{self.first_name} Opdigt"

    @property
    def gender(self) -> str:
        return "male" if int(self.cpr[-1]) % 2 else "female"

    @property
    def child(self) -> bool:
        return self.slot in CHILDREN


class Household(NamedTuple):
    """Two adults and two children; `joint`: both hold custody, else the first alone."""

    number: int
    joint: bool
    together: bool
    citizens: tuple[Citizen, ...]

    @property
    def custodians(self) -> tuple[Citizen, ...]:
        return self.citizens[:2] if self.joint else self.citizens[:1]


class Country(NamedTuple):
    """The same seed and day give the same people, however many of them there are."""

    seed: int
    day: date

    def household(self, number: int) -> Household:
        """Three of four have joint custody, half of those live together; one in thirty is protected."""
        return _household(self, number)

    def citizen(self, cpr: str) -> Citizen | None:
        """Whose number this is; None for a number that is nobody's."""
        found = self._number(cpr)
        if found is None:
            return None
        household, slot = divmod(found, SIZE)
        citizen = self.household(household).citizens[slot]
        return citizen if citizen.cpr == cpr else None

    def systems(self, citizen: Citizen) -> frozenset[int]:
        """Which of the systems know something: 5 to 45 of a child's, few of them many; 2 of an adult's."""
        household = citizen.number // SIZE
        dice = _dice(self.seed, household)[8 + citizen.slot]
        many = FEWEST + round((MOST - FEWEST) * (dice / 255) ** 2) if citizen.child else 2
        return frozenset((household + 7 * i) % SYSTEMS for i in range(many))

    def person(self, household: int, slot: int, dice: int, protected: bool) -> Citizen:
        """Who stands in one of the four places of a household."""
        born, serial = self._birth(2 * household + slot % 2, slot in CHILDREN)
        names = _CHILD_NAMES if slot in CHILDREN else _ADULT_NAMES
        half = len(names) // 2
        mark = f"Hus{household:07d}"
        first = f"{names[dice % half + half * (serial % 2)]}-{mark}"
        cpr = f"{born:%d%m%y}{serial}"
        return Citizen(household * SIZE + slot, slot, cpr, born, first, mark, protected)

    def _birth(self, index: int, child: bool) -> tuple[date, int]:
        first, days = self._span(child)
        serial, place = divmod(index, days)
        if serial >= _SERIALS:
            raise ValueError(f"no more numbers for household {index // 2}")
        return first + timedelta(days=place * _STRIDE % days), 9000 + serial

    def _number(self, cpr: str) -> int | None:
        """The way back from a CPR number to the citizen's."""
        try:
            day, month, year = int(cpr[:2]), int(cpr[2:4]), int(cpr[4:6])
            born = date(year + (2000 if year < 37 else 1900), month, day)
            serial = int(cpr[6:]) - 9000
        except ValueError:
            return None
        for child in (False, True):
            first, days = self._span(child)
            away = (born - first).days
            if 0 <= away < days and 0 <= serial < _SERIALS:
                index = serial * days + away * pow(_STRIDE, -1, days) % days
                return index // 2 * SIZE + index % 2 + (2 if child else 0)
        return None

    def _span(self, child: bool) -> tuple[date, int]:
        if child:
            return self.day - timedelta(days=_CHILD_DAYS), _CHILD_DAYS
        return _FIRST_ADULT, _ADULT_DAYS


@lru_cache(maxsize=4096)
def _household(country: Country, number: int) -> Household:
    dice = _dice(country.seed, number)
    joint, protected = dice[0] % 4 != 0, dice[1] < 8
    people = tuple(
        country.person(number, slot, dice[4 + slot], protected and slot != 1)
        for slot in range(SIZE)
    )
    return Household(number, joint, joint and dice[2] % 2 == 0, people)


@lru_cache(maxsize=4096)
def _dice(seed: int, household: int) -> bytes:
    return blake2b(f"{seed}/{household}".encode(), digest_size=16).digest()
