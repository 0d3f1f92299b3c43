"""Noah Bech, 12: school, the special centre, the club and the ride between them."""

from __future__ import annotations

from backend_stub.shapes import activity
from backend_stub.world import World

ME = "noah"


def tell(world: World) -> None:
    """Everything around his school days."""
    _school(world)
    _club_and_ride(world)
    _special_centre(world)
    _psychologists(world)


def _school(world: World) -> None:
    at, next_, day = world.days.at, world.days.next, world.days.day
    calendar = world.calendar("skole-kalender")
    calendar.event(ME, "Billedkunst med 6.a", at(next_(2), 10), 90, where="Skovbakkeskolen",
                   repeat="FREQ=WEEKLY;COUNT=8")
    calendar.whole_day(ME, "Teknisk museum med 6.a", day(world.days.weekday(21)),
                       note="Der er en hel sal med tog.")
    school = world.fhir("skole-trivsel")
    anders = school.worker("Anders Fog", "Klasselærer i 6.a", "99990213")
    school.team(ME, "Noahs voksne i skolen", [(anders, "responsible", "Hverdagen i 6.a")])
    goal = school.goal(ME, "Jeg er med i gruppearbejde i 20 minutter", reached="improving",
                       percent=65, due=70)
    school.plan(ME, "Elevplan for Noah, 6. klasse", author=anders, start=-95, end=210,
                goals=[goal], activities=[activity("Dagsskema med billeder", "",
                                                   start=day(-90), by=anders, goal=goal)])
    talks = world.cases("skole-aftaler")
    talks.appointment(ME, "Skole-hjem-samtale for 6.a", at(world.days.weekday(9), 15), 30,
                      where="Skovbakkeskolen, 6.a's klasselokale", with_=["Anders Fog"],
                      who="Anders Fog", phone="99990213")
    talks.appointment(ME, "Samtale om 7. klasse", at(world.days.weekday(30), 14), 45,
                      where="Skovbakkeskolen", status="Foreløbig", with_=["Anders Fog"])


def _club_and_ride(world: World) -> None:
    at, next_ = world.days.at, world.days.next
    world.calendar("sfo-kalender").event(
        ME, "Brætspilsklub", at(next_(0), 14, 30), 90, where="Klubben ved SFO Skovmusen",
        repeat="FREQ=WEEKLY;COUNT=8")
    ride = world.calendar("befordring")
    start = at(next_(1), 7, 30)
    ride.event(ME, "Skolekørsel til Specialcentret", start, 30, categories="BEFORDRING",
               repeat="FREQ=WEEKLY;BYDAY=TU,TH;COUNT=16", note="Chaufføren hedder Ivan.")


def _special_centre(world: World) -> None:
    at, next_ = world.days.at, world.days.next
    centre = world.fhir("specialcenter")
    lea = centre.worker("Lea Winther", "Speciallærer", "99990291")
    centre.team(ME, "Noah på Egekrogen", [(lea, "responsible", "Tirsdag og torsdag")])
    goal = centre.goal(ME, "Jeg læser køreplanen selv", reached="achieved", percent=100, due=-5,
                       status="completed")
    centre.plan(ME, "Specialundervisning", author=lea, start=-300, end=120, goals=[goal],
                activities=[activity("Specialundervisning ni timer om ugen",
                                     "Folkeskoleloven § 20, stk. 2",
                                     start=world.days.day(-300), by=lea)])
    world.calendar("specialcenter-kalender").event(
        ME, "Statusmøde på Egekrogen", at(world.days.weekday(16), 13), 60,
        where="Specialcentret Egekrogen", with_=["Lea Winther"])
    world.calendar("specialcenter-kalender").event(
        ME, "Heste og ro", at(next_(3), 10), 60, where="Ridebanen ved Egekrogen",
        repeat="FREQ=WEEKLY;COUNT=6")


def _psychologists(world: World) -> None:
    ppr = world.fhir("ppr")
    poul = ppr.worker("Poul Riis", "Psykolog", "99990221", mail="poul.riis@aalborg.example")
    logo = ppr.worker("Sanne Gram", "Talehørelærer", "99990222")
    ppr.team(ME, "PPR om Noah", [(poul, "responsible", "Pædagogisk-psykologisk vurdering"),
                                 (logo, "member", "Sprog og kommunikation")])
    ppr.assessment(ME, "Revurdering af specialundervisning", poul, start=-20, end=60)
    world.calendar("ppr-kalender").event(
        ME, "Sprogtræning med Sanne", world.days.at(world.days.next(4), 9), 45,
        where="Skovbakkeskolen", repeat="FREQ=WEEKLY;COUNT=8", with_=["Sanne Gram"])
