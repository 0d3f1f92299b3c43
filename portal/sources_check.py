"""`portal sources check`: what each backend answers, in one line an operator can act on."""

from __future__ import annotations

import time
from collections.abc import Iterator

from portal import join
from portal.family import RegisterDown, UnknownPerson
from portal.records import Answer, State
from portal.settings import CPR_SYSTEM, Settings
from portal.sources import Subject

NOBODY = "0101010000"
"""A number nobody has: a healthy source answers that there is nothing."""


def check_all(settings: Settings, cpr: str) -> Iterator[tuple[str, bool]]:
    """One line per system and whether it is well; the register first."""
    portal = join(settings)
    identifiers = {CPR_SYSTEM: cpr or NOBODY}
    start = time.monotonic()
    try:
        if cpr:
            known = portal.family.identify(CPR_SYSTEM, cpr)
            portal.counter.checked(known.id)
            identifiers = known.person.identifiers
        else:
            portal.family.identify(CPR_SYSTEM, NOBODY)
    except UnknownPerson:
        pass
    except RegisterDown as e:
        yield f"{'register':24} FAILED   {e}", False
        if cpr:
            return
    yield f"{'register':24} ok       {_ms(start)}", True
    if directory := portal.gatherer.directory:
        start = time.monotonic()
        problem = directory.check()
        yield (
            f"{'organisation':24} {f'FAILED   {problem}' if problem else 'ok'} {_ms(start)}",
            not problem,
        )
    for source in settings.source:
        if not source.connected:
            yield f"{source.id:24} -        not connected yet", True
            continue
        start = time.monotonic()
        subject = Subject(citizen="check", identifiers=identifiers)
        answer = portal.gatherer.ask([source.id], subject, None).get(source.id)
        yield _line(source.id, answer, _ms(start))


def _line(id: str, answer: Answer | None, took: str) -> tuple[str, bool]:
    if answer is None:
        return f"{id:24} -        the person has no identifier this source knows", True
    if answer.state not in (State.SHOWN, State.EMPTY):
        return f"{id:24} FAILED   {answer.problem or answer.state.value} {took}", False
    kinds: dict[str, int] = {}
    for entry in answer.entries:
        name = type(entry).__name__.lower()
        kinds[name] = kinds.get(name, 0) + 1
    what = ", ".join(f"{n} {k}" for k, n in sorted(kinds.items())) or "nothing"
    return f"{id:24} ok       {what} {took}" + (" (partial)" if answer.partial else ""), True


def _ms(start: float) -> str:
    return f"{(time.monotonic() - start) * 1000:.0f} ms"
