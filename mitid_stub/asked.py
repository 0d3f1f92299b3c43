"""What a client asks for when it sends a person to log in, checked the way the broker checks it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

from mitid_stub.clients import Client

Level = Literal["low", "substantial", "high"]
Kind = Literal["citizen", "employee"]
LEVELS: tuple[Level, ...] = ("low", "substantial", "high")
IDPS: dict[str, Kind] = {"mitid": "citizen", "mitid_erhverv": "employee"}
LANGUAGES = ("da", "en", "kl")


class Refused(Exception):
    """The request is wrong; the person sees the broker's error page, the client nothing."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One checked authorization request."""

    client: Client
    redirect_uri: str
    scopes: frozenset[str]
    state: str
    nonce: str
    challenge: str
    kinds: tuple[Kind, ...]
    level: Level
    language: str
    prompt: frozenset[str]
    max_age: int | None


def check(parameters: Mapping[str, str], clients: Mapping[str, Client]) -> Asked:
    """The request as a value; `Refused` when it names no registered client, redirect or flow."""
    client = clients.get(parameters.get("client_id", ""))
    if client is None:
        raise Refused("unknown client_id")
    if parameters.get("redirect_uri") not in client.redirect_uris:
        raise Refused("redirect_uri is not registered")
    if parameters.get("response_type") != "code":
        raise Refused("response_type must be code")
    scopes = frozenset(parameters.get("scope", "").split())
    if "openid" not in scopes:
        raise Refused("scope must hold openid")
    return Asked(
        client=client,
        redirect_uri=parameters["redirect_uri"],
        scopes=scopes,
        state=parameters.get("state", ""),
        nonce=parameters.get("nonce", ""),
        challenge=_challenge(parameters),
        kinds=_kinds(parameters),
        level=_level(parameters),
        language=_language(parameters),
        prompt=frozenset(parameters.get("prompt", "").split()),
        max_age=_max_age(parameters),
    )


def _challenge(parameters: Mapping[str, str]) -> str:
    challenge = parameters.get("code_challenge", "")
    if parameters.get("code_challenge_method") != "S256":
        raise Refused("code_challenge_method must be S256")
    if not re.fullmatch(r"[A-Za-z0-9_-]{43}", challenge):
        raise Refused("code_challenge is missing or malformed")
    return challenge


def _kinds(parameters: Mapping[str, str]) -> tuple[Kind, ...]:
    names = parameters.get("idp_values", "").split() or list(IDPS)
    if not set(names) <= set(IDPS):
        raise Refused("unknown idp_values")
    return tuple(IDPS[name] for name in names)


def _level(parameters: Mapping[str, str]) -> Level:
    """The level asked for; a value the broker does not know falls back to its default."""
    try:
        params = json.loads(parameters.get("idp_params") or "{}")
    except ValueError as error:
        raise Refused("idp_params is not JSON") from error
    if not isinstance(params, dict):
        raise Refused("idp_params is not a JSON object")
    mitid = params.get("mitid")
    value = mitid.get("loa_value") if isinstance(mitid, dict) else None
    return cast(Level, value) if value in LEVELS else "substantial"


def _language(parameters: Mapping[str, str]) -> str:
    language = parameters.get("language", "da")
    return language if language in LANGUAGES else "da"


def _max_age(parameters: Mapping[str, str]) -> int | None:
    value = parameters.get("max_age", "")
    if value and not value.isdecimal():
        raise Refused("max_age is not a number of seconds")
    return int(value) if value else None
