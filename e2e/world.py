"""One demo world of its own: portal, provider and backends as processes, and a switch for faults.

Started as an operator would, by the configuration file alone, on free ports and
in a folder of its own, so that workers and bad days never meet.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from random import randrange

import msgspec

from backend_stub.demo import write_config
from backend_stub.systems import SYSTEMS
from mitid_stub.personas import Persona, personas
from portal import keys

START_SECONDS = 60.0
PORTS = (20_000, 32_000)
"""Below those that a kernel gives away by itself: nobody's own connection takes one before its server does."""
LATENCY = "0.1"
"""A tenth of each system's own delay: late enough that pages come in parts."""


class World:
    """A running demo world."""

    def __init__(self, folder: Path, ports: tuple[int, int, int]) -> None:
        self.portal, self.idp, self.backend = (f"http://127.0.0.1:{p}" for p in ports)
        self.log = folder / "portal.log"
        self.people: dict[str, Persona] = {p.key: p for p in personas()}
        self._read = 0

    def door(self, persona: str) -> str:
        """Where this person logs in."""
        staff = self.people[persona].kind == "employee"
        return "/log-ind/medarbejder" if staff else "/log-ind"

    def ill(self, faults: Mapping[str, str]) -> None:
        """Give systems a fault each, as `backend_stub/faults.py` names them."""
        for system, fault in faults.items():
            self._fault("POST", {"system": system, "fault": fault})

    def all_ill(self, fault: str, but: Iterable[str] = ()) -> None:
        """The same fault at every connected system."""
        self.ill({s.id: fault for s in SYSTEMS if s.connected and s.id not in set(but)})

    def well(self) -> None:
        """Heal every system."""
        self._fault("DELETE", None)

    def trouble(self) -> list[str]:
        """What the portal logged since last asked that no journey may cause."""
        text = self.log.read_text(encoding="utf-8", errors="replace")
        fresh, self._read = text[self._read :], len(text)
        numbers = {p.cpr for p in self.people.values()}
        return [
            line
            for line in fresh.splitlines()
            if "bug " in line or "Traceback" in line or any(n in line for n in numbers)
        ]

    def _fault(self, method: str, body: dict[str, str] | None) -> None:
        data = msgspec.json.encode(body) if body is not None else None
        request = urllib.request.Request(f"{self.backend}/fault", data, method=method)
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=5):
            pass


@contextmanager
def running_world(folder: Path, settings: str = "", of_sources: str = "") -> Iterator[World]:
    """Start everything in an empty folder, and stop it again.

    `settings` and `of_sources` are lines of TOML: for the portal, and for each of its sources.
    """
    with surroundings(folder) as around, around.portal(folder, settings, of_sources) as world:
        yield world


class Surroundings:
    """The provider and the backends, and the one place where portals open in them, one after another.

    A portal that opens has met nobody: its database is empty, nothing is fetched or given up.
    """

    def __init__(self, folder: Path, ports: tuple[int, int, int], environ: dict[str, str]) -> None:
        self._folder, self._ports, self._environ = folder, ports, environ
        self.running: list[subprocess.Popen[bytes]] = []
        self._empty = folder / "empty.db"

    @contextmanager
    def portal(self, folder: Path, settings: str = "", of_sources: str = "") -> Iterator[World]:
        """A portal with a folder of its own, among systems that are well."""
        world = World(folder, self._ports)
        environ = self._environ | {
            "PORTAL_CONFIG": str(self._configure(world, settings, of_sources))
        }
        self._lay_tables(folder, environ)
        serve = _start(folder, environ, _commands(world, self._ports)[2])
        running = [*self.running, serve]
        try:
            _wait(world, running)
            world.well()
            yield world
            _still_there(world, running)
        finally:
            _end([serve])

    def _configure(self, world: World, settings: str, of_sources: str) -> Path:
        folder, ports = world.log.parent, self._ports
        if folder != self._folder:
            (self._folder / "keys").mkdir(exist_ok=True)
            (folder / "keys").symlink_to(self._folder / "keys")
        config = write_config(
            folder, portal_port=ports[0], idp_port=ports[1], backend_port=ports[2]
        )
        text = config.read_text(encoding="utf-8").replace(
            "[[source]]\n", "[[source]]\n" + of_sources
        )
        patient = "[register]\ntimeout = 15.0\n"  # a busy machine is no outage
        config.write_text(settings + text.replace("[register]\n", patient), encoding="utf-8")
        return config

    def _lay_tables(self, folder: Path, environ: Mapping[str, str]) -> None:
        """As an operator does, the first time; later portals get a copy of what came of it."""
        tables = folder / "var" / "portal.db"
        if self._empty.exists():
            tables.parent.mkdir()
            shutil.copy(self._empty, tables)
            return
        upgrade = _start(folder, environ, ["portal", "db", "upgrade"])
        if upgrade.wait(START_SECONDS) != 0:
            raise RuntimeError((folder / "portal.log").read_text())
        shutil.copy(tables, self._empty)


