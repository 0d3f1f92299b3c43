"""What families live through: giving, waiting, taking back, growing up, staying hidden."""

from __future__ import annotations

import json
import re
import unicodedata
from datetime import timedelta
from html import unescape
from urllib.parse import unquote_plus
from urllib.request import Request, urlopen

import pytest
from flask import Flask
from msgspec import structs

from backend_stub.cast import HOMES
from portal import create_app
from portal.access import today_in_copenhagen
from portal.db import now
from portal.settings import Settings
from portal.sources.register import Registered
from tests.acts import (
    SOON,
    TODAY,
    confirm,
    draft,
    grant,
    marks,
    propose,
    purpose,
    shut_out,
    state,
    steady,
    withdraw,
    yes,
)
from tests.conftest import Browser, Login, World, staff
from tests.page_checks import check

PARTS = (
    "",
    "/kontakter",
    "/moeder",
    "/indsatser",
    "/planer",
    "/trivsel",
    "/oplysninger",
    "/netvaerk",
    "/tidslinje",
    "/kommentarer",
    "/samtykke",
    "/hvem-har-set",
)


def everything(who: Browser, citizen: str) -> str:
    """All pages about one citizen, complete, with entities and typography undone."""
    pages = [who.get("/overblik?vent=1")]
    pages += [who.get(f"/overblik/{citizen}{part}?vent=1") for part in PARTS]
    pages += [who.part(f"/del/overblik/{citizen}"), who.part("/del/overblik")]
    assert {p.status_code for p in pages[1:]} == {200}
    text = "".join(check(p) for p in pages)
    for ref in sorted(set(re.findall(r"/moeder/([0-9a-f]{32})\.ics", text)))[:8]:
        for what in (".ics", "/tag-med"):
            answer = who.get(f"/overblik/{citizen}/moeder/{ref}{what}")
            text += answer.get_data(as_text=True).replace("\r\n ", "")
    return unicodedata.normalize("NFC", unescape(text))


# --- giving -----------------------------------------------------------------------------


def test_one_parent_alone_gives_reads_her_receipt_and_regrets(login: Login) -> None:
    camilla = login("camilla")
    noah = camilla.citizens()["Noah"]
    form = check(camilla.get(f"/overblik/{noah}/samtykke/ppr"))
    assert "checked" not in form, "something is ticked beforehand"
    assert [m for m in re.findall(r'value="(\w+)"[^>]*>', form) if m == "health"], (
        "no health choice"
    )
    assert form.rindex('value="social"') < form.index('value="health"'), "health stands last"
    assert state(camilla, noah, "ppr") == "none"

    token = draft(camilla, noah, "ppr")
    assert state(camilla, noah, "ppr") == "none", "the confirmation page must give nothing"
    receipt = check(camilla.get(confirm(camilla, noah, "ppr", token).headers["Location"]))
    assert 'data-consent="active"' in receipt
    assert "PPR" in receipt
    assert state(camilla, noah, "ppr") == "active"
    assert "Fortryd" in check(camilla.get(f"/overblik/{noah}/samtykke/ppr"))

    answer = withdraw(camilla, noah, "ppr")
    assert answer.status_code == 303
    assert state(camilla, noah, "ppr") == "withdrawn"
    assert confirm(camilla, noah, "ppr", token).status_code == 409, "a draft gives only once"
    assert state(camilla, noah, "ppr") == "withdrawn"


