"""How many workers: warm overviews a second for 1, 2, 3 and 4 of them, on a quiet machine.

    python -m bench.workers SERVER_CONFIG COOKIE PATH [SECONDS]

Starts `portal serve` of that file itself, each time with another number of workers, and asks
for PATH with COOKIE over eight connections. Prints requests a second, p50 and p99, and the
processors' seconds for a request. The seats within a worker (portal/lanes.py) are `bench load`'s.
"""

from __future__ import annotations

import http.client
import os
import resource
import socket
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

from portal.binding import bind_of
from portal.config import load as load_settings

NUMBERS = (1, 2, 3, 4)
CONNECTIONS = 8
START_SECONDS = 60


def main(config: str, cookie: str, path: str, seconds: float) -> None:
    """One line for each number of workers."""
    base = load_settings(Path(config), os.environ).base_url
    where = bind_of(f"127.0.0.1:{urlsplit(base).port or 8000}")
    print(f"{os.cpu_count()} processors, {CONNECTIONS} connections, {seconds:.0f} s each")
    for workers in NUMBERS:
        command = [sys.executable, "-m", "portal", "serve", "--config", config, "--drain", "0"]
        bind = ["--bind", f"{where.host}:{where.port}", "--workers", str(workers)]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        server = subprocess.Popen([*command, *bind], stderr=subprocess.DEVNULL)
        try:
            _await(where.port)
            times = _burst(where.port, path, cookie, seconds)
        finally:
            server.terminate()
            server.wait()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        _print(workers, sorted(times), seconds, spent)


def _print(workers: int, times: list[float], seconds: float, spent: float) -> None:
    p99 = times[min(len(times) - 1, int(len(times) * 0.99))]
    print(
        f"{workers} workers: {len(times) / seconds:7.1f} a second, p50 "
        f"{statistics.median(times) * 1000:6.1f} ms, p99 {p99 * 1000:6.1f} ms, "
        f"{spent / len(times) * 1000:5.1f} ms of processor each, the start included"
    )


def _await(port: int) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server did not start")


def _burst(port: int, path: str, cookie: str, seconds: float) -> list[float]:
    times: list[float] = []
    wrong: list[str] = []
    until = time.monotonic() + seconds

    def client() -> None:
        wire = http.client.HTTPConnection("127.0.0.1", port, timeout=START_SECONDS)
        while time.monotonic() < until:
            began = time.perf_counter()
            wire.request("GET", path, headers={"Cookie": cookie})
            answer = wire.getresponse()
            answer.read()
            if answer.status != 200:
                wrong.append(f"status {answer.status}")
                return
            times.append(time.perf_counter() - began)

    clients = [threading.Thread(target=client) for _ in range(CONNECTIONS)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()
    if wrong or not times:
        raise SystemExit(wrong[0] if wrong else "nothing was answered")
    return times


if __name__ == "__main__":
    file, cookie, path, *rest = sys.argv[1:]
    main(file, cookie, path, float(rest[0]) if rest else 20.0)
