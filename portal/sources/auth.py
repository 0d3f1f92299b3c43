"""How the portal proves itself to a backend: bearer, basic, mTLS, or a short token (auth_tokens.py)."""

from __future__ import annotations

import base64
import ssl
from typing import TYPE_CHECKING, Protocol

from portal.settings import ConfigError, Settings, SourceAuth
from portal.sources.auth_tokens import CertificateToken, SmartBackend

if TYPE_CHECKING:
    from portal.sources.http import Http


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
        case "mtls" if auth.token_url:
            return CertificateToken(auth)
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


def _secret(key: str, name: str, settings: Settings) -> str:
    value = settings.environ.get(name, "")
    if not value or not value.isprintable():
        problem = f"the environment variable '{name}' is missing, empty or not printable"
        raise ConfigError(key, problem, f'{key.rsplit(".", 1)[-1]} = "PORTAL_SOURCE_SECRET"')
    return value
