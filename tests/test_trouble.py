"""Our own database in trouble, under a real `portal serve`: nothing acknowledged is lost, nothing unlogged is
shown, the page says so in the reader's language, and it heals without a restart."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import pytest

from tests import trouble_stage
from tests.conftest import World
from tests.proving import times
from tests.serving_stage import PATIENCE, serving, until
from tests.store_fixtures import Server
from tests.trouble_stage import Guest, Place, Road, configure

pytest_plugins = ("tests.store_fixtures",)
Trouble = Callable[[Place], AbstractContextManager[None]]
Figure = Callable[[str, object], None]
SECONDS = times(1, 10)
"""How long a trouble lasts, after the first answer under it."""
RECOVERY = 5.0
"""Seconds it may take after that: claimed by the proof, not asserted on a busy machine."""


@contextmanager
def opened(settings, *more: str) -> Iterator[Place]:  # type: ignore[no-untyped-def]
    """Served by one worker, with Mette logged in."""
    environ = {k: v for k, v in settings.environ.items() if k.startswith("PORTAL_")}
    with serving(Path(settings.file), environ, "--workers", "1", *more) as served:
        guest = Guest(served)
        guest.log_in()
        yield Place(settings, served, guest, guest.child(), guest.token())


@pytest.fixture(scope="module")
def file_place(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """On SQLite, on a disk of its own where that can be had."""
    folder = tmp_path_factory.mktemp("trouble")
    with ExitStack() as stack:
        if trouble_stage.can_mount(folder / "var"):
            stack.enter_context(trouble_stage.tmpfs(folder / "var"))
        yield stack.enter_context(opened(configure(folder, world)))


@pytest.fixture(scope="module")
def road(postgresql: Server) -> Iterator[Road]:
    built = Road(postgresql)
    yield built
    built.close()


@pytest.fixture(scope="module")
def far_place(
    world: World, postgresql: Server, road: Road, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """On PostgreSQL, over a road that can be cut."""
    name = postgresql.database()
    url = f"postgresql+psycopg://portal@127.0.0.1:{road.port}/{name}"
    folder = tmp_path_factory.mktemp("far")
    with opened(configure(folder, world, url, postgresql.url("ejer", name))) as place:
        yield place


def suffer(place: Place, trouble: Trouble) -> tuple[int, int, float]:
    """Read and say no while it lasts; (acknowledged, refused, seconds until all is well again)."""
    held, acknowledged, refused = place.nos(), 0, 0
    with trouble(place):
        late, begun = None, time.monotonic()
        while late is None or time.monotonic() < late:
            for answer in (place.guest.family(), place.withdraw()):
                if answer.status == 503:
                    refused += 1
                    late = late or time.monotonic() + SECONDS
                    honest(answer.body, answer.headers)
                elif answer.status == 429:  # this test is in more of a hurry than people are
                    time.sleep(1)
                else:
                    assert answer.status in (200, 303), answer.body
                    acknowledged += answer.status == 303
            assert place.served.get("/healthz").status == 200
            assert late or time.monotonic() < begun + PATIENCE, "it feels no trouble"
    began = time.monotonic()
    until(lambda: place.guest.family().status == 200, "it does not heal")
    healed = time.monotonic() - began
    assert place.withdraw().status == 303
    assert place.nos() >= held + acknowledged + 1
    before = place.lines()
    assert place.guest.family().status == 200
    assert place.lines() > before
    return acknowledged, refused, healed


def honest(body: str, headers: dict[str, str]) -> None:
    """A clear page that shows nothing of anybody."""
    assert "Vi kan ikke vise siden lige nu" in body
    assert headers["retry-after"]
    assert "Emil" not in body
    assert "Sofie" not in body
    assert 'data-viewer="anonymous"' in body


def figure(record: Figure, what: str, found: tuple[int, int, float]) -> None:
    acknowledged, refused, healed = found
    told = f"{what}: {acknowledged} withdrawals acknowledged and kept, {refused} answers of 503"
    record("figure", f"{told}, well again after {healed:.1f} s (limit {RECOVERY:.0f} s)")
    assert healed <= RECOVERY or times(1, 1) == SECONDS, healed


@pytest.mark.proof
@pytest.mark.parametrize("what", ["locked", "full"])
def test_a_file_in_trouble(what: str, file_place: Place, record_property: Figure) -> None:
    if what != "locked" and not file_place.settings.path("var").is_mount():
        pytest.skip("needs a disk of its own: root, and mount")
    found = suffer(file_place, getattr(trouble_stage, what))
    figure(record_property, f"SQLite, {what}", found)


@pytest.mark.proof
@pytest.mark.parametrize("what", ["partition", "gone", "may_not_write", "locked"])
def test_a_server_in_trouble(
    what: str, far_place: Place, road: Road, postgresql: Server, record_property: Figure
) -> None:
    ways: dict[str, Trouble] = {
        "partition": road.partition,
        "gone": road.gone,
        "may_not_write": lambda place: may_not_write(place, postgresql),
        "locked": lambda place: table_locked(place, postgresql),
    }
    figure(record_property, f"PostgreSQL, {what}", suffer(far_place, ways[what]))


@contextmanager
def may_not_write(place: Place, server: Server) -> Iterator[None]:
    """What a standby, or a mistake with the roles, looks like from here."""
    rights = "INSERT, UPDATE, DELETE ON access_entry, consent_event"
    with server.admin(place.settings.database.rpartition("/")[2]) as c:
        c.execute(f"REVOKE {rights} FROM portal")
        try:
            yield
        finally:
            c.execute("GRANT SELECT, INSERT ON access_entry, consent_event TO portal")


@contextmanager
def table_locked(place: Place, server: Server) -> Iterator[None]:
    """Somebody's migration in the middle of the day."""
    with server.admin(place.settings.database.rpartition("/")[2]) as c, c.transaction():
        c.execute("LOCK TABLE access_entry IN ACCESS EXCLUSIVE MODE")
        yield


