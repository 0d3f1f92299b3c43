"""From an arrival at the provider to a session here: the register's word, then a new session."""

from __future__ import annotations

from portal.family import Family, RegisterDown, UnknownPerson
from portal.identity.arrival import Arrival, check_birth_date
from portal.identity.failures import RegisterUnavailable, UnknownToRegister, WrongPerson
from portal.identity.session import Session, Sessions


def receive(
    arrival: Arrival, family: Family, sessions: Sessions, before: Session | None, language: str
) -> str:
    """The token of a new session. `before` is what this browser had; it ends.

    Nothing of an earlier session comes along, but in a step-up, where the same
    person goes on with what she was doing. Raises a LoginFailed, StoreDown.
    """
    subject = sessions.subject(arrival)
    earlier = before.account if before else None
    if arrival.expected and arrival.expected != subject:
        if earlier:
            sessions.end(earlier.session)  # somebody else sits at this screen
        raise WrongPerson("the step-up was answered by another person")
    person, name, first_name = _known(arrival, family)
    same = before is not None and arrival.expected == before.account.subject
    return sessions.create(
        arrival,
        person=person,
        name=name,
        first_name=first_name,
        language=(family.language(person) if person else "") or language,
        replacing=earlier,
        data=before.data if before and same else None,
    )


def _known(arrival: Arrival, family: Family) -> tuple[str | None, str, str]:
    """Citizens are who the register says; employees are never looked up there."""
    if arrival.door == "staff":
        return None, arrival.name, arrival.name.split(" ")[0]
    try:
        known = family.identify(arrival.person_system, arrival.person)
    except UnknownPerson:
        raise UnknownToRegister("the register does not know the person") from None
    except RegisterDown:
        raise RegisterUnavailable("the register does not answer") from None
    check_birth_date(arrival.birth_date, known.person.born)
    return known.id, known.person.name, known.first_name
