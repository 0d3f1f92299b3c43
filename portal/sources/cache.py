"""The last good answers, encrypted, for minutes: what makes a second page cheap.

AES-256-GCM under a key derived from the first data key; looked up by a keyed
hash of (source, citizen), to which each value is bound. Raw answers only:
rules are applied after reading, so no consent is ever baked in.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import ParamSpec, Protocol, TypeVar, cast

import msgspec
import redis
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from portal.records import Answer
from portal.settings import ConfigError, Settings

P = ParamSpec("P")
T = TypeVar("T")
log = logging.getLogger(__name__)
NONCE = 12
MOST_BYTES = 64_000_000
PAUSE = 5.0
"""Seconds in which a store that failed is not asked."""


class Store(Protocol):
    """Bytes by key, forgotten after some seconds. A store may forget earlier; it never fails."""

    far: bool

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]: ...
    def put(self, key: bytes, value: bytes, seconds: float) -> None: ...


class Cache:
    """Answers by source and citizen."""

    def __init__(self, settings: Settings) -> None:
        self.store = open_store(settings.cache)
        first = settings.data_keys[0]
        self._index = hmac.digest(first, b"portal.sources.cache index", "sha256")
        self._cipher = AESGCM(hmac.digest(first, b"portal.sources.cache seal", "sha256"))
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(Answer)

    def read(self, sources: Sequence[str], citizen: str) -> dict[str, Answer]:
        """The kept answers, however old. One that cannot be read is as good as absent."""
        keys = [self.key(s, citizen) for s in sources]
        found = {}
        for source, key, sealed in zip(sources, keys, self.store.get_many(keys), strict=True):
            if sealed is not None and (answer := self._open(key, sealed)):
                found[source] = answer
        return found

    def keep(self, citizen: str, answer: Answer, seconds: float) -> None:
        """Keep one answer for at most `seconds`."""
        key = self.key(answer.source, citizen)
        nonce = secrets.token_bytes(NONCE)
        sealed = nonce + self._cipher.encrypt(nonce, self._encoder.encode(answer), key)
        self.store.put(key, sealed, seconds)

    async def on_loop(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`read` or `keep` without holding up the loop while a store far away answers."""
        if self.store.far:
            return await asyncio.to_thread(work, *args, **kwargs)
        return work(*args, **kwargs)

    def key(self, source: str, citizen: str) -> bytes:
        return hmac.digest(self._index, f"{source}\n{citizen}".encode(), "sha256")

    def _open(self, key: bytes, sealed: bytes) -> Answer | None:
        try:
            plain = self._cipher.decrypt(sealed[:NONCE], sealed[NONCE:], key)
            return self._decoder.decode(plain)
        except (InvalidTag, ValueError):
            return None


def open_store(url: str) -> Store:
    """`memory://` or `redis://`. Raises ConfigError."""
    scheme = url.partition("://")[0]
    if scheme == "memory":
        return Memory()
    if scheme in ("redis", "rediss"):
        return Redis(url)
    raise ConfigError("cache", f"'{scheme}' is not a cache", 'cache = "memory://"')


class Memory:
    """In this process, bounded in bytes; the oldest goes first."""

    far = False

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most, self._held = most_bytes, 0
        self.kept: OrderedDict[bytes, tuple[float, bytes]] = OrderedDict()
        self._lock = threading.Lock()

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        now = time.monotonic()
        with self._lock:
            found = [self.kept.get(k) for k in keys]
        return [kept[1] if kept and kept[0] > now else None for kept in found]

    def put(self, key: bytes, value: bytes, seconds: float) -> None:
        now = time.monotonic()
        with self._lock:
            self._drop(key)
            self.kept[key] = (now + seconds, value)
            self._held += len(value)
            while self.kept and (self._held > self._most or self._oldest_is_over(now)):
                self._drop(next(iter(self.kept)))

    def _oldest_is_over(self, now: float) -> bool:
        return next(iter(self.kept.values()))[0] <= now

    def _drop(self, key: bytes) -> None:
        if old := self.kept.pop(key, None):
            self._held -= len(old[1])


class Redis:
    """Redis or Valkey, shared by workers. Down, it is an empty cache that is left in peace."""

    far = True

    def __init__(self, url: str) -> None:
        try:
            self._client = redis.Redis.from_url(url, socket_timeout=0.2, socket_connect_timeout=0.2)
        except ValueError:
            raise ConfigError(
                "cache", "is not a redis address", "redis://127.0.0.1:6379/0"
            ) from None
        self._not_before = 0.0

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        nothing: list[bytes | None] = [None] * len(keys)
        if not keys or time.monotonic() < self._not_before:
            return nothing
        try:
            return cast("list[bytes | None]", self._client.mget(keys))
        except (redis.RedisError, OSError) as e:
            self._pause(e)
            return nothing

    def put(self, key: bytes, value: bytes, seconds: float) -> None:
        if time.monotonic() < self._not_before:
            return
        try:
            self._client.set(key, value, px=max(1, int(seconds * 1000)))
        except (redis.RedisError, OSError) as e:
            self._pause(e)

    def _pause(self, error: Exception) -> None:
        self._not_before = time.monotonic() + PAUSE
        log.warning("the cache does not answer: %s", type(error).__name__)
