"""Several processes on one store: a no is never lost, deny wins, chains have no gaps, a kill leaves no half."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import select

from portal import audit
from portal.audit import Act
from portal.checkpoints import Checkpoints
from portal.consent_state import Event, Kind
from portal.journal import Journal
from portal.models import access_entry
from portal.settings import Settings
from tests.proving import SEED, dice, times
from tests.store_driver import (
    PROCESSES,
    Done,
    append_lines,
    applies,
    race,
    write_until_killed,
)
from tests.store_world import Shop, open_shop, who

pytest_plugins = ("tests.store_fixtures",)
pytestmark = pytest.mark.proof
Figure = Callable[[str, object], None]
SERVES_AGAIN = times(30, 5)
"""Seconds; a sample runs beside everything else on the machine."""
WAIT = times(300, 3600)  # seconds; only so that nothing hangs for ever


def test_races_of_yes_and_no_end_as_the_model_says(
    stored: Settings, engine: str, record_property: Figure
) -> None:
    children = [f"03{n:04d}9003" for n in range(1, times(3, 100) + 1)]
    shop, barrier = open_shop(stored), PROCESSES.Barrier(4)
    done: list[Done] = []
    for found in in_processes(4, race, lambda n: (n, children, f"{SEED} {n}", barrier), stored):
        done += found
    for child in children:
        assert_as_the_model(shop, child, [d for d in done if d.child == child])
    record_property("figure", f"{len(done)} racing acts on 4 processes, {engine}: as the model")


def test_eight_writers_leave_no_gap(stored: Settings, engine: str, record_property: Figure) -> None:
    count = times(25, 1000)
    shop = open_shop(stored)
    citizens = [shop.person(f"010188900{i}") for i in range(3)]
    written = in_processes(8, append_lines, lambda _: (citizens, count), stored)
    with shop.store.read(*citizens) as c:
        for citizen in citizens:
            t = access_entry.c
            seqs = c.execute(select(t.seq).where(t.citizen == citizen).order_by(t.seq)).scalars()
            assert list(seqs) == list(range(1, sum(w[citizen] for w in written) + 1))
    checkpoints = Checkpoints(stored, shop.store)
    made = checkpoints.make(first=True)
    assert made
    assert made.faults == ()
    assert checkpoints.check(checkpoints.sealed()).faults == []
    record_property("figure", f"8 writers x {count}, {engine}: no gap, no fault")


def test_killed_in_the_middle_nothing_is_half(
    stored: Settings, engine: str, record_property: Figure
) -> None:
    rounds, chance = times(8, 200), dice("kill")
    shop = open_shop(stored)
    citizen = shop.household().citizen.id
    told: set[int] = set()
    for _ in range(rounds):
        before = len(shop.consents.events(citizen))
        acknowledged, killed = write_and_kill(stored, chance.randint(0, 12), chance.random() / 100)
        events = shop.consents.events(citizen)
        assert [e.seq for e in events] == list(range(1, len(events) + 1))
        assert len(events) >= acknowledged
        assert log_of_consents(shop, citizen) == said_in(events)
        kept = {said.seq for said in Journal(stored).read()}
        noes = {e.seq for e in events if e.kind in (Kind.WITHDRAWN, Kind.SUPERSEDED)}
        told |= {n for n in noes if before < n <= acknowledged}
        assert told <= kept <= noes  # an event that a kill left untold may lack its line
        assert write_and_kill(stored, 1, 0)[0] > len(events)  # serves again at once
        assert time.monotonic() - killed < SERVES_AGAIN
    checkpoints = Checkpoints(stored, shop.store)
    checkpoints.make(first=True)
    assert checkpoints.check(checkpoints.sealed()).faults == []
    if engine == "sqlite":
        file = stored.path("portal.db")
        assert sqlite3.connect(file).execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    record_property(
        "figure", f"{2 * rounds} kills -9 while consents are written, {engine}: no half"
    )


# --- what must hold --------------------------------------------------------------------


def assert_as_the_model(shop: Shop, child: str, done: list[Done]) -> None:
    """All that must hold of one child's consent, and of the log of it."""
    home = shop.household(child)
    people = {k.id for k in who(home)}
    events = shop.consents.events(home.citizen.id)
    assert [e.seq for e in events] == list(range(1, len(events) + 1))
    assert_all_acknowledged(done, events)
    assert_in_real_order(done)
    assert_no_answer_overwritten_unseen(done, events)
    assert_denials_win(done, events, people)
    assert applies(shop, home.facts) == modelled(events, people)
    assert log_of_consents(shop, home.citizen.id) == said_in(events)


