"""Bartholomæus and Io: nothing a page was drawn for. Very long words, many scripts, and nothing at all.

Io stands in no system: her overview is the honest empty page.
"""

from __future__ import annotations

from backend_stub.shapes import activity
from backend_stub.world import World

ME = "bartholomaeus"
LONG = "Specialpædagogiskbistandskoordineringsogopfølgningssamtale"
ARABIC = "اجتماع التنسيق مع المدرسة في الساعة 10:30 (هاتف 99 99 01 05)"
MIXED = "Møde اجتماع зустріч פגישה 会议 👨‍👩‍👧‍👦 (A < B & C > \"D\")"


def tell(world: World) -> None:
    """Texts that break pages that were drawn for short ones."""
    _department(world)
    _school(world)
    _doctor(world)


def _department(world: World) -> None:
    at, day = world.days.at, world.days.day
    fam = world.fhir("familieafd")
    birthe = fam.worker("Birthe-Margrethe Kjærgaard-Sønderskov von Rosenørn-Lehn",
                        "Socialfaglig specialkonsulent og koordinerende familierådgiver",
                        "99990298", mail="birthe-margrethe.kjaergaard-soenderskov@aalborg.example",
                        hours="Mandag, tirsdag og torsdag kl. 9.00-11.30 og 12.30-14.45, fredag kl. "
                              "9.00-10.15, dog ikke i skolernes ferier og på helligdage")
    fam.episode(ME, f"{LONG} for børn i skolealderen", manager=birthe, start=-400)
    fam.team(ME, "Alle omkring Bartholomæus", [(birthe, "coordinator", "At hænge det sammen")])
    goal = fam.goal(ME, "Jeg kan sige til, når der er for mange mennesker og for mange lyde på én "
                    "gang, og de voksne ved, hvad de så skal gøre, hver gang og alle steder",
                    reached="improving", percent=40, due=90)
    fam.plan(ME, f"Barnets plan: {LONG} og alt det, der hører til i hverdagen derhjemme, i skolen "
             "og hos aflastningsfamilien", author=birthe, start=-400, end=300, follow_up=20,
             goals=[goal], activities=[
                 activity("Familiebehandling og praktisk, pædagogisk eller anden støtte i hjemmet",
                          "Barnets Lov § 32, stk. 1, nr. 3", start=day(-390), by=birthe, goal=goal,
                          note="Uden mellemrum: " + "x" * 300)])
    fam.meeting(ME, MIXED, at(3, 9), 60, people_in=[birthe],
                where="https://" + "meget-langt-navn-uden-mellemrum." * 8 + "example/")


def _school(world: World) -> None:
    at, weekday = world.days.at, world.days.weekday
    world.calendar("skole-kalender").event(ME, ARABIC, at(weekday(2), 10, 30), 45,
                                           where="Skovbakkeskolen", with_=["أمينة الحداد"])
    world.fhir("skole-trivsel").line(ME, "Trivsel (egne ord)", [
        (-90, 1, "Det er svært, når det hele larmer, og jeg ikke ved, hvad der skal ske", "before"),
        (-30, 6, "Жити стало легше", "during"), (-3, 9, "ممتاز", "during")],
        unit="point", low=0, high=10, scale_code="egen-skala")


def _doctor(world: World) -> None:
    surgery = world.fhir("laege")
    doctor = surgery.worker("Ø", "Læge", "99990107")
    surgery.team(ME, "👩‍⚕️", [(doctor, "responsible", "")])
