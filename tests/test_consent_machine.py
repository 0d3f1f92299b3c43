"""Consent over time: families live through years at random, and an independent model tells what must apply.

Everything runs on the real store: answers are written, sealed, logged and read
back. The model (consent_model.py) knows the product's rules and nothing of the portal.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from portal import consent_state
from portal.access import Facts, decided_sectors
from portal.config import load
from portal.consent_state import Event
from portal.consents import Changed, NotAllowed
from portal.family import Household
from portal.proposal import Proposal, months_ahead
from portal.records import Category
from tests.consent_model import NEVER, NO, SECTOR, Model, Yes, birthday, eve, sector
from tests.proving import PROVE, SEED, times
from tests.store_server import in_memory
from tests.store_world import PEOPLE, Shop, make_schema, open_shop, secrets, write_settings

PLACES = ("skole", "job")
"""Whom the family answers about; owners are all in SECTOR."""
WHO = st.sampled_from(["child", "mother", "father", "stranger"])
PLACE = st.sampled_from(PLACES)
BORN = st.sampled_from([date(2012, 2, 29), date(2012, 3, 1), date(2011, 12, 31), date(2013, 6, 15)])
TICKED = st.frozensets(
    st.sampled_from(["contacts", "meetings", "plans", "comments"]), min_size=1, max_size=3
)
OWNERS = st.frozensets(st.sampled_from(list(SECTOR)), min_size=1, max_size=3)
FEW = settings(
    max_examples=times(12, 2000),
    stateful_step_count=times(25, 60),
    deadline=None,
    derandomize=False,
    database=None,
    phases=(Phase.generate,),  # a failure names its steps; making them fewer takes minutes
    suppress_health_check=list(HealthCheck),
)


class Family(RuleBasedStateMachine):
    """One child, those who decide, and what they answer about two places."""

    shop: Shop
    runs = steps = 0

    @initialize(born=BORN, age=st.integers(8, 17), months=st.integers(0, 11))
    def begin(self, born: date, age: int, months: int) -> None:
        type(self).runs += 1
        child = self.shop.person(f"03{type(self).runs:08d}")
        self.people = {
            "mother": self.shop.person(PEOPLE[0]),
            "father": self.shop.person(PEOPLE[1]),
            "child": child,
            "stranger": self.shop.person("0404804040"),
        }
        today = birthday(born, age) + timedelta(days=30 * months)
        self.model = Model("child", born, today, frozenset({"mother", "father"}))
        self.born = born
        self.shown: list[tuple[int, Facts, dict[str, bytes]]] = []
        self.fresh = ("", "")

    # --- what people do ---

    @rule(who=WHO, place=PLACE, categories=TICKED, owners=OWNERS, days=st.integers(1, 366),
          purpose=st.sampled_from(["moede", "moede", "moede", "opfoelgning"]),
          sources=st.frozensets(st.sampled_from(["s1", "s2"])), excluded=st.booleans())  # fmt: skip
    def say_yes(
        self, who: str, place: str, categories: frozenset[str], owners: frozenset[str],
        days: int, purpose: str, sources: frozenset[str], excluded: bool,
    ) -> None:  # fmt: skip
        model, home = self.model, self.home()
        hers = model.may_decide(who)
        owners = frozenset(o for o in owners if SECTOR[o] in hers) or owners
        yes = Yes(
            categories, owners, sources, frozenset({"Befordring"} if excluded else ()), purpose,
            model.today, min(model.today + timedelta(days=days), months_ahead(model.today, 12)),
            model.age() or 0,
        )  # fmt: skip
        allowed = bool(hers) and all(SECTOR[o] in hers for o in owners)
        said = self.people[who]
        seen = self.shop.consents.row(home, said, place).version
        if not allowed:
            with pytest.raises(NotAllowed):
                self.shop.consents.grant(home, said, self.proposal(place, yes, seen), "t", "da")
            return
        with pytest.raises(Changed):  # an older form, one not shown yet
            self.shop.consents.grant(home, said, self.proposal(place, yes, seen + 1), "t", "da")
        self.answer(
            who, place, yes,
            lambda: self.shop.consents.grant(home, said, self.proposal(place, yes, seen), "t", "da"),
        )  # fmt: skip
        self.fresh = (who, place)

    @rule(who=WHO, place=PLACE)
    def say_no(self, who: str, place: str) -> None:
        model, said = self.model, self.people[who]
        citizen, decides = self.people["child"], bool(self.model.may_decide(who))
        before = model.words.get((who, place), None)
        if before is None and not decides:
            with pytest.raises(NotAllowed):
                self.shop.consents.withdraw(citizen, said, place, decides)
            return
        self.answer(
            who, place, NEVER if before in (None, NEVER) else NO,
            lambda: self.shop.consents.withdraw(citizen, said, place, decides),
        )  # fmt: skip

    @precondition(lambda self: self.fresh[0])
    @rule()
    def regret(self) -> None:
        """Fortryd: the newest yes is taken back, and nothing else comes back for it."""
        who, place = self.fresh
        before = self.model.applies(place)
        self.say_no(who, place)
        assert self.model.applies(place).keys() <= before.keys()

    def answer(self, who: str, place: str, word: Yes | str, act) -> None:  # type: ignore[no-untyped-def]
        """The act is done; it shows to nobody else but in what applies."""
        others = [p for p in self.people if p != who]
        before, applied = self.views(), self.applied()
        event = act()
        self.model.words[who, place] = word
        self.fresh = ("", "")
        assert event.by == self.people[who]
        events = self.events()
        after = self.views(events)
        if self.applied() == applied:
            assert all(after[p] == before[p] for p in others), "an answer shows to somebody else"
        if not isinstance(word, Yes):
            asked = self.views([e for e in events if (e.by, e.actor) != (event.by, place)])
            assert all(after[p] == asked[p] for p in others), "a no is not as no answer yet"

    # --- what happens ---

    @rule(days=st.one_of(st.integers(1, 40), st.integers(41, 400)))
    def time_passes(self, days: int) -> None:
        self.model.today += timedelta(days=days)

    @precondition(lambda self: self.model.born)
    @rule(age=st.sampled_from([15, 18]))
    def the_night_before_a_birthday_and_the_day(self, age: int) -> None:
        last = eve(self.born, age)
        if last <= self.model.today:
            return
        self.model.today = last
        assert self.model.age() == age - 1
        self.as_the_model_says()
        self.model.today = birthday(self.born, age)
        assert self.model.age() == age

    @rule(custody=st.sampled_from([None, "", "mother", "father", "mother father", "mother father"]))
    def custody_changes(self, custody: str | None) -> None:
        self.model.custody = None if custody is None else frozenset(custody.split())

    @rule(closed=st.sampled_from(["", "", "mother", "father"]))
    def access_is_closed_or_opened(self, closed: str) -> None:
        self.model.closed = frozenset(closed.split())

    @rule(known=st.booleans())
    def the_register_forgets_the_birth_date(self, known: bool) -> None:
        self.model.born = self.born if known else None

    @rule(dead=st.sampled_from([False, False, False, True]))
    def dies(self, dead: bool) -> None:
        """Reversible here, so that a mistaken register is tried too."""
        self.model.dead = dead

    @rule()
    def settle(self) -> None:
        before = self.applied()
        count = self.shop.consents.settle(self.home())
        assert count == self.model.settle()
        assert self.applied() == before, "writing down what has ended opens or closes nothing"
        assert self.shop.consents.settle(self.home()) == 0

    # --- what must hold ---

    @invariant()
    def one_more_step(self) -> None:
        type(self).steps += 1

    @invariant()
    def as_the_model_says(self) -> None:
        home, model, events = self.home(), self.model, self.events()
        assert home.facts.age == model.age()
        applied = self.applied()
        for place in PLACES:
            assert applied[place] == model.applies(place)
            for who, id in self.people.items():
                row = self.shop.consents._row(events, home, id, place)
                hers = {p for p in applied[place] if who in (*model.deciders(sector(p)), "child")}
                looks_on = who == "child" and not model.may_decide(who)  # too young to be asked
                told = "active" if looks_on and hers else model.mine(who, place)
                assert row.mine.value == told, who
                pairs = {(c.value, o) for s in row.scopes for c, o in s.pairs}
                assert pairs == (hers if told == "active" else set()), who
                assert row.open == (told in ("active", "pending"))
                assert row.version == sum((e.by, e.actor) == (id, place) for e in events)
                assert self.shop.consents.of(home.citizen.id, home.facts, [place]) == tuple(
                    self.shop.consents.applies(home.citizen.id, home.facts).get(place, ())
                )
            for _category, owner in applied[place]:  # one no is enough
                for who in model.deciders(SECTOR.get(owner, "other")):
                    assert isinstance(model.words[who, place], Yes)
        self.shown.append((len(events), home.facts, self.views(events)))

    @precondition(lambda self: self.shown)
    @rule(dice=st.randoms(use_true_random=False))
    def look_back(self, dice) -> None:  # type: ignore[no-untyped-def]
        """What a former day's events and facts say is what was shown then."""
        count, facts, shown = dice.choice(self.shown)
        then = self.events()[:count]
        assert self.views(then, facts) == shown

    def teardown(self) -> None:
        if not hasattr(self, "shown"):
            return
        events = self.events()
        assert [e.seq for e in events] == list(range(1, len(events) + 1))
        for count, facts, shown in self.shown[::7]:
            assert self.views(events[:count], facts) == shown

    # --- means ---

    def home(self) -> Household:
        m, ids = self.model, self.people
        facts = Facts(
            citizen=ids["child"],
            born=m.born,
            deceased=m.dead,
            custodians=None if m.custody is None else frozenset(ids[p] for p in m.custody),
            closed=frozenset(ids[p] for p in m.closed),
            today=m.today,
        )
        return Household(citizen=self.shop.family.known(ids["child"]), custodians=(), facts=facts)

    def proposal(self, place: str, yes: Yes, seen: int) -> Proposal:
        return Proposal(
            actor=place,
            categories=frozenset(map(Category, yes.categories)),
            owners=yes.owners,
            sources=yes.sources,
            excluded=yes.excluded,
            purpose=yes.purpose,
            until=yes.until,
            seen=seen,
        )

    def events(self):  # type: ignore[no-untyped-def]
        return self.shop.consents.events(self.people["child"])

    def applied(self) -> dict[str, dict[tuple[str, str], tuple[object, ...]]]:
        """What the portal says applies, as the model says it."""
        found = self.shop.consents.applies(self.people["child"], self.home().facts)
        assert all(s.actor == place for place, scopes in found.items() for s in scopes)
        return {
            place: {
                (c.value, o): (s.sources, s.excluded, s.purpose, s.until)
                for s in found.get(place, ())
                for c, o in s.pairs
            }
            for place in PLACES
        }

    def views(self, events=None, facts: Facts | None = None) -> dict[str, bytes]:  # type: ignore[no-untyped-def]
        """Every byte that each person's consent pages are made of."""
        home = self.home()
        home = msgspec.structs.replace(home, facts=facts) if facts else home
        events = tuple(self.events() if events is None else events)
        return {who: self.view(id, events, home) for who, id in self.people.items()}

    def view(self, id: str, events: tuple[Event, ...], home: Household) -> bytes:
        rows = [self.shop.consents._row(events, home, id, place) for place in PLACES]
        steady = [msgspec.structs.replace(r, undo_until=None) for r in rows]  # a clock's, no rule's
        words = [consent_state.latest(events, place).get(id) for place in PLACES]
        said = [(w.kind, w.grant) if w else None for w in words]
        decides = decided_sectors(id, home.facts)
        return msgspec.msgpack.encode((steady, said, decides), order="deterministic")


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    """One database for every run; each has a child of its own."""
    with tempfile.TemporaryDirectory(dir=in_memory()) as folder:
        environ = secrets()
        file = write_settings(Path(folder), "sqlite:///portal.db", environ).path("portal-0851.toml")
        file.write_text(file.read_text() + PLACES_TOML)
        found = load(file, {**os.environ, **environ})
        make_schema(found)
        opened = open_shop(found)
        yield opened
        opened.store.engine.dispose()


PLACES_TOML = '[[kind]]\ncoding = "x"\nis = "excluded:Befordring"\n' + "".join(
    f'[[actor]]\nid = "{id}"\nname = "{id}"\nsector = "{sector}"\n'
    for id, sector in SECTOR.items()
    if id != "skole"
)


@pytest.mark.proof
def test_consents_over_the_years_are_as_the_model_says(shop: Shop, record_property) -> None:  # type: ignore[no-untyped-def]
    Family.shop, Family.runs, Family.steps = shop, 0, 0
    run_state_machine_as_test(seed(int(SEED))(Family), settings=FEW)
    assert not PROVE or (Family.runs >= 2000 and Family.steps >= 50 * 2000)
    record_property("figure", f"{Family.runs} families, {Family.steps} steps: as the model")
