"""What turns the meaning of the rest around: such a thing is never shown as if it said the usual.

R4 2.4.0.1: an unknown `modifierExtension` must not be passed over, and we know none.
"""

from __future__ import annotations

from typing import Any

from portal.sources.fhir_shape import Json, text

PARTS = {"CareTeam": "participant", "CarePlan": "activity"}
"""Parts that are entries of their own: only they are lost by what stands in them."""


def altered(holder: Json) -> bool:
    """Whether an unknown extension may turn it around, or something in it that is no part by itself."""
    besides = ("contained", PARTS.get(text(holder, "resourceType"), ""))
    stack: list[Any] = [{k: v for k, v in holder.items() if k not in besides}]
    while stack:
        here = stack.pop()
        if isinstance(here, dict):
            if here.get("modifierExtension"):
                return True
            stack.extend(here.values())
        elif isinstance(here, list):
            stack.extend(here)
    return False


def forbids(holder: Json) -> bool:
    """Whether a request or an activity says that it is *not* to be done."""
    return holder.get("doNotPerform") not in (None, False)
