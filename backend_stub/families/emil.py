"""Emil Holm Krogh, 9: third grade, restless nights, a plan, and people who like him."""

from __future__ import annotations

from datetime import timedelta

from backend_stub.shapes import Who, activity
from backend_stub.world import World

ME = "emil"
CONTACT_PERSON = "Barnets Lov § 32, stk. 1, nr. 3"
RESPITE = "Barnets Lov § 32, stk. 1, nr. 7"
FAMILY_TREATMENT = "Barnets Lov § 32, stk. 1, nr. 5"
ICF_SLEEP = ("http://hl7.org/fhir/sid/icf", "b134", "Søvnfunktioner")
ICF_FRIENDS = ("http://hl7.org/fhir/sid/icf", "d7504", "Uformelle relationer til jævnaldrende")


def tell(world: World) -> None:
    """Everything the systems know about Emil."""
    _family_department(world)
    _around_the_department(world)
    _kept_back(world)
    _school(world)
    _afternoon(world)
    _psychologists(world)
    _psychiatry(world)
    _measurements(world)
    _health(world)
    _respite_and_contact_person(world)
    _before_the_move(world)
    _cases(world)


def _family_department(world: World) -> None:
    at, day = world.days.at, world.days.day
    fam = world.fhir("familieafd")
    karin = fam.worker("Karin Thomsen", "Familierådgiver", "99990201",
                       mail="karin.thomsen@aalborg.example",
                       hours="Ring mandag-fredag kl. 8.30-9.30, ellers skriv")
    lars = fam.worker("Lars Hvidberg", "Familiebehandler", "99990202",
                      mail="lars.hvidberg@aalborg.example")
    tobias = fam.worker("Tobias Lykke", "Fast kontaktperson", "99990219",
                        hours="Skriv gerne en sms, også om aftenen",
                        at=fam.organization("kontaktkorpset"))
    engholm = fam.worker("Else Engholm", "Aflastningsfamilie", "99990109",
                         at=fam.organization("aflastning"))
    fam.team(ME, "Teamet omkring Emil", [
        (karin, "coordinator", "Samler trådene og holder barnets plan ajour"),
        (lars, "responsible", "Familiebehandling derhjemme"),
        (tobias, "responsible", "Kontaktperson: én eftermiddag om ugen"),
        (engholm, "member", "Aflastning hver anden weekend"),
    ])
    sleep = fam.goal(ME, "Jeg kan falde i søvn i min egen seng", reached="improving", percent=60,
                     due=70, followed=-12)
    friends = fam.goal(ME, "Jeg har en at lege med i frikvartererne", reached="in-progress",
                       percent=40, due=100, followed=-12)
    calm = fam.goal(ME, "Vi kan tale sammen om en dårlig dag uden at råbe", reached="improving",
                    percent=50, due=130, followed=-12)
    fam.plan(ME, "Barnets plan for Emil", author=karin, start=-140, end=220, followed=-12,
             follow_up=41,
             text="Emil skal sove bedre, have en ven i klassen og voksne, der ved besked. "
                  "Planen er talt igennem med Emil med tegninger.",
             goals=[sleep, friends, calm], activities=[
                 activity("Fast kontaktperson", CONTACT_PERSON, start=day(-110), end=day(220),
                          by=tobias, goal=friends, codes=[ICF_FRIENDS],
                          note="Tobias henter Emil om onsdagen. De er på vej til at bygge en bro."),
                 activity("Aflastning hos familien Engholm", RESPITE, start=day(-95),
                          end=day(220), by=engholm, goal=sleep, codes=[ICF_SLEEP],
                          note="Hver anden weekend, fredag til søndag."),
                 activity("Familiebehandling", FAMILY_TREATMENT, start=day(-60), end=day(120),
                          by=lars, goal=calm),
                 activity("Praktisk støtte om morgenen", "Barnets Lov § 32, stk. 1, nr. 2",
                          status="completed", start=day(-135), end=day(-62), by=lars),
             ])
    fam.meeting(ME, "Netværksmøde om Emil", at(1, 10), 60, people_in=[karin, lars, tobias],
                where="Familieafdelingen, mødelokale Åen", address="Prøvegade 20, 9000 Aalborg",
                uid="netvaerksmoede-emil@aalborg.example", bring="Emil er med de første 20 minutter. Tag gerne hans tegning med.")
    fam.meeting(ME, "Familiebehandling", at(4, 15), 90, people_in=[lars], where="Hjemme hos jer")
    fam.meeting(ME, "Opfølgning på barnets plan", at(41, 13), 60, people_in=[karin],
                where="Familieafdelingen, mødelokale Åen", address="Prøvegade 20, 9000 Aalborg")


