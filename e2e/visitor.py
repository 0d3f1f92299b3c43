"""One person at one browser: walks through pages, and complains about each that is not in order.

Every page met is looked at: no error in the console, nothing fetched from
elsewhere, one heading, a title, a language, no sideways scrolling, and axe
finds nothing. What a page may not do, no journey has to remember to check.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    BrowserContext,
    ConsoleMessage,
    Download,
    Frame,
    Locator,
    Page,
    Request,
    Response,
    expect,
)
from playwright.sync_api import Error as PlaywrightError

from e2e import in_order, manner
from e2e.world import World

AXE = Axe()
AXE_OPTIONS: dict[str, Any] = {"resultTypes": ["violations"]}
WITHOUT_COLOURS: dict[str, Any] = AXE_OPTIONS | {"rules": {"color-contrast": {"enabled": False}}}
"""Half the time: where only the words are others, and the second engine measures at AAA."""
BUILD = """() => {
    const build = (e) => {
        const marks = [...e.attributes].map((a) =>
            /^(class|role|aria-|type|hidden|tabindex|disabled|open|lang|dir)/.test(a.name)
                ? `${a.name}=${/^aria-(label|describedby|controls)/.test(a.name) ? !!a.value : a.value}`
                : a.name);
        const text = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
        const inner = [...e.children].map(build).filter((b, i, all) => b !== all[i - 1]);
        return `${e.tagName} ${marks.join(" ")} ${text}(${inner.join("")})`;
    };
    return `${innerWidth} ${matchMedia("(prefers-color-scheme: dark)").matches} `
        + build(document.documentElement);
}"""
"""How a page is built: elements, classes and roles, without words and repeated neighbours."""
ALL_ANSWERED = 60_000
AGAIN = "/log-ind/igen"
REFUSED = re.compile(r"Failed to load resource: the server responded with a status of (\d+)")


class Visitor:
    """A browser context with one page, in one world."""

    def __init__(
        self,
        context: BrowserContext,
        world: World,
        *,
        scripts: bool = True,
        persona: str = "",
        keep: Callable[[Any], None] = lambda state: None,
    ) -> None:
        """`keep` is told the browser's storage when a session of `persona` was replaced by another."""
        self.world, self.context, self.scripts = world, context, scripts
        self.persona, self._keep = persona, keep
        self.axe_options = AXE_OPTIONS
        self.troubles: list[str] = []
        self.received: list[str] = []
        self._bodies: list[Response] = []
        self._expected_status = 200
        self._unseen: set[str] = set()
        self.page: Page = context.new_page()
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.troubles.append(f"page error: {error}"))
        self.page.on("request", self._request)
        self.page.on("response", self._response)
        self.page.on("framenavigated", self._arrived)

    # --- walking ---

    def go(self, path: str, status: int = 200) -> Page:
        """Open an address of the portal and look at the page."""
        self._expected_status = status
        response = self.page.goto(self.world.portal + path)
        assert response is not None
        assert response.status == status, f"{path}: {response.status}, expected {status}"
        self.look()
        self._expected_status = 200
        return self.page

    def follow(self, what: Locator, status: int = 200) -> Page:
        """Click something that leads to another page, and look at it."""
        self._expected_status = status
        with self.page.expect_navigation() as coming:
            what.click()
        assert coming.value.status == status, f"{self.page.url}: {coming.value.status}"
        self.look()
        self._expected_status = 200
        return self.page

    def link(self, name: str | re.Pattern[str]) -> Locator:
        """The first link of that name in the page's own part."""
        return self.main.get_by_role("link", name=name).first

    def button(self, name: str | re.Pattern[str]) -> Locator:
        """The first button of that name in the page's own part."""
        return self.main.get_by_role("button", name=name).first

    @property
    def main(self) -> Locator:
        """The page's own part."""
        return self.page.locator("main")

    def log_in(self, persona: str, path: str = "") -> Page:
        """Log in through the provider's own page; a closed `path` leads there by itself."""
        self.page.goto(self.world.portal + (path or self.world.door(persona)))
        return self._approve(persona)

    def press(self, what: Callable[[], Locator]) -> Page:
        """Press what lets others see more; whoever logged in long ago logs in again and presses again."""
        self.follow(what())
        if _path(self.page.url) == AGAIN:
            self.link("Log ind med MitID").click()
            self._approve(self.persona)
            self._keep(self.context.storage_state())
            self.follow(what())
        return self.page

    def _approve(self, persona: str) -> Page:
        self.page.get_by_role("link", name=self.world.people[persona].name).click()
        with self.page.expect_navigation(url=f"{self.world.portal}/**"):
            self.page.locator('button[value="approve"]').click()
        self.look()
        return self.page

    def log_out(self) -> None:
        """Log out here and at the provider."""
        with self.page.expect_navigation():
            self.page.get_by_role("banner").get_by_role("button", name="Log ud").click()

    def download(self, what: Locator) -> Download:
        """Click something that gives a file."""
        with self.page.expect_download() as coming:
            what.click()
        return coming.value

    # --- looking ---

    def look(self) -> None:
        """Wait until every source has answered, then check the page as it stands."""
        if not self.page.url.startswith(self.world.portal):
            return
        if self.scripts:
            self.settle()
        elif manner.MANNER == "plain":
            self._ask_for_all()
        self._keep_bodies()
        self._whole()
        self._unseen.discard(_path(self.page.url))
        if self.scripts:  # axe itself is a script; the same pages meet it elsewhere
            self._axe()

    def settle(self) -> None:
        """Wait for late answers, on pages that fetch them; where somebody writes, a page stands still."""
        waiting = self.page.locator('[data-state="waiting"]')
        if self.page.locator('[data-hx-trigger="load"]').count():
            expect(waiting).to_have_count(0, timeout=ALL_ANSWERED)

    def _ask_for_all(self) -> None:
        """Without scripts a page that is not complete offers to wait: take the offer."""
        offer = self.main.locator('a[href*="vent=1"]')
        if self.page.locator('[data-state="waiting"]').count() and offer.count():
            self._keep_bodies()
            with self.page.expect_navigation():
                offer.first.click()

    def leave(self) -> None:
        """Fail if anything on the way was out of order."""
        self.context.close()
        unseen = [f"arrived at {path} without looking" for path in sorted(self._unseen)]
        assert not self.troubles + unseen, "\n".join(self.troubles + unseen)

    def forget(self) -> None:
        """Pages met on purpose out of order (no network, logged out) are no trouble."""
        self.troubles.clear()
        self._bodies.clear()
        self._unseen.clear()

    def everything_received(self) -> str:
        """All documents and parts that the portal has sent to this visitor."""
        self._keep_bodies()
        return "\n".join(self.received)

    def _axe(self) -> None:
        build = f"{self.axe_options} {self.page.evaluate(BUILD)}"
        if in_order.has(build):
            return
        found = AXE.run(self.page, options=self.axe_options)
        if found.violations_count:
            self.troubles.append(f"{self.page.url}: {found.generate_report()}")
        else:
            in_order.add(build)

    def _whole(self) -> None:
        facts: dict[str, Any] = self.page.evaluate(
            """() => {
                const whole = new CSSStyleSheet();  // what is below is not laid out until near
                whole.replaceSync("#dele > .sec { content-visibility: visible !important; }");
                document.adoptedStyleSheets = [whole];
                const facts = {
                    title: document.title.trim(), lang: document.documentElement.lang,
                    headings: document.querySelectorAll("h1").length,
                    viewer: document.body.dataset.viewer ?? "",
                    wide: document.documentElement.scrollWidth,
                };
                document.adoptedStyleSheets = [];
                return facts;
            }"""
        )
        size = self.page.viewport_size
        assert size is not None
        wrong = [
            name
            for name, bad in {
                "no title": not facts["title"],
                "no language": not facts["lang"],
                f"{facts['headings']} h1": facts["headings"] != 1,
                "no data-viewer": not facts["viewer"],
                f"scrolls sideways ({facts['wide']} px)": facts["wide"] > size["width"],
            }.items()
            if bad
        ]
        if wrong:
            self.troubles.append(f"{self.page.url}: {', '.join(wrong)}")

    # --- listening ---

    def _console(self, message: ConsoleMessage) -> None:
        if message.type not in ("error", "warning"):
            return
        refused = REFUSED.match(message.text)
        if refused and int(refused[1]) == self._expected_status:
            return
        self.troubles.append(f"console at {self.page.url}: {message.text}")

    def _request(self, request: Request) -> None:
        url = request.url
        own = url.startswith((self.world.portal + "/", self.world.idp + "/", "data:", "blob:"))
        if not own:
            self.troubles.append(f"asked elsewhere: {url}")

    def _response(self, response: Response) -> None:
        own = response.url.startswith(self.world.portal) and not 300 <= response.status < 400
        if response.url.endswith("/konto/tid"):  # asked by itself, also just as a page is left
            return
        if own and response.request.resource_type in ("document", "fetch", "xhr"):
            self._bodies.append(response)

    def _keep_bodies(self) -> None:
        bodies, self._bodies = self._bodies, []
        for response in bodies:
            if "attachment" not in response.headers.get("content-disposition", ""):
                try:
                    self.received.append(response.text())
                except PlaywrightError:  # a draft was being saved as the page was left
                    if response.request.resource_type == "document":
                        raise

    def _arrived(self, frame: Frame) -> None:
        if frame == self.page.main_frame and frame.url.startswith(self.world.portal + "/"):
            self._unseen.add(_path(frame.url))


def _path(url: str) -> str:
    return urlsplit(url).path
