"""Nobody sees a byte she may not see, and nobody entitled misses one: canaries against an oracle."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from portal import operators
from tests import canary_story as story
from tests.canary_crawl import Visitor, everywhere, log_in
from tests.canary_stage import Stage, open_stage
from tests.canary_world import CANARY, PURPOSES, STAFF, canaries, make
from tests.oracle import Oracle, Persona

PROVE = os.environ.get("PROVE") == "1"
SEED = int(os.environ.get("SEED", "1"))
SHARE = float(os.environ.get("SHARE", "0.25" if PROVE else "0.04"))
"""How many of the special cases each system holds."""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with open_stage(make(SEED, SHARE), tmp_path_factory.mktemp("kanarier")) as found:
        yield found


CITIZENS = [
    "mor",
    "far",
    "barn14",
    "ung16",
    "enlig",
    "hanne",
    "atten",
    "ung17",
    "jobfar",
    "farfar",
    "lukket",
    "aaben",
    "udato",
]


@dataclass
class Told:
    """A stage on which everything has been said."""

    stage: Stage
    oracle: Oracle
    visitors: dict[str, Visitor]


@pytest.fixture(scope="module")
def told(stage: Stage) -> Told:
    world = stage.world
    said = story.words(world)
    for adult, child in world.closed:
        operators.close_access(stage.settings, world.people[adult].cpr, world.people[child].cpr)
    visitors = {k: v for k in CITIZENS if (v := log_in(stage.app, k))}
    oracle = Oracle(world, said)
    story.answer(stage.app, visitors, stage.ids, oracle)
    notes = story.comments(visitors, stage.ids, world)
    looked_up = frozenset(story.LOOKED_UP)
    return Told(stage, Oracle(world, said, notes, looked_up), visitors)


def test_the_family(told: Told) -> None:
    wrong: list[str] = []
    for key in CITIZENS:
        visitor = log_in(told.stage.app, key)
        if visitor is None:
            wrong.append(f"{key} cannot log in")
            continue
        everywhere(visitor, told.stage.ids.values(), PROVE)
        wrong += differences(told.oracle, Persona(key), visitor)
    assert not wrong, report(wrong)


def test_staff(told: Told) -> None:
    wrong: list[str] = []
    stage = told.stage
    for key, unit in STAFF.items():
        visitor = log_in(stage.app, key, "/log-ind/medarbejder")
        assert visitor
        for purpose in PURPOSES:
            visitor.seen.clear()
            story.staff(stage.app, visitor, stage.world, stage.ids, purpose)
            everywhere(visitor, stage.ids.values(), PROVE)
            wrong += differences(told.oracle, Persona(key, unit, purpose), visitor)
    assert not wrong, report(wrong)


def report(wrong: list[str]) -> str:
    if path := os.environ.get("CANARY_REPORT"):
        with open(path, "a") as file:
            file.write("\n".join(wrong) + "\n")
    return "\n".join(wrong[:40]) + f"\n{len(wrong)} disagreements"


def test_so_many_were_decided() -> None:
    """The last word of this file: how much was compared."""
    print(f"{DECISIONS[0]} decisions (persona, canary), seed {SEED}, share {SHARE}")  # noqa: T201
    assert DECISIONS[0] >= 20_000


def differences(oracle: Oracle, persona: Persona, visitor: Visitor) -> list[str]:
    """Every canary about which the portal and the oracle disagree."""
    found = []
    for word, e, name in canaries(oracle.world.entries):
        far = e.record == "meeting" and name in ON_ITS_OWN_PAGE and not PROVE
        if far and word not in visitor.seen:
            continue  # the sample does not open each meeting's own page
        if name not in NOT_SHOWN.get(e.record, ()):
            what = f"{e.id} {e.record}.{name} {e.variant}"
            found += compared(persona, visitor, word, oracle.sees(persona, e, name), what)
    for citizen, who in oracle.world.people.items():
        word = CANARY.findall(who.address)[0]
        may = any(
            oracle.sees_address(persona, p.key)
            for p in oracle.world.people.values()
            if p.home == who.home
        )
        found += compared(persona, visitor, word, may, f"address of {citizen}")
    for note in oracle.notes:
        what = f"comment of {note.author} on {note.citizen}"
        found += compared(persona, visitor, note.canary, oracle.sees_note(persona, note), what)
    return found


def compared(persona: Persona, visitor: Visitor, word: str, may: bool, what: str) -> list[str]:
    """One decision."""
    DECISIONS[0] += 1
    if may == (word in visitor.seen):
        return []
    where = sorted(visitor.seen.get(word, ()))[:2]
    return [f"{'MISSING' if may else 'LEAK'} {persona.key}/{persona.purpose} {what} {where}"]


DECISIONS = [0]
ON_ITS_OWN_PAGE = ("place", "people", "instruction")
NOT_SHOWN: dict[str, tuple[str, ...]] = {"contact": ("url",), "meeting": ("url",)}
"""Fields that no page shows to anybody."""