def test_in_the_readers_language(file_place: Place) -> None:
    reader = Guest(file_place.served, "en")
    reader.log_in("jonas")
    with trouble_stage.locked(file_place):
        assert "We cannot show the page right now" in reader.family().body


def test_a_second_place_that_is_gone_stops_nobody_and_wakes_the_operator(file_place: Place) -> None:
    """Withdrawals hold, pages are logged and shown; the log says what is not in the journal."""
    s = file_place.settings
    before, folders = file_place.nos(), (s.path(s.consents.journal), s.path(s.audit.checkpoints))
    with trouble_stage.away(*folders):
        assert file_place.withdraw().status == 303
        assert file_place.guest.family().status == 200
    assert file_place.nos() == before + 1
    assert "a withdrawal holds, but is not in the journal" in file_place.served.log()
    assert file_place.withdraw().status == 303


@pytest.mark.parametrize("where", ["file_place", "far_place"])
def test_lost_sessions_log_everybody_out_and_break_nothing(
    where: str, request: pytest.FixtureRequest, postgresql: Server
) -> None:
    place: Place = request.getfixturevalue(where)
    forget_sessions(place, postgresql)
    for path in ("/overblik?vent=1", f"/overblik/{place.child}", "/konto", "/"):
        answer = place.guest.get(path)
        assert answer.status in (200, 302), path
        assert "Emil" not in answer.body
        assert answer.status == 200 or answer.headers["location"].startswith("/log-ind")
    assert place.withdraw().status in (302, 303)
    place.guest.log_in()
    place.token = place.guest.token()
    assert place.guest.family().status == 200


def forget_sessions(place: Place, server: Server) -> None:
    if place.settings.database.startswith("sqlite"):
        with sqlite3.connect(place.settings.path("var/portal.db")) as c:
            c.execute("DELETE FROM session")
        return
    with server.admin(place.settings.database.rpartition("/")[2]) as c:
        c.execute("DELETE FROM session")