def test_the_receipt_for_people_and_for_machines_agree(login: Login) -> None:
    camilla = login("camilla")
    noah = camilla.citizens()["Noah"]
    more = {
        "ejer": ["familieafdelingen", "bup-nord"],
        "undtaget": ["Tandpleje og tilskud til tandpleje"],
    }
    receipt = unescape(grant(camilla, noah, "ppr", **more))
    answer = camilla.get(f"/overblik/{noah}/samtykke/ppr/kvittering.json")
    check(answer)
    assert answer.content_type.startswith("application/fhir+json")
    fhir = answer.json
    assert fhir and fhir["resourceType"] == "Consent" and fhir["status"] == "active"
    assert fhir["scope"]["coding"][0]["code"] == "patient-privacy"
    assert fhir["category"] and fhir["policyRule"]["text"]
    for sentence in fhir["policyRule"]["text"].split("\n"):
        assert sentence in receipt
    assert fhir["identifier"][0]["value"] in receipt
    provision = fhir["provision"]
    assert provision["type"] == "permit"
    assert provision["period"] == {"start": TODAY.isoformat(), "end": SOON}
    assert {c["code"] for c in provision["class"]} == {"contacts", "meetings", "interventions"}
    owners = {d["reference"]["identifier"]["value"] for d in provision["data"]}
    assert owners == {"familieafdelingen", "bup-nord"}
    assert provision["actor"][0]["reference"]["identifier"]["value"] == "ppr"
    assert provision["actor"][0]["reference"]["display"] in receipt
    assert provision["purpose"][0]["code"] == "moede"
    assert provision["code"][0]["coding"][0]["code"] in receipt
    assert not re.search(
        r"(?<![0-9a-f])\d{6}-?\d{4}(?![0-9a-f])",
        answer.get_data(as_text=True).replace(fhir["identifier"][0]["value"], ""),
    )
    assert "Noah Bech" not in answer.get_data(as_text=True)


BAD = {
    "no category": ({"kategori": None}, "kategori"),
    "unknown category": ({"kategori": ["contacts", "everything"]}, "kategori"),
    "category twice": ({"kategori": ["contacts", "contacts"]}, "kategori"),
    "no owner": ({"ejer": None}, "ejer"),
    "unknown owner": ({"ejer": ["findes-ikke"]}, "ejer"),
    "owner twice": ({"ejer": ["social", "social"]}, "ejer"),
    "the grantee itself as owner": ({"ejer": ["ppr"]}, "ejer"),
    "no purpose": ({"formaal": None}, "formaal"),
    "unknown purpose": ({"formaal": "nysgerrighed"}, "formaal"),
    "two purposes": ({"formaal": ["moede", "overgang"]}, "formaal"),
    "no date": ({"til": None}, "til"),
    "not a date": ({"til": "i morgen <b>"}, "til"),
    "no such day": ({"til": "2027-02-30"}, "til"),
    "a day gone by": ({"til": "2020-01-01"}, "til"),
    "today": ({"til": TODAY.isoformat()}, "til"),
    "more than a year": ({"til": (TODAY + timedelta(days=400)).isoformat()}, "til"),
    "two dates": ({"til": [SOON, SOON]}, "til"),
    "unknown excluded kind": ({"undtaget": ["Alt"]}, "undtaget"),
    "excluded kind twice": ({"undtaget": ["Befordring", "Befordring"]}, "undtaget"),
}


def test_every_bad_field_is_named_and_what_was_filled_in_is_kept(login: Login) -> None:
    camilla = login("camilla")
    noah = camilla.citizens()["Noah"]
    good = {
        "ejer": ["social", "skovbakkeskolen"],
        "undtaget": ["Befordring"],
        "formaal": "overgang",
    }
    for name, (fields, where) in BAD.items():
        sent = {**good, **fields}
        answer = propose(camilla, noah, "ppr", **sent)
        assert answer.status_code == 422, name
        text = check(answer)
        assert f'id="e-{where}"' in text, f"{name}: nothing beside the field"
        assert f'href="#f-{where}"' in text, f"{name}: nothing in the summary"
        for field in {"kategori", "ejer", "undtaget", "formaal"} - {where}:
            for value in _many(yes(**sent).get(field)):
                assert re.search(rf'name="{field}" value="{value}" checked', text), (name, field)
        if where != "til":
            assert f'value="{SOON}"' in text, name
    text = check(propose(camilla, noah, "ppr", til="i morgen <b>"))
    assert 'value="i morgen &lt;b&gt;"' in text
    assert state(camilla, noah, "ppr") == "none"


def _many(value: object) -> list[str]:
    return [str(v) for v in value] if isinstance(value, list) else [str(value)] if value else []


