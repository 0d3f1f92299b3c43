"""A real `portal serve` with a family logged in, whose database gets into trouble and out of it again."""

from __future__ import annotations

import os
import re
import select
import shutil
import socket
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from sqlalchemy import func
from sqlalchemy import select as sql_select

from backend_stub.demo import write_config
from mitid_stub.rehearsal import answer_login
from portal.config import load
from portal.db import Store
from portal.models import access_entry, consent_event
from portal.settings import Settings
from tests.conftest import BASE, World
from tests.serving_stage import Reply, Served
from tests.store_fixtures import Server
from tests.store_world import OWNER, make_schema


class Guest:
    """A browser, as far as this goes: it keeps cookies and sends forms back with their token."""

    def __init__(self, served: Served, language: str = "da") -> None:
        self._served, self._language = served, language
        self._cookies: dict[str, str] = {}

    def get(self, path: str) -> Reply:
        return self._ask("GET", path)

    def post(self, path: str, **form: str) -> Reply:
        return self._ask("POST", path, urlencode(form))

    def _ask(self, method: str, path: str, body: str | None = None) -> Reply:
        headers = {"Host": urlsplit(BASE).netloc, "Accept-Language": self._language}
        if self._cookies:
            headers["Cookie"] = "; ".join(f"{k}={v}" for k, v in self._cookies.items())
        if body is not None:
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": BASE}
        wire = self._served.wire()
        try:
            wire.request(method, path, body, headers)
            answer = wire.getresponse()
            for cookie in answer.headers.get_all("Set-Cookie") or ():
                name, _, value = cookie.partition(";")[0].partition("=")
                self._cookies[name] = value
            named = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, named, answer.read())
        finally:
            wire.close()

    def log_in(self, person: str = "mette") -> None:
        away = self.get("/log-ind")
        assert away.status == 302, away.body
        came = self.get(answer_login(away.headers["location"], person).removeprefix(BASE))
        assert came.status == 302, came.body

    def child(self) -> str:
        """The id of Emil."""
        found = re.search(r'href="/overblik/([0-9a-f]{32})"[^>]*>\s*Emil', self.family().body)
        assert found
        return found[1]

    def family(self) -> Reply:
        return self.get("/overblik?vent=1")

    def token(self) -> str:
        return self.get("/konto").body.split('name="csrf_token" value="')[1].split('"')[0]


@dataclass
class Place:
    """One portal's settings, its server, and who is logged in there."""

    settings: Settings
    served: Served
    guest: Guest
    child: str
    token: str

    def withdraw(self) -> Reply:
        form = {"csrf_token": self.token, "handling": "traek"}
        return self.guest.post(f"/overblik/{self.child}/samtykke/ppr", **form)

    def nos(self) -> int:
        """How many the database holds."""
        return self._count(consent_event)

    def lines(self) -> int:
        return self._count(access_entry)

    def _count(self, table: object) -> int:
        environ, settings = self.settings.environ, self.settings
        owner = environ.get(OWNER, "")
        store = Store(owner or settings.database, settings.path("."), settings.municipality)
        with store.read(self.child) as c:
            mine = table.c.citizen == self.child  # type: ignore[attr-defined]
            found = c.execute(sql_select(func.count()).where(mine)).scalar() or 0
        store.engine.dispose()
        return found


def configure(folder: Path, world: World, database: str = "", owner: str = "") -> Settings:
    """The demo's world with a database of its own, and its schema."""
    (folder / "keys").symlink_to(world.client_keys)
    backends = urlsplit(world.backends).port or 0
    file = write_config(folder, portal_port=8000, idp_port=world.idp_port, backend_port=backends)
    text = file.read_text()
    if database:
        text = re.sub(r"^database = .*$", f'database = "{database}"', text, flags=re.M)
        text = f'database_owner_env = "{OWNER}"\n{text}'
    # a busy machine is no outage: each source has all the time a page has
    file.write_text(f"page_seconds = 25.0\n{text}".replace("timeout = 2.0", "timeout = 20.0"))
    settings = load(file, {**world.secrets, OWNER: owner} if owner else world.secrets)
    make_schema(settings)
    return settings


