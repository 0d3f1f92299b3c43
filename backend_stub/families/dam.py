"""Peter Dam and Ida (11): his own job-centre case beside her help, and nobody who coordinates."""

from __future__ import annotations

from backend_stub.shapes import activity
from backend_stub.world import World


def tell(world: World) -> None:
    """Everything about this family. Note: no tovholder."""
    _ida(world)
    _ida_school_and_health(world)
    _peter(world)


def _ida(world: World) -> None:
    at, day = world.days.at, world.days.day
    fam = world.fhir("familieafd")
    lars = fam.worker("Lars Hvidberg", "Familiebehandler", "99990202",
                      mail="lars.hvidberg@aalborg.example")
    fam.team("ida", "Hjælp til Ida", [(lars, "responsible", "Samtalegruppe for børn")])
    goal = fam.goal("ida", "Jeg tør sige det højt, når jeg savner mor", reached="improving",
                    percent=50, due=65, followed=-16)
    fam.plan("ida", "Samtaleforløb for Ida", author=lars, start=-50, end=65, follow_up=30,
             goals=[goal], activities=[
                 activity("Gruppe for børn i sorg", "Barnets Lov § 30", start=day(-50),
                          end=day(65), by=lars, goal=goal)])
    for week in range(4):
        fam.meeting("ida", "Børnegruppe", at(world.days.next(3, week), 15), 90,
                    people_in=[lars], where="Familieafdelingen, børnelokalet")
    world.cases("familieafd-sager").appointment(
        "ida", "Opstartssamtale om støtte", at(1, 10), 60, where="Familieafdelingen, lokale 3",
        with_=["Lars Hvidberg"], who="Lars Hvidberg", phone="99990202")


def _ida_school_and_health(world: World) -> None:
    at, weekday = world.days.at, world.days.weekday
    school = world.fhir("skole-trivsel")
    berit = school.worker("Berit Lauge", "Klasselærer i 5.b", "99990216")
    school.team("ida", "Idas voksne i skolen", [(berit, "responsible", "Hverdagen i 5.b")])
    school.line("ida", "Trivsel i klassen (Idas egne smileyer)", [
        (-60, 2, "Mest sure dage", "before"), (-15, 3, "Både-og", "during")],
        unit="smiley", scale_code="smiley")
    world.calendar("skole-kalender").event(
        "ida", "Skole-hjem-samtale, 5.b", at(weekday(8), 15), 30, where="Skovbakkeskolen",
        with_=["Berit Lauge"])
    world.calendar("sfo-kalender").event(
        "ida", "Syværksted", at(world.days.next(1), 14), 90, where="SFO Skovmusen",
        repeat="FREQ=WEEKLY;COUNT=6")
    surgery = world.fhir("laege")
    doctor = surgery.worker("Henrik Aagaard", "Praktiserende læge", "99990107")
    surgery.team("ida", "Idas læge", [(doctor, "responsible", "Egen læge")])


def _peter(world: World) -> None:
    at, weekday = world.days.at, world.days.weekday
    jobs = world.cases("jobcenter")
    jobs.case("peter", "Sygedagpenge og vejen tilbage", status=2, law="Sygedagpengeloven § 8",
              kle="32.24.00", start=-110, who="Lone Bak", phone="99990401")
    jobs.appointment("peter", "Opfølgning på sygemelding", at(weekday(2), 9), 45,
                     where="Jobcenter Aalborg, lokale 4", who="Lone Bak", phone="99990401",
                     note="Du skal møde op. Ring, hvis du er for syg.", with_=["Lone Bak"])
    jobs.appointment("peter", "Frist: send oplysningsskema", at(8, 23, 59), 0, deadline=True)
    world.calendar("jobcenter-kalender").event(
        "peter", "Virksomhedsbesøg: snedkeriet", at(weekday(12), 10), 90, where="Snedkergade 2",
        with_=["Lone Bak"], status="TENTATIVE")
    psychologist = world.fhir("psykolog")
    trine = psychologist.worker("Trine Olrik", "Psykolog", "99990361")
    psychologist.meeting("peter", "Samtale om sorg", at(weekday(4), 11), 50, people_in=[trine],
                         where="Psykologhuset Samtalen")
