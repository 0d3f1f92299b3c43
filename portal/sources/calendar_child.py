"""The process that reads calendars: without secrets, bounded in memory and time, ready to be killed.

It answers Tasks on standard input with Tolds on standard output until its parent
is gone (killable.py is the parent, and starts it).
"""

from __future__ import annotations

import resource
import warnings
from typing import BinaryIO

import msgspec

from portal.sources.calendar_expansion import Task, told
from portal.sources.killable import READY, frame, length_of

MEMORY = 256_000_000
CPU_SECONDS = 10
"""For one task. The parent kills long before; this ends a child whose parent was killed itself."""


def main(asked: BinaryIO, answers: BinaryIO) -> None:
    """Until the questions end."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    warnings.simplefilter("ignore")
    answers.write(frame(READY))
    answers.flush()
    while head := asked.read(4):
        task = msgspec.msgpack.decode(asked.read(length_of(head)), type=Task)
        _allow_seconds()
        answers.write(frame(msgspec.msgpack.encode(told(task))))
        answers.flush()


def _allow_seconds() -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    until = int(used.ru_utime + used.ru_stime) + CPU_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (until, resource.RLIM_INFINITY))
