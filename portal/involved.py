"""Who is involved with a citizen: the places that the sources name, over the threshold of every overview."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from portal.access import Viewer
from portal.records import State
from portal.standing import Standing
from portal.threshold import Look, Overtaken, Threshold


class Involved(msgspec.Struct, frozen=True, kw_only=True):
    """`systems`: actor id -> ids of the sources that delivered something it owns.

    `complete`: no source is still waiting.
    """

    systems: Mapping[str, frozenset[str]]
    complete: bool


class Involvement:
    """One object per worker, shared by its threads."""

    def __init__(self, threshold: Threshold) -> None:
        self._threshold = threshold

    def of(self, viewer: Viewer, citizen: str, look: Look) -> tuple[Standing, Involved]:
        """Where the viewer stands, and what the sources that exist for her say; logged.

        Raises NotFound, RegisterDown, db.StoreDown.
        """
        before = self._threshold.standing(viewer, citizen, look)
        answers = self._threshold.ask(before, look.wait).values()
        standing = self._threshold.again(before, look)
        found: dict[str, set[str]] = {}
        for answer in answers:
            for entry in answer.entries:
                if self._threshold.standings.shows(standing, entry):
                    found.setdefault(entry.owner, set()).add(entry.source)
        try:
            self._threshold.log([(standing, look)])
        except Overtaken:
            return self.of(viewer, citizen, look)
        return standing, Involved(
            systems={a: frozenset(s) for a, s in found.items()},
            complete=all(a.state is not State.WAITING for a in answers),
        )
