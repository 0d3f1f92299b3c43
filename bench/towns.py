"""Towns that are served: a country's backends, its provider, and a portal on each town's database."""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from backend_stub.country import SYSTEMS, Country
from backend_stub.demo import bench_config
from backend_stub.systems import AALBORG
from bench import town_fill
from bench.engines import Engines
from bench.options import Options
from bench.processes import free_ports
from bench.town import Town
from bench.town_fill import Filled
from bench.wire import Wire
from bench.world import running
from mitid_stub.rehearsal import answer_login, new_browser
from portal import keys, schema
from portal.checkpoints import Checkpoints
from portal.config import load
from portal.db import Store

SEED = 851
SIGNED = 20_000
"""Towns up to so many citizens begin with a signed log, as if the portal had run for long."""
DOORS = 250
"""Households whose first adult the provider lets in: all of the smallest town."""


class Served(NamedTuple):
    """A portal that serves a town; `pid` is the server's, whose children are its workers."""

    port: int
    pid: int
    town: Town
    filled: Filled
    said: Path
    """What the portal logged."""

    def cookie(self, household: int) -> str:
        """The session of a household's first adult."""
        return f"session={self.town.token(household)}"

    def wire(self, cookie: str = "") -> Wire:
        """A new connection, of whoever holds the cookie."""
        return Wire(self.port, cookie)

    def troubles(self) -> str:
        """What the portal complained about, counted; of a fault of ours also where it is."""
        told: Counter[str] = Counter()
        for line in self.said.read_text().splitlines():
            try:
                said = json.loads(line)
            except ValueError:
                continue
            if said["level"] in ("warning", "error"):
                told[f"{said['message']} {said.get('error', '')}".strip()] += 1
        return ", ".join(f"{many} x {what}" for what, many in told.most_common(6))


class Towns:
    """What all towns of a run share; each is filled and served by `serve`."""

    def __init__(self, folder: Path, options: Options, engines: Engines, many: int) -> None:
        self._folder, self._engines = folder, engines
        self.options = options
        self.backend, self.idp, *self.ports = free_ports(2 + many)
        self.country = Country(SEED, datetime.now(UTC).date())
        self._environ = os.environ | {
            "PORTAL_SECRET_KEYS": keys.new_secret(),
            "PORTAL_DATA_KEYS": keys.new_data_key(),
            "MALLOC_ARENA_MAX": "2",  # as docs/deploy has it
        }

    @contextmanager
    def serve(
        self, citizens: int, *, workers: int = 1, metered: bool = False, remembered: float = 900
    ) -> Iterator[Served]:
        """A new town of so many citizens; sources are remembered for so many seconds.

        `metered`: with the bench's own addresses beside the product (bench/served.py).
        """
        port = self.ports.pop()
        config = self._config(port, remembered)
        town = Town(self.country, citizens, AALBORG, datetime.now(UTC))
        environ = self._environ | self._engines.environ(port) | {"PORTAL_CONFIG": str(config)}
        filled = self._fill(config, environ, town)
        product = ["portal", "serve", "--config", str(config), "--workers", str(workers)]
        command = [*product, "--bind", f"127.0.0.1:{port}"]
        if metered:
            command = ["bench.served", str(port), str(workers)]
        said = config.with_name("portal.log")
        with running([sys.executable, "-m", *command], port, environ, said) as process:
            yield Served(port, process.pid, town, filled, said)

    def log_in(self, served: Served, household: int) -> tuple[float, ...]:
        """Seconds the portal took for each of its two steps of a login."""
        person = str(served.town.country.household(household).citizens[0].number)
        with served.wire() as wire:
            begun = wire.get("/log-ind")
            cookie = begun.headers["set-cookie"].partition(";")[0]
            back = answer_login(begun.headers["location"], person, browser=new_browser())
            came = wire.get(back.partition(str(served.port))[2], Cookie=cookie)
        if came.status != 302:
            raise RuntimeError(f"login: status {came.status}")
        return begun.seconds, came.seconds

    def cached_bytes(self) -> int:
        """What a shared cache holds."""
        return self._engines.cached_bytes()

    def signed_bytes(self, served: Served) -> int:
        """The size of a town's first checkpoint, which names every chain."""
        folder = served.said.parent / "var" / "checkpoints"
        return min(f.stat().st_size for f in folder.glob("*00000001.checkpoint"))

    def _config(self, port: int, remembered: float) -> Path:
        folder = self._folder / str(port)
        folder.mkdir()
        (folder / "keys").symlink_to(self._folder / "keys")
        file = bench_config(
            folder, SYSTEMS, 0, portal_port=port, idp_port=self.idp, backend_port=self.backend
        )
        text = re.sub(r"/bench/(\d+)/\d+/sager", r"/land/\1/sager", file.read_text())
        kept = f"cache_seconds = {remembered}" + ("" if remembered else "\nstale_seconds = 0")
        text = text.replace("[[source]]", f"[[source]]\n{kept}")
        text = text.replace(
            'database = "sqlite:///var/portal.db"', "\n".join(self._engines.lines(port))
        )
        file.chmod(0o600)  # the cache's address holds a password
        file.write_text(f'{text}\n[[purpose]]\nid = "moede"\ntext = "Forberede et møde"\n')
        return file

    def _fill(self, config: Path, environ: Mapping[str, str], town: Town) -> Filled:
        settings = load(config, environ)
        owner = settings.environ.get(settings.database_owner_env, "")
        store = Store(settings.database, settings.path("."), settings.municipality, owner)
        schema.upgrade(store)
        store.owning.dispose()
        store.engine.dispose()
        with self._engines.fill(settings) as into:
            filled = town_fill.fill(into, town, settings.data_keys)
        if town.citizens <= SIGNED:
            Checkpoints(settings, store).make(first=True)
            store.engine.dispose()
        return filled


@contextmanager
def towns(options: Options, many: int, pace: float = 0, alike: float = 0) -> Iterator[Towns]:
    """Start what so many towns share. `pace` 1 lets the systems take their 50 to 800 ms.

    `alike`: each system takes so many seconds instead, and knows every child.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="town-")))
        (folder / "keys").mkdir()
        engines = stack.enter_context(Engines.started(options))
        found = Towns(folder, options, engines, many)
        seed, day = str(SEED), found.country.day.isoformat()
        backend = [sys.executable, "-m", "backend_stub.country_app", "--pace", str(pace)]
        backend += ["--alike", str(alike)]
        backend += ["--port", str(found.backend), "--seed", seed, "--day", day]
        stack.enter_context(running(backend, found.backend))
        returns = [f"http://127.0.0.1:{port}/log-ind/retur" for port in found.ports]
        keys_url = f"http://127.0.0.1:{found.ports[-1]}/.well-known/jwks.json"
        door = [sys.executable, "-m", "bench.door", str(found.idp), seed, day, str(DOORS), keys_url]
        stack.enter_context(running([*door, *returns], found.idp))
        yield found
