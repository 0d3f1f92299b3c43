"""docs/asvs.md: every requirement has its row, and every proof that is named exists."""

from __future__ import annotations

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "asvs.md").read_text(encoding="utf-8")
ROWS = [
    tuple(cell.strip() for cell in line.strip("|").split("|"))
    for line in PAGE.splitlines()
    if line.startswith("| v5.0.0-")
]
LEVELS = {"1": 70, "2": 183}
"""How many requirements the standard has at each level."""
STARRED = frozenset(
    [
        "1.2.10",
        "1.5.3",
        "3.3.5",
        "3.4.8",
        "3.5.7",
        "3.5.8",
        "3.6.1",
        "4.1.4",
        "7.5.3",
        "8.3.2",
        "8.3.3",
        "10.2.3",
        "13.1.2",
        "13.1.3",
        "13.2.6",
        "14.2.5",
        "14.2.6",
        "14.2.7",
        "14.2.8",
        "15.4.1",
        "15.4.2",
        "15.4.3",
        "15.4.4",
        "16.5.4",
    ]
)
"""Of level 3, what a family's overview needs."""


def test_every_requirement_has_one_row() -> None:
    ids = [row[0].removeprefix("v5.0.0-") for row in ROWS]
    assert ids == sorted(set(ids), key=lambda i: [int(n) for n in i.split(".")])
    levels = Counter(row[1] for row in ROWS)
    assert levels == {**LEVELS, "3★": len(STARRED)}
    assert {i for i, row in zip(ids, ROWS, strict=True) if row[1] == "3★"} == STARRED
    chapters = {int(i.split(".")[0]) for i in ids}
    assert chapters == set(range(1, 18))


def test_every_row_is_proven_or_says_why_not() -> None:
    for id, _, title, status, proof in ROWS:
        named = re.findall(r"`[^`]+::[^`]+`", proof)
        assert len(title) > 3, id
        assert (status == "proven") == bool(named), id
        assert status in ("proven", "not proven", "n/a"), id
        assert named or proof.endswith("."), id


def test_every_proof_is_there() -> None:
    named = set(re.findall(r"`((?:tests|e2e)/\w+\.py)::(\w+)`", PAGE))
    assert named
    assert {f"{file}::{test}" for file, test in named if test not in functions_of(file)} == set()


def test_the_counts_at_the_top_are_those_of_the_rows() -> None:
    told = {
        s: int(n) for s, n in re.findall(r"^\| (proven|not proven|n/a) \| (\d+) \|$", PAGE, re.M)
    }
    assert told == Counter(row[3] for row in ROWS)


@cache
def functions_of(file: str) -> frozenset[str]:
    path = ROOT / file
    if not path.exists():
        return frozenset()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef))
