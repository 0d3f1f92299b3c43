"""A hostile provider, an app that logs in by it, and a browser; one set for all tests of the login."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hostile_provider import Provider, serving
from sign_in_app import METTE, make_app, make_settings


@pytest.fixture(scope="module")
def hostile_server() -> Iterator[Provider]:
    with serving() as hostile:
        yield hostile


@pytest.fixture
def hostile(hostile_server: Provider) -> Provider:
    hostile_server.__init__(hostile_server.issuer)  # type: ignore[misc]
    hostile_server.person = {"userinfo": {"dk.cpr": METTE, "birthdate": "1988-01-01"}}
    return hostile_server


@pytest.fixture
def door_app(hostile: Provider, tmp_path: Path) -> Flask:
    return make_app(make_settings(tmp_path, hostile.issuer))


@pytest.fixture
def door_visitor(door_app: Flask) -> FlaskClient:
    return door_app.test_client()
