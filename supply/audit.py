"""Known holes in what is locked: `python -m supply.audit`, part of `make test`.

Fails for a known hole. When a service cannot be asked, says so and goes on: a test run
must not hang on somebody else's server, and must not pretend either.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec

from supply.parts import ROOT

SECONDS = 9.0
IGNORED: dict[str, str] = {}
"""Advisory -> why it does not reach us, and until when that was looked at."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What one service said: `holes` by package, how many packages it knew, what it could not say."""

    holes: tuple[str, ...] = ()
    asked: int = 0
    trouble: str = ""


def python(seconds: float = SECONDS) -> Found:
    """pip-audit over the lock file."""
    command = [sys.executable, "-m", "pip_audit", "-r", "requirements.lock", "--no-deps"]
    command += ["--disable-pip", "--format", "json", "--progress-spinner", "off", "--timeout", "3"]
    return _asked(command, seconds, read_pip)


def node(seconds: float = SECONDS) -> Found:
    """npm audit over the lock file of what the browser gets."""
    npm = shutil.which("npm")
    if not npm:
        return Found(trouble="npm is not installed")
    command = [npm, "audit", "--package-lock-only", "--omit=dev", "--json", "--fetch-retries=0"]
    return _asked(command, seconds, read_npm)


def read_pip(said: Any) -> Found:
    """What pip-audit's JSON says."""
    known = [d for d in said["dependencies"] if "skip_reason" not in d]
    holes = tuple(
        f"{d['name']} {d['version']}: {v['id']}"
        for d in known
        for v in d["vulns"]
        if v["id"] not in IGNORED
    )
    left = len(said["dependencies"]) - len(known)
    return Found(
        holes=holes, asked=len(known), trouble=f"{left} packages unknown to it" if left else ""
    )


def read_npm(said: Any) -> Found:
    """What npm's JSON says."""
    if "vulnerabilities" not in said:
        told = said.get("message") or said.get("error", {}).get("summary") or "no answer"
        return Found(trouble=str(told))
    holes = tuple(
        f"{name}: {via['url']}"
        for name, hole in said["vulnerabilities"].items()
        for via in hole["via"]
        if isinstance(via, dict) and via["url"].rpartition("/")[2] not in IGNORED
    )
    return Found(holes=holes, asked=int(said["metadata"]["dependencies"]["total"]))


def _asked(command: list[str], seconds: float, read: Any) -> Found:
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=seconds, check=False
        )
        found: Found = read(json.loads(done.stdout))
        return found
    except subprocess.TimeoutExpired:
        return Found(trouble=f"no answer within {seconds:.0f} s")
    except (ValueError, KeyError, TypeError, OSError) as e:
        return Found(trouble=f"no answer that can be read ({type(e).__name__})")


def verdict(found: dict[str, Found]) -> tuple[int, list[str]]:
    """The exit code, and a line for each service."""
    lines = []
    for name, one in found.items():
        lines += [f"KNOWN HOLE  {hole}" for hole in one.holes]
        if one.trouble:
            lines.append(f"WARNING  {name}: {one.trouble}; not known whether there are holes")
        else:
            lines.append(f"{name}: {one.asked} packages, {len(one.holes)} known holes")
    return int(any(one.holes for one in found.values())), lines


def main() -> int:
    """Ask both at once."""
    with ThreadPoolExecutor() as pool:
        asked = {"pip-audit": pool.submit(python), "npm audit": pool.submit(node)}
        code, lines = verdict({name: answer.result() for name, answer in asked.items()})
    print("\n".join(lines))
    return code


if __name__ == "__main__":
    sys.exit(main())
