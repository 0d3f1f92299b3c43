"""Amira and Yusuf Haddad with Layla (14) and Omar (6): Arabic at home, an interpreter at meetings."""

from __future__ import annotations

from backend_stub.shapes import activity
from backend_stub.world import World

INTERPRETER = "Arabisk tolk er bestilt: تم حجز مترجم للغة العربية."


def tell(world: World) -> None:
    """Everything about this family."""
    _layla_at_the_department(world)
    _layla_elsewhere(world)
    _omar_starts_school(world)
    _omar_health(world)
    _parents(world)


def _layla_at_the_department(world: World) -> None:
    at, day = world.days.at, world.days.day
    fam = world.fhir("familieafd")
    nadja = fam.worker("Nadja Berg", "Familierådgiver", "99990207",
                       mail="nadja.berg@aalborg.example",
                       hours="Mandag-torsdag kl. 9-11. Sig til, hvis I ønsker tolk")
    fam.team("layla", "Teamet omkring Layla", [
        (nadja, "coordinator", "Samler aftalerne og bestiller tolk")])
    friends = fam.goal("layla", "Jeg går til håndbold igen med mine veninder",
                       reached="improving", percent=60, due=60, followed=-18)
    fam.plan("layla", "Barnets plan for Layla · خطة ليلى", author=nadja, start=-80, end=200,
             followed=-18, follow_up=37, goals=[friends],
             text="Layla vil have tid til sig selv og til håndbold. Hun skal ikke tolke for sine "
                  "forældre.",
             activities=[
                 activity("Fast kontaktperson", "Barnets Lov § 32, stk. 1, nr. 3",
                          start=day(-70), end=day(200), by=nadja, goal=friends),
                 activity("Kontingent til håndbold", "Barnets Lov § 35", start=day(-65))])
    fam.request("layla", "Samtaler for forældre om opdragelse", by=nadja, on=-25,
                only=["not-for-child"], paragraph=("urn:familieoverblik-demo:barnets-lov", "30",
                                                   "Barnets Lov § 30"))
    fam.meeting("layla", "Møde om Laylas plan", at(1, 10), 60, people_in=[nadja],
                where="Familieafdelingen, mødelokale Broen", address="Prøvegade 20, 9000 Aalborg",
                bring=INTERPRETER)
    fam.meeting("layla", "لقاء تعارف مع الأسرة", at(world.days.weekday(14), 13), 45,
                people_in=[nadja], where="Familieafdelingen, mødelokale Broen",
                bring="ليلى وأهلها مرحب بهم. المترجم موجود.", lang="ar")
    fam.line("layla", "Trivselslinealen", [
        (-79, 3, "Noget går godt, noget er svært", "before"),
        (-18, 2, "Det meste går godt", "during")])


def _layla_elsewhere(world: World) -> None:
    at, next_ = world.days.at, world.days.next
    school = world.fhir("skole-trivsel")
    mads = school.worker("Mads Dyhr", "Klasselærer i 8.c", "99990214")
    school.team("layla", "Laylas voksne i skolen", [(mads, "responsible", "Hverdagen i 8.c")])
    world.calendar("skole-kalender").event(
        "layla", "Skole-hjem-samtale, 8.c", at(world.days.weekday(10), 16), 30,
        where="Skovbakkeskolen", with_=["Mads Dyhr"], note=INTERPRETER)
    world.calendar("mentor").event(
        "layla", "Lektiecafé med Sigrid", at(next_(3), 15, 30), 90, where="Biblioteket",
        repeat="FREQ=WEEKLY;COUNT=6", with_=["Sigrid Vang"])
    nurse = world.fhir("sundhedspleje")
    pia = nurse.worker("Pia Damgaard", "Sundhedsplejerske på skolen", "99990311")
    nurse.meeting("layla", "Fortrolig snak med sundhedsplejersken", at(next_(1, 1), 12), 30,
                  people_in=[pia], where="Skovbakkeskolen", only=["not-for-guardians"])


def _omar_starts_school(world: World) -> None:
    at, next_ = world.days.at, world.days.next
    school = world.fhir("skole-trivsel")
    ulrik = school.worker("Ulrik Stage", "Børnehaveklasseleder i 0.a", "99990215")
    school.team("omar", "Omars voksne i skolen", [(ulrik, "responsible", "Hverdagen i 0.a")])
    world.calendar("skole-kalender").whole_day(
        "omar", "Bamsedag i 0.a", world.days.day(world.days.weekday(6)),
        note="Tag en bamse med. · أحضر دمية")
    world.calendar("sfo-kalender").event(
        "omar", "Vi bager fladbrød · نخبز معًا", at(next_(4), 14), 90, where="SFO Skovmusen",
        note="Forældre er velkomne i køkkenet.")
    ppr = world.fhir("ppr")
    sanne = ppr.worker("Sanne Gram", "Talehørelærer", "99990222")
    ppr.team("omar", "Omar عمر: sprog", [
        (sanne, "coordinator", "Sprogstøtte på dansk og arabisk")])
    words = ppr.goal("omar", "Jeg fortæller om min tegning med fem sætninger",
                     reached="improving", percent=70, due=45)
    ppr.plan("omar", "Sprogstøtte", author=sanne, start=-55, end=45, goals=[words], activities=[
        activity("Sprogvejledning", "Folkeskoleloven § 4 a", start=world.days.day(-55),
                 by=sanne, goal=words)])
    ppr.meeting("omar", "Møde om Omars sprog", at(world.days.weekday(7), 13), 45,
                people_in=[sanne], where="Skovbakkeskolen", bring=INTERPRETER)


def _omar_health(world: World) -> None:
    surgery = world.fhir("laege")
    doctor = surgery.worker("Henrik Aagaard", "Praktiserende læge", "99990107")
    for key in "omar", "layla":
        surgery.team(key, "Familiens læge", [(doctor, "responsible", "Egen læge")])
    surgery.meeting("omar", "Børneundersøgelse ved 6 år", world.days.at(
        world.days.weekday(13), 9), 30, people_in=[doctor], where="Lægehuset ved Åen",
        bring=INTERPRETER)
    hearing = world.fhir("syn-hoerelse")
    bent = hearing.worker("Bent Lyng", "Hørekonsulent", "99990342")
    hearing.meeting("omar", "Høreprøve", world.days.at(world.days.weekday(19), 10), 30,
                    people_in=[bent], where="Center for Syn og Hørelse", bring=INTERPRETER)


def _parents(world: World) -> None:
    at, next_ = world.days.at, world.days.next
    jobs = world.cases("jobcenter")
    jobs.case("amira", "Vejen til job med danskundervisning", status=2, kle="15.20.00",
              start=-90, who="Lone Bak", phone="99990401")
    world.calendar("jobcenter-kalender").event(
        "amira", "Samtale med Lone Bak", at(next_(2, 1), 9), 45, where="Jobcenter Aalborg",
        with_=["Lone Bak"], note=INTERPRETER)
    world.calendar("laege-tider").event(
        "yusuf", "Blodtryk", at(world.days.weekday(15), 8), 15, where="Lægehuset ved Åen")
