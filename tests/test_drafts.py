"""A text that was being written is never lost, and never anybody else's: two parents share a phone."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from flask import Flask
from sqlalchemy import delete, select, update

from mitid_stub.rehearsal import answer_login
from portal import drafts as module
from portal.db import now
from portal.models import draft, session
from tests import stores
from tests.acts import grant, purpose
from tests.conftest import BASE, Browser, Login, staff
from tests.page_checks import check

TEXT = "Emil sover dårligt, og jeg er bekymret for mødet på torsdag"


def form_of(who: Browser, citizen: str, about: str = "", **more: object) -> dict[str, object]:
    """The form as it stands on the page, filled in: what the browser would send."""
    text = check(who.get(f"/overblik/{citizen}/kommentarer?vent=1&om={about}"))
    form = text[text.index('id="skriv"') :]
    hidden = re.findall(
        r'type="hidden" name="(\w+)" value="([^"]*)"', form[: form.index("</form>")]
    )
    return {name: unescape(value) for name, value in hidden} | {"tekst": TEXT} | more


def send(who: Browser, citizen: str, form: dict[str, object], **more: object):
    path = f"/overblik/{citizen}/kommentarer"
    return who.client.post(path, base_url=BASE, data=form, **more)  # type: ignore[arg-type]


def forget_sessions(app: Flask) -> None:
    """As if everybody's time had run out."""
    with stores.everything(app.extensions["portal"].store) as c:
        c.execute(delete(session))


def log_in_here(who: Browser, person: str, door: str) -> str:
    """Somebody logs in in this very browser; returns where that leads."""
    back = answer_login(who.get(door).headers["Location"], person)
    return str(who.get(back.removeprefix(BASE)).headers["Location"])


def page(who: Browser, citizen: str, about: str = "") -> str:
    return check(who.get(f"/overblik/{citizen}/kommentarer?vent=1&om={about}"))


def kept(app: Flask) -> list[object]:
    with stores.everything(app.extensions["portal"].store) as c:
        return list(c.execute(select(draft)).all())


def a_meeting(who: Browser, citizen: str) -> str:
    found = re.search(
        r"/moeder/([0-9a-f]{32})\.ics", check(who.get(f"/overblik/{citizen}/moeder?vent=1"))
    )
    assert found
    return found[1]


# --- the session has ended ----------------------------------------------------------------


def test_a_comment_sent_too_late_comes_back_after_login(app: Flask, login: Login) -> None:
    mette = login("mette")
    emil = mette.citizens()["Emil"]
    about = a_meeting(mette, emil)
    readers = re.findall(r'name="modtager" value="([^"]+)"', page(mette, emil))
    form = form_of(mette, emil, about, modtager=readers[0])
    forget_sessions(app)
    late = send(mette, emil, form)
    assert late.status_code == 302
    assert late.headers["Location"].startswith("/log-ind?retur=")
    back = log_in_here(mette, "mette", late.headers["Location"])
    assert back == f"/overblik/{emil}/kommentarer?om={about}"
    text = check(mette.get(back + "&vent=1"))
    assert "Vi har gemt dit udkast" in text and TEXT in text
    assert re.search(rf'value="{readers[0]}" checked', text)
    assert 'data-record="comment"' not in text, "it was not sent"
    again = form_of(mette, emil, about, modtager=readers[0])
    assert send(mette, emil, again).status_code == 303
    assert not kept(app)
    assert "Vi har gemt" not in page(mette, emil, about)


def test_whoever_logs_in_on_the_same_phone_never_sees_it(app: Flask, login: Login) -> None:
    phone = login("mette")
    emil = phone.citizens()["Emil"]
    form = form_of(phone, emil)
    forget_sessions(app)
    door = send(phone, emil, form).headers["Location"]
    for path in (log_in_here(phone, "jonas", door), f"/overblik/{emil}/kommentarer?vent=1"):
        text = check(phone.get(path))
        assert TEXT not in text and "gemt dit udkast" not in text and "ikke er sendt" not in text
    assert TEXT in page(login("mette"), emil), "she finds it on her own computer"