def test_odd_posts_change_nothing(login: Login) -> None:
    camilla = login("camilla")
    noah = camilla.citizens()["Noah"]
    for form in ({}, {"handling": "alt"}, {"handling": ""}):
        answer = camilla.post(f"/overblik/{noah}/samtykke/ppr", form)
        assert answer.status_code == 400
        check(answer)
    for actor in ("findes-ikke", "sted-000000000000", "PPR", "ppr%20"):
        assert propose(camilla, noah, actor).status_code == 404
        assert withdraw(camilla, noah, actor).status_code == 404
        assert camilla.get(f"/overblik/{noah}/samtykke/{actor}").status_code == 404
    for token in ("", "x", "æøå", "a" * 3000):
        assert confirm(camilla, noah, "ppr", token).status_code == 409
    assert camilla.get(f"/overblik/{noah}/samtykke/ppr/kvittering").status_code == 404
    assert state(camilla, noah, "ppr") == "none"


def test_a_stale_form_and_a_stale_draft_are_409(login: Login) -> None:
    camilla, again = login("camilla"), login("camilla")
    noah = camilla.citizens()["Noah"]
    page = check(camilla.get(f"/overblik/{noah}/samtykke/ppr"))
    version = re.search(r'name="version" value="(\d+)"', page)
    assert version
    token = draft(camilla, noah, "ppr", version=version[1])
    grant(again, noah, "ppr", kategori=["contacts"])
    answer = confirm(camilla, noah, "ppr", token)
    assert answer.status_code == 409
    check(answer)
    stale = propose(camilla, noah, "ppr", version=version[1])
    assert stale.status_code == 409
    assert 'name="kategori" value="meetings" checked' in check(stale), "input is kept"
    fhir = camilla.get(f"/overblik/{noah}/samtykke/ppr/kvittering.json").json
    assert fhir and [c["code"] for c in fhir["provision"]["class"]] == ["contacts"]


def test_one_draft_belongs_to_one_child_and_one_place(login: Login) -> None:
    mette = login("mette")
    people = mette.citizens()
    token = draft(mette, people["Emil"], "ppr")
    assert confirm(mette, people["Sofie"], "ppr", token).status_code == 409
    assert confirm(mette, people["Emil"], "jobcenter", token).status_code == 409
    other = login("mette")
    assert confirm(other, people["Emil"], "ppr", token).status_code == 409
    assert state(mette, people["Emil"], "ppr") == "none"


def test_the_overview_reminds_of_a_yes_that_ends_soon(login: Login) -> None:
    camilla = login("camilla")
    noah = camilla.citizens()["Noah"]

    def told() -> str:
        return check(camilla.get(f"/overblik/{noah}"))

    grant(camilla, noah, "ppr", til=(TODAY + timedelta(days=31)).isoformat())
    assert "udløber snart" not in told()
    grant(camilla, noah, "ppr", til=(TODAY + timedelta(days=30)).isoformat())
    assert f'<a href="/overblik/{noah}/samtykke">1 samtykke udløber snart</a>' in told()
    withdraw(camilla, noah, "ppr")
    assert "udløber snart" not in told()


# --- two parents ------------------------------------------------------------------------


def test_joint_custody_from_one_yes_to_two_and_back(login: Login) -> None:
    mette, jonas = login("mette"), login("jonas")
    emil = mette.citizens()["Emil"]
    grant(mette, emil, "ppr", kategori=["contacts", "meetings"])
    assert state(mette, emil, "ppr") == "pending"
    assert state(jonas, emil, "ppr") == "none"
    page = check(mette.get(f"/overblik/{emil}/samtykke/ppr"))
    assert "Gælder ikke. Begge forældre skal sige ja." in page

    grant(jonas, emil, "ppr", kategori=["meetings", "plans"])
    assert state(mette, emil, "ppr") == state(jonas, emil, "ppr") == "active"
    both = check(mette.get(f"/overblik/{emil}/samtykke/ppr"))
    assert "PPR, Aalborg Kommune må se møder til og med" in both, "only what both said applies"

    assert withdraw(jonas, emil, "ppr").status_code == 303
    assert state(mette, emil, "ppr") == "pending"
    assert state(jonas, emil, "ppr") == "withdrawn"
    assert withdraw(mette, emil, "ppr").status_code == 303
    assert state(mette, emil, "ppr") == "withdrawn"


