"""The application for a server: `front` for granian (RSGI), `app` for any other (WSGI).

The file is named by PORTAL_CONFIG.
"""

from __future__ import annotations

import os
from pathlib import Path

from portal import create_app
from portal.config import load
from portal.front import Front
from portal.refusals import Refusals
from portal.serving import settle
from portal.telemetry import logs, switched

settings = load(Path(os.environ["PORTAL_CONFIG"]), os.environ)
logs.configure(settings.log)
app = create_app(settings)
switched.on(app, settings)
front = Front(app, Refusals(app))
settle()
