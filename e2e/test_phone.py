"""On a phone: without a network, on the home screen, a session that ends, and the Back button after."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from e2e.conftest import Visit, visits
from e2e.deciding import overview_of
from e2e.visitor import Visitor
from e2e.world import Surroundings, World

PERSONAL = re.compile(
    r"Mette|Holm|Emil|Sofie|Krogh|Jonas|Karin|Poul Riis|PPR|Aalborg|[0-9a-f]{32}|\d{6}-?\d{4}\b"
    r"|csrf|logget ind som",
    re.IGNORECASE,
)
KEPT = """async () => {
    const found = {};
    for (const name of await caches.keys()) {
        const cache = await caches.open(name);
        for (const request of await cache.keys()) {
            const answer = await cache.match(request);
            found[request.url] = await answer.text();
        }
    }
    return found;
}"""
ELSEWHERE = """async () => [localStorage.length, sessionStorage.length,
    (await indexedDB.databases()).length]"""
WATCHED = """() => navigator.serviceWorker.ready.then(() => navigator.serviceWorker.controller !== null
    || new Promise((done) => navigator.serviceWorker.addEventListener("controllerchange", () => done(true))))"""


def watched(page: Page) -> None:
    """Wait until the service worker watches over this page."""
    assert page.evaluate(WATCHED)


def kept(page: Page) -> dict[str, str]:
    found: dict[str, str] = page.evaluate(KEPT)
    return found


def only_the_shell(page: Page) -> None:
    """What lies on the phone: the files every page shares and one page about nobody."""
    found = kept(page)
    pages = [url for url in found if "/static/built/" not in url]
    assert [re.sub(r".*(/offline).*", r"\1", url) for url in pages] == ["/offline"], pages
    assert len(found) == 8, sorted(found)
    told = PERSONAL.search(found[pages[0]])
    assert not told, told
    assert page.evaluate(ELSEWHERE) == [0, 0, 0]


def test_an_overview_is_read_at_once_and_its_letters_come_after(visit: Visit) -> None:
    mette = visit("mette")
    path = overview_of(mette, "Emil")
    mette.page.evaluate("navigator.serviceWorker.getRegistration().then((it) => it?.unregister())")
    mette.go(path)
    page = mette.page
    blocking = "performance.getEntriesByType('resource').filter((it) => it.renderBlockingStatus == 'blocking')"
    first = page.evaluate(f"{blocking}.map((it) => it.name)")
    assert [re.sub(r".*/|\.[0-9a-f]{12}", "", name) for name in first] == ["app.css"]
    page.wait_for_function("document.querySelectorAll('link[rel=stylesheet]').length === 2")
    page.wait_for_function(
        "document.fonts.check('1em \"IBM Plex Sans\"') && document.fonts.size > 1"
    )


def test_without_a_network_the_page_says_so_and_whom_to_call(visit: Visit) -> None:
    mette = visit("mette")
    path = overview_of(mette, "Emil")
    mette.go(path)
    watched(mette.page)
    mette.context.set_offline(True)
    mette.page.goto(mette.world.portal + path + "/moeder")
    page = mette.page
    expect(page.get_by_role("heading", level=1)).to_have_text("Du har ikke forbindelse til nettet")
    for number in ("112", "116 111"):
        link = page.get_by_role("link", name=f"Ring {number}")
        expect(link).to_have_attribute("href", f"tel:{number.replace(' ', '')}")
    assert not PERSONAL.search(page.locator("body").inner_html())
    mette._axe()
    assert not mette.troubles or "ERR_INTERNET_DISCONNECTED" in mette.troubles[0]
    mette.context.set_offline(False)
    with page.expect_navigation():
        page.get_by_role("link", name="Prøv igen").click()
    expect(mette.main).to_contain_text("Kommende møder")
    mette.forget()


def test_it_says_so_in_the_readers_language(visit: Visit) -> None:
    visitor = visit(locale="ar")
    visitor.go("/")
    watched(visitor.page)
    visitor.context.set_offline(True)
    visitor.page.goto(visitor.world.portal + "/hjaelp")
    expect(visitor.page.locator("html")).to_have_attribute("lang", "ar")
    expect(visitor.page.locator("html")).to_have_attribute("dir", "rtl")
    visitor.forget()


def test_a_full_visit_leaves_nothing_personal_on_the_phone(visit: Visit) -> None:
    mette = visit("mette")
    path = overview_of(mette, "Emil")
    mette.go(path)
    watched(mette.page)
    for part in (
        "",
        "/kontakter",
        "/moeder",
        "/planer",
        "/samtykke",
        "/hvem-har-set",
        "/oplysninger",
    ):
        mette.go(path + part)
        assert mette.page.evaluate("navigator.serviceWorker.controller !== null")
    mette.go(f"{path}/kontakter")
    card = mette.download(
        mette.main.get_by_role("link", name=re.compile("Gem .* på telefonen")).first
    )
    assert card.suggested_filename == "kontakt.vcf"
    only_the_shell(mette.page)


def test_the_worker_is_as_small_and_as_bound_as_it_says(visit: Visit) -> None:
    visitor = visit()
    page = visitor.go("/")
    address = page.locator("body").get_attribute("data-worker") or ""
    with urlopen(visitor.world.portal + address, timeout=10) as answer:
        headers, body = answer.headers, answer.read()
    assert headers["Content-Type"].startswith(("text/javascript", "application/javascript"))
    assert headers["Service-Worker-Allowed"] == "/"
    assert headers["Content-Security-Policy"] == "default-src 'none'; connect-src 'self'"
    assert len(body) < 2600
    assert b"cache.put" not in body


def test_it_can_be_put_on_the_home_screen(visit: Visit) -> None:
    visitor = visit()
    page = visitor.go("/")
    client = visitor.context.new_cdp_session(page)
    found = client.send("Page.getAppManifest")
    assert not found["errors"]
    manifest = json.loads(found["data"])
    assert (manifest["name"], manifest["display"]) == ("Overblik", "standalone")
    assert {i["purpose"] for i in manifest["icons"]} == {"any", "maskable"}
    assert client.send("Page.getInstallabilityErrors")["installabilityErrors"] in (
        [], [{"errorId": "in-incognito", "errorArguments": []}])  # fmt: skip


LOW = ViewportSize(width=640, height=360)
ZOOMED = ViewportSize(width=320, height=380)


@pytest.mark.parametrize(
    ("size", "fixed"),
    [(ViewportSize(width=360, height=640), True), (LOW, False), (ZOOMED, False)],
    ids=["small phone", "phone on its side", "a page at 200 per cent"],
)
def test_the_bar_is_by_the_thumb_where_there_is_room(
    visit: Visit, size: ViewportSize, fixed: bool
) -> None:
    mette = visit("mette")
    mette.page.set_viewport_size(size)
    mette.page.goto(mette.world.portal + overview_of(mette, "Emil") + "/planer")
    bar = mette.page.get_by_role("navigation", name="Find rundt")
    assert bar.evaluate("(e) => getComputedStyle(e).position === 'fixed'") is fixed
    box = bar.bounding_box()
    assert box
    if fixed:
        assert abs(box["y"] + box["height"] - size["height"]) < 1
        for link in bar.get_by_role("link").all():
            if link.is_visible():
                target = link.bounding_box()
                assert target and target["height"] >= 44 and target["width"] >= 44
    mette.forget()


# --- a session that ends ---


@pytest.fixture(scope="module")
def hasty(around: Surroundings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Where a session lasts 140 seconds without use: the question comes after twenty."""
    with around.portal(tmp_path_factory.mktemp("hasty"), "idle_seconds = 140\n") as world:
        yield world