def test_the_other_parents_no_leaves_no_byte(login: Login) -> None:
    """Unanswered, proposed, refused, granted and withdrawn look the same while nothing applies."""
    mette, jonas = login("mette"), login("jonas")
    emil = mette.citizens()["Emil"]
    grant(mette, emil, "jobcenter")

    def seen() -> list[str]:
        addresses = (
            "samtykke",
            "samtykke/jobcenter",
            "samtykke/jobcenter/kvittering",
            "samtykke/jobcenter/kvittering.json",
            "samtykke/ppr",
        )
        paths = [f"/overblik/{emil}/{a}" for a in addresses]
        return [steady(mette.get(p + "?vent=1").get_data(as_text=True)) for p in paths]

    seen()
    before = seen()
    draft(jonas, emil, "jobcenter")
    assert seen() == before, "a draft shows"
    assert withdraw(jonas, emil, "jobcenter").status_code == 303
    assert state(jonas, emil, "jobcenter") in ("none", "withdrawn")
    assert seen() == before, "a refusal shows"
    grant(jonas, emil, "ppr")
    assert seen() == before, "a yes that does not apply yet shows"
    assert withdraw(jonas, emil, "ppr").status_code == 303
    assert seen() == before, "a withdrawal shows"
    grant(jonas, emil, "jobcenter", formaal="overgang")
    assert seen() == before, "a yes for another purpose shows"
    log = check(mette.get(f"/overblik/{emil}/hvem-har-set"))
    assert "Jonas" not in log.split("<main")[1]


def test_after_a_withdrawal_the_next_request_on_another_worker_shows_nothing(
    app: Flask, settings: Settings, login: Login
) -> None:
    other = create_app(settings)
    camilla, poul = login("camilla"), staff(login, "poul")
    noah = camilla.citizens()["Noah"]
    elsewhere = Browser(other.test_client())
    elsewhere.client._cookies.update(poul.client._cookies)
    grant(camilla, noah, "ppr", kategori=["contacts", "meetings"], ejer=["familieafdelingen"])
    for worker in (poul, elsewhere):
        purpose(worker, noah)
        text = check(worker.get(f"/overblik/{noah}?vent=1"))
        assert "familieafdelingen" in marks(text, "contact") + marks(text, "meeting")
    ref = re.search(r"/moeder/([0-9a-f]{32})\.ics", text)
    assert ref
    assert withdraw(camilla, noah, "ppr").status_code == 303
    paths = [f"/overblik/{noah}{p}" for p in ("", "/moeder", "/kontakter", f"/moeder/{ref[1]}.ics")]
    for worker in (elsewhere, poul):
        for path in paths:
            answer = worker.get(path + "?vent=1")
            assert answer.status_code == 404, path
            assert "Noah" not in check(answer)
        assert worker.part(f"/del/overblik/{noah}").status_code == 404
        assert noah not in check(worker.get("/medarbejder"))


# --- growing up -------------------------------------------------------------------------


def test_at_16_parents_see_no_health_data_and_one_line_that_never_changes(login: Login) -> None:
    mette, jonas, sofie = login("mette"), login("jonas"), login("sofie")
    id = sofie.citizens().get("Mig selv") or mette.citizens()["Sofie"]
    own = everything(sofie, id)
    assert "Samtale med Astrid" in own and "Gruppe for unge" in own and "Tid hos egen læge" in own
    for parent in (mette, jonas):
        theirs = everything(parent, id)
        for word in (
            "Astrid",
            "Gruppe for unge",
            "Behandlingsplan",
            "ORS, samlet",
            "mange mennesker",
            "Ungeklinikken",
            "anonym opstart",
            "Tid hos egen læge",
        ):
            assert word not in theirs, word
        for source in ("bup", "bup-maalinger", "laege", "sygehus", "sundhedspleje"):
            assert f'data-source="{source}"' not in check(parent.get(f"/overblik/{id}?vent=1"))
        page = check(parent.get(f"/overblik/{id}?vent=1"))
        assert not {"bup-nord", "laegehuset"} & set(re.findall(r'data-owner="([^"]*)"', page))
    assert 'data-source="bup"' in check(sofie.get(f"/overblik/{id}?vent=1"))


