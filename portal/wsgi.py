"""The application for a WSGI server; the file is named by PORTAL_CONFIG."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

from portal import create_app
from portal.config import load
from portal.serving import SWITCH_SECONDS

logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
logging.getLogger("portal").setLevel(logging.INFO)  # our own words; libraries only their troubles
sys.setswitchinterval(SWITCH_SECONDS)
app = create_app(load(Path(os.environ["PORTAL_CONFIG"]), os.environ))