def _around_the_department(world: World) -> None:
    """A course for parents, and a club that nobody configured."""
    world.calendar("familieafd-moeder").event(
        ME, "Forældrekursus: Børn og søvn", world.days.at(world.days.next(3, 1), 17), 120,
        where="Familieafdelingen, caféen", repeat="FREQ=WEEKLY;COUNT=3",
        with_=["Lars Hvidberg"], note="Der er pasning og suppe.")
    fam = world.fhir("familieafd")
    club = Who(fam.stranger("Klatreklubben Grebet", "99990155"), "Klatreklubben Grebet")
    fam.request(ME, "Klatring om lørdagen", by=club, on=-35,
                paragraph=("urn:familieoverblik-demo:barnets-lov", "35", "Barnets Lov § 35"))


def _kept_back(world: World) -> None:
    """Entries that exercise the rules: each is kept from somebody."""
    at = world.days.at
    fam = world.fhir("familieafd")
    fam.request(ME, "Underretning fra en, der kender Emil", on=-160, category="Underretning",
                what="underretning")
    fam.meeting(ME, "Internt fagmøde om Emil", at(2, 9), people_in=[], only=["V"],
                where="Familieafdelingen")
    fam.request(ME, "Støtte til forældresamarbejde", on=-30, only=["not-for-child"],
                by=fam.worker("Grethe Skou", "Konfliktmægler", "99990204"),
                paragraph=("urn:familieoverblik-demo:barnets-lov", "30",
                           "Barnets Lov § 30"))
    fam.plan(ME, "Ansøgning om ekstra aflastningsdøgn", status="draft", intent="proposal",
             start=-6, activities=[activity("Et ekstra døgn om måneden", RESPITE,
                                            status="not-started")], what="ansoegning")
    fam.request(ME, "Bekymringssnak med naboen", on=-150, category="Underretning",
                what="underretning", only=["V"])


def _school(world: World) -> None:
    at, next_, day = world.days.at, world.days.next, world.days.day
    calendar = world.calendar("skole-kalender")
    first = next_(1)
    swim = calendar.event(ME, "Svømning med 3.b", at(first, 8, 15), 90,
                          where="Svømmehallen ved Skovbakkeskolen", repeat="FREQ=WEEKLY;COUNT=8",
                          skip=[at(first + 14, 8, 15)], note="Husk badetøj og håndklæde.",
                          categories="SKOLE")
    calendar.event(ME, "Svømning med 3.b (flyttet til torsdag)", at(first + 9, 8, 15), 90,
                   where="Svømmehallen ved Skovbakkeskolen", uid=swim,
                   instead_of=at(first + 7, 8, 15), categories="SKOLE")
    calendar.event(ME, "Svømning med 3.b", at(first + 21, 8, 15), 90, uid=swim,
                   instead_of=at(first + 21, 8, 15), status="CANCELLED", categories="SKOLE")
    calendar.event(ME, "Skole-hjem-samtale", at(world.days.weekday(12), 15, 30), 30,
                   where="Skovbakkeskolen, 3.b's klasselokale", with_=["Marianne Vind"],
                   note="Emil bestemmer, hvilken tegning I skal se først.")
    calendar.whole_day(ME, "Skovtur med hele 3. årgang", day(world.days.weekday(17)),
                       where="Skoven ved Skovbakkeskolen", note="Madpakke og gummistøvler.")
    school = world.fhir("skole-trivsel")
    marianne = school.worker("Marianne Vind", "Klasselærer i 3.b", "99990211",
                             hours="Skoledage kl. 14-15")
    jens = school.worker("Jens Overby", "AKT-vejleder", "99990212")
    school.team(ME, "Emils voksne i skolen", [
        (marianne, "responsible", "Hverdagen i 3.b"),
        (jens, "member", "Pauser og frikvarterer")])
    pause = school.goal(ME, "Jeg siger til, når jeg har brug for en pause", reached="improving",
                        percent=70, due=60, followed=-9)
    school.plan(ME, "Elevplan for Emil, 3. klasse", author=marianne, start=-95, end=210,
                goals=[pause], follow_up=55, activities=[
                    activity("Pausekort og fast plads ved vinduet", "", start=day(-80),
                             by=marianne, goal=pause),
                    activity("Legemakker i frikvarteret", "", start=day(-40), by=jens)])
    school.line(ME, "Trivsel i klassen (Emils egne smileyer)", [
        (-88, 2, "Mest sure dage", "before"), (-45, 3, "Både-og", "during"),
        (-9, 4, "Flere gode end dårlige dage", "during")], unit="smiley", scale_code="smiley")


