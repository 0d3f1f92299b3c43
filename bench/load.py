"""Many requests over a few connections, counted and timed; every run is bounded."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from bench.wire import Wire

Client = tuple[Callable[[], Wire], str]
"""How somebody connects, and the page she asks for."""


class Run(NamedTuple):
    """What one burst of load gave; times in seconds."""

    rate: float
    p50: float
    p99: float
    answers: int


def burst(crowd: Sequence[Client], seconds: float) -> Run:
    """Each asks for her page as fast as she can. Raises when an answer is not 200."""
    times: list[float] = []
    wrong: list[BaseException] = []
    until = time.perf_counter() + seconds

    def client(connect: Callable[[], Wire], path: str) -> None:
        try:
            with connect() as wire:
                while time.perf_counter() < until:
                    reply = wire.get(path)
                    if reply.status != 200:
                        raise RuntimeError(f"{path}: status {reply.status}")
                    times.append(reply.seconds)
        except (OSError, RuntimeError) as e:
            wrong.append(e)

    began = time.perf_counter()
    clients = [threading.Thread(target=client, args=each) for each in crowd]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()
    if wrong:
        raise wrong[0]
    ordered = sorted(times)
    return Run(
        rate=len(times) / (time.perf_counter() - began),
        p50=statistics.median(ordered),
        p99=ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))],
        answers=len(ordered),
    )
