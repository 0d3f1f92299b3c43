"""The calls to one OpenID provider: its description, its keys, PAR, token and userinfo."""

from __future__ import annotations

import threading
import time
from collections import deque
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus, urlsplit

import msgspec
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc.errors import JoseError
from joserfc.jwk import Key, import_key
from requests import Response

from portal.binding import is_loopback
from portal.examples import example_of
from portal.identity.client_key import ClientKeys
from portal.identity.failures import Invalid, ProviderDown
from portal.identity.profile import Door
from portal.identity.wire import Silent, Unreachable, Wire, strict_json
from portal.safety import check_certificates
from portal.settings import ConfigError, Provider, Settings

METADATA_SECONDS = 300
JWKS_SECONDS = 60  # contract: a key gone from the provider is refused after this
REFETCHES = 10  # a minute: a key that does not fit asks again, but strangers cannot make us hammer
QUIET_SECONDS = 5.0  # for so long nobody else waits for a provider that did not answer in time
ASSERTION_SECONDS = 120
POSTED = "client_secret_post"
KEY_TYPES = ("RSA", "EC", "OKP")
OK = 200


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """What we use of the provider's description of itself."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    end_session_endpoint: str = ""
    pushed_authorization_request_endpoint: str = ""
    authorization_response_iss_parameter_supported: bool = False
    id_token_signing_alg_values_supported: tuple[str, ...] = ()
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """What the token endpoint gave."""

    id_token: str
    access_token: str
    token_type: str


class ProviderClient:
    """One provider as one client sees it. What it remembers is public: description and keys."""

    def __init__(self, settings: Settings, provider: Provider, door: Door) -> None:
        self.issuer, self.client_id = provider.issuer, provider.client_id
        self.redirect_uri = f"{settings.base_url}/log-ind/retur"
        self.keys: ClientKeys | None = None
        self._ca = str(settings.path(provider.ca)) if provider.ca else None
        if self._ca:
            check_certificates(f"identity.{door}.ca", Path(self._ca))
        self._secret = ""
        if provider.client_key and provider.client_secret_env:
            setting = f"identity.{door}.client_secret_env"
            problem = "stands beside client_key; one of them proves us, take the other out"
            raise ConfigError(setting, problem, example_of("client_key"))
        if provider.client_key:
            setting = f"identity.{door}.client_key"
            self.keys = ClientKeys(setting, settings.path(provider.client_key))
        elif provider.client_secret_env:
            self._secret = settings.environ.get(provider.client_secret_env, "")
            if not self._secret:
                name = provider.client_secret_env
                raise ConfigError(name, "the variable is missing or empty", f"{name}=...")
        else:
            problem = "neither client_key nor client_secret_env is set"
            raise ConfigError(f"identity.{door}", problem, 'client_key = "keys/portal.jwk.json"')
        self._lock = threading.Lock()
        self._silent_until = 0.0
        self._metadata: tuple[float, Metadata] | None = None
        self._jwks: tuple[float, tuple[Key, ...]] | None = None
        self._refetched: dict[bool, deque[float]] = {
            anybody: deque(maxlen=REFETCHES) for anybody in (False, True)
        }

    def metadata(self, *, however_old: bool = False) -> Metadata:
        """The provider's description, at most METADATA_SECONDS old. Raises ProviderDown."""
        kept = self._metadata
        if kept and (however_old or time.monotonic() - kept[0] < METADATA_SECONDS):
            return kept[1]
        url = self.issuer.rstrip("/") + "/.well-known/openid-configuration"
        told = {name: value for name, value in self._get(url).items() if value is not None}
        try:
            found = msgspec.convert(told, Metadata)
        except msgspec.ValidationError:
            raise ProviderDown("metadata lacks what is needed") from None
        _check_metadata(found, self.issuer)
        self._metadata = (time.monotonic(), found)
        return found

    def verification_keys(self, newer: bool = False, *, anybody: bool = False) -> tuple[Key, ...]:
        """The provider's public keys, at most JWKS_SECONDS old. Raises ProviderDown.

        `newer` asks for newer ones than those at hand; `anybody` may have brought the token,
        and what strangers bring does not count for logins.
        """
        with self._lock:  # never while asking: nobody queues behind somebody who waits
            kept, asked = self._jwks, time.monotonic()
            young = kept is not None and asked - kept[0] < JWKS_SECONDS
            if kept and young and not (newer and self._may(asked, anybody)):
                return kept[1]
        keys = _public_keys(self._get(self.metadata().jwks_uri))
        with self._lock:
            if not self._jwks or self._jwks[0] <= asked:
                self._jwks = (asked, keys)
        return keys

    def _may(self, moment: float, anybody: bool) -> bool:
        """Whether the keys may be asked for once more before their time."""
        earlier = self._refetched[anybody]
        if len(earlier) == REFETCHES and moment - earlier[0] < JWKS_SECONDS:
            return False
        earlier.append(moment)
        return True

    def push(self, parameters: dict[str, str]) -> str:
        """RFC 9126: the `request_uri` for these parameters. Raises ProviderDown."""
        response = self._post(self.metadata().pushed_authorization_request_endpoint, parameters)
        request_uri = _object(response, "pushing", (200, 201)).get("request_uri")
        if not isinstance(request_uri, str) or not request_uri:
            raise ProviderDown("pushing gave no request_uri")
        return request_uri

    def tokens(self, code: str, verifier: str) -> Tokens:
        """Exchange the code. Raises Invalid when the provider refuses it, ProviderDown."""
        response = self._post(
            self.metadata().token_endpoint,
            {
                "grant_type": "authorization_code",
                "code": code,
                "code_verifier": verifier,
                "redirect_uri": self.redirect_uri,
            },
        )
        answer = _object(response, "token endpoint", (200, 400))
        if answer.get("error") == "invalid_grant":
            raise Invalid("the provider refuses the code")
        if "error" in answer or response.status_code != OK:
            raise ProviderDown("the token endpoint refuses us")
        try:
            tokens = msgspec.convert(answer, Tokens)
        except msgspec.ValidationError:
            raise Invalid("token answer without what is needed") from None
        if tokens.token_type.lower() != "bearer":
            raise Invalid("token_type is not bearer")
        return tokens

    def userinfo(self, access_token: str) -> dict[str, Any] | None:
        """The userinfo claims; None when the provider has no such endpoint. Raises ProviderDown."""
        url = self.metadata().userinfo_endpoint
        return self._get(url, access_token) if url else None

    def _post(self, url: str, form: dict[str, str]) -> Response:
        """As the client we are: every form carries our proof."""
        with self._wire() as wire:
            if wire.token_endpoint_auth_method == POSTED:  # the proof brings `client_id` itself
                form = {k: v for k, v in form.items() if k != "client_id"}
            auth: Any = wire.client_auth(wire.token_endpoint_auth_method)
            return self._asked(wire, "POST", url, auth=auth, data=form)

    def _asked(self, wire: Wire, method: str, url: str, **how: Any) -> Response:
        self._check_silence()
        try:
            response: Response = wire.request(method, url, withhold_token=True, **how)
        except Unreachable as e:
            silent = isinstance(e, Silent)
            self._silent_until = time.monotonic() + QUIET_SECONDS if silent else 0.0
            raise ProviderDown(f"{method}: {e}") from None
        self._silent_until = 0.0
        return response

    def _check_silence(self) -> None:
        """Raises ProviderDown for a while after it did not answer in time; then one may try."""
        with self._lock:
            moment = time.monotonic()
            if moment < self._silent_until:
                raise ProviderDown("it did not answer a moment ago")
            if self._silent_until:
                self._silent_until = moment + QUIET_SECONDS

    def _wire(self) -> Wire:
        client, secret, method = self.client_id, self._secret, POSTED
        listed = self.metadata().token_endpoint_auth_methods_supported
        if "client_secret_basic" in listed or not listed:
            # RFC 6749, 2.3.1: encoded first, so that a colon or a plus survives.
            client, secret, method = quote_plus(client), quote_plus(secret), "client_secret_basic"
        proof: tuple[str, Any, Any] = (client, secret, method)
        if self.keys:
            assertion = PrivateKeyJWT(
                self.issuer,
                claims={"exp": int(time.time()) + ASSERTION_SECONDS},
                headers={"kid": self.keys.signing.kid},
                alg=self.keys.algorithm,
            )
            proof = (self.client_id, self.keys.signing, assertion)
        client_id, client_secret, how = proof
        return Wire(
            ca=self._ca,
            client_id=client_id,
            client_secret=client_secret,
            token_endpoint_auth_method=how,
        )

    def _get(self, url: str, access_token: str = "") -> dict[str, Any]:
        headers = {"Accept": "application/json"}
        if access_token:
            headers["Authorization"] = f"Bearer {access_token}"
        with Wire(ca=self._ca) as wire:
            response = self._asked(wire, "GET", url, headers=headers)
        return _object(response, "asking", (200,))


