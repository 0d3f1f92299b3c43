"""TLS towards a backend: its own authority is trusted, strangers are not, and we can prove ourselves."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from recorded.backend import settings, source, subject

from portal.records import Answer, State
from portal.settings import ConfigError, SourceAuth
from portal.sources.gather import Gatherer
from portal.sources.http import Connection


def certificate(folder: Path) -> Path:
    """One self-signed certificate for 127.0.0.1, used by both sides."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "backend")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .sign(key, hashes.SHA256())
    )
    private = _written(key, serialization.NoEncryption())
    file = folder / "both.pem"
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file


def _written(
    key: ec.EllipticCurvePrivateKey, seal: serialization.KeySerializationEncryption
) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, seal)


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    return certificate(tmp_path)


@pytest.fixture
def url(pem: Path) -> Iterator[str]:
    """A server that asks for a certificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=pem)
    context.load_cert_chain(pem)
    context.verify_mode = ssl.CERT_OPTIONAL
    loop = asyncio.new_event_loop()

    async def answer(request: web.Request) -> web.Response:
        assert request.transport
        known = request.transport.get_extra_info("peercert")
        if request.path == "/token":
            form = await request.post()
            assert form["client_id"] == "portal" and form["grant_type"] == "client_credentials"
            token = {"access_token": "kort", "token_type": "Bearer", "expires_in": 60}
            return web.json_response(token) if known else web.Response(status=403)
        if request.path == "/lukket":
            told = WORDS.get(request.headers.get("Authorization", ""))
            return web.json_response(
                {"m": [{"t": told, "s": "2026-12-01"}]}, status=200 if told else 401
            )
        return web.json_response({"m": [{"t": "Kendt" if known else "Ukendt", "s": "2026-12-01"}]})

    async def start() -> web.AppRunner:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        return runner

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    runner = asyncio.run_coroutine_threadsafe(start(), loop).result(5)
    yield f"https://127.0.0.1:{runner.addresses[0][1]}/svar"
    asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(5)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)


WORDS = {
    "Bearer hemmeligt-ord": "Bærer",
    "Basic cG9ydGFsOmhlbW1lbGlndC1vcmQ=": "Navn og ord",
    "Bearer kort": "Certifikatets",
}


def ask(url: str, auth: SourceAuth) -> Answer:
    mapping = {"meetings": {"items": "m", "title": "t", "start": "s"}}
    chosen = settings("", source(None, "rest", url=url, mapping=mapping, auth=auth))
    return Gatherer(chosen).ask(["system"], subject(), None)["system"]


def test_a_certificate_nobody_vouches_for_is_refused(url: str) -> None:
    found = ask(url, SourceAuth())
    assert (found.state, found.problem) == (State.UNAVAILABLE, "tls")


def test_its_own_authority_is_trusted(url: str, pem: Path) -> None:
    found = ask(url, SourceAuth(ca=str(pem)))
    assert [getattr(e, "title", "") for e in found.entries] == ["Ukendt"]


def test_we_prove_ourselves_with_a_certificate(url: str, pem: Path) -> None:
    auth = SourceAuth(kind="mtls", cert=str(pem), key=str(pem), ca=str(pem))
    assert [getattr(e, "title", "") for e in ask(url, auth).entries] == ["Kendt"]


@pytest.mark.parametrize(
    ("told", "how"),
    [
        ("Bærer", {"kind": "bearer", "token_env": "SECRET"}),
        ("Navn og ord", {"kind": "basic", "username": "portal", "password_env": "SECRET"}),
    ],
)
def test_words_are_told_over_tls_to_whom_we_trust_only(
    url: str, pem: Path, told: str, how: dict[str, str]
) -> None:
    shut = url.replace("/svar", "/lukket")
    found = ask(shut, SourceAuth(ca=str(pem), **how))
    assert [getattr(e, "title", "") for e in found.entries] == [told]
    assert ask(shut, SourceAuth(**how)).problem == "tls"
    assert ask(shut, SourceAuth(ca=str(pem))).problem == "status 401"


def test_our_certificate_gets_a_short_token(url: str, pem: Path) -> None:
    shut, tokens = (url.replace("/svar", path) for path in ("/lukket", "/token"))
    how = {"token_url": tokens, "client_id": "portal", "scope": "entityid:x,anvenderkontekst:1"}
    auth = SourceAuth(kind="mtls", cert=str(pem), ca=str(pem), **how)
    assert [getattr(e, "title", "") for e in ask(shut, auth).entries] == ["Certifikatets"]


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("cert", {"cert": "none.pem"}),
        ("cert", {"cert": ""}),
        ("cert", {"cert": "key.pem"}),
        ("cert", {"cert": "."}),
        ("key", {"cert": "cert.pem", "key": "none.pem"}),
        ("key", {"cert": "cert.pem", "key": "other.pem"}),
        ("key", {"cert": "cert.pem", "key": "sealed.pem"}),
        ("key", {"cert": "cert.pem"}),
        ("ca", {"cert": "both.pem", "ca": "none.pem"}),
        ("ca", {"kind": "", "ca": "none.pem"}),
        ("ca", {"kind": "", "ca": "key.pem"}),
    ],
)
def test_a_file_that_is_not_what_it_should_be_is_named_by_its_own_key(
    pem: Path, name: str, files: dict[str, str]
) -> None:
    """Without asking anybody: at the terminal a sealed key would have its password asked for."""
    text, folder = pem.read_text(), pem.parent
    begins = text.index("-----BEGIN CERTIFICATE")
    (folder / "key.pem").write_text(text[:begins])
    (folder / "cert.pem").write_text(text[begins:])
    other = ec.generate_private_key(ec.SECP256R1())
    (folder / "other.pem").write_bytes(_written(other, serialization.NoEncryption()))
    sealed = serialization.BestAvailableEncryption(b"kodeord")
    (folder / "sealed.pem").write_bytes(_written(other, sealed))
    auth = SourceAuth(**{"kind": "mtls"} | files)
    with pytest.raises(ConfigError) as wrong:
        Connection("source.system", "https://127.0.0.1/x", auth, settings(folder=str(folder)))
    assert wrong.value.key == f"source.system.auth.{name}"
    assert "(example: " in str(wrong.value) and "\n" not in str(wrong.value)
