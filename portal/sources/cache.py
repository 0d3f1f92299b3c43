"""The last good answers, encrypted, for minutes: what makes a second page cheap.

AES-256-GCM under a key derived from the first data key; looked up by municipality
and keyed hashes of citizen and source; each value is bound to these and to the configuration of
sources, places and kinds that it was read with. What belongs
to one citizen lies together (the braces: one slot of a Valkey Cluster). Raw answers
only: rules are applied after reading, so no consent is ever baked in.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Protocol, cast

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from portal.records import Answer
from portal.settings import ConfigError, Settings
from portal.valkey import Valkey, shared

NONCE = 12
HASH = 16
MOST_BYTES = 64_000_000


class Store(Protocol):
    """Bytes by key, forgotten after some seconds. A store may forget earlier; it never fails."""

    far: bool

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]: ...
    def put(self, values: Mapping[bytes, tuple[bytes, float]]) -> None: ...


class Cache:
    """Answers by source and citizen."""

    def __init__(self, settings: Settings) -> None:
        self.store = open_store(settings.cache)
        self._tenant = settings.municipality
        first = settings.data_keys[0]
        self._index = hmac.digest(first, b"portal.sources.cache index", "sha256")
        self._cipher = AESGCM(hmac.digest(first, b"portal.sources.cache seal", "sha256"))
        told_by = msgspec.json.encode((settings.source, settings.actor, settings.kind))
        self._rules = hashlib.sha256(told_by).digest()
        """What an answer says of owners and kinds holds under the configuration it was read with."""
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(Answer)
        self.after_fork()

    def after_fork(self) -> None:
        """What waits to be kept in the parent is kept by the parent."""
        self._waiting: dict[bytes, tuple[bytes, float]] = {}
        self._sending = asyncio.Lock()

    def read(self, sources: Sequence[str], citizen: str) -> dict[str, Answer]:
        """The kept answers, however old. One that cannot be read is as good as absent."""
        keys = self.keys(sources, citizen)
        found = {}
        for source, key, sealed in zip(sources, keys, self.store.get_many(keys), strict=True):
            if sealed is not None and (answer := self._open(key, sealed)):
                found[source] = answer
        return found

    def keep(self, citizen: str, answer: Answer, seconds: float) -> None:
        """Keep one answer for at most `seconds`."""
        key, sealed = self._seal(citizen, answer)
        self.store.put({key: (sealed, seconds)})

    async def read_on_loop(self, sources: Sequence[str], citizen: str) -> dict[str, Answer]:
        """`read` without holding up the loop while a store far away answers."""
        if self.store.far:
            return await asyncio.to_thread(self.read, sources, citizen)
        return self.read(sources, citizen)

    async def keep_on_loop(self, citizen: str, answer: Answer, seconds: float) -> None:
        """`keep` likewise; kept when it returns. What comes while others are on their way goes together."""
        key, sealed = self._seal(citizen, answer)
        if not self.store.far:
            self.store.put({key: (sealed, seconds)})
            return
        self._waiting[key] = (sealed, seconds)
        async with self._sending:
            if key in self._waiting:  # nobody has taken it along meanwhile
                together, self._waiting = self._waiting, {}
                await asyncio.to_thread(self.store.put, together)

    def keys(self, sources: Sequence[str], citizen: str) -> list[bytes]:
        """Where each source's answer about this citizen lies."""
        whose = f"answer:{{{self._tenant}:{self._hash(citizen)}}}:"
        return [(whose + self._hash(f"{s}\n{citizen}")).encode() for s in sources]

    def _hash(self, value: str) -> str:
        return hmac.digest(self._index, value.encode(), "sha256")[:HASH].hex()

    def _seal(self, citizen: str, answer: Answer) -> tuple[bytes, bytes]:
        (key,) = self.keys([answer.source], citizen)
        nonce = secrets.token_bytes(NONCE)
        return key, nonce + self._cipher.encrypt(
            nonce, self._encoder.encode(answer), key + self._rules
        )

    def _open(self, key: bytes, sealed: bytes) -> Answer | None:
        try:
            plain = self._cipher.decrypt(sealed[:NONCE], sealed[NONCE:], key + self._rules)
            return self._decoder.decode(plain)
        except (InvalidTag, ValueError):
            return None


def open_store(url: str) -> Store:
    """`memory://` or `redis://`. Raises ConfigError."""
    if shared(url):
        return Redis(url)
    scheme = url.partition("://")[0]
    if scheme == "memory":
        return Memory()
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

    def put(self, values: Mapping[bytes, tuple[bytes, float]]) -> None:
        now = time.monotonic()
        with self._lock:
            for key, (value, seconds) in values.items():
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
        self._valkey = Valkey(url)

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        nothing: list[bytes | None] = [None] * len(keys)
        if not keys:
            return nothing
        found = self._valkey.ask(lambda: self._valkey.client.mget(keys), lambda: nothing)
        return cast("list[bytes | None]", found)

    def put(self, values: Mapping[bytes, tuple[bytes, float]]) -> None:
        def work() -> None:
            with self._valkey.client.pipeline(transaction=False) as together:
                for key, (value, seconds) in values.items():
                    together.set(key, value, px=max(1, int(seconds * 1000)))
                together.execute()

        self._valkey.ask(work, lambda: None)
