"""Who may call which address: every view declares its audience, and a view that forgets is closed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

from flask import current_app

if TYPE_CHECKING:
    from portal import Portal

Audience = Literal["anyone", "citizen", "staff", "logged-in"]
View = TypeVar("View", bound=Callable[..., Any])


def audience(who: Audience) -> Callable[[View], View]:
    """Declare who may call a view; without it the gate answers 404 and a test fails."""

    def mark(view: View) -> View:
        view.audience = who  # type: ignore[attr-defined]
        return view

    return mark


def portal() -> Portal:
    """The services of this app, as joined in create_app."""
    return cast("Portal", current_app.extensions["portal"])
