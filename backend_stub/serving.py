"""Runs the stub: in a thread beside tests and benches, or alone from the command line."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web


@contextmanager
def run_in_thread(app: web.Application | None = None, port: int = 0) -> Iterator[str]:
    """Serve `app` (default: the demo world without delays) until the block ends.

    Yields the base URL, on a free port unless one is given.
    """
    from backend_stub.app import create_app

    loop = asyncio.new_event_loop()
    runner = web.AppRunner(app or create_app(latency=0), access_log=None, shutdown_timeout=0.2)
    thread = threading.Thread(target=loop.run_forever, name="backend-stub", daemon=True)
    thread.start()
    try:
        base = asyncio.run_coroutine_threadsafe(_start(runner, port), loop).result(20)
        yield base
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


async def _start(runner: web.AppRunner, port: int) -> str:
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=2048).start()
    return f"http://127.0.0.1:{runner.addresses[0][1]}"