@contextmanager
def surroundings(folder: Path) -> Iterator[Surroundings]:
    """Start a provider and backends that wait for a portal."""
    ports = _free_ports()
    secrets = {"PORTAL_SECRET_KEYS": keys.new_secret(), "PORTAL_DATA_KEYS": keys.new_data_key()}
    around = Surroundings(folder, ports, {**os.environ, **secrets})
    backends, provider, _ = _commands(World(folder, ports), ports)
    try:
        around.running += [_start(folder, os.environ, c) for c in (backends, provider)]
        yield around
    finally:
        _end(around.running)


def _end(running: list[subprocess.Popen[bytes]]) -> None:
    for process in running:
        process.terminate()
    for process in running:
        process.wait(20)


def _still_there(world: World, running: list[subprocess.Popen[bytes]]) -> None:
    """Nobody asked a server to end: one that has did so by itself, and its log says why."""
    for process in running:
        if process.poll() is not None:
            said = "\n".join(
                f"{p.name}: {p.read_text()[-3000:]}" for p in world.log.parent.glob("*.log")
            )
            raise RuntimeError(f"{process.args} ended by itself ({process.returncode}): {said}")


def _free_ports() -> tuple[int, int, int]:
    first, second, third = islice(filter(_is_free, iter(lambda: randrange(*PORTS), 0)), 3)
    return first, second, third


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def _start(folder: Path, environ: Mapping[str, str], command: list[str]) -> subprocess.Popen[bytes]:
    """Start a module; what it says goes to the log named after its package."""
    with (folder / f"{command[0]}.log").open("ab") as out:
        return subprocess.Popen(
            [sys.executable, "-m", *command], env=dict(environ), stdout=out, stderr=out
        )


def _commands(world: World, ports: tuple[int, int, int]) -> tuple[list[str], list[str], list[str]]:
    portal = world.portal
    backends = ["backend_stub", "--port", str(ports[2]), "--latency", LATENCY]
    backends += ["--portal", portal]
    stub = ["mitid_stub", "--port", str(ports[1]), "--client-id", "familieoverblik"]
    stub += ["--redirect-uri", f"{portal}/log-ind/retur", "--post-logout", f"{portal}/"]
    stub += ["--backchannel", f"{portal}/log-ind/bagkanal"]
    stub += ["--client-jwks-url", f"{portal}/.well-known/jwks.json"]
    return backends, stub, ["portal", "serve", "--bind", f"127.0.0.1:{ports[0]}"]


def _wait(world: World, running: list[subprocess.Popen[bytes]]) -> None:
    until = time.monotonic() + START_SECONDS
    signs = [
        f"{world.backend}/",
        f"{world.idp}/op/.well-known/openid-configuration",
        f"{world.portal}/readyz",
    ]
    for process, sign in zip(running, signs, strict=True):
        while not _answers(sign):
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{sign} did not come up: {world.log.read_text()[-2000:]}")
            _a_moment(process)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except OSError:
        return False


def _a_moment(process: subprocess.Popen[bytes]) -> None:
    """Wait until the process ends, or for a moment."""
    try:
        process.wait(0.05)
    except subprocess.TimeoutExpired:
        return
