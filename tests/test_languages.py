"""Pages in another language: chosen, remembered, written in its direction, its dates and its names."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from msgspec import structs
from werkzeug.test import TestResponse
from werkzeug.wrappers import Request

from portal import create_app, dates, i18n, pieces, speech, words
from portal.i18n import LANGUAGES
from portal.records import Meeting
from portal.refusals import Refusals
from portal.settings import Settings
from tests.conftest import BASE, Browser, Login

ARABIC = re.compile(r"[\u0621-\u064a]")
MEETING = datetime(2031, 12, 4, 9, 30, tzinfo=UTC)
OPEN = ("/", "/sprog", "/hjaelp", "/ordliste", "/privatliv", "/tilgaengelighed")


def choose(browser: Browser, language: str) -> TestResponse:
    return browser.post("/sprog", {"sprog": language})


def html(answer: TestResponse) -> str:
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


@pytest.fixture
def anybody(app: Flask) -> Browser:
    return Browser(app.test_client())


@pytest.fixture
def amira(login: Login) -> Browser:
    return login("amira")


def reading(app: Flask, language: str):
    """As a request of somebody who reads this language."""
    return app.test_request_context(base_url=BASE, headers={"Cookie": f"sprog={language}"})


@pytest.mark.parametrize("language", sorted(LANGUAGES))
@pytest.mark.parametrize("path", OPEN)
def test_a_page_says_its_language_and_direction(anybody: Browser, path: str, language: str) -> None:
    choose(anybody, language)
    text = html(anybody.get(path))
    assert (
        f'<html lang="{LANGUAGES[language].tag}" dir="{"rtl" if language == "ar" else "ltr"}">'
        in text
    )


@pytest.mark.parametrize("person", ["mette", "poul", ""])
def test_choosing_leads_to_a_page_that_one_may_see(
    anybody: Browser, login: Login, person: str
) -> None:
    door = "/log-ind/medarbejder" if person == "poul" else "/log-ind"
    browser = login(person, door) if person else anybody
    answer = choose(browser, "en")
    assert answer.status_code == 302
    html(browser.get(answer.headers["Location"]))


@pytest.mark.parametrize("path", OPEN[:1] + OPEN[2:])
def test_an_arabic_page_is_arabic_throughout(anybody: Browser, path: str) -> None:
    text = html(anybody.get(path, headers={"Accept-Language": "ar"}))
    text = re.sub(r'<div [^>]*lang="da".*?</div>', "\n", text, flags=re.S)
    read = re.sub(r"<(script|style|title)\b.*?</\1>|<[^>]+>|\([^)]*\)", "\n", text, flags=re.S)
    danish = [line for line in read.splitlines() if re.search("[æøåÆØÅ]", line)]
    assert not [line for line in danish if not ARABIC.search(line)]


def test_every_language_can_be_chosen(anybody: Browser) -> None:
    text = html(anybody.get("/sprog"))
    for code, (name, _locale, tag, *_) in LANGUAGES.items():
        assert re.search(rf'<button[^>]* value="{code}" lang="{tag}"[^>]*>{name}</button>', text)


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_the_chosen_language_is_the_one_marked(anybody: Browser, language: str) -> None:
    choose(anybody, language)
    marked = re.findall(r'value="([\w-]+)"[^>]*aria-current="true"', html(anybody.get("/sprog")))
    assert marked == [language]


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {"da-x-let"}))
def test_a_browser_s_wish_chooses(anybody: Browser, language: str) -> None:
    text = html(anybody.get("/hjaelp", headers={"Accept-Language": f"{language}, da;q=0.3"}))
    assert f'<html lang="{language}"' in text


@pytest.mark.parametrize("wish", ["da-x-let", "da-x-let, en;q=0.5", "da@let"])
def test_only_a_person_chooses_easy_danish(anybody: Browser, wish: str) -> None:
    easy = "Her er svar på det, mange spørger om."
    assert easy not in html(anybody.get("/hjaelp", headers={"Accept-Language": wish}))
    choose(anybody, "da-x-let")
    assert easy in html(anybody.get("/hjaelp", headers={"Accept-Language": "en"}))


def test_easy_danish_chosen_before_login_stays_after(login: Login, app: Flask) -> None:
    browser = Browser(app.test_client())
    choose(browser, "da-x-let")
    with app.test_request_context(base_url=BASE, headers={"Cookie": "sprog=da-x-let"}):
        assert i18n.choose() == "da-x-let"
        assert i18n.chosen().tag == "da"
        assert dates.dato(MEETING) == "torsdag den 4. december 2031"
        assert words.ejefald("Emil") == "Emils"


def test_a_choice_is_remembered_without_login(anybody: Browser) -> None:
    assert choose(anybody, "ar").status_code == 302
    assert '<html lang="ar" dir="rtl">' in html(anybody.get("/hjaelp"))
    assert '<html lang="ar"' in html(anybody.get("/hjaelp", headers={"Accept-Language": "da"}))


def test_over_https_the_choice_is_kept_for_this_host_alone(settings: Settings) -> None:
    """Its name says so to the browser; a name that another host could have set is not looked at."""
    https = "https://portal.example"
    app = create_app(structs.replace(settings, base_url=https))
    client = app.test_client()
    chosen = client.post("/sprog", base_url=https, data={"sprog": "en"})
    name, *told = chosen.headers["Set-Cookie"].split("; ")
    assert name == "__Host-sprog=en"
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax", "Max-Age=31536000"} <= set(told)
    assert not any(word.startswith("Domain") for word in told)
    assert '<html lang="en"' in html(client.get("/", base_url=https))
    foreign = app.test_client()
    foreign.set_cookie("sprog", "en", domain="portal.example")
    assert '<html lang="da"' in html(foreign.get("/", base_url=https))
    _, _, full = Refusals(app).find("busy", Request.from_values(headers={"Cookie": name}))
    assert '<html lang="en"' in full.decode(), "also when the house is full"


def test_over_plain_http_its_name_has_no_prefix(anybody: Browser) -> None:
    cookie = choose(anybody, "en").headers["Set-Cookie"].split("; ")
    assert cookie[0] == "sprog=en" and "Secure" not in cookie and "HttpOnly" in cookie


def test_a_choice_is_remembered_in_the_session(amira: Browser) -> None:
    choose(amira, "ar")
    amira.client.delete_cookie("sprog")
    assert '<html lang="ar" dir="rtl">' in html(amira.get("/overblik?vent=1"))


@pytest.mark.parametrize("made_up", ["xx", "", "ar_SA", "../ar", "AR"])
def test_a_language_we_do_not_have_is_refused(anybody: Browser, made_up: str) -> None:
    assert choose(anybody, made_up).status_code == 400
    assert '<html lang="da"' in html(anybody.get("/"))


def test_who_asks_for_another_language_gets_danish(anybody: Browser) -> None:
    assert '<html lang="da"' in html(anybody.get("/", headers={"Accept-Language": "fi, sv;q=0.8"}))


def test_what_a_source_delivered_stays_as_it_was(amira: Browser) -> None:
    danish = html(amira.get("/overblik?vent=1"))
    choose(amira, "ar")
    arabic = html(amira.get("/overblik?vent=1"))
    titles = re.findall(r'moeder#m-[0-9a-z-]+">([^<]+)</a>', danish)
    assert titles and all(title in arabic for title in titles)


@pytest.mark.parametrize(
    ("language", "day", "short", "clock", "span"),
    [
        ("da", "torsdag den 4. december 2031", "4. december 2031", "kl. 10.30", "kl. 10.30-12"),
        ("en", "Thursday, 4 December 2031", "4 December 2031", "at 10:30", "10:30 to 12:00"),
        ("ar", "الخميس، 4 ديسمبر 2031", "4 ديسمبر 2031", "10:30", "إلى \u206812:00\u2069"),
        ("da-x-let", "torsdag den 4. december 2031", "4. december 2031", "kl. 10.30", "10.30-12"),
        ("uk", "четвер, 4 грудня 2031\u202fр.", "4 грудня 2031\u202fр.", "о 10:30", "10:30–12:00"),
        ("pl", "czwartek, 4 grudnia 2031", "4 grudnia 2031", "o godz. 10:30", "10:30–12:00"),
        ("tr", "4 Aralık 2031 Perşembe", "4 Aralık 2031", "saat 10:30", "10:30–12:00"),
        ("so", "Khamiis, Diseembar 4, 2031", "Diseembar 4, 2031", "saacadda 10:30", "10:30–12:00"),
    ],
)
def test_dates_and_times_follow_the_language(
    app: Flask, language: str, day: str, short: str, clock: str, span: str
) -> None:
    with reading(app, language):
        assert dates.dato(MEETING) == day
        assert dates.kort_dato(MEETING) == short
        assert clock in dates.klokken(MEETING)
        assert dates.klokken(MEETING, MEETING + timedelta(minutes=90)).endswith(span)


@pytest.mark.parametrize(
    ("language", "one_month", "two_years"),
    [
        ("da", "4.–6. december 2031", "30. december 2031 – 2. januar 2032"),
        ("da-x-let", "4.–6. december 2031", "30. december 2031 – 2. januar 2032"),
        ("en", "4–6 December 2031", "30 December 2031 – 2 January 2032"),
        ("ar", "4–6 ديسمبر 2031", "30 ديسمبر 2031 – 2 يناير 2032"),
        ("uk", "4–6 грудня 2031\u202fр.", "30 грудня 2031 – 2 січня 2032\u202fрр."),
        ("pl", "4–6 grudnia 2031", "30 grudnia 2031 – 2 stycznia 2032"),
        ("tr", "4–6 Aralık 2031", "30 Aralık 2031 – 2 Ocak 2032"),
        ("so", "4–6 Diseembar 2031", "30 Diseembar 2031 – 2 Janaayo 2032"),
    ],
)
def test_several_days_follow_the_language(
    app: Flask, language: str, one_month: str, two_years: str
) -> None:
    with reading(app, language):
        assert dates.dage(date(2031, 12, 4), date(2031, 12, 6)) == one_month
        assert dates.dage(date(2031, 12, 30), date(2032, 1, 2)) == two_years


def meeting(start: datetime, end: datetime | None, all_day: bool = False) -> Meeting:
    return Meeting(key="m", source="s", owner="o", title="t", start=start, end=end, all_day=all_day)


def test_a_meeting_of_several_days_says_when_it_ends(app: Flask) -> None:
    zone = dates.COPENHAGEN
    first, after = datetime(2031, 12, 4, tzinfo=zone), datetime(2031, 12, 7, tzinfo=zone)
    camp, one_day = meeting(first, after, True), meeting(first, first + timedelta(days=1), True)
    stay = meeting(first.replace(hour=10), after.replace(hour=15))
    late = meeting(first.replace(hour=20), first + timedelta(days=1))
    now = datetime(2031, 6, 1, tzinfo=zone)

    def plain(text: str) -> str:
        return re.sub("<[^>]+>", "", text)

    with reading(app, "da"):
        assert pieces.when(camp, now) == "4.–6. december 2031, hele dagen"
        assert pieces.when(camp, first.replace(day=5)).startswith("<b>I dag</b>, 4.–6. december")
        assert pieces.when(one_day, now) == "torsdag den 4. december 2031, hele dagen"
        told = "torsdag den 4. december 2031, kl. 10 – søndag den 7. december 2031, kl. 15"
        assert plain(pieces.when(stay, now)) == told
        assert plain(pieces.when(late, now)) == "torsdag den 4. december 2031, kl. 20"
        assert [pieces.days(m) for m in (camp, stay)] == [
            "4.–6. december 2031",
            "4.–7. december 2031",
        ]
        assert pieces.hours(camp) == "4.–6. december 2031" and not pieces.hours(one_day)
        assert plain(pieces.hours(stay)) == "kl. 10 – søndag den 7. december 2031, kl. 15"


@pytest.mark.parametrize(
    ("days", "said"),
    [(1, "غدًا"), (2, "بعد يومين"), (3, "بعد 3 أيام"), (11, "بعد 11 يومًا"), (15, "")],
)
def test_days_to_go_have_the_form_of_their_number(app: Flask, days: int, said: str) -> None:
    with reading(app, "ar"):
        assert (
            dates.relative_day(
                datetime.now(dates.COPENHAGEN).date() + timedelta(days), datetime.now(UTC)
            )
            == said
        )


def test_digits_are_the_ones_on_a_phone(app: Flask) -> None:
    with reading(app, "ar"):
        written = dates.dato(MEETING) + dates.klokken(MEETING) + words.tal(1234.5)
        assert not re.search("[\u0660-\u0669\u06f0-\u06f9]", written)


def test_a_phone_number_keeps_its_order_among_arabic_words(app: Flask) -> None:
    with reading(app, "ar"):
        assert words.phone("99990222") == "\u206699 99 02 22\u2069"
        assert words.tel(words.phone("99990222")) == "99990222"
    with reading(app, "da"):
        assert words.phone("99990222") == "99 99 02 22"


def test_a_danish_name_cannot_turn_an_arabic_sentence(app: Flask) -> None:
    with reading(app, "ar"):
        said = speech.gettext("%(name)s har svaret.", name="PPR (Aalborg)")
        assert "\u2068PPR (Aalborg)\u2069" in said
        assert words.joined(["PPR", "SFO"]) == "\u2068PPR\u2069 و\u2068SFO\u2069"
    with reading(app, "en"):
        assert words.joined(["PPR", "SFO"]) == "PPR and SFO"


def test_danish_can_be_said_in_the_midst_of_another_language(app: Flask) -> None:
    with reading(app, "ar"):
        before = speech.gettext("Samtykke")
        with speech.spoken_as("da"):
            assert speech.gettext("Samtykke") == "Samtykke"
            assert dates.kort_dato(MEETING) == "4. december 2031"
        assert speech.gettext("Samtykke") == before != "Samtykke"


@pytest.mark.parametrize("language", ["ar", "uk"])
def test_a_source_s_text_is_marked_with_its_own_language(amira: Browser, language: str) -> None:
    danish = html(amira.get("/overblik?vent=1"))
    assert '<span lang="da"' not in danish
    choose(amira, language)
    text = html(amira.get("/overblik?vent=1"))
    assert re.search(r'moeder#m-[0-9a-z-]+"><span lang="da" dir="auto">[^<]+</span></a>', text)


def test_a_text_in_the_reader_s_own_language_is_not_marked(app: Flask) -> None:
    meeting = Meeting(key="1", source="s", owner="o", title="لقاء", start=MEETING, lang="ar-SY")
    with reading(app, "ar"):
        assert words.said(meeting.title, meeting) == "لقاء"
    with reading(app, "da-x-let"):
        assert words.said("<b>", meeting) == '<span lang="ar-SY" dir="auto">&lt;b&gt;</span>'


def test_a_word_amid_a_sentence_begins_small_as_its_language_does(app: Flask) -> None:
    with reading(app, "tr"):
        assert words.amid("İyi olma hali") == "iyi olma hali"
        assert words.amid("Irk") == "ırk"
    with reading(app, "en"):
        assert words.amid("Interventions") == "interventions"


def test_a_sources_words_keep_their_direction_on_a_meetings_own_page_and_among_the_past(
    login: Login,
) -> None:
    """In Arabic the full stop of a Danish sentence would else stand before it."""
    mette = login("mette")
    emil = mette.citizens()["Emil"]
    choose(mette, "ar")
    base = f"/overblik/{emil}/moeder"
    page = mette.get(f"{base}?vent=1").get_data(as_text=True)
    danish = '<span lang="da" dir="auto">Husk badetøj og håndklæde.</span>'
    sheets = [
        mette.get(f"{base}/{ref}/tag-med").get_data(as_text=True)
        for ref in sorted(set(re.findall(rf"{base}/([0-9a-f]+)/tag-med", page)))
    ]
    told = [one for one in sheets if "Husk badetøj" in one]
    assert told and all(danish in one for one in told)
    past = page.split("<details")[1:]
    assert not [p for p in past if "Husk badetøj" in p and danish not in p]


def test_a_measured_number_stays_with_its_unit_and_the_places_words_apart(login: Login) -> None:
    """Else an Arabic line reads "point 16", the number lost to the words before it."""
    mette = login("mette")
    emil = mette.citizens()["Emil"]
    choose(mette, "ar")
    for address in (f"/overblik/{emil}?vent=1", f"/overblik/{emil}/trivsel?vent=1"):
        page = mette.get(address).get_data(as_text=True)
        assert "\u206816 point\u2069 · " in page
        danish = '<span lang="da" dir="auto">Lidt over det almindelige</span>'
        assert page.count("Lidt over det almindelige") == page.count(danish) > 0
