"""The provider itself: what happens between "please log this person in" and "they logged out"."""

from __future__ import annotations

import hashlib
import logging
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from mitid_stub import claims
from mitid_stub.asked import LEVELS, Asked, Level, Refused, check
from mitid_stub.claims import Session
from mitid_stub.clients import Authenticator, Client
from mitid_stub.keys import Algorithm, Claims, SigningKeys
from mitid_stub.memory import Clock, Expiring
from mitid_stub.personas import COPENHAGEN, Persona
from mitid_stub.wire import post_form

PUSHED_SECONDS = 600
CODE_SECONDS = 60
ATTEMPT_SECONDS = 900
ACCESS_SECONDS = 10_800
REQUEST_URI = "urn:ietf:params:oauth:request_uri:"

Bend = Callable[[str, Claims], Claims]
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Grant:
    """What a code, and later an access token, stands for."""

    asked: Asked
    session: Session


class Provider:
    """Keys, clients, people and everything under way; one object, no globals.

    `bend` may change the claims of an "id_token", "userinfo" or "logout_token" before they leave,
    so that a test can see what a client does with a broker that misbehaves.
    """

    def __init__(
        self,
        *,
        issuer: str,
        clients: Sequence[Client],
        personas: Sequence[Persona],
        algorithm: Algorithm = "RS256",
        clock: Clock = time.time,
        bend: Bend | None = None,
    ) -> None:
        self.issuer, self.clock = issuer, clock
        self.clients = {client.client_id: client for client in clients}
        self.personas = {persona.key: persona for persona in personas if persona.login}
        self.keys = SigningKeys(algorithm)
        self.authenticator = Authenticator(issuer, clients, clock)
        self.bend: Bend = bend or (lambda what, claims: claims)
        self.pushed: Expiring[Asked] = Expiring(clock, PUSHED_SECONDS)
        self.attempts: Expiring[Asked] = Expiring(clock, ATTEMPT_SECONDS)
        self.codes: Expiring[Grant] = Expiring(clock, CODE_SECONDS)
        self.access: Expiring[Grant] = Expiring(clock, ACCESS_SECONDS)
        self.sessions: Expiring[Session] = Expiring(clock, claims.SESSION_SECONDS)
        self.errors: Expiring[str] = Expiring(clock, ATTEMPT_SECONDS)

    # Asking

    def push(self, client: Client, parameters: Mapping[str, str]) -> str:
        """Keep a checked request for the client; the answer is its single-use request_uri."""
        if "request_uri" in parameters:
            raise Refused("request_uri cannot be pushed")
        asked = check({**parameters, "client_id": client.client_id}, self.clients)
        return REQUEST_URI + self.pushed.put(asked)

    def asked(self, parameters: Mapping[str, str]) -> Asked:
        """What an authorization request asks for, pushed beforehand or spelled out."""
        if "request" in parameters:
            raise Refused("request objects are not supported")
        if "request_uri" not in parameters:
            return check(parameters, self.clients)
        asked = self.pushed.take(parameters["request_uri"].removeprefix(REQUEST_URI))
        if asked is None or asked.client.client_id != parameters.get("client_id"):
            raise Refused("unknown or expired request_uri")
        return asked

    def reusable(self, asked: Asked, sid: str) -> Session | None:
        """The browser's session, if it answers this request without asking the person again."""
        session = self.sessions.get(sid)
        if session is None or asked.prompt & {"login", "select_account"}:
            return None
        if asked.max_age is not None and self.clock() - session.auth_time >= asked.max_age:
            return None
        enough = LEVELS.index(session.level) >= LEVELS.index(asked.level)
        return session if session.persona.kind in asked.kinds and enough else None

    # Answering the client by way of the browser

    def log_in(self, asked: Asked, persona: Persona, level: Level, sid: str) -> Session:
        """A fresh log-in; the same person in the same browser goes on under the same sid."""
        if persona.kind == "employee" and level == "high":
            level = "substantial"  # the broker never says High for employees
        old = self.sessions.get(sid)
        same = old is not None and old.persona == persona
        session = Session(
            sid=sid if same else secrets.token_hex(16),
            persona=persona,
            level=level,
            auth_time=int(self.clock()),
            clients=set(old.clients) if old is not None and same else set(),
        )
        self.sessions.put(session, session.sid)
        return session

    def success(self, asked: Asked, session: Session) -> str:
        """Where the browser goes with a code; the only answer that carries `iss`."""
        session.clients.add(asked.client.client_id)
        code = self.codes.put(Grant(asked, session))
        return _back(asked, code=code, state=asked.state, iss=self.issuer)

    def failure(self, asked: Asked, error: str, description: str = "") -> str:
        """Where the browser goes without; as recorded, such an answer has no `iss`."""
        return _back(asked, error=error, error_description=description, state=asked.state)

    # Tokens

    def redeem(self, client: Client, form: Mapping[str, str]) -> dict[str, Any] | None:
        """The token response for a code, or None if it is used, old, foreign or not proven."""
        grant = self.codes.take(form.get("code", ""))
        if grant is None or grant.asked.client != client:
            return None
        if form.get("redirect_uri") != grant.asked.redirect_uri:
            return None
        if _s256(form.get("code_verifier", "")) != grant.asked.challenge:
            return None
        access_token = self.access.put(grant)
        now = int(self.clock())
        token = claims.id_token(self.issuer, grant.asked, grant.session, access_token, now)
        return {
            "id_token": self.keys.sign(self.bend("id_token", token)),
            "access_token": access_token,
            "expires_in": ACCESS_SECONDS,
            "token_type": "Bearer",
            "scope": " ".join(sorted(grant.asked.scopes)),
        }

    def userinfo(self, access_token: str) -> Claims | None:
        grant = self.access.get(access_token)
        if grant is None:
            return None
        active = self.sessions.get(grant.session.sid) is not None
        today = datetime.fromtimestamp(self.clock(), COPENHAGEN).date()
        return self.bend("userinfo", claims.userinfo(grant.asked, grant.session, active, today))

    # Logging out

    def hinted(self, id_token_hint: str) -> Claims | None:
        """The claims of an ID token of ours, expired or not."""
        hint = self.keys.read(id_token_hint)
        if hint is None or hint.get("iss") != self.issuer or hint.get("aud") not in self.clients:
            return None
        return hint if isinstance(hint.get("sid"), str) and "events" not in hint else None

    def log_out(self, sid: str) -> None:
        """End the session and tell every client that took part, before anyone is answered."""
        session = self.sessions.take(sid)
        for client_id in sorted(session.clients) if session else ():
            client = self.clients[client_id]
            if session and client.backchannel_uri:
                self._tell(client, session)

    def _tell(self, client: Client, session: Session) -> None:
        jti, now = secrets.token_hex(16), int(self.clock())
        token = claims.logout_token(self.issuer, client, session, jti, now)
        signed = self.keys.sign(self.bend("logout_token", token), typ="logout+jwt")
        try:
            post_form(client.backchannel_uri, {"logout_token": signed})
        except OSError as error:
            log.warning("%s did not take the logout token: %s", client.client_id, error)


def _back(asked: Asked, **parameters: str) -> str:
    answer = {name: value for name, value in parameters.items() if value}
    iss = answer.pop("iss", None)
    answer["session_state"] = f"{secrets.token_urlsafe(32)}.{secrets.token_hex(16)}"
    if iss:
        answer["iss"] = iss
    joint = "&" if "?" in asked.redirect_uri else "?"
    return f"{asked.redirect_uri}{joint}{urlencode(answer)}"


def _s256(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()
