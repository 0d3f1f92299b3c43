"""Every small fault in the rules would be noticed: a seeded sample here, all of them in `make prove`."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from bench.mutants import equivalents
from bench.mutating import mutants
from tests.proving import PROVE, SEED

MODULES = tomllib.loads(Path("pyproject.toml").read_text())["tool"]["mutants"]["modules"]
SAMPLED = {"access": 4, "redaction": 4}
SOURCE = '''"""What it is."""
AGES = {"own": 13, "health": 15}
PLACES = re.compile(r"(?:vej|gade) ")


def may(who: str | None, age: int) -> bool:
    """Whether she may."""
    if who in AGES and age >= 15:
        return True
    raise ValueError("told to people")
'''
FAULTS = {
    'AGES = {"own": 13, }', 'AGES = { "health": 15}', 'AGES = {"own": 14, "health": 15}',
    'AGES = {"XXown": 13, "health": 15}', 'PLACES = re.compile(r"(?:gade) ")',
    "if who not in AGES and age >= 15:", "if who in AGES or age >= 15:", "if who in AGES and age > 15:",
    "if ((who in AGES)):", "if ((age >= 15)):", "if False:", "return False",
}  # fmt: skip


def test_a_row_a_word_an_alternative_and_a_half_of_a_condition_can_be_wrong(tmp_path: Path) -> None:
    file = tmp_path / "rules.py"
    file.write_text(SOURCE)
    found = list(mutants(file, "rules", []))
    assert {m.new for m in found} >= FAULTS
    assert {m.where for m in found} == {"AGES", "PLACES", "may"}
    assert len({m.key for m in found}) == len(found), "none twice"
    assert not [m for m in found if "What it" in m.old or "Whether" in m.old or "raise" in m.old]


def test_the_listed_faults_are_read_with_their_module_and_place() -> None:
    assert {key[0] for key in equivalents()} <= set(MODULES)
    for _, where, old, new in equivalents():
        assert where and old and old != new


@pytest.mark.proof
@pytest.mark.parametrize("module", MODULES if PROVE else SAMPLED)
def test_a_fault_in_the_rules_is_noticed(module: str, record_property) -> None:
    options = [] if PROVE else ["--sample", str(SAMPLED[module]), "--seed", str(SEED)]
    command = [sys.executable, "-m", "bench.mutants", module, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    sys.stdout.write(done.stdout)  # survivors that the limit allows: shown by pytest -rP
    assert not done.returncode, done.stdout + done.stderr
    *_, figure = done.stdout.splitlines()
    record_property("figure", figure)
