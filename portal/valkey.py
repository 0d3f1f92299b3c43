"""The store that workers share for moments (Redis or Valkey): never waited for, and left alone while it is down."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from portal.settings import ConfigError

T = TypeVar("T")
log = logging.getLogger(__name__)
SCHEMES = ("redis", "rediss")
SECONDS = 0.2
"""How long one waits for it: whatever it knows, somebody else knows better, only later."""
PAUSE = 5.0
"""Seconds in which a store that failed is not asked."""


class Valkey:
    """One server's connections, and whether it is worth asking."""

    def __init__(self, url: str) -> None:
        """Raises ConfigError."""
        try:
            self.pool = redis.ConnectionPool.from_url(
                url,
                socket_timeout=SECONDS,
                socket_connect_timeout=SECONDS,
                # a connection from before its restart is tried anew, but nothing is waited for twice
                retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
            )
        except ValueError:
            raise ConfigError(
                "cache", "is not a redis address", "redis://127.0.0.1:6379/0"
            ) from None
        self.client = redis.Redis.from_pool(self.pool)
        self._not_before = 0.0

    def ask(self, work: Callable[[], T], otherwise: Callable[[], T]) -> T:
        """What it says; `otherwise` while it does not answer."""
        if time.monotonic() < self._not_before:
            return otherwise()
        try:
            return work()
        except (redis.RedisError, OSError) as e:
            self._not_before = time.monotonic() + PAUSE
            log.warning("the cache does not answer: %s", type(e).__name__)
            return otherwise()


def shared(url: str) -> bool:
    """Whether this address is of a store outside the process."""
    return url.partition("://")[0] in SCHEMES
