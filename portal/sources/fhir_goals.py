"""Goals, and where else their words may stand: never beside something less restricted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from portal.records import RUNNING, Goal, Hole
from portal.sources.fhir_answer import name_of
from portal.sources.fhir_modifiers import altered
from portal.sources.fhir_reading import Reading
from portal.sources.fhir_shape import Json, concept_text, day, obj, objs, text
from portal.sources.fhir_status import status_of


class Goals:
    """The goals of one answer; plans and help say which are theirs."""

    def __init__(self, reading: Reading, goals: list[Json]) -> None:
        self._reading = reading
        self._goals = {name_of(g): g for g in goals}
        self._holders: dict[str, list[dict[str, Any]]] = {}

    def belong(self, references: list[Json], entry: dict[str, Any], holder: Json) -> None:
        """The goals referred to are part of this plan or help."""
        for name in self._names(references, holder):
            self._holders.setdefault(name, []).append(entry)

    def title(self, references: list[Json], entry: dict[str, Any], holder: Json) -> str:
        """The first goal's words, if whoever may see the entry may see the goal."""
        for name in self._names(references, holder):
            goal = self._goals.get(name)
            if goal and self._open_to(goal, entry):
                return concept_text(obj(goal, "description"))
        return ""

    def records(self) -> Iterator[Goal | Hole]:
        for name, goal in self._goals.items():
            yield self._record(name, goal)

    def _names(self, references: list[Json], holder: Json) -> list[str]:
        return [self._reading.graph.name(r, holder) for r in references]

    def _open_to(self, goal: Json, entry: dict[str, Any]) -> bool:
        shut = self._reading.restrictions(goal) - entry["audience"] or altered(goal)
        return not shut and not self._reading.kinds(goal) - entry["kinds"]

    def _record(self, name: str, goal: Json) -> Goal | Hole:
        title = concept_text(obj(goal, "description"))
        targets = objs(goal, "target")
        dues = (day(t.get("dueDate")) for t in targets)
        entry = self._reading.entry(goal)
        holders = sorted(self._holders.get(name, []), key=_secrecy)
        entry |= self._inherited(entry, holders)
        if text(goal, "lifecycleStatus") == "entered-in-error":
            entry["kinds"] |= {"application"}
        status = status_of(text(goal, "lifecycleStatus"))
        if not title:
            return Hole(**entry, of="goal", running=status in RUNNING)
        return Goal(
            **entry,
            title=title,
            status=status,
            achievement=concept_text(obj(goal, "achievementStatus")),
            progress=next((p for t in targets if (p := _percent(t)) is not None), None),
            due=next((d for d in dues if d), None),
            followed_up=day(goal.get("statusDate")),
            plan=holders[0]["key"] if holders else "",
        )

    def _inherited(self, entry: dict[str, Any], holders: list[dict[str, Any]]) -> dict[str, Any]:
        """A goal belongs to whom its plan belongs; what restricts all its plans restricts it.

        Of several the one that fewest are kept from counts first: a goal must
        not stand alone because of a plan that its reader cannot see.
        """
        if not holders:
            return {}
        first = holders[0]
        return {
            "owner": first["owner"],
            "by": first["by"],
            "kinds": entry["kinds"] | frozenset.intersection(*(h["kinds"] for h in holders)),
            "audience": entry["audience"]
            | frozenset.intersection(*(h["audience"] for h in holders)),
        }


def _secrecy(entry: dict[str, Any]) -> int:
    """How much is kept from how many, roughly."""
    return len(entry["audience"]) + len(entry["kinds"])


def _percent(target: Json) -> int | None:
    quantity = obj(target, "detailQuantity")
    value = quantity.get("value")
    percent = text(quantity, "unit") == "%" or text(quantity, "code") == "%"
    if text(quantity, "comparator"):
        return None
    if not percent or isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return round(value) if 0 <= value <= 100 else None
