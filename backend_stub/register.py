"""The register: persons and custody as FHIR Patient and RelatedPerson with dk-core codes."""

from __future__ import annotations

from datetime import date, timedelta

from backend_stub.cast import CPR, CUSTODY, PROTECTED, Custody, citizens, home_of
from backend_stub.shapes import Json, code, human_name, meta, period, ref
from mitid_stub.personas import Persona

DK_RELATION = "http://hl7.dk/fhir/core/CodeSystem/dk-relatedperson-relationshipcodes"
ROLE = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
ROLE_WORDS = {"MTH": "Mor", "FTH": "Far", "GRFTH": "Bedstefar"}


def resources(today: date) -> dict[str, dict[str, Json]]:
    """Everything the register holds, by type and id."""
    known = citizens(today)
    patients = {_number(key): _patient(key, p) for key, p in known.items()}
    related = {}
    for n, tie in enumerate(CUSTODY, 1):
        related[f"slaegt-{n}"] = _related(n, tie, known)
    return {"Patient": patients, "RelatedPerson": related}


def _number(key: str) -> str:
    return f"person-{key}"


def _patient(key: str, person: Persona) -> Json:
    home = home_of(key)
    found: Json = {
        "resourceType": "Patient", "id": _number(key),
        "identifier": [{"use": "official", "system": CPR, "value": person.cpr}],
        "active": True, "name": [human_name(person.name)], "gender": person.gender,
        "birthDate": person.born.isoformat(), "deceasedBoolean": False,
        "address": [{"use": "home", "text": f"{home.line}, {home.postcode} {home.city}",
                     "line": [home.line], "postalCode": home.postcode, "city": home.city}],
    }
    if key in PROTECTED:
        found["meta"] = meta(["R"])
    return found


def _related(n: int, tie: Custody, known: dict[str, Persona]) -> Json:
    adult, child = known[tie.adult], known[tie.child]
    codings = [(ROLE, tie.role, ROLE_WORDS[tie.role])]
    if tie.holds:
        codings.append((DK_RELATION, "PARAUTH", "Forældremyndighedsindehaver"))
    ends = eighteenth(child.born) - timedelta(days=1) if tie.until_adult else None
    found: Json = {
        "resourceType": "RelatedPerson", "id": f"slaegt-{n}", "active": True,
        "identifier": [{"use": "official", "system": CPR, "value": adult.cpr}],
        "patient": ref(f"Patient/{_number(tie.child)}"),
        "relationship": [code(text, (system, value, text)) for system, value, text in codings],
        "name": [human_name(adult.name)], "gender": adult.gender,
        "birthDate": adult.born.isoformat(), "period": period(child.born, ends),
    }
    if tie.adult in PROTECTED:
        found["meta"] = meta(["R"])
    return found


def eighteenth(born: date) -> date:
    """The 18th birthday; born on 29 February, it is 1 March."""
    try:
        return born.replace(year=born.year + 18)
    except ValueError:
        return date(born.year + 18, 3, 1)
