"""Noah Bech, 12: the many clinics, therapists and tests."""

from __future__ import annotations

from backend_stub.shapes import activity
from backend_stub.world import World

ME = "noah"


def tell(world: World) -> None:
    """Everything from the health sector."""
    _psychiatry(world)
    _surgery(world)
    _hospital(world)
    _neurology(world)
    _teeth_eyes_ears(world)
    _nurse(world)
    _therapists(world)
    _private(world)


def _psychiatry(world: World) -> None:
    at, weekday = world.days.at, world.days.weekday
    bup = world.fhir("bup")
    birgit = bup.worker("Birgit Vestergaard", "Sygeplejerske og forløbsansvarlig", "99990301")
    team = bup.team(ME, "Opfølgningsteamet", [(birgit, "responsible", "Autisme, opfølgning")])
    bup.episode(ME, "Forløb i psykiatrien", team=team, start=-200)
    bup.meeting(ME, "Opfølgning i psykiatrien", at(weekday(23), 9), 60, people_in=[birgit],
                where="Børne- og Ungdomspsykiatrien, opgang 4")
    world.calendar("bup-kalender").event(
        ME, "Søskende- og forældreaften", at(weekday(27), 17), 120,
        where="Børne- og Ungdomspsykiatrien, mødesalen")
    world.fhir("bup-maalinger").line(ME, "SDQ, samlet score (forældre)", [
        (-200, 22, "Over det almindelige", "before"), (-100, 18, "Lidt over det almindelige",
                                                       "during"),
        (-20, 15, "Lidt over det almindelige", "during")],
        unit="point", low=0, high=40, scale_code="sdq")


def _surgery(world: World) -> None:
    at, weekday = world.days.at, world.days.weekday
    surgery = world.fhir("laege")
    doctor = surgery.worker("Henrik Aagaard", "Praktiserende læge", "99990107",
                            hours="Telefontid hverdage kl. 8-9")
    surgery.team(ME, "Noahs læge", [(doctor, "responsible", "Egen læge")])
    surgery.request(ME, "Henvisning til øjenlæge", by=doctor, on=-65, status="completed")
    world.calendar("laege-tider").event(
        ME, "Årskontrol hos egen læge", at(weekday(12), 9, 20), 20, where="Lægehuset ved Åen")


def _hospital(world: World) -> None:
    at, weekday = world.days.at, world.days.weekday
    ward = world.fhir("sygehus")
    rikke = ward.worker("Rikke Storm", "Børnesygeplejerske", "99990321")
    ward.team(ME, "Noah på Børneafdelingen", [(rikke, "responsible", "Forløb og tider")])
    for offset, title in (14, "Blodprøve"), (15, "Samtale om medicin"), (44, "Kontrol"):
        ward.meeting(ME, title, at(weekday(offset), 10, 15), 30, people_in=[rikke],
                     where="Limfjordssygehuset, indgang B", bring="Trylleplaster ligger klar.")
    clinic = world.fhir("sygehus-ambulatorium")
    hans = clinic.worker("Hans Ravn", "Børnelæge", "99990322")
    clinic.meeting(ME, "Ambulatorium: søvn og vækst", at(weekday(31), 11), 40, people_in=[hans],
                   where="Limfjordssygehuset, ambulatorium 2")


def _neurology(world: World) -> None:
    at, weekday = world.days.at, world.days.weekday
    neuro = world.fhir("neuro")
    ulla = neuro.worker("Ulla Sommer", "Neuropædiater", "99990331")
    neuro.team(ME, "Epilepsiteamet", [(ulla, "responsible", "Epilepsi")])
    neuro.plan(ME, "Behandlingsplan for epilepsi", author=ulla, start=-180, end=180,
               activities=[activity("Kontrol hver tredje måned", "",
                                    start=world.days.day(-180), by=ulla)])
    neuro.meeting(ME, "Kontrol hos Ulla Sommer", at(weekday(18), 8, 30), 45, people_in=[ulla],
                  where="Neuropædiatrisk Klinik, opgang 7")
    world.calendar("neuro-kalender").event(
        ME, "EEG (måling af hjernens signaler)", at(weekday(18), 10), 60,
        where="Neuropædiatrisk Klinik, opgang 7", note="Vask hår dagen før, ingen balsam.")


