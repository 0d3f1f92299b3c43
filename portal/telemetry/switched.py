"""Who listens in a worker, by its file: nobody, unless it says so. What listens is imported only then."""

from __future__ import annotations

import os
from collections.abc import Iterator

from flask import Flask

from portal.settings import Settings
from portal.telemetry import Listener, listen

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The variable by which prometheus_client knows that there are several workers; set by `portal serve`."""


def on(app: Flask, settings: Settings) -> None:
    """Let everybody hear whom the file names."""
    found = list(_listeners(settings))
    listen(*found)
    if found:
        from portal.telemetry.layer import install

        install(app)


def _listeners(settings: Settings) -> Iterator[Listener]:
    if os.environ.get(FOLDER):
        from portal.telemetry.metrics import Metrics

        yield Metrics()
