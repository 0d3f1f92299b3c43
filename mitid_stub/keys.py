"""The provider's signing keys, which can be rotated and withdrawn while it runs."""

from __future__ import annotations

import threading
from typing import Any, Literal

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, RSAKey

Algorithm = Literal["RS256", "ES256"]
Claims = dict[str, Any]


class SigningKeys:
    """The first key signs; the others are still published, so that older tokens verify."""

    def __init__(self, algorithm: Algorithm = "RS256") -> None:
        self.algorithm: Algorithm = algorithm
        self._lock = threading.Lock()
        self._keys: tuple[RSAKey | ECKey, ...] = (_new_key(algorithm),)

    def rotate(self) -> None:
        """Sign with a new key from now on; the old one stays published until withdrawn."""
        with self._lock:
            self._keys = (_new_key(self.algorithm), *self._keys)

    def withdraw(self) -> None:
        """Publish only the newest key: what an operator does when an older one has leaked."""
        with self._lock:
            self._keys = self._keys[:1]

    def published(self) -> dict[str, Any]:
        """The JWKS, public parts only."""
        return {"keys": [key.as_dict(private=False) for key in self._keys]}

    def sign(self, claims: Claims, typ: str = "JWT") -> str:
        key = self._keys[0]
        header = {"alg": self.algorithm, "kid": key.kid, "typ": typ}
        return jwt.encode(header, claims, key, algorithms=[self.algorithm])

    def read(self, token: str) -> Claims | None:
        """The claims if one of the published keys signed the token; expired ones count too."""
        try:
            return jwt.decode(token, KeySet([*self._keys]), algorithms=[self.algorithm]).claims
        except (JoseError, ValueError):
            return None


def _new_key(algorithm: Algorithm) -> RSAKey | ECKey:
    if algorithm == "ES256":
        return ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)
    return RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)
