"""Each reader's own log: her own looks, employees' looks, from 15 the adults' too; never the other parent's."""

from __future__ import annotations

from datetime import date, timedelta
from html import unescape

import pytest
from flask import Flask
from msgspec import structs

from portal import create_app, operators
from portal.access import today_in_copenhagen
from portal.audit import Act, Line, append, entries
from portal.db import now
from portal.settings import CPR_SYSTEM, Settings
from tests.acts import grant, look_up, purpose
from tests.conftest import Browser, Login, staff
from tests.page_checks import check


def lines(who: Browser, citizen: str, query: str = "") -> str:
    answer = who.get(f"/overblik/{citizen}/hvem-har-set{query}")
    assert answer.status_code == 200
    return unescape(check(answer)).split("<main")[1].split("</main")[0]


def test_an_employees_role_stands_in_brackets(app: Flask, login: Login) -> None:
    mette = login("mette")
    emil = mette.citizens()["Emil"]
    shop = app.extensions["portal"]
    with shop.store.write(emil) as c:
        for more in ({"role": "psykolog"}, {"role": "psykolog", "name": "Poul Riis"}, {}):
            line = Line(act=Act.LOOK_UP, actors=("ppr",), **more)  # type: ignore[arg-type]
            append(c, shop.settings.municipality, emil, shop.family.key(emil), line)
    text = lines(mette, emil)
    for who in (" (psykolog)", " (psykolog, Poul Riis)", ""):
        assert f"PPR, Aalborg Kommune{who} slog op i egne systemer" in text


def test_every_line_can_be_asked_about(login: Login) -> None:
    mette = login("mette")
    emil = mette.citizens()["Emil"]
    mette.get(f"/overblik/{emil}?vent=1")
    text = lines(mette, emil)
    assert "Du så" in text
    assert text.count("Spørg om dette opslag") == text.count('<li class="row"')


def test_parents_never_see_each_other(login: Login) -> None:
    mette, jonas = login("mette"), login("jonas")
    emil = mette.citizens()["Emil"]
    jonas.get(f"/overblik/{emil}?vent=1")
    jonas.get(f"/overblik/{emil}/samtykke/ppr")
    mette.get(f"/overblik/{emil}/kontakter?vent=1")
    hers, his = lines(mette, emil), lines(jonas, emil)
    assert "Du så" in hers and "Jonas" not in hers
    assert "Du så" in his and "Mette" not in his
    assert "kontakt" in hers.lower()


@pytest.mark.parametrize("part", ["kontakter", "moeder", "indsatser", "planer"])
def test_comments_read_beside_an_entry_are_told_as_comments(login: Login, part: str) -> None:
    mette = login("mette")
    emil = mette.citizens()["Emil"]
    page = check(mette.get(f"/overblik/{emil}/{part}?vent=1"))
    about = page.split("/kommentarer?om=")[1][:32]
    assert "kommentarer" not in lines(mette, emil).lower().split("du så")[1]
    form = {"tekst": "Godt, at I er der", "om": about}
    assert mette.post(f"/overblik/{emil}/kommentarer", form).status_code == 303
    assert "Godt, at I er der" in check(mette.get(f"/overblik/{emil}/{part}?vent=1"))
    assert "og kommentarer" in lines(mette, emil).lower()


def test_at_16_she_sees_the_adults_and_they_do_not_see_her(login: Login) -> None:
    mette, jonas, sofie = login("mette"), login("jonas"), login("sofie")
    id = mette.citizens()["Sofie"]
    for who in (mette, jonas, sofie):
        who.get(f"/overblik/{id}?vent=1")
    grant(sofie, id, "ppr", ejer=["bup-nord"], kategori=["meetings"])
    mette.post(f"/overblik/{id}/kommentarer", {"tekst": "mors egen note"})
    hers = lines(sofie, id)
    assert "Mette så" in hers and "Jonas så" in hers
    assert "Mette skrev" not in hers, "that an adult wrote to herself is not a look"
    for parent in (mette, jonas):
        text = lines(parent, id)
        assert "Sofie så" not in text and "Sofie gav" not in text and "PPR" not in text


def test_a_14_year_old_sees_her_own_and_employees_only(login: Login) -> None:
    layla, amira = login("layla"), login("amira")
    id = amira.citizens()["Layla"]
    layla.get(f"/overblik/{id}?vent=1")
    text = lines(layla, id)
    assert "Du så" in text and "Amira" not in text and "Yusuf" not in text


