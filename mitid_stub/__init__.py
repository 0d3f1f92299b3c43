"""A small real OpenID provider that behaves as the broker was recorded, so that the portal meets
at home what it will meet in the field."""

from mitid_stub.app import create_app
from mitid_stub.clients import Client
from mitid_stub.provider import Provider
from mitid_stub.server import serving

__all__ = ["Client", "Provider", "create_app", "serving"]