def test_a_page_of_hers_left_open_in_his_session_is_kept_for_her_alone(login: Login) -> None:
    phone = login("mette")
    emil = phone.citizens()["Emil"]
    form = form_of(phone, emil)
    log_in_here(phone, "jonas", "/log-ind")
    stale = send(phone, emil, form)
    assert stale.status_code == 403
    said = check(stale)
    assert TEXT not in said and "Mette" not in said and "gemt som udkast" in said
    assert TEXT not in page(phone, emil)
    assert TEXT in page(login("mette"), emil)


def test_her_own_older_page_gives_the_text_back_at_once(login: Login) -> None:
    mette = login("mette")
    emil = mette.citizens()["Emil"]
    form = form_of(mette, emil)
    log_in_here(mette, "mette", "/log-ind")
    stale = send(mette, emil, form)
    assert (stale.status_code, stale.headers["Location"]) == (303, f"/overblik/{emil}/kommentarer")
    assert TEXT in page(mette, emil) and 'data-record="comment"' not in page(mette, emil)


def test_an_employees_answer_survives_too(app: Flask, login: Login) -> None:
    camilla, poul = login("camilla"), staff(login, "poul")
    noah = camilla.citizens()["Noah"]
    grant(camilla, noah, "ppr", kategori=["comments", "contacts"], ejer=["familieafdelingen"])
    purpose(poul, noah)
    send(camilla, noah, form_of(camilla, noah, modtager="ppr", tekst="Ring til mig"))
    text = check(poul.get(f"/overblik/{noah}/kommentarer?vent=1"))
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', text))
    assert {"billet", "svar"} <= hidden.keys()
    forget_sessions(app)
    late = send(poul, noah, hidden | {"tekst": "Ja, i morgen"})
    assert late.headers["Location"].startswith("/log-ind/medarbejder?retur=")
    log_in_here(poul, "poul", late.headers["Location"])
    purpose(poul, noah)
    back = check(poul.get(f"/overblik/{noah}/kommentarer?vent=1"))
    assert "Ja, i morgen" in back and "gemt dit udkast" in back
    assert "Ja, i morgen" not in page(camilla, noah)


# --- while it is being written ------------------------------------------------------------


def keep(who: Browser, citizen: str, form: dict[str, object]):
    path = f"/overblik/{citizen}/kommentarer/udkast"
    headers = {"HX-Request": "true", "HX-Request-Type": "partial"}
    return who.client.post(path, base_url=BASE, data=form, headers=headers)


def test_it_is_kept_while_it_is_written_and_deleted_when_she_says_so(
    app: Flask, login: Login
) -> None:
    mette = login("mette")
    emil = mette.citizens()["Emil"]
    about = a_meeting(mette, emil)
    form = form_of(mette, emil, about)
    saved = keep(mette, emil, form)
    assert saved.status_code == 200 and "Udkastet er gemt" in saved.get_data(as_text=True)
    assert keep(mette, emil, form | {"tekst": TEXT + "."}).status_code == 200
    assert len(kept(app)) == 1
    elsewhere = page(mette, emil)
    assert "Du har noget, der ikke er sendt" in elsewhere and f"?om={about}#skriv" in elsewhere
    assert TEXT + "." in page(mette, emil, about)
    gone = mette.client.post(
        f"/overblik/{emil}/kommentarer/udkast", base_url=BASE, data=form | {"handling": "slet"}
    )
    assert gone.status_code == 303
    assert not kept(app) and TEXT not in page(mette, emil, about)


