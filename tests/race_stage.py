"""Families for races between a withdrawal and those who read: the real server, two processes of it."""

from __future__ import annotations

import http.client
import os
import random
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

from mitid_stub.rehearsal import answer_login
from portal.proposal import Proposal
from portal.records import Category
from tests.canary_crawl import PARTIAL
from tests.canary_servers import starts
from tests.canary_stage import Stage, open_stage
from tests.canary_world import COPENHAGEN, Canaries, Person, System, World, plain_entries

WORKERS = 2
PARTS = (
    "kontakter",
    "moeder",
    "indsatser",
    "planer",
    "trivsel",
    "tidslinje",
    "netvaerk",
    "kommentarer",
)
UNIT = "ppr"
SYSTEMS = (
    System("fam-kal", "icalendar", "fam"),  # asked anew each time, and held at the gate
    System("fam-json", "rest", "fam"),  # kept for a minute by each process
    System("ppr-json", "rest", "ppr"),  # the employee's own
)


class Reply(NamedTuple):
    """One answer; times are of the machine's one monotonic clock."""

    path: str
    status: int
    text: str
    process: str
    began: float
    ended: float


class Wire:
    """A browser on the network: a new connection each time, so that any process may answer."""

    def __init__(self, port: int) -> None:
        self.port, self.cookies, self.csrf = port, {}, ""  # type: ignore[var-annotated]

    def ask(self, path: str, form: dict[str, object] | None = None) -> Reply:
        """GET, or POST with a form and its token."""
        headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())}
        headers |= PARTIAL if path.startswith("/del/") else {}
        body = None
        if form is not None:
            body = urlencode({"csrf_token": self.csrf, **form}, doseq=True)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        began = time.monotonic()
        connection.request("POST" if body is not None else "GET", path, body, headers)
        answer = connection.getresponse()
        text = str(answer.headers) + answer.read().decode()
        ended = time.monotonic()
        connection.close()
        for line in answer.headers.get_all("Set-Cookie") or ():
            name, _, value = line.split(";")[0].partition("=")
            self.cookies[name] = value
        process = answer.headers.get("X-Process", "")
        return Reply(path, answer.status, text, process, began, ended)

    def log_in(self, person: str, door: str = "/log-ind") -> None:
        away = re.search(r"(?im)^location: (\S+)", self.ask(door).text)
        assert away
        back = answer_login(away[1], person)
        assert self.ask("/" + back.split("/", 3)[3]).status == 302
        token = re.search(r'name="csrf_token" value="([^"]+)"', self.ask("/konto").text)
        assert token
        self.csrf = token[1]


@dataclass
class Home:
    """One family with its browsers, and what may no longer be seen after a no."""

    child: str
    id: str
    parent: Wire
    second: Wire
    related: bool
    """The employee's unit has a case of its own: then the child still exists after the no."""
    feed: str = ""
    refs: tuple[str, ...] = ()
    shared: frozenset[str] = frozenset()
    """What the unit sees by consent alone."""
    whole: frozenset[str] = frozenset()
    """What a guardian sees."""
    name: str = ""

    def staff_paths(self) -> list[str]:
        """Where an employee may meet it."""
        return [*self._paths(), "/medarbejder"]

    def guardian_paths(self) -> list[str]:
        """Where a guardian may meet it."""
        preview = f"/overblik/{self.id}/samtykke/bup/bekraeft"
        return [*self._paths(), "/overblik?vent=1", "/del/overblik?vent=1", self.feed, preview]

    def _paths(self) -> list[str]:
        base = f"/overblik/{self.id}"
        parts = [f"{base}/{p}?vent=1" for p in PARTS]
        late = [f"/del{base}?vent=1", f"/del{base}?part=moeder&vent=1"]
        own = [f"{base}/moeder/{r}{end}" for r in self.refs for end in (".ics", "/tag-med")]
        return [base, f"{base}?vent=1", *parts, *late, *own]


def families(count: int) -> World:
    """Children with two custody holders each; every other one is in the unit's own system too."""
    words = Canaries(11)
    today = datetime.now(COPENHAGEN).date()
    world = World(
        today, {}, {}, frozenset(), [],
        systems={s.id: s for s in SYSTEMS}, staff={"poul": UNIT},
    )  # fmt: skip
    world.own_options = {
        "fam-kal": {"cache_seconds": 0, "stale_seconds": 0, "timeout": 30.0},
        "fam-json": {"cache_seconds": 60},
    }
    for n in range(count):
        for key, born in ((f"p{n}", 1986), (f"s{n}", 1985), (f"b{n}", today.year - 9)):
            day = date(born, 1, 1)
            number = f"{day:%d%m%y}9{len(world.people):03d}"
            name = f"{words.word().capitalize()} Prøve"
            world.people[key] = Person(key, name, number, day, day, "Vej 1", "Vej 1")
        world.custody[f"b{n}"] = (f"p{n}", f"s{n}")
        for at, system in enumerate(SYSTEMS):
            if system.actor != UNIT or n % 2:
                world.entries += plain_entries(f"b{n}", at, system, words)
    return world


