"""A municipality that lives on after its backup, on either database; and a place to put it back."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import insert

from portal import operators
from portal.access import Viewer
from portal.checkpoints import Checkpoints
from portal.cli import main
from portal.comments import Detail
from portal.config import load
from portal.crypto import new_id
from portal.db import now
from portal.family import Household
from portal.feeds import Feeds
from portal.models import feed, session
from portal.reports import Detail as Wrong
from portal.reports import Reports
from portal.settings import Settings
from tests.store_world import OWNER, PEOPLE, Shop, open_shop, proposal, who, write_settings

if TYPE_CHECKING:
    from tests.store_fixtures import Server

ERASED, STRANGER = "0404169004", "0505889005"
"""A child whose data is erased after the backup; an adult the portal had not met before it."""
TEXT = "Hun sagde det til mig"


@dataclass(frozen=True)
class Lived:
    """What the family did before the backup, and takes back after it."""

    home: Household
    erased: str
    comments: tuple[str, str]
    feeds: tuple[str, str]
    report: str


def live(shop: Shop) -> Lived:
    """Two places with a joint yes each, two comments, two links, a report, somebody logged in."""
    home, other = shop.household(), shop.household(ERASED)
    mette, jonas = who(home)
    for actor in ("skole", "familie"):
        for parent in (mette, jonas):
            shop.consents.grant(home, parent.id, proposal(home, 0, actor), TEXT, "da")
    shop.consents.grant(other, mette.id, proposal(other, 0), TEXT, "da")
    viewer, child = Viewer(person=mette.id), home.citizen.id
    comments = tuple(
        shop.comments.write(child, viewer, "", Detail(author=mette.id, text=text))
        for text in (TEXT, "Den bliver")
    )
    links = (new_id(), new_id())
    with shop.store.write(child, mette.id) as c:
        for link in links:
            row = {"tenant": shop.settings.municipality, "id": link, "created": now()}
            c.execute(insert(feed).values(**row, token=link, person=mette.id, citizen=child))
        seat = {"token": "s", "person": mette.id, "issuer_subject": "x", "data": b"", "used": now()}
        c.execute(insert(session).values(**row, **seat))
    sent = Reports(shop.settings, shop.store, shop.family)
    report = sent.send(viewer, child, "skole", "", Wrong(kind="forkert", text=TEXT))
    return Lived(home, other.citizen.id, (comments[0], comments[1]), links, report)


def take_back(shop: Shop, lived: Lived, patch: pytest.MonkeyPatch) -> None:
    """Everything that is a no, by the ways people have to say it."""
    home, child = lived.home, lived.home.citizen.id
    mette, _ = who(home)
    viewer = Viewer(person=mette.id)
    shop.consents.withdraw(child, mette.id, "skole", True)
    seen = shop.consents.row(home, mette.id, "familie").version
    shop.consents.grant(home, mette.id, proposal(home, seen, "familie"), "mindre", "da")
    shop.comments.correct(child, viewer, lived.comments[0], None)
    Reports(shop.settings, shop.store, shop.family).close(viewer, child, lived.report)
    Feeds(shop.settings, shop.store, shop.family, None).close(viewer, lived.feeds[0])  # type: ignore[arg-type]
    patch.setattr(operators, "join", lambda _: shop)
    for adult in (PEOPLE[1], STRANGER):
        done = portal(shop.settings, "access", "close", input=f"{adult}\n{PEOPLE[2]}\n")
        assert done.exit_code == 0, done.output
    done = portal(shop.settings, "citizen", "erase", "--as", "-", "--yes", input=ERASED)
    assert done.exit_code == 0, done.output
    Checkpoints(shop.settings, shop.store).make()


def portal(settings: Settings, *arguments: str, input: str = "") -> Result:
    """A command as an operator says it; never a traceback."""
    file = settings.path(f"portal-{settings.municipality}.toml")
    config = ("--config", str(file))
    done = CliRunner().invoke(main, [*config, *arguments], env=settings.environ, input=input)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def backup(settings: Settings, *arguments: str) -> Path:
    """Where it lies."""
    done = portal(settings, "backup", *arguments)
    assert done.exit_code == 0, done.output
    found = re.match(r"(.*\.backup): \d+ bytes", done.output)
    assert found, done.output
    return Path(found[1])


BESIDE = """
[audit]
checkpoints = "{checkpoints}"
key = "{key}"

[consents]
journal = "{journal}"
"""


class Elsewhere:
    """Makes new, empty databases for the same municipality, its keys, journal and checkpoints."""

    def __init__(self, request: pytest.FixtureRequest, folder: Path) -> None:
        self._request, self._folder, self._count = request, folder, 0
        self.shops: list[Shop] = []

    def settings(self, like: Settings, engine: str) -> Settings:
        """On another machine, so to say: only journal and checkpoints are where they were."""
        self._count += 1
        folder = self._folder / f"again{self._count}"
        folder.mkdir()
        environ = {k: v for k, v in like.environ.items() if k.startswith("PORTAL_")}
        database = "sqlite:///again.db"
        environ.pop(OWNER, None)
        if engine != "sqlite":
            server: Server = self._request.getfixturevalue("postgresql")
            name = server.database()
            environ[OWNER], database = server.url("ejer", name), server.url("portal", name)
        made = write_settings(folder, database, environ, like.municipality)
        with Path(made.file).open("a") as file:
            beside = {
                "checkpoints": like.audit.checkpoints,
                "key": like.audit.key,
                "journal": like.consents.journal,
            }
            file.write(BESIDE.format(**{k: like.path(v).resolve() for k, v in beside.items()}))
        return load(Path(made.file), made.environ)

    def close(self) -> None:
        for shop in self.shops:
            shop.store.engine.dispose()

    def shop(self, settings: Settings) -> Shop:
        self.shops.append(open_shop(settings))
        return self.shops[-1]
