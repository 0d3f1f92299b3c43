"""Making keys: random secrets, data keys, and the client's JWK."""

from __future__ import annotations

import base64
import json
import os
import secrets
from pathlib import Path

from joserfc.jwk import ECKey, KeyParameters, RSAKey

from portal.identity.client_key import ClientKeys
from portal.settings import Settings


def new_secret() -> str:
    """43 characters of 256 random bits."""
    return secrets.token_urlsafe(32)


def new_data_key() -> str:
    """32 random bytes, base64."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


def new_client_key(file: Path, algorithm: str) -> None:
    """A private JWK in a file only its owner can read. Raises FileExistsError."""
    parameters: KeyParameters = {"alg": algorithm, "use": "sig", "kid": secrets.token_hex(8)}
    key: ECKey | RSAKey
    if algorithm.startswith("ES"):
        curve = "P-384" if algorithm == "ES384" else "P-256"
        key = ECKey.generate_key(curve, parameters, private=True)
    else:
        key = RSAKey.generate_key(3072, parameters, private=True)
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as out:
        json.dump(key.as_dict(private=True), out)


def public(settings: Settings) -> str:
    """The JWK set of our public client keys, as text. Raises ConfigError."""
    files = dict.fromkeys(
        provider.client_key
        for provider in (settings.identity.citizen, settings.identity.staff)
        if provider and provider.client_key
    )
    keys = [k for f in files for k in ClientKeys("client_key", settings.path(f)).public()]
    return json.dumps({"keys": keys}, indent=2)
