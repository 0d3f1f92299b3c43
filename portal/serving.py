"""The production server: granian, WSGI, threads chosen by measurement (docs/performance.md)."""

from __future__ import annotations

import os
from pathlib import Path

from granian import Granian
from granian.constants import Interfaces
from granian.http import HTTP1Settings

THREADS = 16
HEADER_MILLISECONDS = 10_000
"""How long a request may take to say what it wants; a connection without one ends after it too."""
SWITCH_SECONDS = 0.0005
"""How long one thread computes while another wants to: a thread that comes back from the database
holds its lock, and at Python's own 5 ms all writers of all workers waited for computing readers."""


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
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_MILLISECONDS),
        log_access=False,
    ).serve()
