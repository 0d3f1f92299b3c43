"""What a family does with the portal's forms, by the field names anybody may rely on."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from flask import Flask
from werkzeug.test import TestResponse

from portal import operators
from portal.access import COPENHAGEN
from portal.settings import CPR_SYSTEM
from tests.conftest import Browser
from tests.page_checks import check

TODAY = datetime.now(COPENHAGEN).date()
SOON = (TODAY + timedelta(days=90)).isoformat()


def yes(**more: object) -> dict[str, object]:
    """A form that is filled in rightly; override a field, or leave it out with None."""
    form: dict[str, object] = {
        "handling": "giv",
        "kategori": ["contacts", "meetings", "interventions"],
        "ejer": ["social"],
        "formaal": "moede",
        "til": SOON,
    }
    return {k: v for k, v in (form | more).items() if v is not None}


def propose(who: Browser, citizen: str, actor: str, **more: object) -> TestResponse:
    return who.post(f"/overblik/{citizen}/samtykke/{actor}", yes(**more))


def draft(who: Browser, citizen: str, actor: str, **more: object) -> str:
    """Fill in, and stop at the confirmation; returns the draft's token."""
    sent = propose(who, citizen, actor, **more)
    assert sent.status_code == 303, sent.get_data(as_text=True)
    confirm = who.get(sent.headers["Location"])
    text = check(confirm)
    assert confirm.status_code == 200
    found = re.search(r'name="udkast" value="([^"]+)"', text)
    assert found
    return found[1]


def grant(who: Browser, citizen: str, actor: str, **more: object) -> str:
    """All the way to the receipt; returns its text."""
    token = draft(who, citizen, actor, **more)
    said = confirm(who, citizen, actor, token)
    assert said.status_code == 303, said.get_data(as_text=True)
    receipt = who.get(said.headers["Location"])
    assert receipt.status_code == 200
    return check(receipt)


def confirm(who: Browser, citizen: str, actor: str, token: str) -> TestResponse:
    form = {"handling": "bekraeft", "udkast": token}
    return who.post(f"/overblik/{citizen}/samtykke/{actor}", form)


def withdraw(who: Browser, citizen: str, actor: str) -> TestResponse:
    return who.post(f"/overblik/{citizen}/samtykke/{actor}", {"handling": "traek"})


def state(who: Browser, citizen: str, actor: str) -> str:
    """What stands on the viewer's own list about an actor."""
    text = check(who.get(f"/overblik/{citizen}/samtykke"))
    found = re.search(rf'data-actor="{re.escape(actor)}" data-consent="(\w+)"', text)
    return found[1] if found else ""


def shut_out(app: Flask, adult: Browser, name: str) -> str:
    """An authority closes an adult's access to a child; returns the child's id."""
    people, family = adult.citizens(), app.extensions["portal"].family
    hers, child = people["Mig selv"], people[name]
    numbers = (family.known(p).person.identifiers[CPR_SYSTEM] for p in (hers, child))
    operators.close_access(app.extensions["portal"].settings, *numbers)
    return child


def look_up(employee: Browser, cpr: str) -> TestResponse:
    return employee.post("/medarbejder", {"cpr": cpr})


def purpose(employee: Browser, citizen: str, why: str = "moede") -> TestResponse:
    return employee.post(f"/medarbejder/formaal/{citizen}", {"formaal": why})


def marks(text: str, record: str) -> list[str]:
    """The owners of all entries of one kind on a page."""
    return re.findall(rf'data-record="{record}" data-owner="([^"]*)"', text)


def steady(text: str) -> str:
    """A page without what changes by itself: tokens, times of fetching, reference numbers."""
    text = re.sub(r'(csrf_token" value=")[^"]+', r"\1", text)
    text = re.sub(r"kl\. \d\d\.\d\d", "kl.", text)
    return re.sub(r"\b[0-9a-f]{8}\b", "REF", text)
