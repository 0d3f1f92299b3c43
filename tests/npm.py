"""Third parties' programs from npm: Node, and what e2e's lock names, fetched where they are missing."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

from e2e import checkers
from portal.static.build import node_tools

ROOT = Path(__file__).resolve().parent.parent


def node() -> list[str]:
    """The command that runs Node; fetched as `make test` does where it is missing."""
    try:
        node_tools()
    except SystemExit:
        lock = ROOT / "requirements-node.lock"
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes"]
        subprocess.run([*pip, "--requirement", str(lock)], check=True)
    assert checkers.main() == 0
    return node_tools()[1]


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port
