"""Every small fault in the rules would be noticed: a seeded sample here, all of them in `make prove`."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.proving import PROVE, SEED

MODULES = tomllib.loads(Path("pyproject.toml").read_text())["tool"]["mutants"]["modules"]
SAMPLED = {"access": 8, "redaction": 8}


@pytest.mark.proof
@pytest.mark.parametrize("module", MODULES if PROVE else SAMPLED)
def test_a_fault_in_the_rules_is_noticed(module: str, record_property) -> None:
    options = [] if PROVE else ["--sample", str(SAMPLED[module]), "--seed", str(SEED)]
    command = [sys.executable, "-m", "bench.mutants", module, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stdout + done.stderr
    *_, figure = done.stdout.splitlines()
    record_property("figure", figure)
