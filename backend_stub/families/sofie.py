"""Sofie Holm Krogh, 16: tenth grade, a youth plan, and health data that are her own."""

from __future__ import annotations

from backend_stub.shapes import activity
from backend_stub.world import World

ME = "sofie"


def tell(world: World) -> None:
    """Everything the systems know about Sofie."""
    _family_department(world)
    _youth_unit(world)
    _school(world)
    _psychologists(world)
    _her_own_health(world)
    _others(world)


def _family_department(world: World) -> None:
    at, day = world.days.at, world.days.day
    fam = world.fhir("familieafd")
    soeren = fam.worker("Søren Brink", "Ungerådgiver", "99990205",
                        mail="soeren.brink@aalborg.example",
                        hours="Mandag, tirsdag og torsdag kl. 10-15. Sms er fint")
    maja = fam.worker("Maja Uhre", "Kontaktperson for unge", "99990206",
                      at=fam.organization("kontaktkorpset"))
    fam.team(ME, "Teamet omkring Sofie", [
        (soeren, "coordinator", "Samler trådene og følger op på ungeplanen"),
        (maja, "responsible", "Kontaktperson: når Sofie ringer")])
    mornings = fam.goal(ME, "Jeg kommer i skole fire dage om ugen", reached="improving",
                        percent=75, due=50, followed=-8)
    future = fam.goal(ME, "Jeg har besøgt to uddannelser, jeg kunne tænke mig",
                      reached="in-progress", percent=50, due=90, followed=-8)
    fam.plan(ME, "Ungeplan for Sofie", author=soeren, start=-105, end=260, follow_up=34,
             text="Sofie vil have ro på morgenerne og vælge sin ungdomsuddannelse selv.",
             goals=[mornings, future], activities=[
                 activity("Kontaktperson", "Barnets Lov § 32, stk. 1, nr. 3", start=day(-100),
                          end=day(260), by=maja, goal=mornings),
                 activity("Praktik på et værksted to dage om ugen",
                          "Barnets Lov § 32, stk. 1, nr. 4", status="scheduled",
                          start=day(20), end=day(110), by=soeren, goal=future)])
    fam.meeting(ME, "Opfølgning på ungeplanen", at(world.days.weekday(3), 14), 45,
                people_in=[soeren, maja], where="Familieafdelingen, mødelokale Fjorden",
                address="Prøvegade 20, 9000 Aalborg", bring="Du må gerne tage en med.")
    fam.line(ME, "Trivselslinealen", [
        (-104, 4, "Har brug for en del støtte", "before"),
        (-52, 3, "Noget går godt, noget er svært", "during"),
        (-8, 2, "Det meste går godt", "during")])


def _youth_unit(world: World) -> None:
    at = world.days.at
    youth = world.fhir("ungeenhed")
    ane = youth.worker("Ane Kirk", "Uddannelsesvejleder", "99990241")
    mille = youth.worker("Mille Rohde", "Ungerådgiver i Ungeklinikken", "99990242")
    youth.team(ME, "Vejledning", [(ane, "responsible", "Valg af ungdomsuddannelse")])
    youth.meeting(ME, "Vejledning om ungdomsuddannelser", at(world.days.weekday(11), 12), 60,
                  people_in=[ane], where="Ungeenheden, Skabelongade 6")
    youth.meeting(ME, "Samtale i Ungeklinikken", at(world.days.weekday(5), 16), 50,
                  people_in=[mille], only=["not-for-guardians"],
                  where="Ungeklinikken, Skabelongade 6")
    youth.request(ME, "Rådgivning til unge, anonym opstart", by=mille, on=-20, only=["R"],
                  paragraph=("urn:familieoverblik-demo:barnets-lov", "28", "Barnets Lov § 28"))
    goal = youth.goal(ME, "Jeg søger ind på mediegrafiker eller HF", due=95, percent=30)
    youth.plan(ME, "Uddannelsesplan", author=ane, start=-60, end=200, goals=[goal], follow_up=80)
    youth.line(ME, "Sådan har jeg det lige nu (Sofies egne tal)", [
        (-60, 4, "Tungt", "before"), (-30, 6, "Bedre", "during"),
        (-6, 7, "Okay de fleste dage", "during")], unit="point", low=0, high=10,
        scale_code="egen-skala")


