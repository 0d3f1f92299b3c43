"""Noah Bech, 12: what the municipality's social side and the volunteers know."""

from __future__ import annotations

from backend_stub.shapes import activity
from backend_stub.world import World

ME = "noah"


def tell(world: World) -> None:
    """Everything outside school and health."""
    _disability(world)
    _family_department(world)
    _treatment(world)
    _plans(world)
    _cases(world)
    _respite(world)
    _contact_person(world)
    _volunteers(world)
    _before_the_move(world)


def _disability(world: World) -> None:
    """The coordinator works here: Noah has a tovholder."""
    at, day = world.days.at, world.days.day
    unit = world.fhir("handicap")
    jette = unit.worker("Jette Mølgaard", "Rådgiver i Børnehandicap", "99990231",
                        hours="Mandag-torsdag kl. 9-10")
    ditte = unit.worker("Ditte Sandberg", "Koordinator", "99990271",
                        mail="ditte.sandberg@aalborg.example",
                        hours="Alle hverdage kl. 8-15. Ring til hende først",
                        at=unit.organization("koordinering"))
    unit.team(ME, "Teamet omkring Noah", [
        (ditte, "coordinator", "Samler alle 29 steder i én kalender og én plan"),
        (jette, "responsible", "Afgørelser efter Barnets Lov")])
    alone = unit.goal(ME, "Jeg kan tage bussen til svømning med én, jeg kender",
                      reached="improving", percent=55, due=120)
    rest = unit.goal(ME, "Mor får sovet to hele nætter om ugen", reached="achieved",
                     status="completed", percent=100, due=-10)
    unit.plan(ME, "Barnets plan for Noah", author=jette, start=-240, end=125, follow_up=28,
              text="Noah kan lide tog, faste aftaler og at vide, hvem der kommer.",
              goals=[alone, rest], activities=[
                  activity("Aflastning hver tredje weekend", "Barnets Lov § 32, stk. 1, nr. 7",
                           start=day(-230), end=day(125), goal=rest),
                  activity("Ledsager 15 timer om måneden", "Barnets Lov § 89",
                           start=day(-150), end=day(125), goal=alone),
                  activity("Hjemmetræning, prøveperiode", "Barnets Lov § 85",
                           status="on-hold", start=day(-90))])
    unit.meeting(ME, "Stort netværksmøde om Noah", at(1, 13), 90, people_in=[ditte, jette],
                 where="Børnehandicap, mødelokale Stjernen", address="Demotorvet 8, 9000 Aalborg",
                 bring="Ditte sender en dagsorden med billeder til Noah i dag.")


def _family_department(world: World) -> None:
    at, next_ = world.days.at, world.days.next
    fam = world.fhir("familieafd")
    kirsten = fam.worker("Kirsten Aaby", "Familierådgiver", "99990203")
    fam.team(ME, "Familierådgivning", [(kirsten, "responsible", "Rådgivning til Camilla")])
    fam.plan(ME, "Råd og støtte til familien", author=kirsten, start=-70, end=110, activities=[
        activity("Netværksgruppe for forældre", "Barnets Lov § 30", start=world.days.day(-60))])
    fam.line(ME, "Trivselslinealen", [
        (-238, 4, "Har brug for en del støtte", "before"),
        (-150, 3, "Noget går godt, noget er svært", "during"),
        (-75, 3, "Noget går godt, noget er svært", "during"),
        (-15, 2, "Det meste går godt", "during")])
    world.cases("familieafd-sager").case(
        ME, "Rådgivning til familien", status=2, law="Barnets Lov § 30", kle="27.24.00",
        start=-70, who="Kirsten Aaby", phone="99990203")
    world.calendar("familieafd-moeder").event(
        ME, "Netværksgruppe for forældre", at(next_(1, 1), 17), 120,
        where="Familieafdelingen, caféen", repeat="FREQ=WEEKLY;INTERVAL=2;COUNT=6",
        note="Der er aftensmad og børnepasning.")


def _treatment(world: World) -> None:
    at, next_ = world.days.at, world.days.next
    house = world.fhir("familiehus")
    bodil = house.worker("Bodil Kjær", "Familieterapeut", "99990281")
    house.team(ME, "Familieforløb", [(bodil, "responsible", "Familiebehandling")])
    goal = house.goal(ME, "Vi kan gå fra bordet uden tårer", reached="improving", percent=60)
    house.plan(ME, "Familiebehandling", author=bodil, start=-45, end=75, goals=[goal],
               activities=[activity("Marte Meo-forløb", "Barnets Lov § 32, stk. 1, nr. 5",
                                    start=world.days.day(-45), by=bodil, goal=goal)])
    world.calendar("familiehus-kalender").event(
        ME, "Marte Meo: vi ser film sammen", at(next_(3), 15), 60, where="Familiehuset Fjordglimt",
        repeat="FREQ=WEEKLY;COUNT=10", skip=[at(next_(3, 3), 15)], with_=["Bodil Kjær"])


