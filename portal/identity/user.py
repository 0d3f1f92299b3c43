"""Flask-Login's view of the session, for extensions that ask `current_user`.

Our own code passes accounts explicitly. The manager is attached without its
after-request hook, which would read the session on every answer for a
remember-me cookie that the portal does not have.
"""

from __future__ import annotations

from flask import Flask, Request
from flask_login import LoginManager, UserMixin

from portal.identity.browser import current
from portal.identity.session import Account


class User(UserMixin):  # type: ignore[misc]
    """An account in Flask-Login's shape."""

    def __init__(self, account: Account) -> None:
        self.id = account.subject
        self.account = account


def install(app: Flask) -> None:
    """Attach Flask-Login; its own session handling stays unused."""
    manager = LoginManager()
    manager.session_protection = None
    manager.request_loader(_user)
    app.login_manager = manager  # type: ignore[attr-defined]


def _user(_request: Request) -> User | None:
    account = current().account
    return User(account) if account else None
