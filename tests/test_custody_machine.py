"""Custody and age over time: what each may see while the clock, the register and authorities move.

The family's facts, the doors and the rules are the real ones on a real store;
only the register and the clock are the test's. A fact of the register is used
for a minute at most, so within a minute of a change either answer may stand,
never one that no fact of that minute allows.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import insert

from portal import family, lately
from portal.access import Viewer, decided_sectors
from portal.config import load
from portal.consents import Consents
from portal.crypto import Vault
from portal.db import Store, now
from portal.family import Family, RegisterDown
from portal.models import access_closed
from portal.records import Audience, Contact, Measurement, Meeting, Person, Plan
from portal.settings import CPR_SYSTEM
from portal.sources.register import Registered
from portal.standing import NotFound, Standings
from tests.consent_model import Model, birthday
from tests.proving import PROVE, SEED, times
from tests.store_server import in_memory
from tests.store_world import make_schema, secrets, write_settings

MINUTE = timedelta(seconds=60)
ADULTS = {"mother": "0101889001", "father": "0202859002", "stranger": "0404804040"}
BORN = st.sampled_from([date(2012, 2, 29), date(2011, 3, 27), date(2010, 10, 31), date(2012, 6, 1)])
"""A leap day's child, two born on nights when the clocks change, and one on a summer's day."""
SECTORS = {"fam": "social", "skole": "school", "bup": "health", "job": "employment"}
MARKS = [None, "not-for-child", "not-for-guardians", "R", "V", "staff-only", "concern"]
CODE = {
    "not-for-child": Audience.NOT_FOR_CHILD,
    "not-for-guardians": Audience.NOT_FOR_GUARDIANS,
    "R": Audience.CITIZEN_FROM_15,
    "V": Audience.OWNER_ONLY,
    "staff-only": Audience.STAFF_ONLY,
}


class Fact(NamedTuple):
    """What the register would say at one moment; `custody` None: it contradicts itself."""

    born: date | None
    dead: bool
    custody: frozenset[str] | None


class Register:
    """A register in the test's hand."""

    def __init__(self) -> None:
        self.fact = Fact(None, False, frozenset())
        self.child, self.down = "", False

    def _up(self) -> None:
        if self.down:
            raise RegisterDown("down")

    def person(self, system: str, value: str) -> Registered:
        self._up()
        return Registered(self._person(value), f"Patient/{value}")

    def _person(self, value: str) -> Person:
        child = value == self.child
        return Person(
            name="Barn" if child else f"Voksen {value}",
            born=self.fact.born if child else date(1985, 1, 1),
            deceased=child and self.fact.dead,
            identifiers={CPR_SYSTEM: value},
        )

    def in_custody_of(self, system: str, value: str) -> tuple[Registered, ...]:
        self._up()
        held = {"mother", "father"} if self.fact.custody is None else self.fact.custody
        names = {ADULTS[h] for h in held}
        return (self.person(system, self.child),) if value in names else ()

    def custodians_of(self, patient: str) -> tuple[Person, ...] | None:
        self._up()
        held = self.fact.custody
        return None if held is None else tuple(self._person(ADULTS[h]) for h in sorted(held))


