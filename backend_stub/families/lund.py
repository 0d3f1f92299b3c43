"""Freja Lund turned 18 yesterday: from children's services to her own life. Hanne is her mother."""

from __future__ import annotations

from backend_stub.shapes import activity
from backend_stub.world import World

ME = "freja"


def tell(world: World) -> None:
    """Everything about this family."""
    _youth_support(world)
    _handing_over(world)
    _grown_up_psychiatry(world)
    _school_and_doctor(world)
    world.calendar("laege-tider").event(
        "hanne", "Influenzavaccination", world.days.at(world.days.weekday(5), 16), 10,
        where="Lægehuset ved Åen")


def _youth_support(world: World) -> None:
    at, day = world.days.at, world.days.day
    youth = world.fhir("ungeenhed")
    kamilla = youth.worker("Kamilla Holst", "Ungerådgiver", "99990243",
                       mail="kamilla.holst@aalborg.example", hours="Sms hele dagen")
    youth.episode(ME, "Ungestøtte", manager=kamilla, start=-30)
    room = youth.goal(ME, "Jeg har et sted at bo, hvor jeg kan låse min egen dør",
                      reached="in-progress", percent=35, due=150)
    money = youth.goal(ME, "Jeg har styr på budget og NemKonto", reached="improving", percent=70,
                       due=60)
    youth.plan(ME, "Ungeplan: det næste år", author=kamilla, start=-30, end=335, follow_up=44,
               goals=[room, money], text="Freja bestemmer, hvem der er med.", activities=[
                   activity("Kontaktperson, ungestøtte", "Barnets Lov § 115", start=day(-1),
                            end=day(335), by=kamilla, goal=room),
                   activity("Bostøtte i egen bolig", "Serviceloven § 85", status="scheduled",
                            start=day(30), by=kamilla)])
    youth.meeting(ME, "Første møde som voksen", at(1, 10), 60, people_in=[kamilla],
                  where="Ungeenheden, Skabelongade 6",
                  bring="Du må gerne tage Hanne eller en anden med. Det bestemmer du.")
    youth.line(ME, "Sådan har jeg det lige nu (Frejas egne tal)", [
        (-30, 5, "Spændt og bange", "before"), (-2, 7, "Klar", "during")],
        unit="point", low=0, high=10, scale_code="egen-skala")


def _handing_over(world: World) -> None:
    """What the family department ended at 18, and what goes on."""
    fam = world.fhir("familieafd")
    nadja = fam.worker("Nadja Berg", "Familierådgiver", "99990207")
    fam.plan(ME, "Barnets plan for Freja", author=nadja, start=-700, end=-1, status="completed",
             activities=[activity("Anbringelse hos netværksfamilie", "Barnets Lov § 46",
                                  status="completed", start=world.days.day(-700),
                                  end=world.days.day(-1), by=nadja)])
    world.cases("familieafd-sager").case(
        ME, "Overgang til voksenlivet", status=3, law="Barnets Lov § 108", kle="27.24.00",
        start=-200, who="Nadja Berg", phone="99990207")
    bup = world.fhir("bup")
    astrid = bup.worker("Astrid Holt", "Psykolog", "99990303")
    bup.team(ME, "Frejas behandlere til 18 år", [(astrid, "responsible", "Afslutning")])


def _grown_up_psychiatry(world: World) -> None:
    clinic = world.fhir("voksenpsykiatri")
    signe = clinic.worker("Signe Bruun", "Sygeplejerske", "99990381", hours="Hverdage kl. 8-9")
    clinic.team(ME, "Dit team", [(signe, "responsible", "Din indgang til psykiatrien")],
                since=-1)
    clinic.meeting(ME, "Velkomstsamtale", world.days.at(world.days.weekday(9), 10), 60,
                   people_in=[signe], where="Psykiatrien, opgang 9")


def _school_and_doctor(world: World) -> None:
    at, weekday = world.days.at, world.days.weekday
    world.calendar("ungdomsskole").event(
        ME, "Studievejledning", at(weekday(6), 11), 30, where="Aalborg Ungdomsskole")
    surgery = world.fhir("laege")
    doctor = surgery.worker("Henrik Aagaard", "Praktiserende læge", "99990107")
    surgery.team(ME, "Din læge", [(doctor, "responsible", "Egen læge")])
    world.cases("jobcenter").appointment(
        ME, "Samtale om fritidsjob", at(weekday(14), 13), 45, where="Jobcenter Aalborg",
        with_=["Lone Bak"], who="Lone Bak", phone="99990401")