def _object(response: Response, doing: str, expected: tuple[int, ...]) -> dict[str, Any]:
    if response.status_code not in expected:
        raise ProviderDown(f"{doing}: status {response.status_code}")
    try:
        return strict_json(response.content)
    except ValueError:
        raise ProviderDown(f"{doing}: not a JSON object") from None


def _check_metadata(found: Metadata, issuer: str) -> None:
    """OpenID Discovery 4.3: it speaks of the issuer we asked; and nothing leads to plain http."""
    if found.issuer != issuer:
        raise ProviderDown("metadata names another issuer")
    for url in (
        found.authorization_endpoint,
        found.token_endpoint,
        found.jwks_uri,
        found.userinfo_endpoint,
        found.end_session_endpoint,
        found.pushed_authorization_request_endpoint,
    ):
        parts = urlsplit(url)
        plain = parts.scheme == "http" and is_loopback(parts.hostname or "")
        allowed = parts.scheme == "https" or (plain and issuer.startswith("http://"))
        if url and not (allowed and parts.hostname and not parts.username):
            raise ProviderDown("metadata names an endpoint that is not https")


def _public_keys(jwks: dict[str, Any]) -> tuple[Key, ...]:
    """The signing keys of a JWK set; keys we do not understand are left out (RFC 7517, 5)."""
    raw = jwks.get("keys")
    if not isinstance(raw, list):
        raise ProviderDown("the key set holds no keys")
    keys = []
    for jwk in raw:
        if not isinstance(jwk, dict) or jwk.get("kty") not in KEY_TYPES:
            continue
        if jwk.get("use", "sig") != "sig":
            continue
        try:
            keys.append(import_key(jwk))
        except (JoseError, ValueError, TypeError, KeyError):
            continue
    return tuple(keys)
