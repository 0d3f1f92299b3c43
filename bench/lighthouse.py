"""How a page loads on a phone (P13-P15): Lighthouse on the overview with 29 actors, over TLS and HTTP/2.

Lighthouse comes by `bench/package-lock.json` when this is first measured, and drives the
Chromium that the browser tests use. The mobile line is simulated by the tool itself (150 ms,
1.6 Mbps, a processor four times slower; then 400 ms and 400 kbps). P15 counts what a second
visit fetches besides HTML.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import statistics
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.x509 import load_pem_x509_certificate
from playwright.sync_api import sync_playwright

from bench.figure import Figure
from bench.world import Stage, World, noah, stage
from e2e.browser import find
from portal.static.build import node_tools

HERE = Path(__file__).resolve().parent
TOOL = HERE / "node_modules" / "lighthouse" / "cli" / "index.js"
RUNS = 3
SLOW_3G = ("--throttling.rttMs=400", "--throttling.throughputKbps=400")
Report = dict[str, Any]


def measure(_: Stage) -> list[Figure]:
    """The median of a few runs on each line."""
    _fetch()
    with stage(tls=True) as own, own.world(noah) as world:
        mobile = [_run(world, own.certificate) for _ in range(RUNS)]
        slow = [_run(world, own.certificate, *SLOW_3G) for _ in range(RUNS)]
        again = _second_visit(world, own.certificate)
    scores = {
        name: min(100 * r["categories"][name]["score"] for r in mobile)
        for name in ("performance", "accessibility", "best-practices")
    }
    return [
        Figure("P13", "Lighthouse mobile, performance", scores["performance"], 99, 100, best="high"),
        Figure("P13a", "... accessibility", scores["accessibility"], 100, 100, best="high"),
        Figure("P13b", "... best practices", scores["best-practices"], 99, 100, best="high"),
        Figure("P13c", "... FCP", _seconds(mobile, "first-contentful-paint"), 0.90, 0.82, unit="s"),
        Figure("P13d", "... LCP", _seconds(mobile, "largest-contentful-paint"), 1.15, 0.97, unit="s"),
        Figure("P13e", "... CLS", _value(mobile, "cumulative-layout-shift"), 0.01, 0),
        Figure("P13f", "... TBT", _value(mobile, "total-blocking-time"), 50, 0, unit="ms"),
        Figure("P14", "slow 3G, FCP", _seconds(slow, "first-contentful-paint"), 2.3, 2.1, unit="s"),
        Figure("P14b", "slow 3G, LCP", _seconds(slow, "largest-contentful-paint"), 3.0, 2.5, unit="s"),
        Figure("P15", "second visit, all but HTML", again / 1024, 0, 0, unit="KB"),
    ]  # fmt: skip


def _fetch() -> None:
    if not TOOL.exists():
        npm, _ = node_tools()
        command = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
        subprocess.run(command, cwd=HERE, check=True)


def _run(world: World, certificate: str, *more: str) -> Report:
    """One run of the tool on an overview whose answers are fresh; its whole report."""
    world.wire().get(world.page + "?vent=1")
    with tempfile.NamedTemporaryFile("r", suffix=".json") as out:
        command = [*node_tools()[1], str(TOOL), f"https://127.0.0.1:{world.port}{world.page}"]
        command += ["--quiet", "--output=json", f"--output-path={out.name}"]
        command += ["--only-categories=performance,accessibility,best-practices"]
        command += [f"--extra-headers={json.dumps({'Cookie': world.cookie})}", *more]
        command += ["--chrome-flags=--headless=new --no-sandbox --ignore-certificate-errors"]
        subprocess.run(
            command,
            env={**os.environ, "CHROME_PATH": find() or "", "NODE_EXTRA_CA_CERTS": certificate},
            check=True,
            stderr=subprocess.DEVNULL,
        )
        report: Report = json.load(out)
    return report


def _value(reports: list[Report], audit: str) -> float:
    return float(statistics.median(r["audits"][audit]["numericValue"] for r in reports))


def _seconds(reports: list[Report], audit: str) -> float:
    return _value(reports, audit) / 1000


def _second_visit(world: World, certificate: str) -> int:
    """Bytes that a second visit to the page fetches, the page itself left out.

    The browser knows our certificate's key: where it only overlooks errors, it keeps no picture.
    """
    known = f"--ignore-certificate-errors-spki-list={_pin(certificate)}"
    name, _, value = world.cookie.partition("=")
    address = f"https://127.0.0.1:{world.port}"
    fetched: list[int] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find(), args=["--no-sandbox", known])
        context = browser.new_context()
        context.add_cookies([{"name": name, "value": value, "url": address, "secure": True}])
        page = context.new_page()
        page.goto(address + world.page, wait_until="networkidle")
        wire = context.new_cdp_session(page)
        wire.send("Network.enable")
        kinds: dict[str, str] = {}
        wire.on("Network.responseReceived", lambda e: kinds.update({e["requestId"]: e["type"]}))
        wire.on(
            "Network.loadingFinished",
            lambda e: (
                fetched.append(e["encodedDataLength"])
                if kinds.get(e["requestId"]) not in ("Document", "XHR", "Fetch")
                else None
            ),
        )
        page.goto(address + world.page, wait_until="networkidle")
        browser.close()
    return int(sum(fetched))


def _pin(certificate: str) -> str:
    """The hash of a certificate's public key, as browsers write it."""
    key = load_pem_x509_certificate(Path(certificate).read_bytes()).public_key()
    shape = serialization.PublicFormat.SubjectPublicKeyInfo
    plain = key.public_bytes(serialization.Encoding.DER, shape)
    return base64.b64encode(hashlib.sha256(plain).digest()).decode()
