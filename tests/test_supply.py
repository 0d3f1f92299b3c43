"""What the portal is made of: nothing unlisted, no licence nobody allowed, no known hole unseen."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from supply import audit, licences, parts, sbom

ROOT = Path(__file__).parent.parent


def test_the_licence_page_is_fresh() -> None:
    page = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
    rows = [line for line in licences.page().splitlines() if line.startswith("|")]
    missing = [row for row in rows if row not in page.splitlines()]
    assert not missing, "run: python -m supply.licences > docs/licences.md"
    listed = set(re.findall(r"^\| ([a-z0-9.-]+) \|", page, re.MULTILINE)) - {"package"}
    assert listed <= {p.name for p in parts.locked()}, "a package that is not used any more"


def test_every_licence_is_allowed() -> None:
    assert {p.name: p.licence for p in parts.runtime() if not licences.allowed(p.licence)} == {}


@pytest.mark.parametrize(
    ("licence", "good"),
    [
        ("MIT", True), ("Apache-2.0 AND MIT", True), ("Apache-2.0 OR BSD-3-Clause", True),
        ("GPL-3.0-only OR MIT", True), ("GPL-3.0-only", False), ("MIT AND AGPL-3.0-only", False), ("", False),
    ],
)  # fmt: skip
def test_what_is_allowed(licence: str, good: bool) -> None:
    assert licences.allowed(licence) is good


def test_the_bill_names_every_locked_package() -> None:
    bill = json.loads(sbom.bill())
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    listed = {c["purl"] for c in bill["components"]}
    names = re.findall(
        r"^([a-z0-9._-]+)(?:\[.*?\])?==([^\s;\\]+)", (ROOT / "requirements.lock").read_text(), re.M
    )
    assert {f"pkg:pypi/{n}@{v}" for n, v in names} <= listed
    for lock in parts.NODE_LOCKS:
        for path, entry in json.loads((ROOT / lock).read_text())["packages"].items():
            name = path.rpartition("node_modules/")[2].replace("@", "%40")
            assert not path or f"pkg:npm/{name}@{entry['version']}" in listed
    required = {c["name"] for c in bill["components"] if c["scope"] == "required"}
    assert {"flask", "cryptography", "htmx.org", "dkfds"} <= required
    assert not {"pytest", "ruff", "sass", "playwright"} & required


def test_every_locked_package_is_held_to_its_hash() -> None:
    """Nobody's registry can put another file in its place (dependency confusion)."""
    assert [p.name for p in parts.locked() if not p.hashes] == []
    for lock in parts.NODE_LOCKS:
        for entry in json.loads((ROOT / lock).read_text())["packages"].values():
            assert entry.get("resolved", "https://").startswith("https://")


PIP = {
    "dependencies": [
        {"name": "flask", "version": "3.0.0", "vulns": [{"id": "GHSA-68rp-wp8r-4726"}]},
        {"name": "msgspec", "version": "0.22.0", "vulns": []},
    ]
}
NPM = {
    "vulnerabilities": {"htmx.org": {"via": [{"url": "https://github.com/advisories/GHSA-x"}]}},
    "metadata": {"dependencies": {"total": 2}},
}


def test_a_known_hole_fails() -> None:
    code, lines = audit.verdict(
        {"pip-audit": audit.read_pip(PIP), "npm audit": audit.read_npm(NPM)}
    )
    assert code == 1
    assert "KNOWN HOLE  flask 3.0.0: GHSA-68rp-wp8r-4726" in lines
    assert "KNOWN HOLE  htmx.org: https://github.com/advisories/GHSA-x" in lines


def test_who_cannot_be_asked_is_a_warning_and_no_pass() -> None:
    skipped = {"dependencies": [{"name": "flask", "skip_reason": "not found"}]}
    for found in (
        audit.read_pip(skipped),
        audit.read_npm({"message": "405"}),
        audit.Found(trouble="x"),
    ):
        code, (line,) = audit.verdict({"service": found})
        assert code == 0
        assert line.startswith("WARNING  service: ")


def test_it_never_takes_long() -> None:
    slow = [sys.executable, "-c", "import threading; threading.Event().wait()"]
    assert audit._asked(slow, 0.3, audit.read_pip).trouble == "no answer within 0 s"
    rubbish = [sys.executable, "-c", "print('<html>')"]
    assert "can be read" in audit._asked(rubbish, 9, audit.read_pip).trouble


def test_an_advisory_set_aside_says_why() -> None:
    assert all(len(why) > 40 for why in audit.IGNORED.values())


def test_the_two_commands_run_it() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^test:.*\baudit\b", makefile, re.MULTILINE)
    assert "supply.audit" in makefile
    assert "supply.sbom var/sbom.cdx.json" in makefile


def test_every_floor_that_an_advisory_set_is_kept() -> None:
    """Versions below which a known hole in exactly this stack is open."""
    floors = {
        "authlib": (1, 9, 9),
        "flask": (3, 1, 3),
        "werkzeug": (3, 1, 8),
        "urllib3": (2, 0, 7),
        "requests": (2, 31),
        "babel": (2, 9, 1),
        "jinja2": (3, 1, 6),
    }
    found = {
        p.name: tuple(map(int, p.version.split(".")[:3]))
        for p in parts.locked()
        if p.name in floors
    }
    assert {n for n, floor in floors.items() if found[n] < floor} == set()
    assert "pyjwt" not in {p.name for p in parts.runtime()}, "one JOSE library only"
