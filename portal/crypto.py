"""Secrets at rest: authenticated encryption, keyed look-up hashes and one key per citizen.

AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce. Each sealed value names
the key that sealed it, so that keys can rotate: the first key seals, all open.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE = 12
LABEL = 4
TAG = 16


class Unreadable(Exception):
    """No key we hold opens this value: it was altered, or its key is gone."""


class Vault:
    """Seals and opens values with the operator's data keys."""

    def __init__(self, data_keys: Iterable[bytes]) -> None:
        keys = tuple(data_keys)
        self._ciphers = {_label(k): AESGCM(_derive(k, b"seal")) for k in keys}
        self._first = _label(keys[0])
        self._index = tuple(_derive(k, b"index") for k in keys)

    @property
    def label(self) -> bytes:
        """With what everything begins that the first key sealed (LABEL bytes)."""
        return self._first

    def holds(self, label: bytes) -> bool:
        """Whether we hold the key that seals with this label."""
        return label in self._ciphers

    def outdated(self, line: str) -> bool:
        """Whether another key than the first sealed this (hex); not so when it is cut off."""
        return self.whole(line) and sealed_by(line) != self._first

    @staticmethod
    def whole(line: str) -> bool:
        """Whether this (hex) is long enough to be something sealed."""
        try:
            return len(bytes.fromhex(line)) > LABEL + NONCE + TAG
        except ValueError:
            return False

    @property
    def oldest_index(self) -> bytes:
        """The hashing key of the oldest data key still held."""
        return self._index[-1]

    def seal(self, plain: bytes, context: str) -> bytes:
        """Encrypt; `context` must be the same when opening (it binds a value to its place)."""
        nonce = secrets.token_bytes(NONCE)
        sealed = self._ciphers[self._first].encrypt(nonce, plain, context.encode())
        return self._first + nonce + sealed

    def open(self, sealed: bytes, context: str) -> bytes:
        """Decrypt; raises Unreadable."""
        label, nonce = sealed[:LABEL], sealed[LABEL : LABEL + NONCE]
        try:
            return self._ciphers[label].decrypt(nonce, sealed[LABEL + NONCE :], context.encode())
        except (KeyError, InvalidTag):
            raise Unreadable(context) from None

    def index(self, value: str) -> str:
        """The keyed hash under which a value is looked up (hex, 64 characters)."""
        return _hash(self._index[0], value)

    def indexes(self, value: str) -> tuple[str, ...]:
        """The same under every key still held, newest first."""
        return tuple(_hash(k, value) for k in self._index)


class CitizenKey:
    """The key of one citizen's events and log lines; erasing it erases them."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)
        self._key = key

    def seal(self, plain: bytes, context: str) -> bytes:
        nonce = secrets.token_bytes(NONCE)
        return nonce + self._cipher.encrypt(nonce, plain, context.encode())

    def open(self, sealed: bytes, context: str) -> bytes:
        try:
            return self._cipher.decrypt(sealed[:NONCE], sealed[NONCE:], context.encode())
        except InvalidTag:
            raise Unreadable(context) from None

    def ref(self, *parts: str) -> str:
        """An opaque, stable id for something of this citizen (16 bytes, hex)."""
        return _hash(self._key, "\x1f".join(parts))[:32]


def new_id() -> str:
    """128 random bits, hex: ids of persons, comments and the like."""
    return secrets.token_hex(16)


def sealed_by(line: str) -> bytes:
    """The label of the key that sealed this (hex)."""
    return bytes.fromhex(line[: 2 * LABEL])


def token_hash(token: str) -> str:
    """How a bearer token (session, feed) is stored: SHA-256 of 256 random bits needs no salt."""
    return hashlib.sha256(token.encode()).hexdigest()


def _label(key: bytes) -> bytes:
    return hashlib.sha256(b"label" + key).digest()[:LABEL]


def _derive(key: bytes, use: bytes) -> bytes:
    return hmac.new(key, b"familieoverblik " + use, hashlib.sha256).digest()


def _hash(key: bytes, value: str) -> str:
    return hmac.digest(key, value.encode(), "sha256").hex()