def test_whether_there_is_health_data_makes_no_difference_to_parents(
    login: Login, world: World
) -> None:
    """Her mother's page is the same when child psychiatry answers, fails or knows nothing."""
    mette = login("mette")
    id = mette.citizens()["Sofie"]
    pages = []
    for fault in ("", "500", "empty-bundle"):
        fault_at(world, "bup", fault)
        try:
            again = login("mette")
            pages.append(steady(check(again.get(f"/overblik/{id}?vent=1"))))
        finally:
            fault_at(world, "bup", "")
    assert pages[0] == pages[1] == pages[2]


def fault_at(world: World, system: str, fault: str) -> None:
    body = json.dumps({"system": system, "fault": fault}).encode()
    headers = {"Content-Type": "application/json"}
    urlopen(Request(f"{world.backends}/fault", body, headers)).close()


def test_the_health_line_counts_nothing(login: Login) -> None:
    """The sentence about health must not depend on whether any health data exists."""
    mette = login("mette")
    people = mette.citizens()
    text = check(mette.get(f"/overblik/{people['Sofie']}?vent=1"))
    lines = [x for x in re.findall(r"<p[^>]*>(.*?)</p>", text, re.S) if "sundhed" in x.lower()]
    assert lines, "the constant line is missing"
    assert not re.search(r"\d", re.sub(r"<[^>]+>", "", lines[0]).replace("15", "")), (
        "it counts something"
    )
    young = check(mette.get(f"/overblik/{people['Emil']}?vent=1"))
    assert lines[0] not in young


def test_at_16_she_alone_grants_health_and_nobody_else_can(login: Login) -> None:
    mette, sofie = login("mette"), login("sofie")
    id = mette.citizens()["Sofie"]
    assert 'value="health"' not in check(mette.get(f"/overblik/{id}/samtykke/ppr"))
    for owner in ("health", "bup-nord"):
        refused = propose(mette, id, "ppr", ejer=[owner])
        assert refused.status_code == 422, owner
    page = grant(sofie, id, "ppr", ejer=["bup-nord"], kategori=["meetings"])
    assert 'data-consent="active"' in page
    assert state(mette, id, "ppr") == "none", "her consent is not her mother's business"
    assert state(sofie, id, "ppr") == "active"
    poul = staff(login, "poul")
    purpose(poul, id)
    assert "Samtale med Astrid" in check(poul.get(f"/overblik/{id}?vent=1"))


def test_at_16_the_rest_needs_her_and_both_parents(login: Login) -> None:
    mette, jonas, sofie = login("mette"), login("jonas"), login("sofie")
    id = mette.citizens()["Sofie"]
    for who, then in ((mette, "pending"), (sofie, "pending"), (jonas, "active")):
        grant(who, id, "ppr", ejer=["social"])
        assert state(who, id, "ppr") == then
    assert state(sofie, id, "ppr") == "active"
    withdraw(sofie, id, "ppr")
    assert state(mette, id, "ppr") == state(jonas, id, "ppr") == "pending"


def test_a_14_year_old_reads_and_decides_nothing(login: Login) -> None:
    layla, amira, yusuf = login("layla"), login("amira"), login("yusuf")
    id = amira.citizens()["Layla"]
    assert layla.get(f"/overblik/{id}").status_code == 200
    form = check(layla.get(f"/overblik/{id}/samtykke/ppr"))
    assert 'value="giv"' not in form
    for more in ({}, {"kategori": ["comments"], "ejer": None}):
        assert propose(layla, id, "ppr", **more).status_code == 404
    assert withdraw(layla, id, "ppr").status_code == 404
    grant(amira, id, "ppr")
    assert state(layla, id, "ppr") in ("", "none"), "one parent's answer shows to the child"
    grant(yusuf, id, "ppr")
    assert state(layla, id, "ppr") == "active"
    assert withdraw(layla, id, "ppr").status_code == 404
    assert state(amira, id, "ppr") == "active"


def test_at_18_the_mother_has_lost_access_and_the_daughter_decides(login: Login) -> None:
    freja, hanne = login("freja"), login("hanne")
    first = freja.get("/overblik")
    assert first.status_code == 302, "one citizen only leads straight to that one"
    id = first.headers["Location"].split("/")[-1]
    assert "Freja" not in check(hanne.get("/overblik?vent=1", follow_redirects=True))
    for part in PARTS:
        answer = hanne.get(f"/overblik/{id}{part}")
        assert answer.status_code == 404, part
    assert propose(hanne, id, "ppr").status_code == 404
    grant(freja, id, "ppr", ejer=["social", "health"])
    assert state(freja, id, "ppr") == "active"
    log = check(freja.get(f"/overblik/{id}/hvem-har-set"))
    assert "Hanne" in log, "from 15 she sees that an adult tried"


