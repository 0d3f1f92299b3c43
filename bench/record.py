"""Figures of scale that are kept: docs/scale.json, each with its date, machine and how busy that was."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.options import Options
from bench.prove import machine

BEFORE = round(os.getloadavg()[0], 1)
"""How busy the machine was when this process began: by others."""
FILE = Path(__file__).parent.parent / "docs" / "scale.json"


def keep(options: Options, name: str, found: dict[str, Any]) -> None:
    """Put what was measured into the file, when asked to."""
    if not options.record:
        return
    kept = read()
    kept[name] = found | {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": machine(),
        "load": BEFORE,
        "database": options.database,
        "cache": options.cache,
    }
    FILE.write_text(json.dumps(kept, indent=1, sort_keys=True, default=str) + "\n")


def read() -> dict[str, Any]:
    """Everything kept."""
    return json.loads(FILE.read_text()) if FILE.exists() else {}