@contextmanager
def open_races(folder: Path, count: int) -> Iterator[tuple[Stage, int, list[Home], Wire]]:
    """The stage, the served port, the families, and an employee who has opened them all."""
    with open_stage(families(count), folder) as stage, served(folder, stage) as port:
        homes = [_home(stage, port, n) for n in range(count)]
        employee = Wire(port)
        employee.log_in("poul", "/log-ind/medarbejder")
        for home in homes:
            employee.ask("/medarbejder", {"cpr": stage.world.people[home.child].cpr})
            employee.ask(f"/medarbejder/formaal/{home.id}", {"formaal": "moede"})
        yield stage, port, homes, employee


@contextmanager
def served(folder: Path, stage: Stage) -> Iterator[int]:
    """The real server on a free port until the block ends."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = int(found.getsockname()[1])
    environ = {**os.environ, **stage.settings.environ, "PORTAL_CONFIG": str(folder / "portal.toml")}
    command = [sys.executable, "-m", "tests.race_app", str(port), str(WORKERS)]
    with open(folder / "served.log", "w") as log:
        process = subprocess.Popen(command, env=environ, stdout=log, stderr=log)
    try:
        _ready(port)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def _ready(port: int) -> None:
    until = time.monotonic() + 240
    while True:
        try:
            assert Wire(port).ask("/readyz").status == 200
            return
        except OSError:
            assert time.monotonic() < until


def _home(stage: Stage, port: int, n: int) -> Home:
    parent, second, child = Wire(port), Wire(port), f"b{n}"
    parent.log_in(f"p{n}")
    second.log_in(f"s{n}")
    home = Home(child, stage.ids[child], parent, second, related=bool(n % 2))
    say_yes(stage, home, f"s{n}")
    say_yes(stage, home, f"p{n}")
    page = second.ask("/konto", {"handling": "ny-kalender", "borger": home.id}).text
    link = re.search(r'href="[^"]+(/kalender/[^"]+\.ics)"', page)
    assert link
    home.feed = link[1]
    wanted = {
        "handling": "giv", "kategori": ["contacts", "plans", "meetings"], "ejer": ["fam"],
        "formaal": "moede", "til": str(stage.world.today + timedelta(days=90)), "version": "0",
        "barnet_siger": "",
    }  # fmt: skip
    assert second.ask(f"/overblik/{home.id}/samtykke/bup", wanted).status == 303
    note = Canaries(100 + n).word()
    to = {"tekst": f"Se {note}", "modtager": [stage.ids[f"s{n}"], UNIT]}
    assert parent.ask(f"/overblik/{home.id}/kommentarer", to).status == 303
    _tokens(stage, home, note)
    return home


def _tokens(stage: Stage, home: Home, note: str) -> None:
    """What stands for the child's data in any answer: words, numbers, and times of meetings."""
    entries = stage.world.of_citizen(home.child)
    shared = [e for e in entries if e.owner != UNIT]
    times = {f"{starts(e).astimezone(UTC):%Y%m%dt%H%M%Sz}" for e in shared if e.record == "meeting"}
    words = {w for e in shared for f, w in e.fields.items() if f != "phone"}
    home.shared = frozenset(words | times | {note})
    home.whole = home.shared | {w for e in entries for f, w in e.fields.items() if f != "phone"}
    home.name = stage.world.people[home.child].name.split(" ")[0].lower()
    page = home.second.ask(f"/overblik/{home.id}/moeder?vent=1").text
    home.refs = tuple(sorted(set(re.findall(r"/moeder/(\w+)\.ics", page))))
    assert home.refs


def say_yes(stage: Stage, home: Home, person: str) -> None:
    """A grant by the product's own service, as quick as can be: it is the no that is raced."""
    services = stage.app.extensions["portal"]
    by = stage.ids[person]
    house = services.family.household(home.id)
    proposal = Proposal(
        actor=UNIT,
        categories=frozenset(Category),
        owners=frozenset({"fam"}),
        purpose="moede",
        until=stage.world.today + timedelta(days=90),
        sources=frozenset({"fam-kal", "fam-json"}),
        seen=services.consents.row(house, by, UNIT).version,
    )
    services.consents.grant(house, by, proposal, "ja", "da")


def some(chance: random.Random, paths: list[str], count: int) -> list[str]:
    return [chance.choice(paths) for _ in range(count)]
