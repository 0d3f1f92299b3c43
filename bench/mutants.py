"""Would the tests notice a fault? Each rule is broken in every small way, one at a time.

    python -m bench.mutants                      every module of [tool.mutants] in pyproject.toml
    python -m bench.mutants access redaction     those
    python -m bench.mutants access --sample 16   so many of its mutants, by chance (--seed)

Prints each module's score beside its limit and the survivors. A survivor that
changes nothing is written in docs/mutants.md with the reason; the exit code is
1 when one is not, when one stands there that is none, or when a score is too low.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import time
import tomllib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from bench.mutant_tests import Runs
from bench.mutating import Mutant, mutants

LISTED = Path("docs/mutants.md")
Key = tuple[str, str, str, str]


def main(arguments: list[str]) -> int:
    """Run what is named, or everything; the exit code."""
    config = tomllib.loads(Path("pyproject.toml").read_text())["tool"]["mutants"]
    modules = config["modules"]
    ask = argparse.ArgumentParser(prog="python -m bench.mutants")
    ask.add_argument("modules", nargs="*", metavar="module")
    ask.add_argument("--sample", type=int, default=0)
    ask.add_argument("--seed", default="851")
    ask.add_argument("--jobs", type=int, default=1)
    ask.add_argument("--list", action="store_true", help="print the mutants, run nothing")
    options = ask.parse_args(arguments)
    if unknown := set(options.modules) - set(modules):
        ask.error(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(modules)}")
    good = True
    for name in options.modules or modules:
        dice = random.Random(f"{options.seed} {name}") if options.sample else None
        found = mutants(Path(modules[name]["file"]), name, config["left_out"], dice)
        if options.list:
            print(*(f"{m.line} {m.where}: {m.old} -> {m.new}" for m in found), sep="\n")
        else:
            verdict = judge(name, found, modules[name], options)
            print(*verdict.lines(), sep="\n", flush=True)
            good &= verdict.good
    return 0 if good else 1


class Verdict(NamedTuple):
    """What came of one module's mutants; `lapsed` are lines of the list that are true no more."""

    name: str
    killed: int
    equivalent: int
    survived: int
    lapsed: set[Key]
    limit: float
    seconds: float

    @property
    def counted(self) -> int:
        """Those that change something."""
        return self.killed + self.survived

    @property
    def score(self) -> float:
        """Per cent killed of those that change something."""
        return 100 * self.killed / self.counted if self.counted else 100.0

    @property
    def good(self) -> bool:
        """Whether the score reaches its limit and the list of equivalents is true."""
        return self.score >= self.limit and not self.lapsed

    def lines(self) -> Iterator[str]:
        """What the list says and is not so, and the score."""
        for _, where, old, new in sorted(self.lapsed):
            yield f"in {LISTED}, but killed or gone:\n### `{where}`\n- {old}\n+ {new}"
        yield (
            f"{self.name}: {self.killed} of {self.counted} mutants killed, {self.score:.1f} % "
            f"(limit {self.limit:g} %); {self.equivalent} more change nothing; {self.seconds:.0f} s"
        )


def judge(
    name: str, found: Iterator[Mutant], module: dict[str, Any], options: argparse.Namespace
) -> Verdict:
    """Try a module's mutants: all, or a sample of those that change something."""
    began = time.monotonic()
    listed = {key for key in equivalents() if key[0] == name}
    equivalent, survivors = list[Mutant](), list[Mutant]()
    if options.sample:
        tried = list(islice((m for m in found if m.key not in listed), options.sample))
    else:
        tried = list(found)

    def survived(mutant: Mutant) -> None:
        if mutant.key in listed:
            equivalent.append(mutant)
        else:
            survivors.append(mutant)
            print(f"survived, line {mutant.line}:\n### `{mutant.where}`")
            print(f"- {mutant.old}\n+ {mutant.new}", flush=True)

    with Runs(Path(module["file"]), module["tests"], module.get("options", [])) as runs:
        runs.survivors(tried, options.jobs, survived)
    return Verdict(
        name=name,
        killed=len(tried) - len(survivors) - len(equivalent),
        equivalent=len(equivalent),
        survived=len(survivors),
        lapsed=set() if options.sample else listed - {m.key for m in equivalent},
        limit=100 if options.sample else module["limit"],
        seconds=time.monotonic() - began,
    )


def equivalents() -> list[Key]:
    """The mutants docs/mutants.md lists: each `- before` and `+ after` under its module and place."""
    found, module, where, old = [], "", "", ""
    for line in LISTED.read_text().splitlines() if LISTED.exists() else ():
        if heading := re.match(r"## (\w+)$", line):
            module = heading[1]
        elif place := re.match(r"### `(.*)`$", line):
            where = place[1]
        elif line.startswith("- "):
            old = line[2:].strip()
        elif line.startswith("+"):
            found.append((module, where, old, line[2:].strip()))
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
