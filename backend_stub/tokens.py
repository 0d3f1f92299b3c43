"""The door of systems that ask for a token: SMART Backend Services."""

from __future__ import annotations

import base64
import binascii
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web

from backend_stub.shapes import Json
from backend_stub.systems import System

Guard = Callable[[web.Request], Awaitable[web.Response | None]]

LIFETIME = 240
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Tokens:
    """Tokens given out by the token endpoints, with the time they end."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def guard(self, system: System) -> Guard | None:
        """What looks at a request before the system answers."""
        if not system.smart:
            return None

        async def check(request: web.Request) -> web.Response | None:
            kind, _, token = request.headers.get("Authorization", "").partition(" ")
            if kind == "Bearer" and self._alive(token):
                return None
            return web.json_response({"error": "invalid_token"}, status=401,
                                     headers={"WWW-Authenticate": "Bearer"})
        return check

    def add_routes(self, app: web.Application, system: System) -> None:
        """smart-configuration and the token endpoint."""
        token_path = f"/{system.id}/token"

        async def configuration(request: web.Request) -> web.Response:
            return web.json_response(_configuration(f"{request.url.origin()}{token_path}"))

        async def token(request: web.Request) -> web.Response:
            form = {k: v for k, v in (await request.post()).items() if isinstance(v, str)}
            if problem := _problem(form, f"{request.url.origin()}{token_path}"):
                return web.json_response({"error": "invalid_client",
                                          "error_description": problem}, status=400)
            return web.json_response(self._issue(form.get("scope", "")))

        app.router.add_get(f"{system.path}/.well-known/smart-configuration", configuration)
        app.router.add_post(token_path, token)

    def _issue(self, scope: str) -> Json:
        token = secrets.token_urlsafe(24)
        self._until[token] = time.monotonic() + LIFETIME
        return {"access_token": token, "token_type": "bearer", "expires_in": LIFETIME,
                "scope": scope}

    def _alive(self, token: str) -> bool:
        return self._until.get(token, 0) > time.monotonic()


def _configuration(token_endpoint: str) -> Json:
    return {
        "token_endpoint": token_endpoint,
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS384", "ES384"],
        "scopes_supported": ["system/*.rs"],
        "capabilities": ["client-confidential-asymmetric", "permission-v2"],
    }


def _problem(form: dict[str, str], audience: str) -> str:
    """What is wrong with a token request; the signature is not checked, the rest is.

    The stub knows no client's keys: who may ask is the provider's business,
    what a well-formed question looks like is what an adapter must get right.
    """
    if form.get("grant_type") != "client_credentials":
        return "grant_type"
    if form.get("client_assertion_type") != ASSERTION:
        return "client_assertion_type"
    try:
        head, claims = (_part(p) for p in form["client_assertion"].split(".")[:2])
    except (KeyError, ValueError, binascii.Error, msgspec.DecodeError):
        return "client_assertion"
    if head.get("alg") not in ("RS384", "ES384"):
        return "alg"
    if claims.get("iss") != claims.get("sub") or claims.get("aud") != audience:
        return "iss, sub or aud"
    if not time.time() < claims.get("exp", 0) <= time.time() + 301 or not claims.get("jti"):
        return "exp or jti"
    return ""


def _part(text: str) -> dict[str, Any]:
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    return msgspec.json.decode(raw, type=dict[str, Any])
