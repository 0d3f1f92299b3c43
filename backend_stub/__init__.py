"""Real HTTP backends for the demo and the tests: FHIR R4, iCalendar, municipal JSON, the register.

Everything the portal meets here it meets over the network, with delays, and
with faults on a switch (`backend_stub.faults`), as it will at real systems.
"""

from backend_stub.app import create_app
from backend_stub.serving import run_in_thread

__all__ = ["create_app", "run_in_thread"]
