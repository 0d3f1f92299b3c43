"""Processes of a measurement: where they may listen, and what they take as the kernel counts it."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


def free_ports(count: int) -> list[int]:
    """Ports nobody listens at."""
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in taken]
    for one in taken:
        one.close()
    return ports


def workers(server: int) -> list[int]:
    """The processes below a server that serve: not Python's own helpers."""
    found = []
    for child in _children(server):
        if b"resource_tracker" not in Path(f"/proc/{child}/cmdline").read_bytes():
            found.append(child)
        found += workers(child)
    return found


def proportional_mb(pid: int) -> float:
    """PSS: its own memory, and its share of what it has in common with others."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


def cpu_seconds(pids: list[int]) -> float:
    """User and system time so far."""
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICK


def taken() -> tuple[int, int]:
    """What a host took of this machine's processors for others, and all there was, in ticks since start."""
    fields = [int(f) for f in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    return fields[7], sum(fields[:8])


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]
