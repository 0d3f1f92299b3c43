"""A bare loop that asks 45 addresses at once and reads what they say: what asking alone costs.

    python -m bench.asking ADDRESS... < BODY

`asked_by_nobody` runs two of them, as the portal has two workers. Nothing is understood,
decided, shown or kept.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from typing import NamedTuple

import aiohttp

SECONDS, EACH, PROCESSES = 6.0, 10, 2


class Asked(NamedTuple):
    """Rounds of all addresses a second, and seconds of a processor for each round."""

    rate: float
    cpu: float


def asked_by_nobody(addresses: list[str], body: bytes, content_type: str) -> Asked:
    """Two processes with ten rounds under way in each. Raises CalledProcessError."""
    command = [sys.executable, "-m", "bench.asking", content_type, *addresses]
    running = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(PROCESSES)
    ]
    for one in running:
        assert one.stdin
        one.stdin.write(body)
        one.stdin.close()
    found = []
    for one in running:
        assert one.stdout
        said = one.stdout.read()
        if one.wait():
            raise subprocess.CalledProcessError(one.returncode, command[:3])
        found.append(Asked(*json.loads(said)))
    return Asked(sum(f.rate for f in found), sum(f.cpu for f in found) / len(found))


async def _rounds(addresses: list[str], body: bytes, content_type: str) -> Asked:
    headers, done = {"Content-Type": content_type}, 0
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:

        async def ask(address: str) -> None:
            async with http.post(address, data=body, headers=headers) as answer:
                answer.raise_for_status()
                await answer.read()

        async def again_and_again(until: float) -> None:
            nonlocal done
            while time.perf_counter() < until:
                await asyncio.gather(*(ask(a) for a in addresses))
                done += 1

        await asyncio.gather(*(ask(a) for a in addresses))
        began, spent = time.perf_counter(), time.process_time()
        await asyncio.gather(*(again_and_again(began + SECONDS) for _ in range(EACH)))
        seconds, cpu = time.perf_counter() - began, time.process_time() - spent
    return Asked(done / seconds, cpu / done)


if __name__ == "__main__":
    sys.stdout.write(
        json.dumps(asyncio.run(_rounds(sys.argv[2:], sys.stdin.buffer.read(), sys.argv[1])))
    )