def test_employees_looks_and_refused_tries_are_told(app: Flask, login: Login) -> None:
    mette = login("mette")
    emil = mette.citizens()["Emil"]
    lone, karin = staff(login, "lone"), staff(login, "karin")
    lone.get(f"/overblik/{emil}")
    look_up(karin, app.extensions["portal"].family.known(emil).person.identifiers[CPR_SYSTEM])
    purpose(karin, emil)
    karin.get(f"/overblik/{emil}?vent=1")
    text = lines(mette, emil)
    assert "Jobcenter Aalborg" in text and "fik nej" in text
    assert "Familieafdelingen, Aalborg Kommune" in text
    assert "mailto:databeskyttelse@kommune.example" in text
    assert (
        emil not in text.split("mailto:")[1].split('"')[0]
        and "Emil" not in text.split("mailto:")[1].split('"')[0]
    )
    only = lines(mette, emil, "?sted=jobcenter")
    assert "Jobcenter Aalborg" in only and "Du så" not in only
    assert "<script" not in lines(mette, emil, "?sted=<script>")
    assert 'data-owner="familieafdelingen"' in text


def test_a_strangers_try_is_not_told_to_parents_but_stays_in_the_chain(login: Login) -> None:
    mette, viggo = login("mette"), login("viggo")
    emil = mette.citizens()["Emil"]
    viggo.get(f"/overblik/{emil}")
    assert "Viggo" not in lines(mette, emil)


def test_health_looks_at_a_young_person_are_hers(app: Flask, login: Login) -> None:
    mette, sofie, birgit = login("mette"), login("sofie"), staff(login, "birgit")
    id = mette.citizens()["Sofie"]
    look_up(birgit, app.extensions["portal"].family.known(id).person.identifiers[CPR_SYSTEM])
    purpose(birgit, id)
    birgit.get(f"/overblik/{id}?vent=1")
    assert "psykiatri" in lines(sofie, id).lower()
    assert "psykiatri" not in lines(mette, id).lower()


def test_what_the_young_person_alone_has_opened_is_not_told_to_her_parents(
    app: Flask, login: Login
) -> None:
    """Parents of a 16-year-old do not learn from an employee's looks that she said yes alone."""
    mette, sofie, poul = login("mette"), login("sofie"), staff(login, "poul")
    id = mette.citizens()["Sofie"]
    before = lines(mette, id)
    grant(sofie, id, "ppr", ejer=["bup-nord"], kategori=["contacts", "meetings"])
    assert "Sofie" in poul.get("/medarbejder").get_data(as_text=True)
    purpose(poul, id)
    assert poul.get(f"/overblik/{id}?vent=1").status_code == 200
    assert "PPR" in lines(sofie, id) and "navnet på en liste" in lines(sofie, id)
    assert "PPR" not in before and "PPR" not in lines(mette, id)


def test_an_employees_look_is_told_with_what_the_reader_may_see_of_it(
    app: Flask, login: Login
) -> None:
    """What was opened by both is told; that health data was there too, only to her."""
    mette, jonas, sofie = login("mette"), login("jonas"), login("sofie")
    poul, id = staff(login, "poul"), login("mette").citizens()["Sofie"]
    for parent in (mette, jonas):
        grant(parent, id, "ppr", ejer=["familieafdelingen"], kategori=["contacts"])
    grant(
        sofie, id, "ppr", ejer=["familieafdelingen", "bup-nord"], kategori=["contacts", "wellbeing"]
    )
    purpose(poul, id)
    assert 'data-owner="bup-nord"' in poul.get(f"/overblik/{id}?vent=1").get_data(as_text=True)

    def told(text: str) -> str:
        return next(x for x in text.split("<li") if "PPR" in x and " så " in x)

    assert "trivsel" in told(lines(sofie, id)).lower()
    assert "kontakt" in told(lines(mette, id)).lower()
    assert "trivsel" not in told(lines(mette, id)).lower()


def test_hidden_places_have_no_name_in_his_log(app: Flask, login: Login) -> None:
    mette, jonas, birgit = login("mette"), login("jonas"), staff(login, "birgit")
    emil = mette.citizens()["Emil"]
    look_up(birgit, app.extensions["portal"].family.known(emil).person.identifiers[CPR_SYSTEM])
    purpose(birgit, emil)
    birgit.get(f"/overblik/{emil}?vent=1")
    assert "Børne- og Ungdomspsykiatrien" in lines(mette, emil)
    his = lines(jonas, emil)
    assert "Sundhedsvæsenet" in his and "Nordjylland" not in his


