"""Where a static file lies: plain names to hashed addresses, so browsers may keep them for ever."""

from __future__ import annotations

import json
from pathlib import Path

BUILT = Path(__file__).parent / "static" / "built"
PREFIX = "/static/built/"


class AssetsMissing(Exception):
    """The assets were never built."""


class Assets:
    """The manifest that `static/build.py` wrote, read once at the start."""

    def __init__(self, folder: Path = BUILT) -> None:
        try:
            self._files: dict[str, str] = json.loads((folder / "manifest.json").read_text())[
                "files"
            ]
        except OSError as missing:
            raise AssetsMissing("the static files are not built; run: make setup") from missing

    def __call__(self, name: str) -> str:
        """The address of `name`, e.g. asset("app.css"); an unknown name is a bug and raises."""
        return PREFIX + self._files[name]
