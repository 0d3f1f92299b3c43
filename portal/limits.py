"""How often one may ask: per person, so that a school's shared address harms nobody."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import session
from limits import RateLimitItem, parse
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter
from werkzeug.exceptions import TooManyRequests

from portal.gate import portal

View = TypeVar("View", bound=Callable[..., Any])

MINUTE = 60
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
    """Counts in memory, or in Redis when several workers share one."""

    def __init__(self, cache: str) -> None:
        self._here = MovingWindowRateLimiter(storage_from_string("memory://"))
        shared = None if cache.startswith("memory") else storage_from_string(cache)
        self._shared = MovingWindowRateLimiter(shared) if shared else self._here
        self._troubles = shared.base_exceptions if shared else ()

    def allows(self, what: str, who: str) -> bool:
        """Counted here alone while the shared store does not answer."""
        try:
            return self._shared.hit(LIMITS[what], what, who)
        except self._troubles:
            return self._here.hit(LIMITS[what], what, who)


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
