"""Camilla and Noah Bech: alone together, with 29 places in 45 systems around them."""

from __future__ import annotations

from backend_stub.families import noah_health, noah_school, noah_social
from backend_stub.world import World


def tell(world: World) -> None:
    """Everything about this family."""
    noah_social.tell(world)
    noah_school.tell(world)
    noah_health.tell(world)
    jobs = world.cases("jobcenter")
    jobs.case("camilla", "Fastholdelse i job på nedsat tid", status=2, kle="15.20.00", start=-40,
              who="Lone Bak", phone="99990401")
