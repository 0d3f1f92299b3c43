"""The invented people of the demo world, in one place so that the provider and the registers agree.

Names, CPR numbers (four last digits in the synthetic 9xxx series) and unit numbers are made up.
Birth dates follow today's date, so that ages hold whenever the demo is started; only the newly
turned 18-year-old changes CPR from day to day, everyone else once a year.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple
from uuid import NAMESPACE_URL, uuid5
from zoneinfo import ZoneInfo

AALBORG, HJOERRING, NORDJYLLAND = "29189420", "29189382", "29190941"  # CVR, public


class Employer(NamedTuple):
    """Where an employee works; `unit` is the department behind the P-number."""

    org: str
    cvr: str
    unit: str
    p_number: str


COPENHAGEN = ZoneInfo("Europe/Copenhagen")


class Persona(NamedTuple):
    """One invented person; `login` is false for children too young for MitID."""

    key: str
    name: str
    cpr: str
    born: date
    gender: Literal["female", "male"]
    kind: Literal["citizen", "employee"]
    uuid: str
    protected: bool
    login: bool
    blurb_da: str
    blurb_en: str
    org: str = ""
    cvr: str = ""
    unit: str = ""
    p_number: str = ""


def personas(today: date | None = None) -> tuple[Persona, ...]:
    """Everyone in the demo world, with the ages they have `today`."""
    day = today or datetime.now(COPENHAGEN).date()
    return tuple(_person(day, *row) for row in _CITIZENS) + tuple(
        _person(day, *row, employer=employer) for row, employer in _EMPLOYEES
    )


def _person(
    today: date,
    key: str,
    name: str,
    age: int,
    birthday: tuple[int, int] | None,
    last_four: str,
    blurb_da: str,
    blurb_en: str,
    *,
    employer: Employer | None = None,
) -> Persona:
    born = _born(today, age, birthday)
    return Persona(
        key=key,
        name=name,
        cpr=f"{born:%d%m%y}{last_four}",
        born=born,
        gender="male" if int(last_four) % 2 else "female",
        kind="employee" if employer else "citizen",
        uuid=str(uuid5(NAMESPACE_URL, f"urn:familieoverblik:persona:{key}")),
        protected=key == "mette",
        login=age >= 13,  # MitID is issued from 13
        blurb_da=blurb_da,
        blurb_en=blurb_en,
        **(employer._asdict() if employer else {}),
    )


def _born(today: date, age: int, birthday: tuple[int, int] | None) -> date:
    """The latest birth date on that day and month that gives the age; None: turned it yesterday."""
    if birthday is None:
        yesterday = today - timedelta(days=1)
        month, day = yesterday.month, min(yesterday.day, 28 if yesterday.month == 2 else 31)
        return date(yesterday.year - age, month, day)
    month, day = birthday
    passed = (today.month, today.day) >= birthday
    return date(today.year - age - (0 if passed else 1), month, day)


_FAMILY_DEPARTMENT = Employer("Aalborg Kommune", AALBORG, "Familieafdelingen", "1003000001")
_PPR = Employer("Aalborg Kommune", AALBORG, "PPR", "1003000002")
_PSYCHIATRY = Employer(
    "Region Nordjylland", NORDJYLLAND, "Børne- og Ungdomspsykiatrien", "1003000003"
)
_JOB_CENTRE = Employer("Aalborg Kommune", AALBORG, "Jobcentret", "1003000004")
_ELSEWHERE = Employer("Hjørring Kommune", HJOERRING, "Familieafdelingen", "1003000860")

_CITIZENS: tuple[tuple[str, str, int, tuple[int, int] | None, str, str, str], ...] = (
    (
        "mette", "Mette Holm", 38, (3, 14), "9902",
        "38 år, mor til Sofie og Emil. Har beskyttet adresse.",
        "38, mother of Sofie and Emil. Her address is protected.",
    ),
    (
        "jonas", "Jonas Krogh", 41, (9, 2), "9905",
        "41 år, far til Sofie og Emil. Bor et andet sted end børnene.",
        "41, father of Sofie and Emil. Lives elsewhere.",
    ),
    (
        "sofie", "Sofie Holm Krogh", 16, (5, 21), "9908",
        "16 år, datter af Mette og Jonas. Bestemmer selv over noget.",
        "16, daughter of Mette and Jonas. Decides some things herself.",
    ),
    (
        "emil", "Emil Holm Krogh", 9, (8, 17), "9911",
        "9 år, søn af Mette og Jonas. Har ikke MitID.",
        "9, son of Mette and Jonas. Has no MitID.",
    ),
    (
        "camilla", "Camilla Bech", 36, (1, 30), "9914",
        "36 år, alene med Noah, som mange steder hjælper.",
        "36, alone with Noah, whom many services help.",
    ),
    (
        "noah", "Noah Bech", 12, (6, 9), "9917",
        "12 år, søn af Camilla. Har ikke MitID.",
        "12, son of Camilla. Has no MitID.",
    ),
    (
        "amira", "Amira Haddad", 34, (4, 25), "9920",
        "34 år, mor til Layla og Omar. Læser helst arabisk.",
        "34, mother of Layla and Omar. Prefers to read Arabic.",
    ),
    (
        "yusuf", "Yusuf Haddad", 39, (2, 12), "9923",
        "39 år, far til Layla og Omar. Bor sammen med Amira.",
        "39, father of Layla and Omar. Lives with Amira.",
    ),
    (
        "layla", "Layla Haddad", 14, (10, 3), "9926",
        "14 år, datter af Amira og Yusuf.",
        "14, daughter of Amira and Yusuf.",
    ),
    (
        "omar", "Omar Haddad", 6, (7, 7), "9929",
        "6 år, søn af Amira og Yusuf. Har ikke MitID.",
        "6, son of Amira and Yusuf. Has no MitID.",
    ),
    (
        "freja", "Freja Lund", 18, None, "9932",
        "Fyldte 18 år i går. Nu er det hende, der bestemmer.",
        "Turned 18 yesterday. Now she decides.",
    ),
    (
        "hanne", "Hanne Lund", 47, (11, 11), "9934",
        "47 år, mor til Freja, som lige er blevet voksen.",
        "47, mother of Freja, who has just come of age.",
    ),
    (
        "viggo", "Viggo Krogh", 71, (12, 1), "9937",
        "71 år, farfar til Sofie og Emil. Har ikke forældremyndighed.",
        "71, grandfather of Sofie and Emil. Has no custody.",
    ),
    (
        "peter", "Peter Dam", 44, (3, 3), "9941",
        "44 år, far til Ida. Har også selv en sag i jobcentret.",
        "44, father of Ida. Has a case of his own at the job centre.",
    ),
    (
        "ida", "Ida Dam", 11, (5, 5), "9944",
        "11 år, datter af Peter. Har ikke MitID.",
        "11, daughter of Peter. Has no MitID.",
    ),
    (
        "maximiliane", "Maximiliane-Alexandra Frydendahl-Østergaard Christoffersen", 40, (6, 1),
        "9962",
        "40 år, til prøverummet: meget lange navne og tekster på mange sprog.",
        "40, for the testers' room: very long names, and texts in many scripts.",
    ),
    (
        "bartholomaeus", "Bartholomæus-Emmanuel Frydendahl-Østergaard Christoffersen", 8, (2, 2),
        "9965",
        "8 år, søn af Maximiliane. Har ikke MitID.",
        "8, son of Maximiliane. Has no MitID.",
    ),
    (
        "io", "Io Christoffersen", 3, (4, 4), "9968",
        "3 år, datter af Maximiliane. Ingen steder ved noget om hende.",
        "3, daughter of Maximiliane. No place knows anything about her.",
    ),
)  # fmt: skip

_EMPLOYEES: tuple[tuple[tuple[str, str, int, tuple[int, int], str, str, str], Employer], ...] = (
    (
        (
            "karin", "Karin Thomsen", 51, (2, 20), "9950",
            "Rådgiver i Familieafdelingen, Aalborg.",
            "Caseworker, family department, Aalborg.",
        ),
        _FAMILY_DEPARTMENT,
    ),
    (
        (
            "poul", "Poul Riis", 48, (9, 19), "9953",
            "Psykolog i PPR, Aalborg.",
            "Psychologist, educational psychology service, Aalborg.",
        ),
        _PPR,
    ),
    (
        (
            "birgit", "Birgit Vestergaard", 57, (6, 28), "9956",
            "Sygeplejerske i Børne- og Ungdomspsykiatrien, Region Nordjylland.",
            "Nurse, child psychiatry, North Denmark Region.",
        ),
        _PSYCHIATRY,
    ),
    (
        (
            "lone", "Lone Bak", 43, (1, 8), "9958",
            "Rådgiver i Jobcentret, Aalborg.",
            "Caseworker, job centre, Aalborg.",
        ),
        _JOB_CENTRE,
    ),
    (
        (
            "steen", "Steen Mark", 46, (10, 15), "9961",
            "Rådgiver i Familieafdelingen i en anden kommune, Hjørring.",
            "Caseworker, family department in another municipality, Hjørring.",
        ),
        _ELSEWHERE,
    ),
)  # fmt: skip
