"""The folder of signed checkpoints: files that are written once, whole, and never again."""

from __future__ import annotations

import base64
import json
import os
import secrets
import time
from datetime import datetime
from pathlib import Path
from typing import Any

SUFFIX = ".checkpoint"
Statement = tuple[bytes, bytes]
"""What was said, and its signature."""


class Unsignable(Exception):
    """No checkpoint can be made or read; the text says why."""


class SecondPlace:
    """One municipality's checkpoints, oldest first by name."""

    def __init__(self, folder: Path, tenant: str) -> None:
        self._folder, self._tenant = folder, tenant

    def age(self) -> float:
        """Seconds since the newest was written; infinite when there is none."""
        files = self._files()
        return time.time() - files[-1].stat().st_mtime if files else float("inf")

    def statements(
        self, until: datetime | None = None, upto: int | None = None
    ) -> tuple[Statement, ...]:
        """From the newest full one on, oldest first; as they stood at a moment, or up to a number.

        Raises Unsignable.
        """
        found: list[Statement] = []
        for file in reversed(self._files()):
            body, signature, said = _read(file)
            if not found and until and datetime.fromisoformat(said["at"]) > until:
                continue
            if upto is not None and int(said["number"]) > upto:
                continue
            found.append((body, signature))
            if said["full"]:
                break
        return tuple(reversed(found))

    def add(self, number: int, body: bytes, signature: bytes) -> bool:
        """Keep one; False when another worker made this number first."""
        file = self._folder / f"{self._tenant}-{number:08d}{SUFFIX}"
        return publish(file, body + b"\n" + base64.b64encode(signature) + b"\n", 0o444)

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob(f"{self._tenant}-*{SUFFIX}"))


def _read(file: Path) -> tuple[bytes, bytes, dict[str, Any]]:
    body, _, signature = file.read_bytes().partition(b"\n")
    try:
        said = json.loads(body)
        assert {"at", "full", "number"} <= said.keys()
        datetime.fromisoformat(said["at"])
        return body, base64.b64decode(signature.strip(), validate=True), said
    except (AssertionError, AttributeError, ValueError, TypeError):
        raise Unsignable(f"{file} is not a checkpoint") from None


def publish(file: Path, content: bytes, mode: int) -> bool:
    """Write a file whole or not at all, and only if there is none; False when there is."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(descriptor)
        os.link(draft, file)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    folder = os.open(file.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
    return True