class Custody(RuleBasedStateMachine):
    """One child; her parents, a stranger and she herself look at her overview."""

    store: Store
    standings: Standings
    family: Family
    register: Register
    clock: SimpleNamespace
    runs = steps = looks = 0

    @initialize(born=BORN, age=st.sampled_from([9, 12, 14, 17]))
    def begin(self, born: date, age: int) -> None:
        type(self).runs += 1
        self.born, self.closed = born, set[str]()
        self.clock.run, self.clock.at = type(self).runs, at_noon(birthday(born, age))
        self.register.child = f"03{type(self).runs:08d}"
        self.register.down = False
        self.register.fact = Fact(born, False, frozenset({"mother", "father"}))
        self.ids = {p: self.family.identify(CPR_SYSTEM, n).id for p, n in ADULTS.items()}
        self.ids["child"] = self.family.identify(CPR_SYSTEM, self.register.child).id
        self.said: list[tuple[datetime, Fact, bool]] = []
        self.sessions = dict.fromkeys(self.ids, 0)
        self.note()
        self.wait(61)

    # --- what happens ---

    @rule(seconds=st.one_of(st.integers(1, 59), st.sampled_from([61, 3600, 86400, 90 * 86400])))
    def wait(self, seconds: int) -> None:
        self.clock.at += timedelta(seconds=seconds)

    @rule(age=st.sampled_from([13, 15, 18]), who=st.sampled_from(["child", "mother"]))
    def midnight_before_a_birthday(self, age: int, who: str) -> None:
        """One second before it, and when it strikes."""
        day = birthday(self.born, age)
        strikes = midnight(day)
        if strikes - MINUTE <= self.clock.at:
            return
        self.clock.at = strikes - MINUTE - timedelta(seconds=5)
        self.look(who, True)
        self.clock.at = strikes - timedelta(seconds=1)
        self.look(who, False)
        assert self.model(self.register.fact).today == day - timedelta(days=1)
        self.clock.at = strikes
        self.look(who, False)
        assert self.model(self.register.fact).today == day

    @rule(spring=st.booleans(), minutes=st.integers(-90, 90))
    def a_night_the_clocks_change(self, spring: bool, minutes: int) -> None:
        turn = turns(self.clock.at.year)[not spring] + timedelta(minutes=minutes)
        if turn > self.clock.at:
            self.clock.at = turn

    @rule(custody=st.sampled_from([None, "", "mother", "father", "mother father", "mother father"]))
    def custody_changes(self, custody: str | None) -> None:
        held = None if custody is None else frozenset(custody.split())
        self.told(self.register.fact._replace(custody=held))

    @rule(known=st.booleans())
    def the_birth_date_is_known_or_not(self, known: bool) -> None:
        self.told(self.register.fact._replace(born=self.born if known else None))

    @rule(dead=st.sampled_from([False, False, True]))
    def she_dies_or_it_was_a_mistake(self, dead: bool) -> None:
        self.told(self.register.fact._replace(dead=dead))

    @rule(down=st.booleans())
    def the_register_goes_down_or_comes_up(self, down: bool) -> None:
        self.register.down = down
        self.note()

    @rule(who=st.sampled_from(["mother", "father"]), dice=st.integers(0, 3))
    def an_authority_closes_access(self, who: str, dice: int) -> None:
        if dice or who in self.closed:
            return
        with self.store.own(self.ids["child"], self.ids[who]) as c:
            row = {"tenant": "0851", "adult": self.ids[who], "citizen": self.ids["child"]}
            c.execute(insert(access_closed).values(**row, at=now()))
        self.closed.add(who)

    @rule(who=st.sampled_from(["mother", "father"]))
    def logs_in_again(self, who: str) -> None:
        self.sessions[who] += 1

    def told(self, fact: Fact) -> None:
        self.register.fact = fact
        self.note()

    def note(self) -> None:
        self.said.append((self.clock.at, self.register.fact, self.register.down))

    # --- what each sees ---

    @rule(fresh=st.booleans())
    def everybody_looks(self, fresh: bool) -> None:
        for who in self.ids:
            self.look(who, fresh)

    @rule(fresh=st.booleans())
    def her_parents_look(self, fresh: bool) -> None:
        self.look("mother", fresh)
        self.look("father", False)

    @rule(who=st.sampled_from(["mother", "father", "child"]), fresh=st.booleans())
    def look(self, who: str, fresh: bool) -> None:
        type(self).looks += 1
        self.sessions[who] += fresh  # the first opening of a new session reads anew
        session = f"{who} {self.sessions[who]} {self.ids['child']}"
        viewer = Viewer(person=self.ids[who], session=session if fresh else "")
        facts = [self.register.fact] if fresh else self.of_the_last_minute()
        if fresh and self.register.down:
            facts = []
        try:
            standing = self.standings.of(viewer, self.ids["child"])
        except RegisterDown:
            assert self.register.down, "an outage that is none"
            return
        except NotFound:
            if len(facts) == 1 and not (self.register.down and not fresh):
                assert not self.relation(who, facts[0], facts[0], facts[0])
            return
        assert facts, "the register was down all the time, and yet something is shown"
        mixes = list(product(facts, facts, facts))
        assert standing.relation.value in {self.relation(who, *mix) for mix in mixes}
        self.shows(who, standing, facts)

    def shows(self, who: str, standing, facts: list[Fact]) -> None:  # type: ignore[no-untyped-def]
        """Each sector, category and mark, one by one; and what she decides."""
        models = [self.model(f) for f in facts]
        ages = {m.age() for m in models} - {None}
        for entry, sector, mark in ENTRIES:
            allowed = {seen(standing.relation.value, age, sector, mark) for age in ages if age}
            assert self.standings.shows(standing, entry) in allowed, (who, sector, mark)
        asked = {s.id for s in self.standings.sources(standing)}
        assert ("bup" in asked) in {seen(standing.relation.value, a, "health", None) for a in ages}
        assert {"fam", "skole", "job"} <= asked
        decided = {s.value for s in decided_sectors(self.ids[who], standing.home.facts)}
        both = [self.model(Fact(a.born, a.dead, b.custody)) for a in facts for b in facts]
        assert decided in [m.may_decide(who) for m in both]

    @invariant()
    def one_more_step(self) -> None:
        type(self).steps += 1

    # --- the rules, said once more ---

    def of_the_last_minute(self) -> list[Fact]:
        """What the register said at some moment of the last minute, when it said anything."""
        begin, found = self.clock.at - MINUTE, list[Fact]()
        ends = [*(at for at, _, _ in self.said[1:]), self.clock.at + MINUTE]
        for (_at, fact, down), end in zip(self.said, ends, strict=True):
            if end > begin and not down and fact not in found:
                found.append(fact)
        return found

    def model(self, fact: Fact) -> Model:
        today = copenhagen(self.clock.at)
        closed = frozenset(self.closed)
        return Model("child", fact.born, today, fact.custody, closed, fact.dead)

    def relation(self, who: str, person: Fact, children: Fact, custodians: Fact) -> str:
        """By which door she comes in, if any; the three facts may have been read apart."""
        model = self.model(Fact(person.born, person.dead, custodians.custody))
        age = model.age()
        if age is None or model.dead or who == "stranger":
            return ""
        if who == "child":
            return "self" if age >= 13 else ""
        held = children.custody is None or who in children.custody
        holds = held and who in (model.custody or ()) and who not in model.closed
        return "guardian" if holds and age < 18 else ""