def _afternoon(world: World) -> None:
    at, next_ = world.days.at, world.days.next
    calendar = world.calendar("sfo-kalender")
    calendar.event(ME, "Værkstedsdag: vi bygger drager", at(next_(3), 14), 120,
                   where="SFO Skovmusen", repeat="FREQ=WEEKLY;COUNT=6",
                   note="Lise tager imod Emil ved døren.")
    calendar.event(ME, "Kaffe og snak for forældre", at(next_(4, 1), 15, 30), 45,
                   where="SFO Skovmusen", with_=["Lise Toft"])
    calendar.event(ME, "Samtale med Lise om Emils eftermiddage", at(next_(0, 2), 14, 30), 30,
                   where="SFO Skovmusen", klass="PRIVATE")


def _psychologists(world: World) -> None:
    at, weekday = world.days.at, world.days.weekday
    ppr = world.fhir("ppr")
    poul = ppr.worker("Poul Riis", "Psykolog", "99990221", mail="poul.riis@aalborg.example")
    ppr.team(ME, "PPR om Emil", [(poul, "responsible", "Pædagogisk-psykologisk vurdering")])
    ppr.assessment(ME, "Pædagogisk-psykologisk vurdering", poul, start=-50, end=45)
    ppr.meeting(ME, "Netværksmøde om Emil", at(1, 10), 60, people_in=[poul],
                where="Familieafdelingen, mødelokale Åen",
                uid="netvaerksmoede-emil@aalborg.example")
    ppr.meeting(ME, "Poul besøger Emil i klassen", at(weekday(8), 9), 90, people_in=[poul],
                where="Skovbakkeskolen")
    ppr.request(ME, "Notat fra observation i klassen", on=-14, category="Journalnotat",
                what="journalnotat")
    world.calendar("ppr-kalender").event(
        ME, "Tilbagemelding til forældre om Pouls besøg", at(weekday(22), 14), 60,
        where="PPR, Demotorvet 2", with_=["Poul Riis"], status="TENTATIVE")


def _psychiatry(world: World) -> None:
    at, weekday = world.days.at, world.days.weekday
    bup = world.fhir("bup")
    birgit = bup.worker("Birgit Vestergaard", "Sygeplejerske og forløbsansvarlig", "99990301",
                        mail="birgit.vestergaard@region.example",
                        hours="Telefontid hverdage kl. 8-9")
    nadia = bup.worker("Nadia Rahbek", "Børnepsykiater", "99990302")
    bup.team(ME, "Udredningsteamet", [
        (birgit, "responsible", "Jeres indgang til psykiatrien"),
        (nadia, "member", "Lægelig vurdering")])
    bup.assessment(ME, "Udredning i børnepsykiatrien", birgit, start=-34, end=56)
    bup.meeting(ME, "Samtale med Emil og forældre", at(weekday(6), 9, 30), 75,
                people_in=[birgit, nadia], where="Børne- og Ungdomspsykiatrien, opgang 4",
                address="Klinikvænget 4, 9000 Aalborg",
                bring="Kom 10 minutter før. Emil må gerne have en bamse eller en bog med.")
    bup.meeting(ME, "Test og leg med psykolog", at(weekday(16), 10), 120, people_in=[birgit],
                where="Børne- og Ungdomspsykiatrien, opgang 4", status="cancelled")
    bup.meeting(ME, "Test og leg med psykolog (ny tid)", at(weekday(20), 10), 120,
                people_in=[birgit], where="Børne- og Ungdomspsykiatrien, opgang 4")
    world.calendar("bup-kalender").event(
        ME, "Forældregruppe: Når barnet er svært at nå", at(weekday(13), 17), 120,
        where="Børne- og Ungdomspsykiatrien, mødesalen", repeat="FREQ=WEEKLY;INTERVAL=2;COUNT=4")


def _measurements(world: World) -> None:
    fam = world.fhir("familieafd")
    fam.line(ME, "Trivselslinealen", [
        (-138, 4, "Har brug for en del støtte", "before"),
        (-80, 3, "Noget går godt, noget er svært", "during"),
        (-12, 2, "Det meste går godt", "during")])
    world.fhir("bup-maalinger").line(ME, "SDQ, samlet score (forældre)", [
        (-33, 19, "Over det almindelige", "before"), (-4, 16, "Lidt over det almindelige",
                                                     "during")],
        unit="point", low=0, high=40, scale_code="sdq")