def _teeth_eyes_ears(world: World) -> None:
    at, weekday = world.days.at, world.days.weekday
    teeth = world.fhir("specialtandpleje")
    karen = teeth.worker("Karen Elkjær", "Specialtandlæge", "99990341")
    teeth.meeting(ME, "Tandlæge med god tid", at(weekday(26), 13), 60, people_in=[karen],
                  where="Specialtandplejen, stuen", what="tandpleje")
    hearing = world.fhir("syn-hoerelse")
    bent = hearing.worker("Bent Lyng", "Hørekonsulent", "99990342")
    hearing.meeting(ME, "Justering af høreapparat", at(weekday(11), 14), 45, people_in=[bent],
                    where="Center for Syn og Hørelse")
    eyes = world.fhir("oejenlaege")
    iris = eyes.worker("Iris Krag", "Øjenlæge", "99990343")
    eyes.meeting(ME, "Synsprøve", at(weekday(24), 15), 20, people_in=[iris],
                 where="Øjenlægerne i Algade", bring="Tag brillerne med.")


def _nurse(world: World) -> None:
    nurse = world.fhir("sundhedspleje")
    pia = nurse.worker("Pia Damgaard", "Sundhedsplejerske på skolen", "99990311")
    nurse.team(ME, "Sundhedsplejen", [(pia, "responsible", "Skolens sundhedsplejerske")])
    nurse.meeting(ME, "Højde, vægt og en snak", world.days.at(world.days.weekday(29), 10), 30,
                  people_in=[pia], where="Skovbakkeskolen, sundhedsplejens lokale",
                  what="sundhedsplejebesoeg")


def _therapists(world: World) -> None:
    at, next_ = world.days.at, world.days.next
    therapy = world.fhir("terapi")
    mikkel = therapy.worker("Mikkel Ank", "Ergoterapeut", "99990351")
    therapy.team(ME, "Ergoterapi", [(mikkel, "responsible", "Hverdagens greb")])
    goal = therapy.goal(ME, "Jeg binder selv mine snørebånd", reached="improving", percent=80,
                        due=35)
    therapy.plan(ME, "Ergoterapi i hverdagen", author=mikkel, start=-85, end=35, goals=[goal],
                 activities=[activity("Ergoterapi", "", start=world.days.day(-85), by=mikkel,
                                      goal=goal, codes=[("http://hl7.org/fhir/sid/icf", "d540",
                                                         "Af- og påklædning")])])
    world.calendar("terapi-kalender").event(
        ME, "Ergoterapi med Mikkel", at(next_(2), 13), 45, where="Børneterapien, Demotorvet 4",
        repeat="FREQ=WEEKLY;COUNT=5", with_=["Mikkel Ank"])
    training = world.fhir("traening")
    vibeke = training.worker("Vibeke Just", "Fysioterapeut", "99990352")
    training.team(ME, "Genoptræning", [(vibeke, "responsible", "Balance og styrke")])
    training.line(ME, "Balance (sekunder på ét ben)", [
        (-80, 3, "", "before"), (-40, 6, "", "during"), (-6, 9, "", "during")],
        unit="sekunder", low=0, high=30, scale_code="balance")
    world.calendar("traening-kalender").event(
        ME, "Træning i varmtvandsbassin", at(next_(4), 14), 60, where="Træningsenheden",
        repeat="FREQ=WEEKLY;COUNT=8", skip=[at(next_(4, 2), 14)])


def _private(world: World) -> None:
    at, next_, weekday = world.days.at, world.days.next, world.days.weekday
    world.calendar("fysioterapi").event(
        ME, "Ridefysioterapi", at(next_(5), 9), 45, where="Rideklubben",
        repeat="FREQ=WEEKLY;INTERVAL=2;COUNT=6")
    psychologist = world.fhir("psykolog")
    trine = psychologist.worker("Trine Olrik", "Psykolog", "99990361")
    psychologist.team(ME, "Samtaler", [(trine, "responsible", "Samtaler om at være bange")])
    psychologist.meeting(ME, "Samtale med Trine", at(weekday(8), 16), 50, people_in=[trine],
                         where="Psykologhuset Samtalen")
