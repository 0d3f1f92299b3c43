"""Who listens in a worker, by its file: nobody, unless it says so. What listens is imported only then."""

from __future__ import annotations

import os
from importlib.util import find_spec

from flask import Flask

from portal.settings import ConfigError, Settings
from portal.telemetry import Listener, listen

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The variable by which prometheus_client knows that there are several workers; set by `portal serve`."""


def on(app: Flask, settings: Settings) -> None:
    """Let everybody hear whom the file names. Raises ConfigError."""
    check(settings)
    found: list[Listener] = []
    if os.environ.get(FOLDER):
        from portal.telemetry import layer
        from portal.telemetry.metrics import Metrics

        layer.install(app)
        found.append(Metrics())
    if settings.tracing.endpoint:
        from portal.telemetry.layer import leave_names
        from portal.telemetry.tracing import Tracing

        tracing = Tracing(settings.tracing)
        leave_names(app)
        tracing.install(app)
        found.append(tracing)
    listen(*found)


def check(settings: Settings) -> None:
    """Raises ConfigError when traces are asked for and cannot be made."""
    if settings.tracing.endpoint and not find_spec("opentelemetry"):
        problem = "needs packages that are not installed"
        raise ConfigError("tracing.endpoint", problem, 'pip install "familieoverblik[tracing]"')
