"""Short tokens for backends: fetched, kept until shortly before they end, never outside this process.

SMART Backend Services 2.2: a private_key_jwt with RS384 or ES384 gets one. RFC 8705:
so does our certificate, as at the municipalities' common systems (Adgangsstyring).
"""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlencode, urlsplit

import msgspec
from joserfc import jwk, jwt
from joserfc.errors import JoseError

from portal.binding import is_loopback
from portal.settings import ConfigError, Settings, SourceAuth
from portal.sources import SourceFailure
from portal.sources.json_in import decode_identity

if TYPE_CHECKING:
    from portal.sources.http import Http

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = ("RS384", "ES384")
ASSERTION_SECONDS = 240
EARLY = 20.0
"""Seconds before its end in which a token is no longer used."""


class _Token(msgspec.Struct):
    access_token: Annotated[str, msgspec.Meta(pattern=r"^[\x21-\x7e]+$")]
    token_type: Annotated[str, msgspec.Meta(pattern=r"^[Bb]earer$")]
    expires_in: Annotated[float, msgspec.Meta(ge=0)] = 300.0


class ShortToken:
    """One token at a time; all who need it while it is fetched wait for the same one."""

    def __init__(self) -> None:
        self._proof: dict[str, str] = {}
        self._until = 0.0
        self._lock: tuple[asyncio.AbstractEventLoop | None, asyncio.Lock] = (None, asyncio.Lock())

    async def headers(self, http: Http) -> dict[str, str]:
        """Raises SourceFailure."""
        loop = asyncio.get_running_loop()
        if self._lock[0] is not loop:  # first use, or a fork
            self._lock = (loop, asyncio.Lock())
        async with self._lock[1]:
            if time.monotonic() >= self._until:
                await self._fetch(http)
            return self._proof

    def renew(self, proof: dict[str, str]) -> bool:
        """Whether new headers are worth a try after `proof` was refused."""
        if proof is self._proof:
            self._until = 0.0
        return True

    async def question(self, http: Http) -> tuple[str, dict[str, str]]:
        """The token endpoint and the form it gets. Raises SourceFailure."""
        raise NotImplementedError

    async def _fetch(self, http: Http) -> None:
        url, form = await self.question(http)
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        reply = await http.send("POST", url, urlencode(form).encode(), headers)
        if reply.status != 200:
            raise SourceFailure(f"token status {reply.status}", down=True)
        try:
            token = msgspec.convert(decode_identity(reply.body), _Token, strict=False)
        except msgspec.ValidationError:
            raise SourceFailure("token", down=True) from None
        self._proof = {"Authorization": f"Bearer {token.access_token}"}
        early = min(EARLY, token.expires_in / 2)
        self._until = time.monotonic() + token.expires_in - early


class CertificateToken(ShortToken):
    """For our certificate, which the connection shows to every server it asks."""

    def __init__(self, auth: SourceAuth) -> None:
        super().__init__()
        self._auth = auth

    async def question(self, http: Http) -> tuple[str, dict[str, str]]:
        form = {"grant_type": "client_credentials", "client_id": self._auth.client_id}
        return self._auth.token_url, form | {"scope": self._auth.scope}


class SmartBackend(ShortToken):
    """For an assertion signed with our key."""

    def __init__(self, key: str, url: str, auth: SourceAuth, settings: Settings) -> None:
        super().__init__()
        self._base, self._auth = url.rstrip("/"), auth
        self._key = _private_key(f"{key}.auth.client_key", auth.client_key, settings)
        self._header = {"alg": _algorithm(f"{key}.auth.client_key", self._key), "typ": "JWT"}
        if self._key.kid:
            self._header["kid"] = self._key.kid

    async def question(self, http: Http) -> tuple[str, dict[str, str]]:
        url = self._auth.token_url or await self._discover(http)
        return url, {
            "grant_type": "client_credentials",
            "scope": self._auth.scope,
            "client_assertion_type": ASSERTION,
            "client_assertion": self._assertion(url),
        }

    def _assertion(self, url: str) -> str:
        now = int(time.time())
        claims = {
            "iss": self._auth.client_id,
            "sub": self._auth.client_id,
            "aud": url,
            "iat": now,
            "exp": now + ASSERTION_SECONDS,
            "jti": secrets.token_hex(16),
        }
        return jwt.encode(self._header, claims, self._key, algorithms=list(ALGORITHMS))

    async def _discover(self, http: Http) -> str:
        address = f"{self._base}/.well-known/smart-configuration"
        reply = await http.send("GET", address, None, {"Accept": "application/json"})
        if reply.status != 200:
            raise SourceFailure("no smart-configuration", down=True)
        found = decode_identity(reply.body)
        url = found.get("token_endpoint") if isinstance(found, dict) else None
        if not isinstance(url, str) or not _safe(url):
            raise SourceFailure("no token endpoint", down=True)
        return url


def _safe(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    host = parts.hostname or ""
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))


def _private_key(key: str, name: str, settings: Settings) -> jwk.RSAKey | jwk.ECKey:
    try:
        found = jwk.import_key(msgspec.json.decode(settings.path(name).read_bytes()))
    except (OSError, ValueError, TypeError, JoseError):
        found = None
    if isinstance(found, jwk.RSAKey) and found.is_private:
        return found
    if isinstance(found, jwk.ECKey) and found.is_private and found.curve_name == "P-384":
        return found
    raise ConfigError(
        key, "is not a private JWK (RSA or EC P-384)", 'client_key = "keys/x.jwk.json"'
    )


def _algorithm(key: str, private: jwk.RSAKey | jwk.ECKey) -> str:
    found = private.get("alg") or ("RS384" if isinstance(private, jwk.RSAKey) else "ES384")
    if found != ("RS384" if isinstance(private, jwk.RSAKey) else "ES384"):
        raise ConfigError(key, f"SMART Backend Services asks for RS384 or ES384, not {found}")
    return str(found)
