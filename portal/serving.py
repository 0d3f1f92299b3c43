"""The production server: granian, WSGI, threads chosen by measurement (docs/performance.md)."""

from __future__ import annotations

import os
from pathlib import Path

from granian import Granian
from granian.constants import Interfaces

THREADS = 16


def run(config: str, host: str, port: int, workers: int) -> None:
    """Serve until stopped; workers read the same file."""
    os.environ["PORTAL_CONFIG"] = str(Path(config).resolve())
    Granian(
        "portal.wsgi:app",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=THREADS,
        log_access=False,
    ).serve()
