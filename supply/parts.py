"""The parts, from the lock files; their licences, from what is installed."""

from __future__ import annotations

import importlib.metadata
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
NODE_LOCKS = ("package-lock.json", "e2e/package-lock.json", "bench/package-lock.json")
"""The first builds what the browser gets; the others only check and measure."""
SAME = {
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "BSD-0-Clause": "0BSD",
    "MIT License": "MIT",
    "Dual License": "Apache-2.0 OR BSD-3-Clause",
}
"""What packages write -> its SPDX name."""


class Part(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One package: `kind` is pypi or npm; `used` where; `hashes` SHA-256 or SHA-512 in hex or base64."""

    kind: str
    name: str
    version: str
    used: str
    licence: str = ""
    hashes: tuple[str, ...] = ()


def locked() -> list[Part]:
    """Every package of every lock file, sorted."""
    return sorted({(p.kind, p.name, p.version): p for p in (*_npm(), *_pypi())}.values())


def runtime() -> list[Part]:
    """What runs in production, as installed here: Python packages and what the browser gets."""
    names = _closure()
    python = [p for p in locked() if p.kind == "pypi" and p.name in names]
    return [*python, *(p for p in locked() if p.kind == "npm" and p.used == "browser")]


def _pypi() -> Iterator[Part]:
    names = _closure()
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    for block in re.split(r"\n(?=[a-z0-9])", text):
        found = re.match(r"([a-z0-9._-]+)(?:\[[^]]*\])?==([^\s;\\]+)", block)
        if not found:
            continue
        name = found[1]
        yield Part(
            kind="pypi",
            name=name,
            version=found[2],
            used="server" if name in names else "development",
            licence=_licence(name),
            hashes=tuple(re.findall(r"sha256:([0-9a-f]{64})", block)),
        )


def _npm() -> Iterator[Part]:
    for lock in reversed(NODE_LOCKS):  # what the browser gets is told last, and so counts
        found: dict[str, Any] = json.loads((ROOT / lock).read_text(encoding="utf-8"))
        for path, entry in found["packages"].items():
            if not path:
                continue
            built = lock == NODE_LOCKS[0] and not entry.get("dev") and not entry.get("optional")
            yield Part(
                kind="npm",
                name=path.rpartition("node_modules/")[2],
                version=entry["version"],
                used="browser" if built else "development",
                licence=_spdx(str(entry.get("license", ""))),
                hashes=(entry["integrity"],) if "integrity" in entry else (),
            )


def _closure() -> set[str]:
    """The names of everything the portal's own dependencies lead to, here."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    waiting, seen = [Requirement(d) for d in project["dependencies"]], set()
    while waiting:
        wanted = waiting.pop()
        name = re.sub(r"[-_.]+", "-", wanted.name).lower()
        key = (name, frozenset(wanted.extras))
        if key in seen:
            continue
        seen.add(key)
        for text in importlib.metadata.distribution(name).requires or []:
            more = Requirement(text)
            extras = [{"extra": e} for e in ("", *wanted.extras)]
            if more.marker is None or any(more.marker.evaluate(e) for e in extras):
                waiting.append(more)
    return {name for name, _ in seen}


def _licence(name: str) -> str:
    """As its own metadata says; empty when it is not installed here, or says nothing."""
    try:
        said = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return ""
    (short, *_), (expression, *_) = (
        said.get_all(k) or [""] for k in ("License", "License-Expression")
    )
    classified = [
        c.split("::")[-1].strip()
        for c in said.get_all("Classifier") or []
        if c.startswith("License")
    ]
    written = short if short and len(short) < 30 and "\n" not in short else " OR ".join(classified)
    return _spdx(expression or written)


def _spdx(text: str) -> str:
    return SAME.get(text, text).strip("()")
