"""Our own keys towards a provider: the first signs, all are published."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey, import_key

from portal.identity.wire import strict_json
from portal.settings import ConfigError

BY_CURVE = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "Ed25519": "EdDSA"}
RSA_BITS = 2048


class ClientKeys:
    """The JWK, or JWK set, in one file."""

    def __init__(self, setting: str, file: Path) -> None:
        try:
            found = strict_json(file.read_bytes())
            raw = found.get("keys", [found])
            self.keys = tuple(_private(jwk) for jwk in raw)
            self.signing = self.keys[0]
        except (OSError, ValueError, TypeError, IndexError, JoseError) as e:
            problem = f"{file} is not a private JWK ({type(e).__name__})"
            raise ConfigError(setting, problem, "portal keys new client FILE") from None
        self.algorithm = _algorithm(self.signing)

    def public(self) -> list[dict[str, Any]]:
        """The keys as the provider may see them."""
        return [
            {**key.as_dict(private=False), "use": "sig", "alg": _algorithm(key), "kid": key.kid}
            for key in self.keys
        ]


def _private(jwk: dict[str, Any]) -> Key:
    key = import_key(jwk)
    if not isinstance(key, RSAKey | ECKey | OKPKey) or not key.is_private:
        raise ValueError("not a private key of a pair")
    if isinstance(key, RSAKey) and key.raw_value.key_size < RSA_BITS:
        raise ValueError("RSA key too short")
    key.ensure_kid()
    return key


def _algorithm(key: Key) -> str:
    named = key.get("alg")
    if named:
        return str(named)
    return "RS256" if isinstance(key, RSAKey) else BY_CURVE[str(key.get("crv"))]
