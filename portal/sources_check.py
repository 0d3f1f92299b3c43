"""`portal sources check`: what each backend answers, in one line an operator can act on."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from portal import Portal, join
from portal.access import Facts, today_in_copenhagen
from portal.db import now
from portal.family import RegisterDown, UnknownPerson
from portal.records import Person
from portal.settings import CPR_SYSTEM, Settings, SourceConfig
from portal.sources.in_words import in_words
from portal.sources.organisation import Directory
from portal.sources.probe import Probed, probe

NOBODY = "0101010000"
"""A number nobody has: a healthy source answers that there is nothing."""
UNKNOWN = Person(name="", born=None, identifiers={CPR_SYSTEM: NOBODY})
AT_ONCE = 4
"""Few enough that one system's time is not another's."""
SLOW = 0.8
"""Share of its time limit from which an answer counts as late."""
Line = tuple[str, bool]


def check_all(settings: Settings, cpr: str) -> Iterator[Line]:
    """One line per system and whether it is well; the register first, the others at once."""
    portal = join(settings)
    start = time.monotonic()
    try:
        person = known(portal, cpr)
    except UnknownPerson:
        yield (
            _line("register", "FAILED", "knows nobody with this number; no source was asked"),
            False,
        )
        return
    except RegisterDown as e:
        yield _line("register", "FAILED", in_words(str(e))), False
        if cpr:
            return
        person = UNKNOWN
    else:
        yield _line("register", "ok", f"{(time.monotonic() - start) * 1000:.0f} ms"), True

    directory = portal.gatherer.directory
    if directory:
        yield _directory(directory)

    def met(source: SourceConfig) -> Probed | str:
        if why := _not_asked(source, person):
            return why
        value = person.identifiers[source.subject]
        return probe(source, settings, value, directory).result()

    with ThreadPoolExecutor(AT_ONCE) as few:
        for source, found in zip(settings.source, few.map(met, settings.source), strict=True):
            yield _told(source, found, bool(cpr))


def _not_asked(source: SourceConfig, person: Person) -> str:
    """Why a page would not ask the source about this person; "" when it would."""
    if not source.connected:
        return "not connected yet"
    if not person.identifiers.get(source.subject):
        return "the person has no identifier this source knows"
    born = Facts(citizen="", born=person.born, today=today_in_copenhagen(now()))
    first, last = source.ages
    if person is not UNKNOWN and not (born.age is not None and first <= born.age <= last):
        return f"asked about people from {first} to {last} years old only"
    return ""


def known(portal: Portal, cpr: str) -> Person:
    """The person; a line in her log stands before anybody is asked.

    Raises UnknownPerson, RegisterDown, db.StoreDown.
    """
    try:
        found = portal.family.identify(CPR_SYSTEM, cpr or NOBODY)
    except UnknownPerson:
        if cpr:
            raise
        return UNKNOWN
    portal.counter.checked(found.id)
    return found.person


def _directory(directory: Directory) -> Line:
    start = time.monotonic()
    problem = directory.check()
    took = f"{(time.monotonic() - start) * 1000:.0f} ms"
    words = f"{in_words(problem)}, {took}" if problem else took
    return _line("organisation", "FAILED" if problem else "ok", words), not problem


def _told(source: SourceConfig, met: Probed | str, somebody: bool) -> Line:
    if isinstance(met, str):
        return _line(source.id, "-", met), True
    took = f"{met.seconds * 1000:.0f} ms of {source.timeout:g} s"
    if met.delivery is None:
        return _line(source.id, "FAILED", f"{in_words(met.problem)}, {took}"), False
    if met.delivery.strangers:
        return _line(source.id, "FAILED", f"also tells about somebody else; dropped, {took}"), False
    if met.delivery.entries and not somebody:
        problem = "tells about a number that nobody has: does it see who is asked about?"
        return _line(source.id, "FAILED", f"{problem}, {took}"), False
    return _line(source.id, "ok", ", ".join(_well(source, met, took))), True


def _well(source: SourceConfig, met: Probed, took: str) -> Iterator[str]:
    assert met.delivery
    if source.auth.kind:
        yield f"authorised ({source.auth.kind})"
    kinds = Counter(type(e).__name__.lower() for e in met.delivery.entries)
    yield ", ".join(f"{n} {k}" for k, n in sorted(kinds.items())) or "nothing"
    if met.delivery.partial or met.delivery.holes:
        yield f"not all of it could be read (portal sources conform --source {source.id} tells why)"
    yield took + (": close to its time limit" if met.seconds > SLOW * source.timeout else "")


def _line(id: str, state: str, words: str) -> str:
    return f"{id:24} {state:8} {words}"
