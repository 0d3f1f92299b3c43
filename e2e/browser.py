"""Finds a Chromium for the journeys, or installs one: `python -m e2e.browser` prints its path.

`$PORTAL_BROWSER`, else a Chromium on PATH, else Playwright's own, else Debian's
package when root (the shell without windows is a quarter faster); otherwise it stops and names the command that helps.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

NAMES = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)
INSTALL = (
    "apt-get update && apt-get install -y chromium-headless-shell || apt-get install -y chromium"
)


def main() -> int:
    """Print the browser that is used; 1 when there is none and none can be installed."""
    path = find() or _installed()
    if path is None:
        sys.stderr.write(
            f"No Chromium was found. Set PORTAL_BROWSER to one, or run as root:\n    {INSTALL}\n"
        )
        return 1
    sys.stdout.write(f"{path}\n")
    return 0


def find() -> str | None:
    """The path of a Chromium on this machine, or None."""
    named = os.environ.get("PORTAL_BROWSER")
    if named:
        return shutil.which(named)
    on_path = next((p for p in map(shutil.which, NAMES) if p), None)
    return on_path or _of_playwright()


def _of_playwright() -> str | None:
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def _installed() -> str | None:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return None
    done = subprocess.run(["sh", "-c", INSTALL], stdout=sys.stderr, check=False)
    return find() if done.returncode == 0 else None


if __name__ == "__main__":
    sys.exit(main())
