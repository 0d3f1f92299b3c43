"""A copied cookie after the end of its session: refused by every worker, whatever ended it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from hostile_provider import Provider
from proving import dice, times
from sign_in_app import make_app, make_settings, who

from portal import db
from portal.identity.arrival import Arrival
from portal.identity.session import Session, Sessions

pytest_plugins = ("sign_in_fixtures",)
SAMPLE, PROOF = 40, 1_000
METTE = "1" * 32


@pytest.fixture
def workers(hostile: Provider, door_app: Flask, tmp_path: Path) -> tuple[Flask, Flask]:
    """Two workers over one database."""
    return door_app, make_app(make_settings(tmp_path, hostile.issuer))


def inside(app: Flask, token: str) -> bool:
    browser = app.test_client()
    browser.set_cookie("session", token)
    return who(browser) is not None


def by_logging_out(app: Flask, token: str, _: Session, __: Provider) -> None:
    browser = app.test_client()
    browser.set_cookie("session", token)
    assert browser.post("/log-ud").status_code == 303


def by_back_channel(app: Flask, _: str, kept: Session, hostile: Provider) -> None:
    said = {"logout_token": hostile.logout_token(sub=kept.account.first_name, sid=None)}
    assert app.test_client().post("/log-ind/bagkanal", data=said).status_code == 200


def by_its_owner(app: Flask, _: str, kept: Session, __: Provider) -> None:
    assert app.extensions["portal"].sessions.end_own(kept.account, kept.account.session)


def by_the_operator(app: Flask, _: str, __: Session, ___: Provider) -> None:
    assert app.extensions["portal"].sessions.end_person(METTE) == 1


@pytest.mark.proof
@pytest.mark.parametrize("end", [by_logging_out, by_back_channel, by_its_owner, by_the_operator])
def test_a_replayed_cookie_is_refused(
    workers: tuple[Flask, Flask],
    hostile: Provider,
    record_property: Callable[[str, object], None],
    end: Callable[[Flask, str, Session, Provider], None],
) -> None:
    chance, refused, rounds = dice(end.__name__), 0, times(SAMPLE, PROOF)
    for n in range(rounds):
        ends, other = chance.sample(workers, 2)
        token = made(ends, hostile, n)
        assert inside(ends, token) and inside(other, token), "else it proves nothing"
        kept = ends.extensions["portal"].sessions.load(token)
        end(ends, token, kept, hostile)
        refused += not inside(other, token) and not inside(ends, token)
    record_property("figure", f"{refused} of {rounds} refused by both workers")
    assert refused == rounds


@pytest.mark.proof
@pytest.mark.parametrize("seconds", [30 * 60, 12 * 3600])
def test_a_cookie_past_its_time_is_refused(
    workers: tuple[Flask, Flask],
    hostile: Provider,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
    seconds: int,
) -> None:
    rounds = times(SAMPLE, PROOF)
    tokens = [made(workers[0], hostile, n) for n in range(rounds)]
    moved = lambda: db.now() + timedelta(seconds=seconds)  # noqa: E731
    monkeypatch.setattr("portal.identity.session.now", moved)
    refused = sum(not inside(workers[n % 2], t) for n, t in enumerate(tokens))
    record_property("figure", f"{refused} of {rounds} refused")
    assert refused == rounds


def made(app: Flask, hostile: Provider, n: int) -> str:
    """A session as a login leaves it."""
    sessions: Sessions = app.extensions["portal"].sessions
    arrival = Arrival(
        door="citizen",
        issuer=hostile.issuer,
        subject=f"sub-{n}",
        provider_session=f"sid-{n}",
        auth_time=int(db.now().timestamp()),
        person_system="",
        person="",
    )
    return sessions.create(arrival, person=METTE, name="Mette", first_name=f"sub-{n}")