def _health(world: World) -> None:
    at, weekday = world.days.at, world.days.weekday
    surgery = world.fhir("laege")
    doctor = surgery.worker("Henrik Aagaard", "Praktiserende læge", "99990107",
                            hours="Telefontid hverdage kl. 8-9")
    surgery.team(ME, "Emils læge", [(doctor, "responsible", "Egen læge")])
    surgery.request(ME, "Henvisning til Børne- og Ungdomspsykiatrien", by=doctor, on=-48,
                    status="completed")
    nurse = world.fhir("sundhedspleje")
    pia = nurse.worker("Pia Damgaard", "Sundhedsplejerske på skolen", "99990311")
    nurse.meeting(ME, "Sundhedssamtale i 3. klasse", at(weekday(25), 11), 30, people_in=[pia],
                  where="Skovbakkeskolen, sundhedsplejens lokale", what="sundhedsplejebesoeg")


def _respite_and_contact_person(world: World) -> None:
    at, next_ = world.days.at, world.days.next
    friday = next_(4, 1)
    calendar = world.calendar("aflastning-kalender")
    weekend = calendar.event(
        ME, "Weekend hos Else og Kaj", at(friday, 16), 48 * 60, where="Engholm, Øvelsesvej 90",
        repeat="FREQ=WEEKLY;INTERVAL=2;COUNT=10", with_=["Else Engholm", "Kaj Engholm"],
        note="Kaj henter kl. 16. Emils dyne ligger allerede på værelset.")
    calendar.event(ME, "Weekend hos Else og Kaj", at(friday + 14, 16), 48 * 60, uid=weekend,
                   instead_of=at(friday + 14, 16), status="CANCELLED",
                   note="Aflyst: Else og Kaj er til bryllup.")
    corps = world.fhir("kontaktkorps")
    tobias = corps.worker("Tobias Lykke", "Fast kontaktperson", "99990219")
    corps.team(ME, "Emil og Tobias", [(tobias, "responsible", "Én eftermiddag om ugen")])
    for week in range(4):
        start = at(next_(2, week), 14, 30)
        corps.meeting(ME, "Eftermiddag med Tobias", start + timedelta(0), 150,
                      people_in=[tobias], where="Værkstedet på havnen",
                      status="cancelled" if week == 2 else "booked")


def _before_the_move(world: World) -> None:
    """Another municipality: for a private viewer without the address it does not exist."""
    old = world.fhir("hjoerring")
    steen = old.worker("Steen Mark", "Familierådgiver", "99990861")
    old.team(ME, "Overlevering efter flytning", [(steen, "responsible", "Efterspørgsler")],
             since=-420)
    old.plan(ME, "Hjælp før flytningen", author=steen, start=-640, end=-200, status="completed",
             activities=[activity("Rådgivning til familien", "Barnets Lov § 30",
                                  status="completed", start=world.days.day(-640),
                                  end=world.days.day(-200))])


def _cases(world: World) -> None:
    cases = world.cases("familieafd-sager")
    cases.case(ME, "Barnets plan", status=3, law="Barnets Lov § 91", kle="27.24.00", start=-140,
               who="Karin Thomsen", phone="99990201")
    handicap = world.cases("handicap-sager")
    handicap.case(ME, "Ansøgning om ledsagelse", status=5, law="Barnets Lov § 89",
                  kle="27.12.00", start=-200, end=-170, what="afslag",
                  who="Jette Mølgaard", phone="99990231")
    world.cases("ydelse-sager").case(
        ME, "Tabt arbejdsfortjeneste", status=2, law="Barnets Lov § 87", kle="32.09.00",
        start=-25, who="Birthe Nygaard", phone="99990141", what="tabt-arbejdsfortjeneste")
    plans = world.plans("en-plan")
    plans.plan(ME, "Fælles overblik over hjælpen til Emil", type_="Helhedsplan", start=-100,
               follow_up=41, followed=-12, who=("Karin Thomsen", "Familierådgiver", "99990201"),
               goals=[plans.goal("Alle voksne ved, hvad de andre gør", percent=50, due=60)],
               help_=[plans.help("Koordinerende møder hver sjette uge", start=-100,
                                 who="Karin Thomsen", phone="99990201")])