def test_who_is_shut_out_withdraws_nothing(app: Flask, login: Login) -> None:
    """Her own yes is no way in: not yours, or no such thing."""
    camilla = login("camilla")
    noah = camilla.citizens()["Noah"]
    grant(camilla, noah, "ppr")
    shut_out(app, camilla, "Noah")
    before = app.extensions["portal"].consents.events(noah)
    shut = withdraw(camilla, noah, "ppr")
    none = withdraw(camilla, "0" * 32, "ppr")
    assert shut.status_code == none.status_code == 404
    assert steady(check(shut)) == steady(check(none))
    assert app.extensions["portal"].consents.events(noah) == before


def test_a_grandfather_without_custody_and_a_stranger_find_nothing(login: Login) -> None:
    mette, viggo = login("mette"), login("viggo")
    people = mette.citizens()
    own = viggo.get("/overblik")
    assert own.status_code == 302
    assert viggo.get(own.headers["Location"]).status_code == 200
    for child in ("Sofie", "Emil", "Mig selv"):
        for part in PARTS:
            assert viggo.get(f"/overblik/{people[child]}{part}").status_code == 404
        for actor in ("ppr", "jobcenter"):
            assert withdraw(viggo, people[child], actor).status_code == 404
    assert login("jonas").get(f"/overblik/{people['Mig selv']}").status_code == 404, (
        "her own matters"
    )


# --- a protected address ----------------------------------------------------------------

HIDDEN = (
    "Prøvevænget",
    "Skovbakke",
    "Skovmusen",
    "Lægehuset",
    "Klinikvænget",
    "opgang 4",
    "Svømmehallen",
    "Prøvegade",
    "Demotorvet",
    "Limfjordssygehuset",
    "Grebet",
    "skovbakkeskolen",
    "sfo-skovmusen",
    "openstreetmap",
)


def test_no_byte_of_where_they_live_reaches_the_other_parent(login: Login) -> None:
    mette, jonas = login("mette"), login("jonas")
    people = mette.citizens()
    hers = everything(mette, people["Emil"])
    for word in HIDDEN[:4]:
        assert word in hers, "the world has nothing to hide"
    for child in ("Emil", "Sofie"):
        his = everything(jonas, people[child])
        for actor in sorted(set(re.findall(r"/samtykke/([\w-]+)\"", his)))[::6]:
            his += unescape(check(jonas.get(f"/overblik/{people[child]}/samtykke/{actor}")))
        for word in HIDDEN:
            assert word.lower() not in his.lower(), (child, word)
        home = HOMES["mette"]
        assert home.line not in his and not re.search(rf"(?<!\w){home.postcode}(?!\w)", his)
        assert "Sted: se din indkaldelse" in his
    assert jonas.get(f"/overblik/{people['Emil']}/samtykke/skovbakkeskolen").status_code == 404
    assert withdraw(jonas, people["Emil"], "skovbakkeskolen").status_code == 404


def test_nobody_is_shown_the_way_to_a_telephone(login: Login) -> None:
    camilla = login("camilla")
    page = unescape(check(camilla.get(f"/overblik/{camilla.citizens()['Noah']}/moeder?vent=1")))
    assert re.search(r"search\?query=\w", unquote_plus(page)), "places that are some are on the map"
    assert "Telefon" in page
    assert "query=Telefon" not in page and "query=Online" not in page


def test_he_can_still_reach_those_who_help(login: Login) -> None:
    jonas = login("jonas")
    emil = jonas.citizens()["Emil"]
    text = unescape(check(jonas.get(f"/overblik/{emil}/kontakter?vent=1")))
    assert "Karin Thomsen" in text and "tel:99990201" in text
    assert "mailto:karin.thomsen@aalborg.example" in text
    assert 'href="…' not in text and "tel:…" not in text and "tel:99990211" not in text


