"""`portal serve` met by an operator: a socket file, a reload, a stop, a worker that dies, a bad file."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from portal.cli import main
from tests.serving_stage import Load, Reply, Served, serving, slow_provider, until, write_place

SLOW = 2.0


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory):
    """One server for what leaves it standing; a login there takes two seconds."""
    with slow_provider(SLOW) as provider:
        folder = tmp_path_factory.mktemp("served")
        port = f'[metrics]\nbind = "unix:{folder}/operators.sock"\n'
        config, environ = write_place(folder, idp_port=provider, more=port)
        with serving(config, environ, "--socket-mode", "600", "--drain", "3") as served:
            yield served


def asking(served: Served, path: str = "/log-ind") -> tuple[threading.Thread, list[Reply]]:
    """A request under way, and where its answer will be."""
    answers: list[Reply] = []
    thread = threading.Thread(target=lambda: answers.append(served.get(path)))
    thread.start()
    return thread, answers


def test_a_socket_file_has_the_mode_it_was_given(place: Served) -> None:
    assert place.file.is_socket()
    assert place.file.stat().st_mode & 0o777 == 0o600


def test_static_files_are_compressed_and_never_change(place: Served) -> None:
    page = place.get("/").body
    sheet = next(p for p in page.split('"') if p.startswith("/static/built/") and ".css" in p)
    plain = place.get(sheet)
    assert "immutable" in plain.headers["cache-control"]
    for way in ("br", "gzip"):
        packed = place.get(sheet, **{"Accept-Encoding": way})
        assert packed.headers["content-encoding"] == way
        assert len(packed.raw) < len(plain.raw) / 3


def counted(served: Served, line: str) -> float:
    """What the operators' port says of one number."""
    found = [x for x in served.operators("/metrics").body.splitlines() if x.startswith(line + " ")]
    return float(found[0].rpartition(" ")[2]) if found else 0.0


ASKED = 'portal_requests_total{endpoint="pages.glossary",method="GET",status="200"}'


def test_the_numbers_of_all_workers_are_added_up(place: Served) -> None:
    for _ in range(20):
        assert place.get("/ordliste").status == 200
    assert counted(place, ASKED) == 20
    assert counted(place, "portal_workers") == 2
    assert counted(place, "portal_checkpoint_age_seconds") == float("inf")


def test_the_operators_port_is_never_the_public_one(place: Served) -> None:
    assert place.get("/metrics").status == 404
    assert place.get("/").body != place.operators("/").body
    page = place.operators("/")
    assert page.status == 200 and page.headers["refresh"] == "30"
    assert "Register of persons" in page.body and "<script" not in page.body
    assert "refresh" not in place.operators("/?refresh=0").headers
    assert place.operators("/overblik").status == 404


def test_a_reload_under_load_reads_the_file_anew_and_loses_nobody(place: Served) -> None:
    before = place.workers()
    assert {place.get("/ordliste").status for _ in range(20)} == {200}
    assert "Et andet navn" not in place.get("/").body
    place.config.write_text('service_name = "Et andet navn"\n' + place.config.read_text())
    with Load(place) as load:
        waiting, answers = asking(place)
        place.hup()
        until(lambda: not place.workers() & before, "the old workers stay")
        waiting.join()
    assert len(place.workers()) == 2
    assert counted(place, ASKED) >= 20, "what the old workers counted is kept"
    assert "Et andet navn" in place.get("/").body
    assert load.errors == []
    assert set(load.answers) == {200}
    assert answers[0].status == 503 and "</html>" in answers[0].body


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("[[[", "is not TOML"),
        ('cache = "nowhere://"\n', "cache: 'nowhere' is not a cache"),
    ],
)
def test_a_bad_file_keeps_the_old_one_running_and_says_why(
    place: Served, bad: str, why: str
) -> None:
    good, before = place.config.read_text(), place.workers()
    place.config.write_text(bad + good)
    try:
        place.hup()
        until(lambda: why in place.log(), why)
        assert "the old configuration goes on" in place.log()
        assert place.workers() == before
        assert place.get("/readyz").status == 200
    finally:
        place.config.write_text(good)


