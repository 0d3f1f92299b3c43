"""After every test that runs a portal: no citizen's number in its log, or in any file it left behind.

The families' numbers are those of the cast. The log is read at DEBUG, as a worker
writes it; files are read byte by byte, databases and journals included.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from backend_stub.cast import people
from portal.telemetry.logs import Json


@contextmanager
def listening() -> Iterator[io.StringIO]:
    """What a worker at level DEBUG writes, as JSON; libraries stay at WARNING as in a worker."""
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(Json())
    ours, root = logging.getLogger("portal"), logging.getLogger()
    before = ours.level
    ours.setLevel(logging.DEBUG)
    root.addHandler(handler)
    try:
        yield out
    finally:
        root.removeHandler(handler)
        ours.setLevel(before)


@contextmanager
def none_about_anybody(folder: Path) -> Iterator[None]:
    """Fails with the number's owner, never with the number."""
    with listening() as out:
        yield
    assert not (found := _owners(out.getvalue().encode())), f"in the log: {found}"
    for file in folder.rglob("*"):
        if file.is_file() and not file.is_symlink():
            assert not (found := _owners(file.read_bytes())), f"in {file.name}: {found}"


def _owners(content: bytes) -> list[str]:
    today = datetime.now(ZoneInfo("Europe/Copenhagen")).date()
    return [key for key, forms in _numbers(today) if any(f in content for f in forms)]


@cache
def _numbers(today: date) -> list[tuple[str, tuple[bytes, bytes]]]:
    return [
        (key, (p.cpr.encode(), f"{p.cpr[:6]}-{p.cpr[6:]}".encode()))
        for key, p in people(today).items()
    ]
