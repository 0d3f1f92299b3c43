"""How often one may ask: per person and session tightly, per address so that a school's shared one harms nobody."""

from __future__ import annotations

import hmac
import threading
import time
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import Flask, request, session
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage, RedisStorage, Storage
from limits.strategies import (
    MovingWindowRateLimiter,
    RateLimiter,
    SlidingWindowCounterRateLimiter,
)
from werkzeug.exceptions import TooManyRequests

from portal.addresses import household
from portal.gate import NO_SESSION, kept_draft, portal
from portal.settings import Settings
from portal.telemetry import tell
from portal.valkey import Valkey, shared

View = TypeVar("View", bound=Callable[..., Any])

MINUTE = 60
HASH = 16
LIMITS: dict[str, RateLimitItem] = {
    "look-up": parse("20/minute"),
    "comment": parse("20/minute"),
    "draft": parse("60/minute"),
    "report": parse("10/minute"),
    "search": parse("60/minute"),
    "consent": parse("60/minute"),
    "export": parse("300/minute"),
    "feed": parse("30/minute"),
    "page": parse("6000/minute"),
    "door": parse("1200/minute"),
    "visit": parse("6000/minute"),
}
"""Per person; but `feed` per link, `page` per session, and per address `door` and `visit`."""
WIDE = 1000
"""From here on two counters stand for a window, instead of every moment in it."""
BY_ONE_WORKER = frozenset({"page"})
"""Counted where it happens: asking others would cost more than what is counted."""
NEVER = frozenset({"pages.healthz", "pages.readyz"})


class Limiter:
    """Counts in memory, or in Valkey when several workers share one; who asks stands nowhere in it."""

    def __init__(self, settings: Settings) -> None:
        """Raises ConfigError."""
        self._tenant = settings.municipality
        self._secret = hmac.digest(settings.data_keys[0], b"portal.limits", "sha256")
        self._here = _counters(MemoryStorage())
        self._one_at_a_time = (
            threading.Lock()
        )  # limits 5.8 tidies up on a thread that two could start
        self._valkey = Valkey(settings.cache) if shared(settings.cache) else None
        if self._valkey:
            storage = RedisStorage(settings.cache, connection_pool=self._valkey.pool)
            self._shared = _counters(storage)

    def allows(self, what: str, who: str) -> bool:
        """Counted here alone while the shared store does not answer."""
        allowed = self._hit(what, who)
        if not allowed:
            tell().limited(what)
        return allowed

    def _hit(self, what: str, who: str) -> bool:
        item, whose = LIMITS[what], self._whose(who)
        wide = item.amount >= WIDE

        def here() -> bool:
            with self._one_at_a_time:
                return self._here[wide].hit(item, whose, what)

        if self._valkey is None or what in BY_ONE_WORKER:
            return here()
        return self._valkey.ask(lambda: self._shared[wide].hit(item, whose, what), here)

    def wait(self, what: str, who: str) -> int:
        """Seconds until there is room again, as far as is known; a minute when it is not."""
        item, whose = LIMITS[what], self._whose(who)
        wide = item.amount >= WIDE

        def left(counters: dict[bool, RateLimiter]) -> int:
            until = counters[wide].get_window_stats(item, whose, what).reset_time
            return max(1, min(MINUTE, round(until - time.time() + 0.5)))

        def here() -> int:
            with self._one_at_a_time:
                return left(self._here)

        if self._valkey is None or what in BY_ONE_WORKER:
            return here()
        return self._valkey.ask(lambda: left(self._shared), here)

    def _whose(self, who: str) -> str:
        """What counts one person lies in one slot of a Valkey Cluster (the braces)."""
        hashed = hmac.digest(self._secret, who.encode(), "sha256")[:HASH].hex()
        return f"{{{self._tenant}:{hashed}}}"


def _counters(storage: Storage) -> dict[bool, RateLimiter]:
    """For narrow limits, and for wide ones."""
    return {
        False: MovingWindowRateLimiter(storage),
        True: SlidingWindowCounterRateLimiter(storage),
    }


def person() -> str:
    """Who is logged in here; nobody is limited by this when nobody is."""
    account = getattr(session, "account", None)
    return account.subject if account else ""


def address() -> str:
    """Where a request comes from: a household's, a school's, a provider's."""
    return household(request.remote_addr or "") or "a socket file"


def limited(what: str, by: Callable[[], str] = person) -> Callable[[View], View]:
    """Answer 429 with Retry-After when whoever `by` names ("": nobody) asks too often."""

    def wrap(view: View) -> View:
        @wraps(view)
        def inner(*args: Any, **values: Any) -> Any:
            hold_back(what, by())
            return view(*args, **values)

        return inner  # type: ignore[return-value]

    return wrap


def guard(app: Flask) -> None:
    """Before the gate, every request counts: for its session, or for its address when it has none."""

    @app.before_request
    def count() -> None:
        if request.endpoint in NEVER:
            return
        account = None if request.endpoint in NO_SESSION else getattr(session, "account", None)
        if account:
            hold_back("page", account.session)
        else:
            hold_back("visit", address())


def hold_back(what: str, who: str) -> None:
    """Count one; raises TooManyRequests. A text that was written is kept for its writer."""
    limiter = portal().limiter
    if not who or limiter.allows(what, who):
        return
    kept = request.method == "POST" and kept_draft()
    raise TooManyRequests("hasty" if kept else None, retry_after=limiter.wait(what, who))
