"""Mette and Jonas, with Sofie (16) and Emil (9): help for both, and a protected address.

Mette and the children live at a protected address; Jonas lives elsewhere and
shares custody. Emil has a child's plan and is being examined; Sofie has had a
hard year at school and has a part of her life that is her own.
"""

from __future__ import annotations

from backend_stub.families import emil, sofie
from backend_stub.world import World


def tell(world: World) -> None:
    """Everything about this family."""
    emil.tell(world)
    sofie.tell(world)
    _parents(world)


def _parents(world: World) -> None:
    """The parents' own matters: each parent's alone."""
    at, next_ = world.days.at, world.days.weekday
    jobs = world.cases("jobcenter")
    jobs.case("jonas", "Jobafklaring efter sygdom", status=2, kle="15.20.00", start=-75,
              who="Lone Bak", phone="99990401")
    jobs.appointment("jonas", "Opfølgningssamtale", at(next_(6), 13), 45,
                     where="Jobcenter Aalborg, lokale 4", who="Lone Bak", phone="99990401",
                     note="Du skal møde op. Du kan flytte tiden indtil dagen før kl. 12.")
    surgery = world.fhir("laege")
    doctor = surgery.worker("Henrik Aagaard", "Praktiserende læge", "99990107")
    surgery.meeting("mette", "Konsultation hos egen læge", at(next_(9), 8, 40), 20,
                    people_in=[doctor], where="Lægehuset ved Åen")
    support = world.cases("ydelse-sager")
    support.case("mette", "Økonomisk hjælp ved flytning", status=3, kle="32.18.00", start=-190,
                 end=-150, who="Birthe Nygaard", phone="99990141")
