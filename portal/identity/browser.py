"""`flask.session` on top of the sessions: the cookie, read when first needed, saved when changed.

A visitor who is not logged in gets no row and no cookie: what is put into
such a session is forgotten with the request.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from flask import Flask, Request, Response, session
from flask.sessions import SessionInterface, SessionMixin
from werkzeug.wrappers import Response as Answer

from portal.identity.session import Account, Session, Sessions
from portal.settings import Settings


def cookie_name(settings: Settings, name: str) -> str:
    """`__Host-name` over https; over loopback http the bare name."""
    return f"__Host-{name}" if settings.secure else name


def set_cookie(
    response: Answer, settings: Settings, name: str, value: str, max_age: int | None = None
) -> None:
    """A cookie for this host only, unreadable to scripts; no value deletes it."""
    response.set_cookie(
        cookie_name(settings, name),
        value,
        max_age=max_age if value else 0,
        expires=None if value else 0,
        path="/",
        secure=settings.secure,
        httponly=True,
        samesite="Lax",
    )


class BrowserSession(SessionMixin):
    """What this browser's session holds. Raises StoreDown where it is first read."""

    def __init__(self, sessions: Sessions, token: str, *, used: bool = True) -> None:
        self.token = token
        self._used = used
        self.cookie: str | None = None
        """What the browser is to be told: a new token, "" to forget, None for nothing."""
        self._sessions = sessions
        self._loaded = not token
        self._found: Session | None = None
        self._data: dict[str, Any] = {}
        self._touched: set[str] = set()
        self._whole = False

    @property
    def modified(self) -> bool:
        """Whether anything is to be saved. Set True after changing a value from within."""
        return self._whole or bool(self._touched)

    @modified.setter
    def modified(self, value: bool) -> None:
        self._whole = value
        if not value:
            self._touched.clear()

    @property
    def account(self) -> Account | None:
        """Who is logged in in this browser."""
        found = self._now()
        return found.account if found else None

    @property
    def stored(self) -> Session | None:
        """The whole stored session, for logging out and for renewing it."""
        return self._now()

    def become(self, token: str) -> None:
        """From now on this browser has the session of `token`, and nothing of an earlier one."""
        self.token = self.cookie = token
        self._loaded, self._found, self._data = False, None, {}
        self.modified = False

    def leave(self) -> None:
        """Nobody is logged in here any more. (Ending the row is the caller's.)"""
        self.become("")
        self._loaded = True

    def save(self) -> None:
        """Write what this request changed. A session that ended meanwhile stays ended."""
        if not self._found or not self.modified:
            return
        names = set(self._data) if self._whole else self._touched & set(self._data)
        values = {name: self._data[name] for name in names}
        if not self._sessions.change(self.token, values, self._touched - set(self._data)):
            self.cookie = ""

    def __getitem__(self, name: str) -> Any:
        self._now()
        return self._data[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._now()
        self._data[name] = value
        self._touched.add(name)

    def __delitem__(self, name: str) -> None:
        self._now()
        del self._data[name]
        self._touched.add(name)

    def __iter__(self) -> Iterator[str]:
        self._now()
        return iter(dict(self._data))

    def __len__(self) -> int:
        self._now()
        return len(self._data)

    def _now(self) -> Session | None:
        if not self._loaded:
            self._found = self._sessions.load(self.token, used=self._used)
            self._loaded = True
            if self._found:
                self._data = dict(self._found.data)
            elif self.cookie is None:
                self.cookie = ""
        return self._found


class Interface(SessionInterface):
    """Set as `app.session_interface`."""

    def __init__(self, settings: Settings, sessions: Sessions) -> None:
        self._settings, self._sessions = settings, sessions

    def open_session(self, app: Flask, request: Request) -> BrowserSession:
        name = cookie_name(self._settings, "session")
        alone = request.path.startswith("/del/")  # what a page fetches by itself is no use
        return BrowserSession(self._sessions, request.cookies.get(name, ""), used=not alone)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        browser = cast(BrowserSession, session)
        browser.save()
        if browser.accessed:
            response.vary.add("Cookie")
        if browser.cookie is not None:
            set_cookie(response, self._settings, "session", browser.cookie)


def current() -> BrowserSession:
    """The session of the request being answered."""
    return cast(BrowserSession, session._get_current_object())  # type: ignore[attr-defined]
