"""The production server: granian, with the front of our own before the application (portal/front.py).

The workers share one listening socket, so that a worker that is replaced leaves
no connection behind: what waits is taken by another. SIGHUP reads the file anew
and replaces the workers one by one, but only when a portal can be made of it;
SIGTERM says "not ready" first, then lets every request finish.
"""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.mp import MPServer

from portal import draining
from portal.binding import Bind
from portal.settings import Settings
from portal.telemetry import logs
from portal.telemetry.switched import FOLDER

log = logging.getLogger(__name__)

HEADER_MILLISECONDS = 10_000
"""How long a request may take to say what it wants; a connection without one ends after it too."""
SILENT_SECONDS = 3
"""How long the kernel keeps a connection on which nothing was said: a worker that goes would close it."""
CONNECTIONS = 4096
"""Open at once in one worker; more wait in line. An idle or a slow one costs a few KB."""
FILES = 3 * CONNECTIONS
SWITCH_SECONDS = 0.0005
"""How long one thread computes while another wants to: a thread that comes back from the database
holds its lock, and at Python's own 5 ms all writers of all workers waited for computing readers."""
COLLECT_AFTER = (10_000, 20, 20)
"""So many new objects before Python looks for circles among them. A page makes thousands and no circles:
at Python's own 700 the looking was a seventh of a page that asks its sources."""
FINISH_SECONDS = 45
"""How long a worker may take to finish: the longest page (30 s) and our own database's patience."""
OVERLAP_SECONDS = 1.5
"""How long a new worker runs beside the old one. Not a deadline: a late one's guests wait in line."""
CHECK_SECONDS = 60
WATCH_SECONDS = 1.0
HOW: dict[str, Any] = {
    "interface": Interfaces.RSGI,
    "http": HTTPModes.http1,
    "websockets": False,
    "backpressure": CONNECTIONS,
    "http1_settings": HTTP1Settings(header_read_timeout=HEADER_MILLISECONDS),
    "log_access": False,
}
"""HTTP/1.1 alone: proxies speak it to us, and only there is a slow beginning cut off."""


def run(settings: Settings, bind: Bind, workers: int, drain: float, operators: Bind | None) -> None:
    """Serve until stopped; workers read the same file. `drain`: seconds between "not ready" and the end.

    Raises OSError when the operators' port is taken.
    """
    os.environ["PORTAL_CONFIG"] = settings.file
    _make_room_for_files()
    server = Server(
        drain,
        target="portal.wsgi:front",
        address=bind.host,
        port=bind.port,
        uds=bind.file,
        uds_permissions=bind.mode if bind.file else None,
        workers=workers,
        respawn_failed_workers=True,
        respawn_interval=OVERLAP_SECONDS,
        workers_kill_timeout=FINISH_SECONDS,
        log_dictconfig=logs.config(settings.log),
        **HOW,
    )
    if operators:
        _open_operators_port(server, settings, operators)
    gc.freeze()  # what is loaded here is for all workers: none looks through it, so none gets its own copy
    server.serve()


def settle() -> None:
    """For a worker whose application stands: what is loaded stays, so nobody looks through it again."""
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
    if server := multiprocessing.parent_process():
        watch = threading.Thread(target=_end_with, args=(server.pid,), name="server", daemon=True)
        watch.start()


def _end_with(server: int | None) -> None:
    """Else workers whose server was killed go on answering, beside those of the next one, with the
    settings of yesterday."""
    while os.getppid() == server:
        time.sleep(WATCH_SECONDS)
    log.error("the server is gone; this worker ends")
    os.kill(os.getpid(), signal.SIGTERM)


def _open_operators_port(server: Server, settings: Settings, bind: Bind) -> None:
    os.environ[FOLDER] = tempfile.mkdtemp(prefix="portal-metrics-")
    from portal.telemetry.exporter import Exporter  # it looks for the folder when it is imported

    try:
        exporter = Exporter(settings, bind, lambda: sum(w.is_alive() for w in server.wrks))
    except OSError:
        shutil.rmtree(os.environ[FOLDER])
        raise
    server.on_startup(exporter.start)
    server.on_shutdown(exporter.stop)


def _make_room_for_files() -> None:
    """A connection is an open file, and many machines allow a thousand unless asked."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if most == resource.RLIM_INFINITY else min(FILES, most)
    if now != resource.RLIM_INFINITY and now < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def unfit() -> str:
    """Why no portal can be made of the file as it is now; found out beside the running one."""
    command = [sys.executable, "-m", "portal", "serve", "--check"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=CHECK_SECONDS)  # noqa: S603
    except subprocess.TimeoutExpired:
        return f"checking it took more than {CHECK_SECONDS} seconds"
    said = done.stderr.strip().splitlines() or ["no reason was given"]
    return said[-1] if done.returncode else ""


class Server(MPServer):
    """Granian with one socket for all workers, a checked reload and a stop that is announced."""

    def __init__(self, drain: float, **options: Any) -> None:
        super().__init__(**options)
        self._drain, self._hurry = drain, False

    def signal_handler_interrupt(self, number: int = 0, *_: Any) -> None:
        """SIGTERM stops with patience, Ctrl-C at once; a second one of either ends the patience."""
        self._hurry = number == signal.SIGINT
        super().signal_handler_interrupt()

    def signal_handler_reload(self, *_: Any) -> None:
        """SIGHUP: the new file is tried on a thread of its own; the server goes on meanwhile."""
        threading.Thread(target=self._reload_if_fit, name="reload", daemon=True).start()

    def _reload_if_fit(self) -> None:
        if problem := unfit():
            log.error("not reloaded, the old configuration goes on: %s", problem)
            return
        log.warning("reloading: the workers are replaced one by one")
        super().signal_handler_reload()

    def _reload(self, *how: Any) -> None:
        super()._reload(*how)
        self.respawned_wrks.clear()  # a new worker that dies now is a first death, not a circle of them

    def shutdown(self, exit_code: int = 0) -> None:
        """Say "not ready", leave time to hear it, then let the workers finish."""
        draining.begin()
        if self.bind_uds:  # whoever asks now is refused, and her proxy asks another server
            self.bind_uds.unlink(missing_ok=True)
        if not self._hurry and not self.interrupt_children:
            self.main_loop_interrupt.clear()
            self.main_loop_interrupt.wait(self._drain)
        super().shutdown(exit_code)

    def _init_shared_socket(self) -> None:
        super()._init_shared_socket()
        if self._shd is None:  # on Linux granian lets every worker listen for itself
            where: Any = self._ssp
            line = where.build()
            self._ssp, self._shd = None, line
            self._sso = socket.socket(fileno=line.get_fd())
            self._sso.set_inheritable(True)
            # a socket file has no such wait: its proxy asks again (docs/deploy)
            if not self.bind_uds:
                self._sso.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, SILENT_SECONDS)
