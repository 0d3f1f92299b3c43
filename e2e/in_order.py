"""The builds in which axe found nothing, in any worker of this run: one with other words is not asked about again."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

_folder: Path | None = None


def share(own: Path) -> None:
    """Remember beside the temporary folders of all workers; `own` is this worker's."""
    global _folder
    _folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "in-order"
    _folder.mkdir(exist_ok=True)


def has(build: str) -> bool:
    return _mark(build).exists()


def add(build: str) -> None:
    _mark(build).touch()


def _mark(build: str) -> Path:
    assert _folder, "the session's fixture comes first"
    return _folder / hashlib.sha256(build.encode()).hexdigest()