def assert_all_acknowledged(done: list[Done], events: tuple[Event, ...]) -> None:
    """Every acknowledged answer is an event, and every event was acknowledged, once."""
    made = sorted((d.seq, d.viewer, d.act) for d in done if d.seq)
    words = {Kind.GRANTED: "grant", Kind.WITHDRAWN: "withdraw", Kind.REFUSED: "withdraw"}
    said = [e for e in events if e.kind is not Kind.SUPERSEDED]
    assert made == [(e.seq, e.by, words[e.kind]) for e in said]


def assert_in_real_order(done: list[Done]) -> None:
    """What began after something was acknowledged stands after it."""
    newest, ended = 0, sorted((d.ended, d.seq) for d in done if d.seq)
    for begun, seq in sorted((d.begun, d.seq) for d in done if d.seq):
        while ended and ended[0][0] < begun:
            newest = max(newest, ended.pop(0)[1])
        assert seq > newest


def assert_no_answer_overwritten_unseen(done: list[Done], events: tuple[Event, ...]) -> None:
    """A yes stands only where its giver had answered as often as her form knew."""
    own: dict[str, list[Kind]] = {}
    seen = {d.seq: d.seen for d in done if d.seq}
    for e in events:
        assert e.by
        hers = own.setdefault(e.by, [])
        if e.kind is Kind.SUPERSEDED:  # nobody saw it without the yes that follows at once
            assert (events[e.seq].kind, events[e.seq].by) == (Kind.GRANTED, e.by)
        if e.kind is Kind.GRANTED:
            assert seen[e.seq] == len(hers) - (hers[-1:] == [Kind.SUPERSEDED])
        hers.append(e.kind)


def assert_denials_win(done: list[Done], events: tuple[Event, ...], people: set[str]) -> None:
    """A look says what held at some moment between its beginning and its end, never before."""
    states = [modelled(events[:i], people) for i in range(len(events) + 1)]
    for d in done:
        assert d.applied in states[d.looked_at :], d
        if d.act == "withdraw" and d.applied:
            assert any(e.by == d.viewer and e.kind is Kind.GRANTED for e in events[d.seq :])


def modelled(events: tuple[Event, ...], people: set[str]) -> bool:
    """The consent applies when everybody's newest word is yes; written again, on purpose."""
    words: dict[str | None, bool] = {}
    for e in events:
        if e.kind is not Kind.SUPERSEDED:
            words[e.by] = e.kind is Kind.GRANTED
    return all(words.get(p, False) for p in people)


def said_in(events: tuple[Event, ...]) -> list[tuple[str | None, str, str]]:
    return [(e.by, e.kind.value, e.actor) for e in events]


def log_of_consents(shop: Shop, citizen: str) -> list[tuple[str | None, str, str]]:
    """What the access log says was answered, oldest first."""
    with shop.store.read(citizen) as c:
        key = shop.family.key(citizen)
        lines = audit.entries(c, shop.settings.municipality, citizen, key, 10**6)
    said = [e.line for e in reversed(lines) if e.line.act is Act.CONSENT]
    return [(line.person, line.outcome, line.about) for line in said]


# --- means -----------------------------------------------------------------------------


def in_processes(count, act, arguments, settings: Settings):  # type: ignore[no-untyped-def]
    """What so many processes sent back, each with a store of its own."""
    file, environ = settings.path("portal-0851.toml"), dict(settings.environ)
    running = []
    for n in range(count):
        mine, theirs = PROCESSES.Pipe()
        process = PROCESSES.Process(target=act, args=(file, environ, *arguments(n), theirs))
        process.start()
        theirs.close()
        running.append((process, mine))
    found = []
    for process, mine in running:
        assert mine.poll(WAIT)
        found.append(mine.recv())
        process.join(WAIT)
        assert process.exitcode == 0
    return found


def write_and_kill(settings: Settings, answers: int, wait: float) -> tuple[int, float]:
    """Kill a writer after so many acknowledged answers and a moment more; the last one it told."""
    mine, theirs = PROCESSES.Pipe(duplex=False)
    file = settings.path("portal-0851.toml")
    process = PROCESSES.Process(
        target=write_until_killed, args=(file, dict(settings.environ), theirs)
    )
    process.start()
    theirs.close()
    last, until = 0, -1.0
    for told in told_by(mine):
        last = max(last, told)
        answers -= 1
        if answers < 0:
            break
    until = time.monotonic() + wait
    while mine.poll(max(0.0, until - time.monotonic())):
        last = max(last, mine.recv())
    process.kill()
    process.join(WAIT)
    killed = time.monotonic()
    try:
        while mine.poll(0):
            last = max(last, mine.recv())
    except EOFError:
        pass
    return last, killed


def told_by(pipe) -> Iterator[int]:  # type: ignore[no-untyped-def]
    while True:
        assert pipe.poll(WAIT)
        yield pipe.recv()
