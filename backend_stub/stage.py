"""`make demo`: the portal, the provider and the backends together, over real HTTP.

Prepares a folder with configuration, keys and a fresh database, starts three
processes, tells who can log in, and stops everything at Ctrl-C.
"""

from __future__ import annotations

import base64
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from backend_stub.demo import write_config
from mitid_stub.personas import personas
from portal import keys
from portal.safety import DEMO, DEMO_BYTES

WAIT_SECONDS = 60


def main() -> int:
    """Run until stopped; returns the exit code."""
    folder = Path(os.environ.get("DEMO_FOLDER", "var/demo")).resolve()
    ports = {k: int(os.environ.get(k, d)) for k, d in DEFAULTS.items()}
    folder.mkdir(parents=True, exist_ok=True)
    config = write_config(
        folder,
        portal_port=ports["PORT"],
        idp_port=ports["IDP_PORT"],
        backend_port=ports["BACKEND_PORT"],
    )
    environ = {**os.environ, **_secrets(folder), "PORTAL_CONFIG": str(config)}
    subprocess.run([PYTHON, "-m", "portal", "db", "upgrade"], env=environ, check=True)
    running = [subprocess.Popen(c, env=environ) for c in _commands(ports, folder / "lab")]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        _wait_until_ready(ports["PORT"], running)
        _welcome(ports)
        return _first_to_end(running)
    except KeyboardInterrupt:
        return 0
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(10)


PYTHON = sys.executable
DEFAULTS = {"PORT": "8000", "IDP_PORT": "8001", "BACKEND_PORT": "8002"}


def _commands(ports: dict[str, int], lab: Path) -> list[list[str]]:
    portal, idp = f"http://127.0.0.1:{ports['PORT']}", str(ports["IDP_PORT"])
    stub = [PYTHON, "-m", "mitid_stub", "--port", idp, "--client-id", "familieoverblik"]
    stub += ["--redirect-uri", f"{portal}/log-ind/retur", "--post-logout", f"{portal}/"]
    stub += ["--backchannel", f"{portal}/log-ind/bagkanal"]
    stub += ["--client-jwks-url", f"{portal}/.well-known/jwks.json"]
    backends = [PYTHON, "-m", "backend_stub", "--port", str(ports["BACKEND_PORT"])]
    backends += ["--portal", portal, "--doors", str(lab)]
    serve = [PYTHON, "-m", "portal", "serve", "--bind", f"127.0.0.1:{ports['PORT']}"]
    return [backends, stub, serve]


def _secrets(folder: Path) -> dict[str, str]:
    """The demo's own keys, kept so that a second start can read the first one's database."""
    file = folder / "secrets"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(f"{DEMO}{keys.new_secret()}\n{_data_key()}\n")
    secret, data = file.read_text().split()
    return {"PORTAL_SECRET_KEYS": secret, "PORTAL_DATA_KEYS": data}


def _data_key() -> str:
    """Recognisable, so that no real portal starts with it."""
    return base64.b64encode(DEMO_BYTES + secrets.token_bytes(32 - len(DEMO_BYTES))).decode()


def _wait_until_ready(port: int, running: list[subprocess.Popen[bytes]]) -> None:
    until = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < until and all(p.poll() is None for p in running):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1)
            return
        except OSError:
            time.sleep(0.1)
    sys.exit("The demo did not start; is one of the ports taken? (PORT= IDP_PORT= BACKEND_PORT=)")


def _welcome(ports: dict[str, int]) -> None:
    print(f"\nFamilieoverblik is ready: http://127.0.0.1:{ports['PORT']}\n\nWho can log in:")
    for p in personas():
        if getattr(p, "login", True):
            door = "medarbejder" if p.kind == "employee" else "borger"
            print(f"  {p.name:18} {door:12} {p.blurb_da}")
    rooms = f"http://127.0.0.1:{ports['BACKEND_PORT']}"
    print(f"\nEvery page in every state, for testers: {rooms}/rum\nFaults by hand: {rooms}/")
    print("\nCtrl-C stops everything.", flush=True)


def _first_to_end(running: list[subprocess.Popen[bytes]]) -> int:
    while True:
        for process in running:
            if process.poll() is not None:
                return process.returncode or 1
        time.sleep(0.3)


if __name__ == "__main__":
    sys.exit(main())