def test_what_was_typed_after_the_session_ended_is_kept_too(app: Flask, login: Login) -> None:
    mette = login("mette")
    emil = mette.citizens()["Emil"]
    about = a_meeting(mette, emil)
    form = form_of(mette, emil, about)
    forget_sessions(app)
    late = keep(mette, emil, form)
    assert late.status_code == 401 and TEXT not in check(late)
    back = log_in_here(mette, "mette", late.headers["HX-Redirect"])
    assert back == f"/overblik/{emil}/kommentarer?om={about}"
    assert TEXT in page(mette, emil, about)


def test_an_emptied_field_leaves_no_draft(app: Flask, login: Login) -> None:
    mette = login("mette")
    emil = mette.citizens()["Emil"]
    form = form_of(mette, emil)
    keep(mette, emil, form)
    keep(mette, emil, form | {"tekst": "  \n "})
    assert not kept(app)


def test_what_could_not_be_sent_is_kept(app: Flask, login: Login) -> None:
    mette = login("mette")
    emil = mette.citizens()["Emil"]
    form = form_of(mette, emil)
    for wrong in ({"tekst": "x" * 4001}, {"modtager": "0" * 32}):
        sent = send(mette, emil, form | wrong)
        assert sent.status_code == 422
        assert str((form | wrong)["tekst"]) in check(sent)
        assert len(kept(app)) == 1
    assert TEXT in page(mette, emil)


def test_it_ends_after_a_day(app: Flask, login: Login, monkeypatch: pytest.MonkeyPatch) -> None:
    mette = login("mette")
    emil = mette.citizens()["Emil"]
    form = form_of(mette, emil)
    keep(mette, emil, form)
    monkeypatch.setattr(module, "now", lambda: now() + timedelta(hours=24, seconds=1))
    assert TEXT not in page(mette, emil)
    with stores.everything(app.extensions["portal"].store) as c:  # its walls go by its own clock
        c.execute(update(draft).values(until=now() - timedelta(seconds=1)))
    app.extensions["portal"].drafts.tidy()
    assert not kept(app)
    assert keep(mette, emil, form).status_code == 404, "the ticket is a day old as well"


# --- what an attacker tries ---------------------------------------------------------------


def test_what_is_stored_tells_nothing(app: Flask, login: Login) -> None:
    mette = login("mette")
    emil = mette.citizens()["Emil"]
    keep(mette, emil, form_of(mette, emil))
    (row,) = kept(app)
    assert b"Emil" not in row.detail and b"sover" not in row.detail  # type: ignore[attr-defined]


@pytest.mark.parametrize("ticket", ["", "x", "AAAA" * 30, "\u00e6", "A" * 5000])
def test_a_ticket_nobody_made_keeps_nothing(app: Flask, login: Login, ticket: str) -> None:
    mette = login("mette")
    emil = mette.citizens()["Emil"]
    form = form_of(mette, emil, billet=ticket)
    assert keep(mette, emil, form).status_code == 404
    forget_sessions(app)
    assert send(mette, emil, form).headers["Location"] == "/log-ind"
    assert not kept(app)


def test_a_ticket_from_elsewhere_keeps_nothing(app: Flask, login: Login) -> None:
    mette = login("mette")
    people = mette.citizens()
    form = form_of(mette, people["Emil"])
    assert keep(mette, people["Sofie"], form).status_code == 404
    forget_sessions(app)
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://ond.example"}):
        assert send(mette, people["Emil"], form, headers=headers).status_code == 403
    assert not kept(app)


def test_his_own_session_cannot_delete_hers(app: Flask, login: Login) -> None:
    mette, jonas = login("mette"), login("jonas")
    emil = mette.citizens()["Emil"]
    hers = form_of(mette, emil)
    keep(mette, emil, hers)
    stolen = hers | {"csrf_token": jonas.token(), "handling": "slet"}
    jonas.client.post(f"/overblik/{emil}/kommentarer/udkast", base_url=BASE, data=stolen)
    assert len(kept(app)) == 1
    assert TEXT in page(mette, emil) and TEXT not in page(jonas, emil)
