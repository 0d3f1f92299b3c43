"""How the portal proves itself to a backend: bearer, basic, mTLS, or a short token (auth_tokens.py)."""

from __future__ import annotations

import base64
import ssl
from typing import TYPE_CHECKING, Protocol

from portal.examples import example_of
from portal.safety import check_certificates
from portal.settings import ConfigError, Settings, SourceAuth
from portal.sources.auth_tokens import CertificateToken, SmartBackend

if TYPE_CHECKING:
    from portal.sources.http import Http


NEEDS: dict[str, tuple[str, ...]] = {
    "": (),
    "bearer": ("token_env",),
    "basic": ("username", "password_env"),
    "mtls": ("cert",),
    "smart_backend": ("client_id", "client_key"),
}
PROOFS = ("token_env", "username", "password_env", "cert", "key", "client_id", "client_key")


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
    _check_whole(f"{key}.auth", auth)
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
    ca = settings.path(auth.ca) if auth.ca else None
    if ca:
        check_certificates(f"{key}.auth.ca", ca)
    context = ssl.create_default_context(cafile=ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if auth.kind == "mtls":
        _load(context, key, auth, settings)
    return context


def _load(context: ssl.SSLContext, key: str, auth: SourceAuth, settings: Settings) -> None:
    """Our certificate and its key, which may stand in the same file."""
    cert = settings.path(auth.cert)
    private = settings.path(auth.key) if auth.key else None
    check_certificates(f"{key}.auth.cert", cert)
    try:
        # With a password, since a sealed key would else ask for one at the terminal.
        context.load_cert_chain(cert, private, password="")
    except OSError:  # an SSLError is one
        problem = f"{private or cert} holds no key of the certificate, or one behind a password"
        raise ConfigError(f"{key}.auth.key", problem, example_of("auth.key")) from None


def _check_whole(key: str, auth: SourceAuth) -> None:
    """Half a proof would be found out by the first family whose source refuses it."""
    needs = NEEDS[auth.kind]
    if auth.kind == "mtls" and auth.token_url:
        needs += ("client_id",)
    for name in needs:
        if not getattr(auth, name):
            raise ConfigError(f"{key}.{name}", "is missing", example_of(f"auth.{name}"))
    if not auth.kind and any(getattr(auth, name) for name in PROOFS):
        raise ConfigError(f"{key}.kind", "is missing beside a proof", example_of("auth.kind"))


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
