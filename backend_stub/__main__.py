"""`python -m backend_stub --port 8002`: the demo's systems until Ctrl-C."""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path

from backend_stub.app import create_app
from backend_stub.serving import run


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(prog="python -m backend_stub", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8002)
    parser.add_argument("--latency", type=float, default=1.0,
                        help="factor on each system's own delay; 0 switches delays off")
    parser.add_argument("--today", type=date.fromisoformat, help="the world's today")
    parser.add_argument("--portal", default="",
                        help="the portal's address; opens the tester's room at /rum")
    parser.add_argument("--doors", type=Path,
                        help="a folder for certificates; opens ports where TLS is wrong")
    said = parser.parse_args()
    app = create_app(said.today, said.latency, portal=said.portal)
    run(app, said.host, said.port, said.doors)


if __name__ == "__main__":
    main()
