"""The same systems behind certificates that are wrong in different ways, each at a port of its own.

What fails before the first byte cannot be switched at an address that answers; so
these doors always stand, and a source or `portal sources conform` is pointed at one.
"""

from __future__ import annotations

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Key = ec.EllipticCurvePrivateKey
DOORS = {
    "good": "a certificate of the lab's own authority (`ca`: lab.pem)",
    "expired": "the same, but it ended yesterday",
    "wrong-name": "the same, but for another address",
    "stranger": "a certificate that only vouches for itself",
}
NOWHERE = {
    "no such name": "https://findes-ikke.invalid",
    "nobody listens": "https://127.0.0.1:1",
}
"""Addresses that fail by themselves: name look-up, connection."""


def contexts(folder: Path) -> dict[str, ssl.SSLContext]:
    """A TLS context for each door; writes lab.pem, the authority to trust, into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    authority = _certificate("Lab", key, key, "Lab", ca=True)
    (folder / "lab.pem").write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    yesterday = timedelta(days=-1)
    made = {
        "good": _signed(key), "expired": _signed(key, lasts=yesterday),
        "wrong-name": _signed(key, name="127.9.9.9"), "stranger": _signed(None),
    }
    return {name: _context(folder / f"{name}.pem", *pair) for name, pair in made.items()}


def _signed(authority: Key | None, *, name: str = "127.0.0.1",
            lasts: timedelta = timedelta(days=30)) -> tuple[Key, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    return key, _certificate("Systemet", key, authority or key,
                             "Lab" if authority else "Systemet", name=name, lasts=lasts)


def _certificate(subject: str, key: Key, signer: Key, issuer: str, *, ca: bool = False,
                 name: str = "127.0.0.1", lasts: timedelta = timedelta(days=30),
                 ) -> x509.Certificate:
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(name))])
    own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    by = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    built = (
        x509.CertificateBuilder()
        .subject_name(_named(subject)).issuer_name(_named(issuer))
        .public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2)).not_valid_after(now + lasts)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=0 if ca else None), True)
        .add_extension(own, False).add_extension(by, False)
    )
    if not ca:
        built = built.add_extension(names, False)
    return built.sign(signer, hashes.SHA256())


def _named(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _context(file: Path, key: Key, certificate: x509.Certificate) -> ssl.SSLContext:
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                serialization.NoEncryption())
    file.touch(mode=0o600)
    file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)
    return context
