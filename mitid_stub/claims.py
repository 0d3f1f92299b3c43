"""What the tokens and userinfo say, name for name and type for type as recorded at the broker."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import date
from uuid import NAMESPACE_URL, uuid5

from mitid_stub.asked import Asked, Level
from mitid_stub.clients import Client
from mitid_stub.keys import Claims
from mitid_stub.personas import Persona

ID_TOKEN_SECONDS = 300
LOGOUT_TOKEN_SECONDS = 120
SESSION_SECONDS = 10_800
BACKCHANNEL_EVENT = "http://schemas.openid.net/event/backchannel-logout"
PROTECTED_NAME = "NAVNE & ADRESSEBESKYTTET"  # all that private services get

_AMR: dict[Level, list[str]] = {
    "low": ["password"],
    "substantial": ["code_app"],
    "high": ["code_app_enchanced"],  # the broker's own spelling
}


@dataclass(kw_only=True)
class Session:
    """One person logged in at the provider, and the clients that took part."""

    sid: str
    persona: Persona
    level: Level
    auth_time: int
    clients: set[str] = field(default_factory=set)

    @property
    def expires(self) -> int:
        return self.auth_time + SESSION_SECONDS

    @property
    def idp(self) -> str:
        return "mitid" if self.persona.kind == "citizen" else "mitid_erhverv"


def subject(persona: Persona, client: Client) -> str:
    """The person's pseudonym, the same for all services of one organisation."""
    return str(uuid5(NAMESPACE_URL, f"urn:{client.organisation}:{persona.kind}:{persona.uuid}"))


def id_token(issuer: str, asked: Asked, session: Session, access_token: str, now: int) -> Claims:
    """The ID token's claims, in the recorded order; names and CPR are never among them."""
    return {
        "iss": issuer,
        "nbf": now,
        "iat": now,
        "exp": now + ID_TOKEN_SECONDS,
        "aud": asked.client.client_id,
        "amr": _AMR[session.level],
        **({"nonce": asked.nonce} if asked.nonce else {}),
        "at_hash": _half_hash(access_token),
        "sid": session.sid,
        "sub": subject(session.persona, asked.client),
        "auth_time": session.auth_time,
        "idp": session.idp,
        "acr": _nsis(session.level),
        "neb_sid": session.sid,
        **_assurance(session),
        "identity_type": "private" if session.persona.kind == "citizen" else "professional",
        "transaction_id": _derived(session, "transaction"),
        "idp_transaction_id": _derived(session, "idp-transaction"),
        "session_expiry": str(session.expires),
        "idtoken_type": "strict",
        "subject_type": "org_mapped",
    }


def userinfo(asked: Asked, session: Session, active: bool, today: date) -> Claims:
    """Userinfo, where every value is a JSON string, flags and numbers included."""
    client, persona = asked.client, session.persona
    if persona.kind == "citizen":
        about = _citizen(client, session, today) if "mitid" in asked.scopes else {}
    else:
        about = _employee(persona) if "nemlogin" in asked.scopes else {}
    return {
        "session_is_active": _flag(active),
        "session_expiry": str(session.expires),
        "idp": session.idp,
        "subject_type": "org_mapped",
        "idp_identity_id": persona.uuid,
        **_assurance(session),
        **about,
        **(_cpr(persona) if "ssn" in asked.scopes and client.public_authority else {}),
        "sub": subject(persona, client),
    }


def logout_token(issuer: str, client: Client, session: Session, jti: str, now: int) -> Claims:
    """OpenID Connect Back-Channel Logout 1.0, section 2.4."""
    return {
        "iss": issuer,
        "aud": client.client_id,
        "iat": now,
        "exp": now + LOGOUT_TOKEN_SECONDS,
        "jti": jti,
        "sub": subject(session.persona, client),
        "sid": session.sid,
        "events": {BACKCHANNEL_EVENT: {}},
    }


def _citizen(client: Client, session: Session, today: date) -> Claims:
    persona = session.persona
    hidden = persona.protected and not client.public_authority
    had_birthday = (today.month, today.day) >= (persona.born.month, persona.born.day)
    return {
        "mitid.transaction_id": _derived(session, "idp-transaction"),
        "mitid.uuid": persona.uuid,
        "mitid.age": str(today.year - persona.born.year - (0 if had_birthday else 1)),
        "mitid.date_of_birth": persona.born.isoformat(),
        "mitid.has_cpr": _flag(True),
        "mitid.identity_name": PROTECTED_NAME if hidden else persona.name,
        "mitid.psd2": _flag(False),
        "mitid.geo_ip_distance_km": "0",
    }


def _employee(persona: Persona) -> Claims:
    given, _, family = persona.name.rpartition(" ")
    return {
        "nemlogin.name": persona.name,
        "nemlogin.given_name": given,
        "nemlogin.family_name": family,
        "nemlogin.org_name": persona.org,
        "nemlogin.cvr": persona.cvr,
        "nemlogin.p_number": persona.p_number,
        "nemlogin.persistent_professional_id": persona.uuid,
    }


def _cpr(persona: Persona) -> Claims:
    return {"dk.cpr" if persona.kind == "citizen" else "nemlogin.cpr": persona.cpr}


def _assurance(session: Session) -> Claims:
    return {name: _nsis(session.level) for name in ("loa", "aal", "ial")}


def _nsis(level: Level) -> str:
    return f"https://data.gov.dk/concept/core/nsis/{level.capitalize()}"


def _half_hash(token: str) -> str:
    half = hashlib.sha256(token.encode()).digest()[:16]
    return urlsafe_b64encode(half).rstrip(b"=").decode()


def _derived(session: Session, what: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"urn:{what}:{session.sid}:{session.auth_time}"))


def _flag(value: bool) -> str:
    return "true" if value else "false"
