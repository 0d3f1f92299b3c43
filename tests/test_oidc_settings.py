"""Settings of the login that would be unsafe or cannot work stop the start and name their key."""

from __future__ import annotations

import json
import ssl
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc.jwk import ECKey, OctKey
from sign_in_app import make_app, make_settings
from werkzeug.test import EnvironBuilder, run_wsgi_app

from portal import create_app
from portal.settings import ConfigError, Settings

ISSUER = "http://127.0.0.1:1/op"


@pytest.mark.parametrize(
    ("key", "citizen"),
    [
        ("algorithms", {"algorithms": ["none"]}),
        ("algorithms", {"algorithms": ["ES256", "HS256"]}),
        ("profile", {"profile": "../secrets"}),
        ("loa_values", {"loa_values": {"sufficient": ["x"]}}),
        ("ca", {"ca": "nowhere.pem"}),
        (r"^identity\.citizen\.ca: ", {"ca": "rubbish.json"}),
        (r"^identity\.citizen\.client_secret_env: ", {"client_secret_env": "SECRET"}),
        (r"^identity\.citizen\.loa_values: ", {"loa_values": {"low": ["x"]}}),
        (r"^identity\.citizen\.loa_values: ", {"loa_values": {"substantial": []}}),
        ("SECRET", {"client_key": "", "client_secret_env": "SECRET"}),
        ("identity.citizen", {"client_key": ""}),
        ("client_key", {"client_key": "oct.json"}),
        ("client_key", {"client_key": "public.json"}),
        ("client_key", {"client_key": "rubbish.json"}),
    ],
)
def test_a_wrong_setting_stops_the_start(tmp_path: Path, key: str, citizen: Any) -> None:
    public = ECKey.generate_key("P-256").as_dict(private=False)
    (tmp_path / "oct.json").write_text(json.dumps(OctKey.generate_key(256).as_dict()))
    (tmp_path / "public.json").write_text(json.dumps(public))
    (tmp_path / "rubbish.json").write_text("{")
    with pytest.raises(ConfigError, match=key):
        make_app(make_settings(tmp_path, ISSUER, citizen=citizen))


def test_a_door_no_employee_could_ever_go_through_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^identity\.staff\.unit_claim: .*\(example: "):
        make_app(make_settings(tmp_path, ISSUER, staff={"unit_claim": ""}))


def test_a_key_set_signs_with_the_first_and_publishes_all(tmp_path: Path) -> None:
    keys = [ECKey.generate_key("P-384", {"kid": name}).as_dict(private=True) for name in "ab"]
    (tmp_path / "two.json").write_text(json.dumps({"keys": keys}))
    two = {"client_key": "two.json"}
    visitor = make_app(make_settings(tmp_path, ISSUER, citizen=two, staff=two)).test_client()
    found = visitor.get("/.well-known/jwks.json").get_json()["keys"]
    assert [(k["kid"], k["alg"], "d" in k) for k in found] == [
        ("a", "ES384", False),
        ("b", "ES384", False),
    ]


HOSTS = {
    "http://[::1]:8000": ("[::1]:8000", "127.0.0.1:8000", "[::2]:8000", "[::1.:2]", "x[::1]", ""),
    "http://127.0.0.1:8000": ("127.0.0.1:8000", "[::1]:8000", "127.0.0.1.example", "localhost", ""),
}


@pytest.mark.parametrize("address", HOSTS)
def test_only_our_own_host_is_answered(settings: Settings, address: str) -> None:
    """Loopback by its IPv6 address too (contract), which Werkzeug's own list cannot hold."""
    app = create_app(msgspec.structs.replace(settings, base_url=address))
    ours, *others = HOSTS[address]
    for host, status in ((ours, "200 OK"), *((host, "400 BAD REQUEST") for host in others)):
        environ = EnvironBuilder("/").get_environ() | {"HTTP_HOST": host}
        assert run_wsgi_app(app, environ)[1] == status, host


def test_a_provider_is_trusted_by_the_operators_own_authority_only(tmp_path: Path) -> None:
    """Its certificate is checked: 503 without `ca`, and with it the answer is read."""
    key, certificate = _certificate()
    (tmp_path / "server.pem").write_bytes(key + certificate)
    (tmp_path / "ca.pem").write_bytes(certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Silent)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    issuer = f"https://127.0.0.1:{server.server_address[1]}"
    _Silent.metadata = {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "jwks_uri": f"{issuer}/jwks",
    }
    try:
        for ca, status in (("", 503), ("ca.pem", 302)):
            settings = make_settings(tmp_path, issuer, citizen={"ca": ca})
            assert make_app(settings).test_client().get("/log-ind").status_code == status
    finally:
        server.shutdown()
        server.server_close()


class _Silent(BaseHTTPRequestHandler):
    metadata: dict[str, str]

    def do_GET(self) -> None:
        body = json.dumps(self.metadata).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        return None


def _certificate() -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test provider")])
    today = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    kind = serialization.PrivateFormat.PKCS8
    encoding = serialization.Encoding.PEM
    return key.private_bytes(encoding, kind, plain), certificate.public_bytes(encoding)