def _school(world: World) -> None:
    at, next_, day = world.days.at, world.days.next, world.days.day
    calendar = world.calendar("ungdomsskole")
    calendar.event(ME, "Morgensamtale med Rasmus", at(next_(0), 8), 20,
                   where="Aalborg Ungdomsskole, lokale 12", repeat="FREQ=WEEKLY;BYDAY=MO,TH;COUNT=12",
                   with_=["Rasmus Eld"])
    calendar.whole_day(ME, "Introdage på erhvervsskolen", day(world.days.weekday(15)), 2,
                       where="Erhvervsskolen, Attrapvej 1")
    calendar.event(ME, "Forældremøde i 10. klasse", at(next_(2, 2), 19), 90,
                   where="Aalborg Ungdomsskole, aulaen")


def _psychologists(world: World) -> None:
    ppr = world.fhir("ppr")
    poul = ppr.worker("Poul Riis", "Psykolog", "99990221", mail="poul.riis@aalborg.example")
    ppr.team(ME, "PPR om Sofie", [(poul, "responsible", "Skolefravær")])
    ppr.assessment(ME, "Vurdering af skolefravær", poul, start=-130, end=-40, status="completed")
    ppr.meeting(ME, "Samtale om skemaet efter nytår", world.days.at(world.days.weekday(18), 13),
                45, people_in=[poul], where="PPR, Demotorvet 2")


def _her_own_health(world: World) -> None:
    """What parents of a 16-year-old do not see unless she grants it."""
    at, weekday = world.days.at, world.days.weekday
    bup = world.fhir("bup")
    astrid = bup.worker("Astrid Holt", "Psykolog", "99990303", hours="Hverdage kl. 8-9")
    bup.team(ME, "Sofies behandlere", [(astrid, "responsible", "Samtaler hver anden uge")])
    rest = bup.goal(ME, "Jeg kan være i et rum med mange mennesker", reached="improving",
                    percent=50, due=80)
    bup.plan(ME, "Behandlingsplan", author=astrid, start=-58, end=90, goals=[rest],
             activities=[activity("Kognitiv terapi i gruppe", "", start=world.days.day(-50),
                                  by=astrid, goal=rest)])
    bup.meeting(ME, "Samtale med Astrid", at(weekday(2), 15), 50, people_in=[astrid],
                where="Børne- og Ungdomspsykiatrien, opgang 2")
    bup.meeting(ME, "Gruppe for unge", at(weekday(9), 15, 30), 90, people_in=[astrid],
                where="Børne- og Ungdomspsykiatrien, opgang 2")
    world.fhir("bup-maalinger").line(ME, "ORS, samlet score", [
        (-58, 18, "", "before"), (-30, 23, "", "during"), (-3, 27, "", "during")],
        unit="point", low=0, high=40, scale_code="ors")
    surgery = world.fhir("laege")
    doctor = surgery.worker("Henrik Aagaard", "Praktiserende læge", "99990107")
    surgery.meeting(ME, "Tid hos egen læge", at(weekday(7), 14, 20), 20, people_in=[doctor],
                    where="Lægehuset ved Åen", only=["R"])


def _others(world: World) -> None:
    corps = world.fhir("kontaktkorps")
    maja = corps.worker("Maja Uhre", "Kontaktperson for unge", "99990206")
    corps.team(ME, "Sofie og Maja", [(maja, "responsible", "Når Sofie ringer")])
    corps.meeting(ME, "Gåtur med Maja", world.days.at(world.days.next(6), 11), 90,
                  people_in=[maja], where="Parken")
    world.cases("familieafd-sager").case(
        ME, "Ungeplan", status=3, law="Barnets Lov § 108", kle="27.24.00", start=-105,
        who="Søren Brink", phone="99990205")
