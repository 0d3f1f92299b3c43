"""Runs the stub: in a thread beside tests and benches, or alone from the command line."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aiohttp import web

from backend_stub.fault_tls import contexts

DOORS: web.AppKey[dict[str, str]] = web.AppKey("doors", dict)
"""The addresses of the doors of fault_tls, when they stand."""


@contextmanager
def run_in_thread(app: web.Application | None = None, port: int = 0,
                  doors: Path | None = None) -> Iterator[str]:
    """Serve `app` (default: the demo world without delays) until the block ends.

    Yields the base URL, on a free port unless one is given. With a folder for its
    certificates, `app[DOORS]` has the addresses that fail at TLS.
    """
    from backend_stub.app import create_app

    loop = asyncio.new_event_loop()
    runner = web.AppRunner(app or create_app(latency=0), access_log=None, shutdown_timeout=0.2)
    thread = threading.Thread(target=loop.run_forever, name="backend-stub", daemon=True)
    thread.start()
    try:
        started = _start(runner, "127.0.0.1", port, doors)
        base = asyncio.run_coroutine_threadsafe(started, loop).result(20)
        yield base
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


def run(app: web.Application, host: str, port: int, doors: Path | None) -> None:
    """Serve until Ctrl-C or a signal to end."""
    async def serve() -> None:
        over, runner = asyncio.Event(), web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        for ending in signal.SIGINT, signal.SIGTERM:
            asyncio.get_running_loop().add_signal_handler(ending, over.set)
        await _start(runner, host, port, doors)
        await over.wait()
        await runner.cleanup()

    asyncio.run(serve())


async def _start(runner: web.AppRunner, host: str, port: int, doors: Path | None) -> str:
    app = runner.app
    app[DOORS] = {}
    await runner.setup()
    await web.TCPSite(runner, host, port, backlog=2048).start()
    base = f"http://{host}:{runner.addresses[0][1]}"
    for name, context in (contexts(doors) if doors else {}).items():
        await web.TCPSite(runner, host, 0, ssl_context=context).start()
        app[DOORS][name] = f"https://{host}:{runner.addresses[-1][1]}"
    return base
