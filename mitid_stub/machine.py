"""The endpoints that programs talk to: metadata, keys, PAR, tokens, userinfo, back-end logout."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from mitid_stub.asked import LANGUAGES, Refused
from mitid_stub.clients import ASSERTION_ALGORITHMS
from mitid_stub.provider import PUSHED_SECONDS, Provider

CHALLENGE = 'Bearer realm="IdentityServer",error="invalid_token"'  # recorded, no space


def machine(provider: Provider) -> Blueprint:
    """The endpoints as a blueprint bound to one provider."""
    routes = Blueprint("machine", __name__)

    @routes.get("/.well-known/openid-configuration")
    def discovery() -> Response:
        return jsonify(_metadata(provider))

    @routes.get("/.well-known/openid-configuration/jwks")
    def jwks() -> Response:
        return jsonify(provider.keys.published())

    @routes.post("/connect/par")
    def par() -> Response:
        return _par(provider)

    @routes.post("/connect/token")
    def token() -> Response:
        return _token(provider)

    @routes.route("/connect/userinfo", methods=["GET", "POST"])
    def userinfo() -> Response:
        return _userinfo(provider)

    @routes.post("/api/v1/session/logout")
    def logout() -> Response:
        return _logout(provider)

    return routes


def _metadata(provider: Provider) -> dict[str, Any]:
    """As published by the broker; it names no scopes_supported."""
    issuer = provider.issuer
    authentication = ["client_secret_basic", "client_secret_post", "private_key_jwt"]
    return {
        "issuer": issuer,
        "jwks_uri": f"{issuer}/.well-known/openid-configuration/jwks",
        "authorization_endpoint": f"{issuer}/connect/authorize",
        "token_endpoint": f"{issuer}/connect/token",
        "userinfo_endpoint": f"{issuer}/connect/userinfo",
        "end_session_endpoint": f"{issuer}/connect/endsession",
        "pushed_authorization_request_endpoint": f"{issuer}/connect/par",
        "require_pushed_authorization_requests": False,
        "authorization_response_iss_parameter_supported": True,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "grant_types_supported": ["authorization_code"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [provider.keys.algorithm],
        "token_endpoint_auth_methods_supported": authentication,
        "token_endpoint_auth_signing_alg_values_supported": ASSERTION_ALGORITHMS,
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login", "select_account"],
        "ui_locales_supported": list(LANGUAGES),
        "request_parameter_supported": False,
    }


def _par(provider: Provider) -> Response:
    client = provider.authenticator.who(request.form, _authorization())
    if client is None:
        return _bare("invalid_client")
    if "request" in request.form:
        return _bare("invalid_request_object")
    try:
        request_uri = provider.push(client, request.form)
    except Refused:
        return _bare("invalid_request")
    answer = _unstored(jsonify(request_uri=request_uri, expires_in=PUSHED_SECONDS))
    answer.status_code = 201
    return answer


def _token(provider: Provider) -> Response:
    if not request.form.get("grant_type"):
        return _bare("invalid_request")
    client = provider.authenticator.who(request.form, _authorization())
    if client is None:
        return _bare("invalid_client")
    if request.form["grant_type"] != "authorization_code":
        return _bare("unauthorized_client")
    tokens = provider.redeem(client, request.form)
    return _bare("invalid_grant") if tokens is None else _unstored(jsonify(tokens))


def _userinfo(provider: Provider) -> Response:
    scheme, _, token = _authorization().partition(" ")
    claims = provider.userinfo(token) if scheme.lower() == "bearer" else None
    if claims is None:
        return _unstored(Response(status=401, headers={"WWW-Authenticate": CHALLENGE}))
    return _unstored(jsonify(claims))


def _logout(provider: Provider) -> Response:
    """Log-out without a browser: the client hands in the ID token it was given."""
    body = request.get_json(silent=True)
    given = body if isinstance(body, dict) else request.form
    hint = provider.hinted(str(given.get("id_token", "")))
    if hint is None:
        return _bare("invalid_request")
    provider.log_out(hint["sid"])
    return _unstored(Response(status=200))


def _authorization() -> str:
    return request.headers.get("Authorization", "")


def _bare(error: str) -> Response:
    """The broker's errors say nothing but their name."""
    answer = _unstored(jsonify(error=error))
    answer.status_code = 400
    return answer


def _unstored(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "no-store, no-cache, max-age=0"
    return answer