def test_a_worker_that_dies_is_replaced(place: Served) -> None:
    before = place.workers()
    os.kill(min(before), signal.SIGKILL)
    until(lambda: len(place.workers()) == 2 and place.workers() != before)
    assert {place.get("/hjaelp").status for _ in range(10)} == {200}


def test_check_says_whether_it_would_start(place: Served) -> None:
    command, good = ["serve", "--check", "--config", str(place.config)], place.config.read_text()
    assert CliRunner().invoke(main, command, env=place.secrets).stdout == "It would start.\n"
    place.config.write_text('cache = "nowhere://"\n' + good)
    refused = CliRunner().invoke(main, command, env=place.secrets)
    place.config.write_text(good)
    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
    assert refused.stderr.startswith("cache: ")


def test_on_a_port_too_all_workers_take_from_one_line(place: Served) -> None:
    """What waits for a worker that goes is taken by another."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    place.config.write_text(place.config.read_text().replace("/operators.sock", "/other.sock"))
    with serving(place.config, place.secrets, "--bind", f"127.0.0.1:{port}") as served:
        before = served.workers()
        with Load(served) as load:
            served.hup()
            until(lambda: not served.workers() & before)
        assert (load.errors, set(load.answers)) == ([], {200})
        served.process.send_signal(signal.SIGINT)
        assert served.process.wait(60) == 0


def test_a_port_that_is_taken_is_said_in_a_line(place: Served) -> None:
    """Also by another server of ours: they would take turns with what families ask."""
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as taken:
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        command = ["serve", "--config", str(place.config), "--bind", where]
        done = CliRunner().invoke(main, command, env=place.secrets)
    assert done.exit_code == 1
    assert done.stderr.startswith("--bind: nobody can listen on port") and "in use" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_workers_end_with_a_server_that_was_killed(place: Served) -> None:
    """Else they answer on, beside the next server's, with the settings of yesterday."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with serving(place.config, place.secrets, "--bind", f"127.0.0.1:{port}") as served:
        workers = served.workers()
        served.process.kill()
        served.process.wait(60)
        until(lambda: not any(Path(f"/proc/{w}/exe").exists() for w in workers))


def test_a_stop_is_announced_and_what_is_under_way_is_finished(place: Served) -> None:
    """Last, for it ends the server. A connection held open hears "not ready" before the end."""
    wire = place.wire()
    waiting, answers = asking(place)
    until(lambda: wire.ask("/readyz").status == 200)
    place.process.terminate()
    until(lambda: wire.ask("/readyz").status == 503)
    assert "being stopped" in wire.ask("/readyz").body
    with pytest.raises(OSError):
        place.get("/hjaelp")  # nobody new gets in
    assert wire.ask("/hjaelp").status == 200  # who is in is answered
    waiting.join()
    assert answers[0].status == 503 and "</html>" in answers[0].body
    assert place.process.wait(60) == 0
    assert not place.file.exists()


def test_every_line_of_its_log_was_for_a_machine(place: Served) -> None:
    """Standard error was no terminal; the server's own lines and the workers' are alike."""
    if place.process.poll() is None:  # in this process no other test has made it talk and ended it
        waiting, _ = asking(place)
        place.hup()
        waiting.join()
        until(lambda: "reloading" in place.log())
    lines = [json.loads(line) for line in place.log().splitlines()]
    assert {"_granian", "portal.serving", "portal.views.sign_in"} <= {x["logger"] for x in lines}
    assert all(x["request"] for x in lines if x["logger"].startswith("portal.views"))


@pytest.mark.parametrize(
    ("bind", "why"),
    [
        ("unix:portal.sock", "takes a whole path"),
        ("unix:/nowhere/portal.sock", "there is no folder /nowhere"),
        ("unix:/dev/null", "is no socket"),
        ("8000", "is not HOST:PORT"),
        ("unix:", "is not HOST:PORT"),
    ],
)
def test_where_it_does_not_listen(tmp_path: Path, bind: str, why: str) -> None:
    config, environ = write_place(tmp_path, upgraded=False)
    command = ["serve", "--check", "--config", str(config), "--bind", bind]
    refused = CliRunner().invoke(main, command, env=environ)
    assert refused.exit_code == 1
    (line,) = refused.stderr.splitlines()
    assert line.startswith("--bind: ") and why in line and "(example: " in line
