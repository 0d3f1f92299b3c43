"""Nothing outlives a withdrawal: on the real server, in every process, on every channel.

A backend holds its answer until the withdrawal has been answered. What begins
after that shows nothing of it, and what was under way is finished without it.
"""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from portal import operators
from tests.canary_crawl import log_in
from tests.canary_servers import GATE
from tests.canary_stage import Stage
from tests.proving import SEED, dice, times
from tests.race_stage import Home, Reply, Wire, open_races, say_yes, some

pytestmark = pytest.mark.proof
FAMILIES = 4
FLYING, LATER = 3, 2
"""Requests under way when the no is said, and begun when it has been answered."""
GRACE = 0.05
"""Seconds between a no and the last byte of what was under way, not held, and may show it still."""
BUSY = 3.0
"""The same on a machine that is so busy that a page is rendered for seconds."""


@dataclass
class Races:
    stage: Stage
    homes: list[Home]
    employee: Wire
    pool: ThreadPoolExecutor
    count: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    processes: set[str] = field(default_factory=set)


@pytest.fixture(scope="module")
def races(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Races]:
    with (
        ThreadPoolExecutor(FAMILIES * (FLYING + LATER)) as pool,
        open_races(tmp_path_factory.mktemp("kaploeb"), FAMILIES) as (stage, _port, homes, employee),
    ):
        yield Races(stage, homes, employee, pool)


def test_no_employee_sees_what_was_withdrawn(
    races: Races, record_property: Callable[[str, object], None]
) -> None:
    run(races, times(12, 2000), withdrawal)
    told(races, "withdrawals", record_property)


def test_no_guardian_sees_what_was_closed_to_her(
    races: Races, record_property: Callable[[str, object], None]
) -> None:
    run(races, times(6, 400), closing)
    told(races, "closings of a guardian's access", record_property)


