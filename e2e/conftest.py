"""Fixtures: one browser and one world per worker, and visitors at phones and desktops."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from playwright.sync_api import Browser, ViewportSize

from e2e import in_order, manner
from e2e.browser import INSTALL, find
from e2e.visitor import Visitor
from e2e.world import Surroundings, World, running_world, surroundings
from mitid_stub.rehearsal import answer_login

PHONE = ViewportSize(width=360, height=780)
DESKTOP = ViewportSize(width=1280, height=900)
PICTURES = Path(__file__).parent.parent / "docs" / "pictures"


class Visit(Protocol):
    """Makes visitors: `visit("mette")` is logged in already, `visit()` is nobody yet."""

    def __call__(
        self, persona: str = "", *, wide: bool = False, scripts: bool = True, **context: Any
    ) -> Visitor: ...


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--screenshots", action="store_true", help="write docs/pictures/*.png")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    wanted = config.getoption("--screenshots")
    return True if collection_path.name == "test_pictures.py" and not wanted else None


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """How the browser is started; it is found as `e2e/browser.py` says."""
    path = find()
    if path is None:
        pytest.exit(f"No Chromium. Set PORTAL_BROWSER, or run as root: {INSTALL}", returncode=1)
    return {"executable_path": path, "args": ["--no-sandbox", "--disable-dev-shm-usage"]}


@pytest.fixture(scope="session", autouse=True)
def one_memory(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What axe has seen in one worker, the other does not show it again."""
    in_order.share(tmp_path_factory.getbasetemp())


@pytest.fixture(autouse=True)
def in_this_manner(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every journey with a finger, by keyboard, without scripts or mirrored (`e2e/manner.py`)."""
    manner.choose(monkeypatch)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The world that the journeys of one worker share."""
    with running_world(tmp_path_factory.mktemp("world")) as found:
        yield found


@pytest.fixture(scope="session")
def around(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Surroundings]:
    """Where portals of one journey or one file alone open, one after another."""
    with surroundings(tmp_path_factory.mktemp("around")) as found:
        yield found


@pytest.fixture
def own_world(around: Surroundings, tmp_path: Path) -> Iterator[World]:
    """A portal for one journey alone: for faults, which must not meet what is cached already."""
    with around.portal(tmp_path) as found:
        yield found
        assert not found.trouble()


@pytest.fixture(scope="session")
def states() -> dict[str, Any]:
    """Who is logged in already in the shared world: persona -> the browser's storage."""
    return {}


@pytest.fixture
def visit(browser: Browser, world: World, states: dict[str, Any]) -> Iterator[Visit]:
    """Visitors of the shared world; when the journey ends, each page they met was in order."""
    met: list[Visitor] = []
    yield visits(browser, world, states, met)
    for visitor in met:
        visitor.leave()
    assert not world.trouble()


@pytest.fixture(scope="session")
def abroad(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world for other languages: an account remembers its language, and others read Danish."""
    with running_world(tmp_path_factory.mktemp("abroad")) as found:
        yield found


@pytest.fixture(scope="session")
def states_abroad() -> dict[str, Any]:
    """As `states`, of the people abroad."""
    return {}


@pytest.fixture
def visit_abroad(browser: Browser, abroad: World, states_abroad: dict[str, Any]) -> Iterator[Visit]:
    """As `visit`, abroad."""
    met: list[Visitor] = []
    yield visits(browser, abroad, states_abroad, met)
    for visitor in met:
        visitor.leave()
    assert not abroad.trouble()


@pytest.fixture
def visit_own(browser: Browser, own_world: World) -> Iterator[Visit]:
    """As `visit`, in the journey's own world."""
    met: list[Visitor] = []
    yield visits(browser, own_world, {}, met)
    for visitor in met:
        visitor.leave()


def visits(browser: Browser, world: World, states: dict[str, Any], met: list[Visitor]) -> Visit:
    def visit(
        persona: str = "", *, wide: bool = False, scripts: bool = True, **context: Any
    ) -> Visitor:
        if persona and persona not in states:
            states[persona] = _state(browser, world, persona)
        visitor = _visitor(
            browser,
            world,
            wide=wide,
            scripts=scripts,
            persona=persona,
            keep=lambda state: states.update({persona: state}),
            storage_state=states.get(persona),
            **context,
        )
        met.append(visitor)
        return visitor

    return visit


def _state(browser: Browser, world: World, persona: str) -> Any:
    """A login as the provider's own page would send it; the pages on the way have journeys of their own."""
    context = browser.new_context(locale="da-DK")
    door = world.portal + world.door(persona)
    away = context.request.get(door, max_redirects=0)
    back = answer_login(away.headers["location"], persona)
    came = context.request.get(back, max_redirects=0)
    assert came.status == 302, came.text()
    state = context.storage_state()
    context.close()
    return state


def _visitor(
    browser: Browser,
    world: World,
    *,
    wide: bool = False,
    scripts: bool = True,
    persona: str = "",
    keep: Callable[[Any], None] = lambda state: None,
    **context: Any,
) -> Visitor:
    scripts = manner.of_context(scripts)
    made = browser.new_context(
        viewport=DESKTOP if wide else PHONE,
        is_mobile=not wide,
        has_touch=not wide,
        java_script_enabled=scripts,
        **{
            "locale": "da-DK",
            "timezone_id": "Europe/Copenhagen",
            "reduced_motion": "reduce",
            **context,
        },
    )
    manner.mirror(made)
    return Visitor(made, world, scripts=scripts, persona=persona, keep=keep)


@pytest.fixture
def picture(request: pytest.FixtureRequest) -> Callable[[Visitor, str], None]:
    """Writes what a visitor sees now to docs/pictures."""

    def take(visitor: Visitor, name: str) -> None:
        PICTURES.mkdir(parents=True, exist_ok=True)
        visitor.page.screenshot(path=PICTURES / f"{name}.png")

    return take