# --- what can happen to a file ------------------------------------------------------------


@contextmanager
def locked(place: Place) -> Iterator[None]:
    """Another process holds the writer's lock."""
    other = sqlite3.connect(place.settings.path("var/portal.db"), isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


@contextmanager
def tmpfs(folder: Path, size: str = "24m") -> Iterator[None]:
    """A small disk of its own; only root can make one."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def can_mount(folder: Path) -> bool:
    """Whether this machine lets us."""
    if os.geteuid() or not shutil.which("mount"):
        return False
    try:
        with tmpfs(folder):
            return True
    except subprocess.CalledProcessError:
        return False
    finally:
        with suppress(OSError):
            folder.rmdir()


@contextmanager
def full(place: Place) -> Iterator[None]:
    """Not one byte more on the disk of database, journal and checkpoints."""
    with closing(sqlite3.connect(place.settings.path("var/portal.db"))) as c:
        c.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # else there is room left in it
    filler = place.settings.path("var/filler")
    with filler.open("wb", buffering=0) as out, suppress(OSError):
        while out.write(bytes(1 << 16)):
            pass
    with filler.open("ab", buffering=0) as out, suppress(OSError):
        while out.write(b"x"):
            pass
    try:
        yield
    finally:
        filler.unlink()


@contextmanager
def away(*folders: Path) -> Iterator[None]:
    """A file stands where each folder was."""
    for folder in folders:
        folder.mkdir(exist_ok=True)
        folder.rename(folder.with_suffix(".away"))
        folder.write_text("no folder")
    try:
        yield
    finally:
        for folder in folders:
            folder.unlink()
            folder.with_suffix(".away").rename(folder)


# --- what can happen on the way to a server ------------------------------------------------


class Road:
    """The network between portal and PostgreSQL: open, cut (refuses and resets), or silent."""

    def __init__(self, server: Server) -> None:
        self._to = f"{server.socket}/.s.PGSQL.5432"
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.silent = self.cut = self._over = False
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        threading.Thread(target=self._run, daemon=True).start()

    def close(self) -> None:
        self._over = True

    def _run(self) -> None:
        while not self._over:
            if self.cut:
                self._drop()
            if self.silent:
                time.sleep(0.02)
                continue
            ends = [end for pair in self._pairs for end in pair]
            ready, _, _ = select.select([self._listener, *ends], [], [], 0.02)
            for end in ready:
                if end is self._listener:
                    self._take(end.accept()[0])
                elif not self.silent:
                    self._carry(end)
        self._drop()
        self._listener.close()

    def _take(self, caller: socket.socket) -> None:
        if self.cut:
            caller.close()
            return
        there = socket.socket(socket.AF_UNIX)
        there.connect(self._to)
        self._pairs.append((caller, there))

    def _carry(self, end: socket.socket) -> None:
        pair = next((p for p in self._pairs if end in p), None)
        if pair is None:
            return
        other = pair[1] if end is pair[0] else pair[0]
        try:
            data = end.recv(1 << 16)
            other.sendall(data)
        except OSError:
            data = b""
        if not data:
            self._pairs.remove(pair)
            for one in pair:
                one.close()

    def _drop(self) -> None:
        for pair in self._pairs:
            for end in pair:
                end.close()
        self._pairs = []

    @contextmanager
    def partition(self, _place: Place) -> Iterator[None]:
        """Takes everything and says nothing; no connection breaks."""
        self.silent = True
        try:
            yield
        finally:
            self.silent = False

    @contextmanager
    def gone(self, _place: Place) -> Iterator[None]:
        """Nobody there: connections break, new ones are refused."""
        self.cut = True
        try:
            yield
        finally:
            self.cut = False
