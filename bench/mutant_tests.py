"""Runs tests against a changed module: each mutant in a process of its own, nothing written.

The parent loads what the tests need from others (never the portal), measures
once which test reaches which line, and forks for each mutant. The child loads
the portal with the changed source in place of the file, and runs the tests
that reach the changed line, fastest first; a mutant they let through meets all
the others too. Not answering is limited in processor time, so a busy
machine kills nobody.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import pickle
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import _lru_cache_wrapper
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import coverage
import grimp
import hypothesis
import pytest

from bench.mutating import Mutant

OURS = {"portal", "mitid_stub", "backend_stub", "tests"}
ROOM = 2
"""How many times the processor time of all tests a mutant may use before it counts as stuck."""

MEMORY = 2 << 30
"""Bytes a mutant may use: some never end and gather more and more."""


class Baseline(NamedTuple):
    """What the unchanged module showed: seconds of each test, tests of each line, others' modules."""

    seconds: dict[str, float]
    reaching: dict[int, set[str]]
    loaded: list[str]
    cpu: float


class Changed(MetaPathFinder, Loader):
    """Loads one module from a text instead of its file."""

    def __init__(self, file: Path, source: str) -> None:
        self.file, self.source = file, source
        self.name = ".".join(file.with_suffix("").parts)

    def find_spec(self, name: str, path: object, target: object = None) -> ModuleSpec | None:
        if name != self.name:
            return None
        return spec_from_loader(name, self, origin=str(self.file.absolute()))

    def exec_module(self, module: ModuleType) -> None:
        module.__file__ = str(self.file.absolute())
        exec(compile(self.source, module.__file__, "exec"), module.__dict__)


class Chosen:
    """A pytest plugin: only these tests, in this order."""

    def __init__(self, order: list[str]) -> None:
        self.rank = {name: place for place, name in enumerate(order)}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = sorted(
            (i for i in items if i.nodeid in self.rank), key=lambda i: self.rank[i.nodeid]
        )


class Reached:
    """A pytest plugin: measures which test reaches which line of a file, and how long it takes."""

    def __init__(self, file: Path) -> None:
        self.file = str(file.absolute())
        self.coverage = coverage.Coverage(data_file=None, config_file=False, include=[self.file])
        self.seconds: dict[str, float] = {}
        self.failed: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.append(report.nodeid)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        _empty_caches()  # what an earlier test left in one would hide a line
        self.coverage.switch_context(item.nodeid)
        began = time.process_time()
        found = yield
        self.seconds[item.nodeid] = time.process_time() - began
        return found

    def lines(self) -> dict[int, set[str]]:
        by_line = self.coverage.get_data().contexts_by_lineno(self.file)
        return {line: set(tests) - {""} for line, tests in by_line.items()}


def _empty_caches() -> None:
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in OURS:
            for value in vars(module).values():
                if isinstance(value, _lru_cache_wrapper):
                    value.cache_clear()


def _load_all_but(name: str) -> None:
    """Load the portal, then forget a module and all that rest on it: only those change with it.

    Only for tests that make no whole portal: its package keeps what it made of the module as it is.
    """
    package, _, _ = name.partition(".")
    importlib.import_module(package)
    resting = grimp.build_graph(package, cache_dir=None).find_downstream_modules(name)
    for module in {name, *resting} - {package}:
        above, _, own = module.rpartition(".")
        if sys.modules.pop(module, None):
            vars(sys.modules.get(above, ModuleType(above))).pop(own, None)


def _in_memory() -> str | None:
    """A folder in memory if there is one: a database for each mutant need not wait for a disk."""
    memory = "/dev/shm"
    return memory if os.access(memory, os.W_OK) else None


class Runs:
    """One module and the tests that guard it."""

    def __init__(self, file: Path, tests: list[str], options: list[str]) -> None:
        self.file, self.tests, self.options = file, tests, options
        self.folder = Path(tempfile.mkdtemp(prefix="mutants-", dir=_in_memory()))
        self.baseline = self._measured()

    def __enter__(self) -> Runs:
        for name in self.baseline.loaded:
            with contextlib.suppress(Exception):
                importlib.import_module(name)
        if "--noconftest" in self.options:
            _load_all_but(".".join(self.file.with_suffix("").parts))
        gc.freeze()  # what is loaded here stays; no child need look through it
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def survivors(self, mutants: list[Mutant], jobs: int, tell: Callable[[Mutant], None]) -> None:
        """Try them all, `jobs` at once; tell of each that no test noticed."""
        running: dict[int, Mutant] = {}
        for mutant in mutants:
            if len(running) >= jobs:
                self._wait(running, tell)
            pid = os.fork()
            if not pid:
                self._child(lambda m=mutant: self._noticed(m))  # type: ignore[misc]
            running[pid] = mutant
        while running:
            self._wait(running, tell)

    def _wait(self, running: dict[int, Mutant], tell: Callable[[Mutant], None]) -> None:
        pid, status = os.wait()
        mutant = running.pop(pid)
        if status == 0:
            tell(mutant)

    def _child(self, work: Callable[[], int]) -> None:
        """In the forked process: do it and end, quietly, within the limits."""
        code = 99
        try:
            with Path(os.devnull).open("r+b") as nowhere:
                for stream in (0, 1, 2):
                    os.dup2(nowhere.fileno(), stream)
            code = work()
        finally:
            shutil.rmtree(self.folder / str(os.getpid()), ignore_errors=True)
            os._exit(code)

    def _noticed(self, mutant: Mutant) -> int:
        """Pytest's answer: 0 when every test still passes."""
        limit = int(self.baseline.cpu * ROOM) + 3
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 5))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        signal.alarm(limit * 10)
        near = self.baseline.reaching.get(mutant.line) or set(self.baseline.seconds)
        order = sorted(
            self.baseline.seconds, key=lambda t: (t not in near, self.baseline.seconds[t])
        )
        return self._pytest(mutant.source, [Chosen(order)])

    def _pytest(self, source: str, plugins: list[object]) -> int:
        sys.meta_path.insert(0, Changed(self.file, source))
        quick = [hypothesis.Phase.explicit, hypothesis.Phase.generate]
        hypothesis.settings.register_profile(
            "mutants", database=None, phases=quick, derandomize=True, deadline=None
        )
        hypothesis.settings.load_profile("mutants")
        os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        own = self.folder / str(os.getpid())
        options = ["-x", "-q", "--tb=no", "-p", "no:unraisableexception", f"--basetemp={own}"]
        return int(pytest.main([*options, *self.options, *self.tests], plugins=plugins))

    def _measured(self) -> Baseline:
        """Run all tests once against the unchanged module, in a process of its own."""
        kept = self.folder / "baseline"
        pid = os.fork()
        if not pid:
            self._child(lambda: self._measure(kept))
        if os.waitpid(pid, 0)[1]:
            failed = kept.read_text() if kept.exists() else " ".join(self.tests)
            raise SystemExit(f"the tests of {self.file} fail as they are: {failed}")
        found: Baseline = pickle.loads(kept.read_bytes())
        return found

    def _measure(self, kept: Path) -> int:
        reached = Reached(self.file)
        reached.coverage.start()
        code = self._pytest(self.file.read_text(), [reached])
        reached.coverage.stop()
        others = [n for n in sys.modules if n.partition(".")[0] not in OURS]
        cpu = time.process_time()
        if code:
            kept.write_text(" ".join(reached.failed) or "they cannot be collected")
        else:
            kept.write_bytes(pickle.dumps(Baseline(reached.seconds, reached.lines(), others, cpu)))
        return code
