"""How often one may ask: per person, so that a school's shared address harms nobody."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import session
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter
from werkzeug.exceptions import TooManyRequests

from portal.gate import portal
from portal.settings import Settings
from portal.telemetry import tell
from portal.valkey import Valkey, shared

View = TypeVar("View", bound=Callable[..., Any])

MINUTE = 60
HASH = 16
LIMITS: dict[str, RateLimitItem] = {
    "feed": parse("30/minute"),
    "look-up": parse("20/minute"),
    "comment": parse("20/minute"),
    "draft": parse("60/minute"),
    "report": parse("10/minute"),
    "search": parse("60/minute"),
    "consent": parse("60/minute"),
}


class Limiter:
    """Counts in memory, or in Valkey when several workers share one; who asks stands nowhere in it."""

    def __init__(self, settings: Settings) -> None:
        """Raises ConfigError."""
        self._tenant = settings.municipality
        self._secret = hmac.digest(settings.data_keys[0], b"portal.limits", "sha256")
        self._here = MovingWindowRateLimiter(MemoryStorage())
        self._valkey = Valkey(settings.cache) if shared(settings.cache) else None
        if self._valkey:
            storage = RedisStorage(settings.cache, connection_pool=self._valkey.pool)
            self._shared = MovingWindowRateLimiter(storage)

    def allows(self, what: str, who: str) -> bool:
        """Counted here alone while the shared store does not answer."""
        allowed = self._hit(what, who)
        if not allowed:
            tell().limited(what)
        return allowed

    def _hit(self, what: str, who: str) -> bool:
        item, whose = LIMITS[what], self._whose(who)

        def here() -> bool:
            return self._here.hit(item, whose, what)

        if self._valkey is None:
            return here()
        return self._valkey.ask(lambda: self._shared.hit(item, whose, what), here)

    def _whose(self, who: str) -> str:
        """What counts one person lies in one slot of a Valkey Cluster (the braces)."""
        hashed = hmac.digest(self._secret, who.encode(), "sha256")[:HASH].hex()
        return f"{{{self._tenant}:{hashed}}}"


def limited(what: str, by: Callable[[], str] | None = None) -> Callable[[View], View]:
    """Answer 429 with Retry-After when a person (or what `by` names) asks too often."""

    def wrap(view: View) -> View:
        @wraps(view)
        def inner(*args: Any, **values: Any) -> Any:
            account = None if by else getattr(session, "account", None)
            who = by() if by else account.subject if account else ""
            if who and not portal().limiter.allows(what, who):
                raise TooManyRequests(retry_after=MINUTE)
            return view(*args, **values)

        return inner  # type: ignore[return-value]

    return wrap