def test_he_decides_about_a_place_whose_name_he_may_not_know(login: Login) -> None:
    """Hidden places have an id of their own for him; his receipt names nothing either."""
    mette, jonas = login("mette"), login("jonas")
    emil = mette.citizens()["Emil"]
    text = check(jonas.get(f"/overblik/{emil}/samtykke"))
    hidden = re.findall(r'data-actor="(sted-[0-9a-f]{12})"', text)
    assert hidden
    for place in hidden[:2]:
        page = grant(jonas, emil, place, ejer=[hidden[2], "social"])
        page += check(jonas.get(f"/overblik/{emil}/samtykke/{place}"))
        page += jonas.get(f"/overblik/{emil}/samtykke/{place}/kvittering.json").get_data(
            as_text=True
        )
        page += check(jonas.get(f"/overblik/{emil}/hvem-har-set"))
        assert not [w for w in HIDDEN if w.lower() in unescape(page).lower()]
        assert state(jonas, emil, place) == "pending"
        assert withdraw(jonas, emil, place).status_code == 303
        assert state(jonas, emil, place) == "withdrawn"
    assert not re.findall(r'data-actor="sted-', check(mette.get(f"/overblik/{emil}/samtykke")))


def test_looking_at_ones_own_children_is_not_looking_at_each_others_matters(login: Login) -> None:
    """A parent's own case stands beside the children's, for that parent only."""
    mette, jonas, sofie = login("mette"), login("jonas"), login("sofie")
    people, his = mette.citizens(), jonas.citizens()
    assert "Jobafklaring" in everything(jonas, his["Mig selv"])
    for who, citizen in ((mette, "Emil"), (mette, "Sofie"), (mette, "Mig selv")):
        assert "Jobafklaring" not in everything(who, people[citizen])
    assert "Jobafklaring" not in everything(sofie, people["Sofie"])
    assert "Økonomisk hjælp ved flytning" not in everything(jonas, people["Emil"])


@pytest.mark.parametrize("word", ["Underretning", "Bekymringssnak", "Internt fagmøde"])
def test_concerns_and_internal_matters_appear_to_nobody(login: Login, word: str) -> None:
    mette = login("mette")
    assert word not in everything(mette, mette.citizens()["Emil"])


def test_a_parent_who_has_died_decides_no_more(app: Flask, login: Login) -> None:
    """Custody ends with death: her login opens nothing, and the other's yes is enough."""
    mette, jonas = login("mette"), login("jonas")
    emil, family = mette.citizens()["Emil"], app.extensions["portal"].family
    grant(mette, emil, "ppr")
    assert state(mette, emil, "ppr") == "pending"
    his = jonas.own()
    jonas.get("/overblik?vent=1")
    known = family.known(his)
    dead = Registered(person=structs.replace(known.person, deceased=True), patient=known.patient)
    family._memory.put(("person", his), dead)  # as the register says from now on
    assert jonas.get(f"/overblik/{emil}").status_code == 404
    assert "Emil" not in jonas.get("/overblik", follow_redirects=True).get_data(as_text=True)
    assert state(mette, emil, "ppr") == "active"


def test_on_the_day_parents_are_told_that_their_child_is_grown_up(app: Flask, login: Login) -> None:
    """From 00:00 her overview is hers alone; a parent is told why it is gone, on that day only."""
    mette, sofie = login("mette"), login("sofie")
    id, family = mette.citizens()["Sofie"], app.extensions["portal"].family
    mette.get("/overblik?vent=1")
    known, today = family.known(id), today_in_copenhagen(now())
    told = "Sofie fylder 18 i dag og bestemmer nu selv."
    for born, says in ((today.replace(year=today.year - 18), True),
                       (today.replace(year=today.year - 18) - timedelta(1), False)):  # fmt: skip
        grown = structs.replace(known.person, born=born)
        family._memory.put(("person", id), Registered(person=grown, patient=known.patient))
        page = unescape(check(mette.get("/overblik?vent=1")))
        assert (told in page) is says and f"/overblik/{id}" not in page
        assert mette.get(f"/overblik/{id}").status_code == 404
    log = unescape(sofie.get(f"/overblik/{id}/hvem-har-set").get_data(as_text=True))
    assert re.search(r"Mette så [^.]*grundoplysninger", log), "one visit, with what she was told"
