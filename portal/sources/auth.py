"""How the portal proves itself to a backend: bearer, basic, mTLS, SMART Backend Services.

SMART Backend Services 2.2: a private_key_jwt with RS384 or ES384 gets a short
token, which is kept until shortly before it ends and never leaves this process.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
import ssl
import time
from typing import TYPE_CHECKING, Protocol
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


class Credentials(Protocol):
    """What proves the portal to one backend."""

    async def headers(self, http: Http) -> dict[str, str]:
        """Headers for one request. Raises SourceFailure."""
        ...

    def renew(self, proof: dict[str, str]) -> bool:
        """Whether new headers are worth a try after `proof` was refused."""
        ...


def credentials(key: str, url: str, auth: SourceAuth, settings: Settings) -> Credentials:
    """Raises ConfigError naming the wrong key under `key`."""
    match auth.kind:
        case "bearer":
            return Fixed(f"Bearer {_secret(f'{key}.auth.token_env', auth.token_env, settings)}")
        case "basic":
            word = _secret(f"{key}.auth.password_env", auth.password_env, settings)
            pair = f"{auth.username}:{word}".encode()
            return Fixed(f"Basic {base64.b64encode(pair).decode()}")
        case "smart_backend":
            return SmartBackend(key, url, auth, settings)
        case _:
            return Fixed("")


def tls(key: str, auth: SourceAuth, settings: Settings) -> ssl.SSLContext | bool:
    """The trust of one backend; True is the platform's own.

    Raises ConfigError.
    """
    if not auth.ca and auth.kind != "mtls":
        return True
    try:
        ca = str(settings.path(auth.ca)) if auth.ca else None
        context = ssl.create_default_context(cafile=ca)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if auth.kind == "mtls":
            private = settings.path(auth.key) if auth.key else None
            context.load_cert_chain(settings.path(auth.cert), private)
    except (OSError, ssl.SSLError):
        example = 'cert = "keys/portal.crt", key = "keys/portal.key", ca = "keys/ca.pem"'
        raise ConfigError(f"{key}.auth", "certificate or key cannot be read", example) from None
    return context


class Fixed:
    """The same header every time, or none."""

    def __init__(self, authorization: str) -> None:
        self._headers = {"Authorization": authorization} if authorization else {}

    async def headers(self, http: Http) -> dict[str, str]:
        return self._headers

    def renew(self, proof: dict[str, str]) -> bool:
        return False


class _Token(msgspec.Struct):
    access_token: str
    token_type: str
    expires_in: float = 300.0


class SmartBackend:
    """A short token, fetched with a signed assertion when the last one is about to end."""

    def __init__(self, key: str, url: str, auth: SourceAuth, settings: Settings) -> None:
        self._base, self._auth = url.rstrip("/"), auth
        self._key = _private_key(f"{key}.auth.client_key", auth.client_key, settings)
        self._header = {"alg": _algorithm(f"{key}.auth.client_key", self._key), "typ": "JWT"}
        if self._key.kid:
            self._header["kid"] = self._key.kid
        self._proof: dict[str, str] = {}
        self._until = 0.0
        self._lock: tuple[asyncio.AbstractEventLoop | None, asyncio.Lock] = (None, asyncio.Lock())

    async def headers(self, http: Http) -> dict[str, str]:
        loop = asyncio.get_running_loop()
        if self._lock[0] is not loop:  # first use, or a fork
            self._lock = (loop, asyncio.Lock())
        async with self._lock[1]:
            if time.monotonic() >= self._until:
                await self._fetch(http)
            return self._proof

    def renew(self, proof: dict[str, str]) -> bool:
        if proof is self._proof:
            self._until = 0.0
        return True

    async def _fetch(self, http: Http) -> None:
        url = self._auth.token_url or await self._discover(http)
        form = {
            "grant_type": "client_credentials",
            "scope": self._auth.scope,
            "client_assertion_type": ASSERTION,
            "client_assertion": self._assertion(url),
        }
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        reply = await http.send("POST", url, urlencode(form).encode(), headers)
        if reply.status != 200:
            raise SourceFailure(f"token status {reply.status}", down=True)
        try:
            token = msgspec.convert(decode_identity(reply.body), _Token)
        except msgspec.ValidationError:
            raise SourceFailure("token", down=True) from None
        self._proof = {"Authorization": f"Bearer {token.access_token}"}
        early = min(EARLY, token.expires_in / 2)
        self._until = time.monotonic() + token.expires_in - early

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


def _secret(key: str, name: str, settings: Settings) -> str:
    value = settings.environ.get(name, "")
    if not value or not value.isprintable():
        problem = f"the environment variable '{name}' is missing, empty or not printable"
        raise ConfigError(key, problem, f'{key.rsplit(".", 1)[-1]} = "PORTAL_SOURCE_SECRET"')
    return value


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