def test_a_look_by_a_place_nobody_knows_any_more_counts_as_health(
    app: Flask, settings: Settings, login: Login
) -> None:
    """A clinic that left the configuration tells parents of a 16-year-old no more than before."""
    sofie, birgit = login("sofie"), staff(login, "birgit")
    id = login("mette").citizens()["Sofie"]
    look_up(birgit, app.extensions["portal"].family.known(id).person.identifiers[CPR_SYSTEM])
    purpose(birgit, id)
    birgit.get(f"/overblik/{id}?vent=1")
    gone = {a.id for a in settings.actor if "sykiatri" in a.name}
    later = create_app(
        structs.replace(
            settings,
            actor=tuple(a for a in settings.actor if a.id not in gone),
            source=tuple(s for s in settings.source if s.actor not in gone),
        )
    )
    mette, hers = login("mette", app=later), login("sofie", app=later)
    assert lines(sofie, id).count("<li") == lines(hers, id).count("<li"), (
        "she still sees every look"
    )
    assert "Systemet" not in lines(mette, id) and "Birgit" not in lines(mette, id)
    assert lines(mette, id).count("<li") == lines(login("mette"), id).count("<li")


def test_an_owner_holds_its_lines_back_from_one_reader_for_a_while(
    app: Flask, login: Login
) -> None:
    """For a lawful reason, to and with a day; the log keeps both, and nobody else reads less."""
    mette, jonas, lone = login("mette"), login("jonas"), staff(login, "lone")
    emil = mette.citizens()["Emil"]
    lone.get(f"/overblik/{emil}")
    family, settings = app.extensions["portal"].family, app.extensions["portal"].settings
    his, child = (family.known(p).person.identifiers[CPR_SYSTEM] for p in (jonas.own(), emil))
    today = today_in_copenhagen(now())

    def hold(until: date, reason: str = "efterforskning", actor: str = "jobcenter") -> None:
        operators.hold_lines(settings, his, child, actor, until, reason)

    assert "Jobcenter" in lines(jonas, emil)
    hold(today)
    assert "Jobcenter" not in lines(jonas, emil) and "efterforskning" not in lines(jonas, emil)
    assert "Jobcenter" in lines(mette, emil) and "efterforskning" not in lines(mette, emil)
    hold(today - timedelta(1))
    assert "Jobcenter" in lines(jonas, emil) and "efterforskning" not in lines(jonas, emil)
    for until, reason, actor in (
        (today, " ", "jobcenter"),
        (today + timedelta(400), "x", "jobcenter"),
        (today, "x", "findes-ikke"),
    ):
        with pytest.raises(operators.NothingChanged):
            hold(until, reason, actor)
    with app.extensions["portal"].store.read(emil) as c:
        said = entries(c, settings.municipality, emil, family.key(emil))
    assert [e.line.outcome for e in said if e.line.act is Act.HOLD] == ["efterforskning"] * 2


def test_what_an_employee_saw_of_a_small_child_is_judged_for_the_day_she_can_read_it(
    app: Flask, login: Login
) -> None:
    """Emil is 9: what a line may tell him is written down with it, and a stranger to it reads none."""
    mette, karin = login("mette"), staff(login, "karin")
    emil, portal = mette.citizens()["Emil"], app.extensions["portal"]
    look_up(karin, portal.family.known(emil).person.identifiers[CPR_SYSTEM])
    purpose(karin, emil)
    karin.get(f"/overblik/{emil}?vent=1")
    with portal.store.read(emil) as c:
        said = entries(c, portal.settings.municipality, emil, portal.family.key(emil))
    (line,) = [e.line for e in said if not e.line.person and e.line.categories]
    assert line.shared and len(line.shared) == 3 and set(line.shared[emil]) <= set(line.categories)


def test_a_part_with_comments_beside_it_tells_only_of_those_it_shows(login: Login) -> None:
    mette = login("mette")
    emil = mette.citizens()["Emil"]
    mette.post(f"/overblik/{emil}/kommentarer", {"tekst": "Kun til mig selv"})
    mette.get(f"/overblik/{emil}/kontakter?vent=1")
    newest = lines(mette, emil).split("<li")[1:3]
    assert not any("så kontakter og kommentarer" in x for x in newest), newest
