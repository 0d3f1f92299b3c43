"""`make prove`: every claimed figure at its full count, written to docs/proof.md.

    python -m bench.prove [pytest options, e.g. -k races]
    python -m bench.prove "tests/test_mutants.py::test_a_fault_in_the_rules_is_noticed[access]"

Each proof is a test marked `proof`: `make test` runs a seeded sample of it, this
runs all of it (PROVE=1), or the files and tests named. A run of some of them
keeps the others' lines.
PROVE_SEED chooses other dice.
"""

from __future__ import annotations

import os
import platform
import random
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

REPORT = Path("docs/proof.md")
SEED = os.environ.get("PROVE_SEED") or str(random.SystemRandom().randrange(10**6))
HEAD = """# Proofs at full count

Made by `make prove`; `make test` runs a seeded sample of each. A line stands for one run of one
proof: what was shown, how long it took (wall clock, whatever else the machine was doing), and
when, with which dice, on what.

| proof | shown | seconds | date | seed | machine |
|---|---|---|---|---|---|
"""


def main(options: list[str]) -> int:
    """Run the proofs, write the report; pytest's exit code."""
    named = any(option.startswith("tests/") for option in options)
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder, "proof.xml")
        command = [sys.executable, "-m", "pytest", "-m", "proof", "-q", "-o", "junit_family=xunit1"]
        command += [f"--junitxml={found}", *([] if named else ["tests"]), *options]
        environ = {**os.environ, "PROVE": "1", "PROVE_SEED": SEED}
        code = subprocess.run(command, env=environ, check=False).returncode
        made = dict(_lines(found)) if found.exists() else {}
    lines = {**_kept(), **made}
    REPORT.write_text(HEAD + "".join(f"{line}\n" for _, line in sorted(lines.items())))
    print(f"{len(made)} proofs run, seed {SEED}; see {REPORT}")
    return code


def _lines(file: Path) -> Iterator[tuple[str, str]]:
    """Each proof's name and its line of the table."""
    for case in ET.parse(file).iter("testcase"):
        module = (case.get("classname") or "").rpartition(".")[2]
        name = f"`{module}::{case.get('name')}`"
        failed = case.find("failure") is not None or case.find("error") is not None
        figures = [p.get("value") or "" for p in case.iter("property") if p.get("name") == "figure"]
        shown = "**FAILED**" if failed else "; ".join(figures) or "holds"
        seconds = f"{float(case.get('time') or 0):.0f}"
        when = datetime.now(UTC).strftime("%Y-%m-%d")
        yield name, f"| {' | '.join((name, shown, seconds, when, SEED, machine()))} |"


def _kept() -> dict[str, str]:
    """The lines of earlier runs."""
    text = REPORT.read_text() if REPORT.exists() else ""
    return {m[1]: m[0] for m in re.finditer(r"^\| (`[^|]+`) \|.*\|$", text, re.MULTILINE)}


def machine() -> str:
    """What ran it, in a few words."""
    model = ""
    cpus = Path("/proc/cpuinfo")
    if cpus.exists():
        found = re.search(r"^model name\s*:\s*(.+)$", cpus.read_text(), re.MULTILINE)
        model = found[1].strip() if found else ""
    python = platform.python_version()
    return f"{os.cpu_count()} cores {model or platform.machine()}, CPython {python}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