def seen(how: str, age: int, sector: str, mark: str | None) -> bool:
    """Whether an entry exists for her, by what its owner marked it and how old the child is."""
    if mark in ("concern", "V", "staff-only"):
        return False
    if how == "self":
        return age >= 15 or mark not in ("not-for-child", "R")
    return mark in (None, "not-for-child") and not (sector == "health" and age >= 15)


def copenhagen(moment: datetime) -> date:
    """The day it is in Denmark: one hour ahead, two between the last Sundays of March and October."""
    spring, autumn = turns(moment.year)
    hours = 2 if spring <= moment < autumn else 1
    return (moment + timedelta(hours=hours)).date()


def turns(year: int) -> tuple[datetime, datetime]:
    """When the clocks change: 01:00 UTC on the last Sundays of March and October."""
    lasts = [date(year, month, 31) for month in (3, 10)]
    days = [d - timedelta(days=(d.weekday() + 1) % 7) for d in lasts]
    spring, autumn = (datetime(d.year, d.month, d.day, 1, tzinfo=UTC) for d in days)
    return spring, autumn


def midnight(day: date) -> datetime:
    """When a day begins in Denmark."""
    utc = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return next(m for m in (utc - timedelta(hours=h) for h in (2, 1)) if copenhagen(m) == day)


def at_noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def entries() -> Iterator[tuple[Contact | Meeting | Plan | Measurement, str, str | None]]:
    for (owner, sector), mark in product(SECTORS.items(), MARKS):
        common = {
            "key": f"{owner} {mark}",
            "source": owner,
            "owner": owner,
            "audience": frozenset({CODE[mark]} if mark in CODE else ()),
            "kinds": frozenset({"concern"} if mark == "concern" else ()),
        }
        yield Contact(**common, name="x"), sector, mark
        yield Meeting(**common, title="x", start=datetime(2026, 1, 1, tzinfo=UTC)), sector, mark
        yield Plan(**common, title="x"), sector, mark
        yield Measurement(**common, scale="x", day=date(2026, 1, 1), value=1), sector, mark


ENTRIES = list(entries())
PLACES_TOML = "".join(
    f'[[actor]]\nid = "{id}"\nname = "{id}"\nsector = "{sector}"\n'
    for id, sector in SECTORS.items()
    if id != "skole"
) + "".join(
    f'[[source]]\nid = "{id}"\nname = "{id}"\nkind = "rest"\nactor = "{id}"\nconnected = false\n'
    for id in SECTORS
)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Custody]]:
    """One store for every run, with the test's clock and register."""
    clock = SimpleNamespace(run=0, at=datetime(2026, 1, 1, tzinfo=UTC))
    seconds = SimpleNamespace(monotonic=lambda: clock.run * 1e10 + clock.at.timestamp())
    monkeypatch.setattr(family, "now", lambda: clock.at)
    monkeypatch.setattr(lately, "time", seconds)
    with tempfile.TemporaryDirectory(dir=in_memory()) as folder:
        environ = secrets()
        file = write_settings(Path(folder), "sqlite:///portal.db", environ).path("portal-0851.toml")
        file.write_text(file.read_text() + PLACES_TOML)
        found = load(file, {**os.environ, **environ})
        make_schema(found)
        Custody.store = Store(found.database, found.path("."), found.municipality)
        Custody.register, Custody.clock = Register(), clock
        vault = Vault(found.data_keys)
        Custody.family = Family(found, Custody.store, vault, Custody.register)  # type: ignore[arg-type]
        consents = Consents(found, Custody.store, Custody.family)
        Custody.standings = Standings(found, Custody.family, consents)
        Custody.runs = Custody.steps = Custody.looks = 0
        yield Custody
        Custody.store.engine.dispose()


def test_looking_makes_no_old_fact_new(world: type[Custody]) -> None:
    """Her mother looks at what was read a minute ago; a minute later it is not believed any more."""
    found = world()
    found.begin(born=date(2011, 3, 27), age=14)
    found.look("mother", False)
    found.told(found.register.fact._replace(dead=True))
    found.wait(59)
    found.look("mother", False)
    found.wait(59)
    found.look("child", False)


@pytest.mark.proof
def test_each_sees_what_the_day_and_the_register_allow(world, record_property) -> None:  # type: ignore[no-untyped-def]
    few = settings(
        max_examples=times(20, 2000),
        stateful_step_count=times(30, 52),
        deadline=None,
        database=None,
        phases=(Phase.generate,),  # a failure names its steps; making them fewer takes minutes
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(seed(int(SEED))(world), settings=few)
    assert not PROVE or (world.runs >= 2000 and world.steps >= 50 * 2000)
    figure = f"{world.runs} families, {world.steps} steps, {world.looks} looks: as the model"
    record_property("figure", figure)