def _plans(world: World) -> None:
    plans = world.plans("en-plan")
    ditte = ("Ditte Sandberg", "Koordinator", "99990271")
    plans.plan(ME, "Én plan for Noah", type_="Helhedsorienteret plan", start=-235, followed=-15,
               follow_up=28, who=ditte, text="Samler mål og hjælp fra alle, der er med.",
               goals=[plans.goal("Færre forskellige mennesker i løbet af ugen", percent=40,
                                 due=120),
                      plans.goal("Alle bruger det samme dagsskema med billeder", percent=80,
                                 due=40)],
               help_=[plans.help("Koordinering", "Barnets Lov § 110", start=-235,
                                 who=ditte[0], phone=ditte[2])])
    plans.measure(ME, "Familiens egen vurdering af samarbejdet", [
        (-200, 3, "Vi fortæller det samme igen og igen", "før"),
        (-100, 5, "Det går bedre", "under"), (-15, 7, "Vi ved, hvem vi skal ringe til", "under")],
        unit="point", low=0, high=10)


def _cases(world: World) -> None:
    at, weekday = world.days.at, world.days.weekday
    handicap = world.cases("handicap-sager")
    handicap.case(ME, "Ledsagelse", status=3, law="Barnets Lov § 89", kle="27.12.00", start=-160,
                  who="Jette Mølgaard", phone="99990231")
    handicap.appointment(ME, "Frist: svar om hjemmetræning", at(10, 12), 0, deadline=True,
                         note="Skriv eller ring, hvis I vil fortsætte.", who="Jette Mølgaard")
    money = world.cases("ydelse-sager")
    money.case(ME, "Merudgifter", status=3, law="Barnets Lov § 86", kle="32.18.00",
               start=-210, who="Birthe Nygaard", phone="99990141")
    money.case(ME, "Tabt arbejdsfortjeneste", status=3, law="Barnets Lov § 87", kle="32.09.00",
               start=-210, who="Birthe Nygaard", phone="99990141",
               what="tabt-arbejdsfortjeneste")
    money.case(ME, "Tilbagebetaling af merudgift", status=2, kle="32.18.00", start=-12,
               what="inddrivelse")
    aids = world.cases("hjaelpemidler")
    aids.case(ME, "Kørestol til lange ture", status=3, law="Serviceloven § 112", kle="27.60.00",
              start=-130, who="Ole Bjerre", phone="99990116", what="hjaelpemiddel")
    aids.appointment(ME, "Tilpasning af kørestol", at(weekday(14), 10), 60,
                     where="Hjælpemiddelhuset, port 3", who="Ole Bjerre", what="hjaelpemiddel")
    leisure = world.cases("fritid")
    leisure.case(ME, "Fritidspas til svømning", status=3, law="Barnets Lov § 35",
                 kle="18.20.00", start=-90, who="Nanna Friis", phone="99990126",
                 what="kommunalt-tilbud")
    leisure.appointment(ME, "Prøvetime: svømning for alle", at(world.days.next(5), 10), 45,
                        where="Svømmehallen ved Skovbakkeskolen", with_=["Nanna Friis"])


def _respite(world: World) -> None:
    at, next_ = world.days.at, world.days.next
    calendar = world.calendar("aflastning-kalender")
    calendar.event(ME, "Weekend på Engholm", at(next_(4, 2), 16), 48 * 60,
                   where="Engholm, Øvelsesvej 90", repeat="FREQ=WEEKLY;INTERVAL=3;COUNT=6",
                   with_=["Else Engholm"], note="Modeltoget står klar.")


def _contact_person(world: World) -> None:
    corps = world.fhir("kontaktkorps")
    amin = corps.worker("Amin Rosendal", "Ledsager", "99990218")
    corps.team(ME, "Noah og Amin", [(amin, "responsible", "Ledsagelse til svømning og tog")])
    for week in range(3):
        corps.meeting(ME, "Togtur med Amin", world.days.at(world.days.next(6, week), 10), 180,
                      people_in=[amin], where="Banegården, under uret")


def _volunteers(world: World) -> None:
    at, next_, weekday = world.days.at, world.days.next, world.days.weekday
    world.calendar("bisidder").event(
        ME, "Forberedelse af netværksmødet med bisidder", at(0, 19), 45,
        where="Telefon", with_=["Frede Lind"], note="Frede ringer.")
    world.calendar("bisidder").event(
        ME, "Bisidder er med til netværksmødet", at(1, 13), 90, with_=["Frede Lind"],
        where="Børnehandicap, mødelokale Stjernen")
    world.calendar("mentor").event(
        ME, "Lektiehygge med Sigrid", at(next_(0), 16), 60, where="Biblioteket",
        repeat="FREQ=WEEKLY;COUNT=8", with_=["Sigrid Vang"])
    world.calendar("mentor").event(
        ME, "Mentoraften for familier", at(weekday(19), 18), 120, where="Foreningshuset")


def _before_the_move(world: World) -> None:
    """Camilla and Noah moved from Hjørring; what still runs there is another municipality's."""
    old = world.fhir("hjoerring")
    steen = old.worker("Steen Mark", "Familierådgiver", "99990861")
    old.team(ME, "Overlevering til Aalborg", [(steen, "responsible", "Efterspørgsler")],
             since=-400)
    old.plan(ME, "Støttekontaktperson", author=steen, start=-700, end=-250, status="completed",
             activities=[activity("Fast kontaktperson", "Barnets Lov § 32, stk. 1, nr. 3",
                                  status="completed", start=world.days.day(-700),
                                  end=world.days.day(-250))])
    plans = world.plans("hjoerring-planer")
    plans.plan(ME, "Barnets plan (Hjørring)", type_="Barnets plan", status="afsluttet",
               start=-690, end=-245, who=("Steen Mark", "Familierådgiver", "99990861"))
