"""The counter: what employees do before an overview is opened, and what is only told of them.

Looking somebody up, the list of citizens, reading messages: each logged before it is answered.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

import msgspec

from portal.access import Viewer
from portal.access_staff import has_relation
from portal.audit import Act, Line
from portal.db import now
from portal.family import NOBODY, Family, UnknownPerson
from portal.lately import Lately
from portal.settings import CPR_SYSTEM, Settings
from portal.threshold import Entry, Look, Overtaken, Threshold

NO = "a look-up that found nobody"
AT_LEAST, AT_MOST = 0.3, 2.5
"""Seconds that it takes: systems answer within the first as a rule, and a worker's seats are few."""
AN_HOUR = 3600.0


class Counter:
    """One object per worker, shared by its threads."""

    def __init__(self, settings: Settings, family: Family, threshold: Threshold) -> None:
        self._settings, self._family, self._threshold = settings, family, threshold
        self._standings = threshold.standings
        self._slowest: Lately[str, float] = Lately(AN_HOUR)

    def look_up(self, viewer: Viewer, cpr: str) -> str | None:
        """An employee's look-up by full CPR, asking only her own actor's sources; logged.

        Returns the citizen's id when the actor has something running with her.
        Raises RegisterDown, db.StoreDown.
        """
        began, look = time.monotonic(), Look(act=Act.LOOK_UP, categories=())
        try:
            known = self._family.identify(CPR_SYSTEM, cpr)
        except UnknownPerson:
            line = self._threshold.line(viewer, look, "unknown person")
            self._threshold.write([Entry(NOBODY, line)])
            self._as_late(began)
            return None
        related = self._related(viewer, known.id)
        outcome = "ok" if related else "no relation"
        self._threshold.write([Entry(known.id, self._threshold.line(viewer, look, outcome))])
        if related:
            return known.id
        self._as_late(began)
        return None

    def _as_late(self, began: float) -> None:
        """Wait until a no is as late as the slowest of the last hour.

        About whom the register does not know no system is asked: that no would come sooner, and
        tell an employee that the number is nobody's.
        """
        took, slowest = time.monotonic() - began, self._slowest.get(NO, AT_LEAST)
        if took > slowest:
            self._slowest.put(NO, min(took, AT_MOST))
        time.sleep(max(0.0, slowest - took))

    def _related(self, viewer: Viewer, citizen: str) -> bool:
        """Whether one of her actors in this municipality has something running with the citizen."""
        facts = self._family.household(citizen).facts
        here = self._standings.of_this_municipality(viewer.actors)
        own = [
            s.id
            for s in self._settings.source
            if s.connected and s.actor in here and _about(s.ages, facts.age)
        ]
        answers = self._threshold.ask_only(own, citizen, None)
        related = has_relation((e for a in answers.values() for e in a.entries), here, now())
        return related and not facts.deceased and facts.age is not None

    def elsewhere(self, viewer: Viewer) -> bool:
        """Whether some of the employee's actors are another municipality's."""
        return self._standings.of_this_municipality(viewer.actors) != viewer.actors

    def listed(self, viewer: Viewer, citizens: Iterable[str]) -> tuple[tuple[str, str], ...]:
        """Those an employee's actor holds an active consent for, by name; each listing is logged.

        A list crosses no municipality: an actor elsewhere opens what a consent opens by its address.
        """
        here = self._standings.of_this_municipality(viewer.actors)
        local = msgspec.structs.replace(viewer, actors=here)
        look = Look(purpose=self._any_purpose, act=Act.LISTED, categories=())
        citizens = tuple(citizens)
        standings = (self._threshold.visible(local, c, look) for c in citizens)
        found = [s for s in standings if s and s.scopes]
        said = msgspec.structs.replace(look, purpose="")
        try:
            self._threshold.write(
                Entry(
                    s.home.citizen.id,
                    self._threshold.line(viewer, said, "ok", self._standings.opened(s.scopes)),
                    s.home.held,
                )
                for s in found
            )
        except Overtaken:
            return self.listed(viewer, citizens)
        names = ((s.home.citizen.id, s.home.citizen.person.name) for s in found)
        return tuple(sorted(names, key=lambda pair: pair[1]))

    def checked(self, citizen: str) -> None:
        """An operator asks the sources about somebody: logged like everything else."""
        line = Line(act=Act.LOOK_UP, subject="operator", outcome="sources check")
        self._threshold.write([Entry(citizen, line)])

    def reachable(self, actor: str) -> bool:
        """Whether employees of an actor can read a message here; a list crosses no municipality."""
        here = self._standings.of_this_municipality(frozenset({actor}))
        staffed = self._settings.identity.staff is not None
        return staffed and any(self._settings.actors[a].identifiers for a in here)

    def may_open(self, viewer: Viewer, citizen: str) -> bool:
        """Whether an employee may open the overview now, whatever her purpose."""
        return bool(self._threshold.visible(viewer, citizen, Look(purpose=self._any_purpose)))

    def messages_read(self, viewer: Viewer, messages: Iterable[tuple[str, str]]) -> None:
        """An employee reads messages of (citizen, author): logged to each author before she does."""
        line = self._threshold.line(viewer, Look(act=Act.REPORT, categories=()), "ok")
        pairs = dict.fromkeys(messages)
        self._threshold.write(
            Entry(c, msgspec.structs.replace(line, told=author)) for c, author in pairs
        )

    @property
    def _any_purpose(self) -> str:
        return self._settings.purpose[0].id


def _about(ages: tuple[int, int], age: int | None) -> bool:
    return age is not None and ages[0] <= age <= ages[1]