@pytest.fixture
def short(browser: Browser, hasty: World) -> Iterator[Visit]:
    """As `visit`, there."""
    met: list[Visitor] = []
    yield visits(browser, hasty, {}, met)
    for visitor in met:
        visitor.leave()


def test_two_minutes_before_the_end_the_page_asks_and_one_button_goes_on(short: Visit) -> None:
    mette = short("mette")
    path = overview_of(mette, "Emil")
    page = mette.go(f"{path}/moeder")
    language = page.get_by_role("banner").get_by_role("link", name="Sprog")
    language.focus()
    dialog = page.get_by_role("dialog", name="Er du her stadig?")
    expect(dialog).to_be_visible(timeout=60_000)
    expect(dialog).to_have_accessible_description(re.compile("Om to minutter"))
    stay = dialog.get_by_role("button", name="Ja, bliv logget ind")
    expect(stay).to_be_focused()
    for _ in range(4):  # the keyboard stays inside
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement === document.body"
                             "|| document.querySelector('dialog').contains(document.activeElement)")  # fmt: skip
    mette._axe()
    stay.click()
    expect(dialog).to_be_hidden()
    expect(language).to_be_focused()
    expect(page.locator("#live")).to_have_text("Du er stadig logget ind.")
    expect(dialog).to_be_visible(timeout=60_000)  # and it asks again next time


def test_asking_how_long_is_left_does_not_make_it_last(short: Visit) -> None:
    mette = short("mette")
    page = mette.go("/konto")
    ask = "async () => (await (await fetch('/konto/tid')).json()).seconds"
    first = page.evaluate(ask)
    later = f"() => new Promise((done) => setTimeout(() => ({ask})().then(done), 6000))"
    assert page.evaluate(later) <= first - 6


def test_a_session_that_has_ended_elsewhere_leaves_nothing_on_the_screen(short: Visit) -> None:
    mette = short("mette")
    page = mette.go(overview_of(mette, "Emil"))
    mette.context.clear_cookies()
    with page.expect_navigation(url=re.compile("/op/|/log-ind")):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.get_by_text("Du er logget ind som")).to_have_count(0)
    mette.forget()


def test_without_scripts_the_page_tells_how_long(visit: Visit) -> None:
    mette = visit("mette", scripts=False)
    page = mette.go("/konto")
    expect(
        page.get_by_text("Du bliver logget ud, når du ikke har brugt siden i 30 minutter")
    ).to_be_visible()
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_back_after_logging_out_shows_nothing(browser: Browser, visit: Visit) -> None:
    mette = visit()
    mette.log_in("mette")
    path = overview_of(mette, "Emil")
    for part in ("", "/moeder", "/kontakter"):
        mette.go(path + part)
    watched(mette.page)
    mette.log_out()
    page = mette.page
    for _ in range(6):
        page.go_back()
        page.wait_for_load_state()
        text = page.locator("body").inner_text()
        if page.url.startswith(mette.world.idp):  # it names everybody who can log in
            continue
        assert not re.search("Emil|Sofie|Du er logget ind som", text), page.url
    page.goto(mette.world.portal + "/")
    watched(page)
    only_the_shell(page)
    mette.forget()
