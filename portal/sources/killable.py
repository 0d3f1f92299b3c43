"""Work on what strangers sent, in a child process that is killed when its time is over.

A thread cannot be stopped, and what hangs inside a C function cannot be
interrupted. The child knows no secret, inherits no connection, and one that was
killed or died is replaced at the next question.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import threading
import time
from pathlib import Path

READY = b"ready"
STARTING = 20.0
LARGEST = 20_000_000
PORTAL = Path(__file__).resolve().parents[1]
START = """
import importlib, sys, types
package = types.ModuleType("portal")
package.__path__ = [sys.argv[1]]
sys.modules["portal"] = package
importlib.import_module(sys.argv[2]).main(sys.stdin.buffer, sys.stdout.buffer)
"""
"""The package without its `__init__`, which would bring the whole application along: 23 MB for 106."""


class Overdue(Exception):
    """No answer in time; the child was killed."""


class Died(Exception):
    """The child ended without an answer: too much memory, or a bug that took it along."""


class Killable:
    """One child for each thread that asks, started at its first question."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._mine = threading.local()

    def warm(self) -> None:
        """Have a child ready. Raises Overdue, Died."""
        self._child()

    def ask(self, question: bytes, seconds: float) -> bytes:
        """Raises Overdue, Died."""
        child = self._child()
        try:
            return child.ask(question, seconds)
        except (Overdue, Died):
            self._mine.child = None
            child.end()
            raise

    def _child(self) -> _Child:
        child: _Child | None = getattr(self._mine, "child", None)
        if child is None or not child.mine():
            child = self._mine.child = _Child(self._module)
        return child


class _Child:
    """One process."""

    def __init__(self, module: str) -> None:
        self._parent = os.getpid()
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-I", "-c", START, str(PORTAL), module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            cwd="/",
        )
        try:
            self._answer(time.monotonic() + STARTING)
        except (Overdue, Died):
            self.end()
            raise

    def mine(self) -> bool:
        """Alive, and not the child of the process this one was forked from."""
        return self._parent == os.getpid() and self._process.poll() is None

    def ask(self, question: bytes, seconds: float) -> bytes:
        assert self._process.stdin is not None
        until = time.monotonic() + seconds
        try:
            self._process.stdin.write(frame(question))
            self._process.stdin.flush()
        except OSError:
            raise Died from None
        return self._answer(until)

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in self._process.stdin, self._process.stdout:
            assert pipe is not None
            try:
                pipe.close()
            except OSError:  # what was not sent yet cannot be sent any more
                continue

    def __del__(self) -> None:
        """With the thread that asked; Popen alone would keep the pipes, and the child, for ever."""
        if self._parent == os.getpid():
            self.end()

    def _answer(self, until: float) -> bytes:
        length = length_of(self._read(4, until))
        if length > LARGEST:
            raise Died
        return self._read(length, until)

    def _read(self, length: int, until: float) -> bytes:
        assert self._process.stdout is not None
        pipe = self._process.stdout.fileno()
        poll = select.poll()
        poll.register(pipe, select.POLLIN)
        parts, left = [], length
        while left:
            wait = until - time.monotonic()
            if wait <= 0 or not poll.poll(wait * 1000):
                raise Overdue
            part = os.read(pipe, left)
            if not part:
                raise Died
            parts.append(part)
            left -= len(part)
        return b"".join(parts)


def frame(body: bytes) -> bytes:
    """Its length in four bytes, then itself."""
    return len(body).to_bytes(4, "big") + body


def length_of(head: bytes) -> int:
    return int.from_bytes(head, "big")