def test_what_changes_while_the_log_is_written_is_gone(
    races: Races, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log is the last thing before a page is made; it may have waited for its turn."""
    home, world = races.homes[0], races.stage.world
    threshold = races.stage.app.extensions["portal"].overviews._threshold
    adult, child = (world.people[k].cpr for k in ("s0", "b0"))
    employee = log_in(races.stage.app, "poul", "/log-ind/medarbejder")
    guardian = log_in(races.stage.app, "s0")
    assert employee
    assert guardian
    employee.get("/medarbejder")
    employee.post("/medarbejder", {"cpr": child})
    guardian.token()

    def close() -> None:
        operators.close_access(races.stage.settings, adult, child)

    def withdraw() -> None:
        home.parent.ask(f"/overblik/{home.id}/samtykke/ppr", {"handling": "traek"})

    moments = [(employee, withdraw, p) for p in home.staff_paths()]
    moments += [(guardian, close, p) for p in home.guardian_paths()[:-1]]
    write = threshold.write
    wrong = []
    for visitor, revoke, path in moments:
        say_yes(races.stage, home, "p0")
        visitor.post(f"/medarbejder/formaal/{home.id}", {"formaal": "moede"})
        before = visitor.get(path)

        def late(lines: object, revoke: Callable[[], None] = revoke) -> None:
            monkeypatch.setattr(threshold, "write", write)
            revoke()
            write(lines)

        monkeypatch.setattr(threshold, "write", late)
        after = visitor.get(path)
        monkeypatch.setattr(threshold, "write", write)
        words = home.shared | {home.name} if visitor is employee else home.whole | {home.name}
        wrong += [f"{visitor.last} {path}"] if any(w in after.lower() for w in words) else []
        assert any(w in before.lower() for w in words), path
        open_again(races, home)
    assert not wrong


def told(races: Races, what: str, record_property: Callable[[str, object], None]) -> None:
    count = races.count
    assert not races.wrong, "\n".join(races.wrong[:20]) + f"\n{len(races.wrong)} of {count}"
    assert len(races.processes) > 1
    assert count["seen before"]
    record_property(
        "figure",
        f"{count['rounds']} {what} against {count['flying'] + count['later']} requests "
        f"({count['flying']} under way, {count['later']} begun after) on {len(races.processes)} "
        f"processes: 0 showed anything of it; {count['late']} pages under way that waited for no "
        f"source ended more than {GRACE * 1000:.0f} ms after it with what they had been given before",
    )
    races.count.clear()


def run(races: Races, rounds: int, act: Callable[[Races, Home, int], None]) -> None:
    """All families at once, each round after round."""
    with ThreadPoolExecutor(FAMILIES) as drivers:
        shares = [
            drivers.submit(lambda h: [act(races, h, n) for n in range(rounds // FAMILIES)], home)
            for home in races.homes
        ]
        for share in shares:
            share.result()


def withdrawal(races: Races, home: Home, n: int) -> None:
    """One yes, what it opens, one no, and those who race it."""
    chance = dice(f"withdrawal {home.child} {n}")
    say_yes(races.stage, home, home.child.replace("b", "p"))
    paths = home.staff_paths()
    if n % 25 == 0:
        page = races.employee.ask(f"/overblik/{home.id}/moeder?vent=1")
        assert found(page, home.shared), "the yes must open something, or the no proves nothing"
        races.count["seen before"] += 1
    path = f"/overblik/{home.id}/samtykke/ppr"
    race(races, home, races.employee, some(chance, paths, FLYING), some(chance, paths, LATER),
         lambda: home.parent.ask(path, {"handling": "traek"}), held=n % 3 > 0)  # fmt: skip


def closing(races: Races, home: Home, n: int) -> None:
    """A guardian's access is closed while she reads; then opened again for the next round."""
    chance, world = dice(f"closing {home.child} {n}"), races.stage.world
    adult, child = world.people[home.child.replace("b", "s")], world.people[home.child]
    paths = home.guardian_paths()
    if n % 10 == 0:
        for path in (home.feed, paths[-1], f"/overblik/{home.id}?vent=1"):
            assert found(home.second.ask(path), home.whole), path
        races.count["seen before"] += 1

    def close() -> None:
        operators.close_access(races.stage.settings, adult.cpr, child.cpr)

    flying, later = some(chance, paths, FLYING), some(chance, paths, LATER)
    race(races, home, home.second, flying, later, close, held=n % 3 > 0)
    open_again(races, home)


def open_again(races: Races, home: Home) -> None:
    """For the next round; no command does it."""
    with sqlite3.connect(races.stage.settings.path("portal.db"), timeout=30) as connection:
        connection.execute("DELETE FROM access_closed WHERE citizen = ?", (home.id,))


def race(
    races: Races,
    home: Home,
    reader: Wire,
    flying: list[str],
    later: list[str],
    revoke: Callable[[], object],
    held: bool,
) -> None:
    """Send, revoke, send again, let go; then look into every answer."""
    staff = reader is races.employee
    if held:
        GATE.shut(home.child)
    try:
        before = [races.pool.submit(reader.ask, p) for p in flying]
        if held:
            GATE.held(home.child, 0.5)
        revoke()
        answered = time.monotonic()
        after = [races.pool.submit(reader.ask, p) for p in later]
    finally:
        GATE.open(home.child)
    for future in before:
        reply = future.result()
        if (held and waits(reply.path)) or reply.ended > answered + BUSY:
            look(races, home, reply, staff, "under way")
        elif reply.ended > answered + GRACE and found(reply, home.shared):
            races.count["late"] += 1
        races.count["flying"] += 1
    for future in after:
        reply = future.result()
        assert reply.began >= answered
        look(races, home, reply, staff, "begun after")
        races.count["later"] += 1
    races.count["rounds"] += 1


def look(races: Races, home: Home, reply: Reply, staff: bool, when: str) -> None:
    """Every byte of one answer."""
    races.processes.add(reply.process)
    words = home.shared if staff else home.whole | {home.name}
    if staff and (not home.related or reply.path == "/medarbejder"):
        words |= {home.name}
    if met := found(reply, words):
        races.wrong.append(f"{when}: {reply.status} {reply.path} {sorted(met)[:3]} seed {SEED}")
    elif reply.status >= 500:
        races.wrong.append(f"{when}: {reply.status} {reply.path}")


def waits(path: str) -> bool:
    """Whether an answer waits for the source that is held."""
    return "vent=1" in path or path.endswith((".ics", "/tag-med"))


def found(reply: Reply, words: frozenset[str]) -> set[str]:
    text = reply.text.lower().replace("\r\n ", "")
    return {w for w in words if w in text}
