"""The places and systems of the demo world, one line each.

The configuration writer, the server and the tests read the same lists, so a
system that exists is also configured and answers. Phone numbers are made up.
"""

from __future__ import annotations

import zlib
from typing import Literal, NamedTuple

AALBORG, HJOERRING = "0851", "0860"
WEEKDAYS = "Mandag-torsdag kl. 9-14, fredag kl. 9-12"
EARLY = "Alle hverdage kl. 8-9"

Kind = Literal["fhir", "icalendar", "hentsagsliste", "kommunale_planer"]


class Place(NamedTuple):
    """An actor of the portal: someone who helps families."""

    id: str
    name: str
    sector: str
    p_number: str
    phone: str
    municipality: str = ""
    hours: str = WEEKDAYS
    sor: str = ""

    @property
    def identifiers(self) -> list[tuple[str, str]]:
        """(system, value) pairs; the unit number is what employees' logins carry."""
        found = [("http://p-nummer.dk", self.p_number)]
        if self.sor:
            found.append(("urn:oid:1.2.208.176.1.1", self.sor))
        if self.municipality:
            found.append(("https://kombit.dk/sts/organisation", f"urn:uuid:{unit_uuid(self.id)}"))
        return found

    @property
    def site(self) -> str:
        return f"https://{self.id}.example/"


class System(NamedTuple):
    """A backend system.

    `lacks` names what its FHIR server does not do; `smart` asks for a token;
    `logical` names its own organisation by identifier only.
    """

    id: str
    name: str
    kind: Kind
    place: str
    ages: tuple[int, int] = (0, 199)
    lacks: frozenset[str] = frozenset()
    page_size: int = 20
    smart: bool = False
    logical: bool = False
    connected: bool = True

    @property
    def path(self) -> str:
        """Where it listens, below the server's root."""
        endings = {
            "fhir": "fhir",
            "icalendar": "kalender.ics",
            "hentsagsliste": "hentsagsliste/v2.0.0",
            "kommunale_planer": "planer",
        }
        return f"/{self.id}/{endings[self.kind]}"

    @property
    def latency(self) -> float:
        """Seconds one whole answer takes: 0.05 to 0.6, always the same for a system."""
        return 0.05 + zlib.crc32(self.id.encode()) % 551 / 1000


def unit_uuid(name: str) -> str:
    """A stable made-up UUID; letters keep its digits from looking like a CPR number."""
    n = f"{zlib.crc32(name.encode()):08x}"
    return f"{n}-fa0b-4c0d-8e0f-ab{n}cd"


PLACES = (
    Place("familieafdelingen", "Familieafdelingen, Aalborg Kommune", "social",
          "1003000001", "99990101", AALBORG),
    Place("ppr", "PPR, Aalborg Kommune", "school", "1003000002", "99990102", AALBORG),
    Place("bup-nord", "Børne- og Ungdomspsykiatrien, Region Nordjylland", "health",
          "1003000003", "99990103", hours=EARLY, sor="410000000000103"),
    Place("jobcenter", "Jobcenter Aalborg", "employment", "1003000004", "99990104", AALBORG),
    Place("hjoerring", "Familieafdelingen, Hjørring Kommune", "social",
          "1003000860", "99990860", HJOERRING),
    Place("skovbakkeskolen", "Skovbakkeskolen", "school", "1003000105", "99990105", AALBORG,
          hours="Skoledage kl. 7.30-14"),
    Place("sfo-skovmusen", "SFO Skovmusen", "school", "1003000106", "99990106", AALBORG,
          hours="Skoledage kl. 6.30-17"),
    Place("laegehuset", "Lægehuset ved Åen", "health", "1003000107", "99990107",
          hours="Hverdage kl. 8-12 og 13-15", sor="410000000000107"),
    Place("boerneafdelingen", "Børneafdelingen, Limfjordssygehuset", "health",
          "1003000108", "99990108", hours=EARLY, sor="410000000000108"),
    Place("aflastning", "Aflastningsfamilien på Engholm", "social", "1003000109", "99990109",
          hours="Ring helst efter kl. 16"),
    Place("sundhedsplejen", "Sundhedsplejen, Aalborg Kommune", "health",
          "1003000110", "99990110", AALBORG, hours=EARLY),
    Place("specialtandplejen", "Specialtandplejen", "health", "1003000111", "99990111", AALBORG),
    Place("syn-hoerelse", "Center for Syn og Hørelse", "health", "1003000112", "99990112"),
    Place("handicap", "Børnehandicap, Aalborg Kommune", "social", "1003000113", "99990113",
          AALBORG),
    Place("ydelse", "Ydelsescentret, Aalborg Kommune", "social", "1003000114", "99990114",
          AALBORG),
    Place("boerneterapien", "Børneterapien, Aalborg Kommune", "health",
          "1003000115", "99990115", AALBORG),
    Place("hjaelpemidler", "Hjælpemiddelhuset, Aalborg Kommune", "social",
          "1003000116", "99990116", AALBORG),
    Place("befordring", "Kørselskontoret, Aalborg Kommune", "school",
          "1003000117", "99990117", AALBORG, hours="Hverdage kl. 6-16"),
    Place("familiehuset", "Familiehuset Fjordglimt", "social", "1003000118", "99990118",
          AALBORG),
    Place("kontaktkorpset", "Kontaktkorpset for børn og unge", "social",
          "1003000119", "99990119", AALBORG, hours="Alle dage kl. 8-20"),
    Place("koordinering", "Koordinationsenheden Én Plan", "social", "1003000120", "99990120",
          AALBORG),
    Place("specialcentret", "Specialcentret Egekrogen", "school", "1003000121", "99990121",
          AALBORG, hours="Skoledage kl. 7.30-14"),
    Place("neuropaediatri", "Neuropædiatrisk Klinik, Limfjordssygehuset", "health",
          "1003000122", "99990122", hours=EARLY, sor="410000000000122"),
    Place("oejenlaegen", "Øjenlægerne i Algade", "health", "1003000123", "99990123",
          sor="410000000000123"),
    Place("fysioterapien", "Fysioterapien Bevæg Dig", "health", "1003000124", "99990124"),
    Place("psykologhuset", "Psykologhuset Samtalen", "health", "1003000125", "99990125"),
    Place("fritidsguiden", "Fritidsguiden, Aalborg Kommune", "other", "1003000126", "99990126",
          AALBORG),
    Place("bisidderne", "Bisidderkorpset (frivillige)", "other", "1003000127", "99990127",
          hours="Mandag og onsdag kl. 17-20"),
    Place("mentorhjaelpen", "Mentorhjælpen Nord (frivillige)", "other",
          "1003000128", "99990128", hours="Hverdage kl. 15-19"),
    Place("traeningsenheden", "Træningsenheden for børn", "health", "1003000129", "99990129",
          AALBORG),
    Place("ungeenheden", "Ungeenheden, Aalborg Kommune", "social", "1003000130", "99990130",
          AALBORG),
    Place("ungdomsskolen", "10. klasse, Aalborg Ungdomsskole", "school",
          "1003000131", "99990131", AALBORG, hours="Skoledage kl. 8-14"),
    Place("voksenpsykiatrien", "Psykiatrien for unge voksne, Region Nordjylland", "health",
          "1003000132", "99990132", hours=EARLY, sor="410000000000132"),
    Place("tandplejen", "Tandplejen, Aalborg Kommune", "health", "1003000133", "99990133",
          AALBORG),
)

NO_INCLUDES = frozenset({"include"})
NO_PAGING = frozenset({"paging"})
ONLY_VISITS = frozenset({"CareTeam", "CarePlan", "Goal", "EpisodeOfCare", "ServiceRequest",
                         "Observation", "include"})
CHILD, YOUNG, GROWN = (0, 17), (15, 29), (15, 199)

SYSTEMS = (
    System("familieafd", "Familieafdelingens fagsystem", "fhir", "familieafdelingen", (0, 22),
           page_size=5),
    System("familieafd-sager", "Familieafdelingens sager", "hentsagsliste", "familieafdelingen"),
    System("familieafd-moeder", "Familieafdelingens mødekalender", "icalendar",
           "familieafdelingen"),
    System("ppr", "PPR's fagsystem", "fhir", "ppr", (0, 18), NO_INCLUDES),
    System("ppr-kalender", "PPR's kalender", "icalendar", "ppr", (0, 18)),
    System("skole-kalender", "Skolens kalender", "icalendar", "skovbakkeskolen", (5, 17)),
    System("skole-trivsel", "Skolens elevplaner", "fhir", "skovbakkeskolen", (5, 17),
           NO_PAGING),
    System("skole-aftaler", "Skolens aftaler", "hentsagsliste", "skovbakkeskolen", (5, 17)),
    System("sfo-kalender", "SFO'ens kalender", "icalendar", "sfo-skovmusen", (5, 13)),
    System("bup", "Børne- og Ungdomspsykiatrien", "fhir", "bup-nord", CHILD),
    System("bup-kalender", "Børne- og Ungdomspsykiatriens tider", "icalendar", "bup-nord",
           CHILD),
    System("bup-maalinger", "Børne- og Ungdomspsykiatriens målinger", "fhir", "bup-nord", CHILD,
           NO_INCLUDES | NO_PAGING),
    System("laege", "Din læge", "fhir", "laegehuset", lacks=NO_INCLUDES, logical=True),
    System("laege-tider", "Din læges tidsbestilling", "icalendar", "laegehuset"),
    System("sygehus", "Børneafdelingen", "fhir", "boerneafdelingen", CHILD, page_size=2),
    System("sygehus-ambulatorium", "Børneafdelingens ambulatorium", "fhir", "boerneafdelingen",
           CHILD, ONLY_VISITS, logical=True),
    System("aflastning-kalender", "Aflastningsfamiliens kalender", "icalendar", "aflastning",
           CHILD),
    System("sundhedspleje", "Sundhedsplejens journal", "fhir", "sundhedsplejen", CHILD,
           NO_PAGING),
    System("specialtandpleje", "Specialtandplejen", "fhir", "specialtandplejen", CHILD,
           ONLY_VISITS),
    System("syn-hoerelse", "Center for Syn og Hørelse", "fhir", "syn-hoerelse", CHILD,
           ONLY_VISITS),
    System("handicap", "Børnehandicaps fagsystem", "fhir", "handicap", CHILD),
    System("handicap-sager", "Børnehandicaps sager", "hentsagsliste", "handicap", CHILD),
    System("ydelse-sager", "Ydelsescentrets sager", "hentsagsliste", "ydelse"),
    System("terapi", "Børneterapien", "fhir", "boerneterapien", CHILD, NO_INCLUDES),
    System("terapi-kalender", "Børneterapiens kalender", "icalendar", "boerneterapien", CHILD),
    System("hjaelpemidler", "Hjælpemiddelhuset", "hentsagsliste", "hjaelpemidler"),
    System("befordring", "Kørselskontorets kalender", "icalendar", "befordring", (5, 17)),
    System("familiehus", "Familiehuset Fjordglimt", "fhir", "familiehuset", CHILD),
    System("familiehus-kalender", "Familiehusets kalender", "icalendar", "familiehuset", CHILD),
    System("kontaktkorps", "Kontaktkorpset", "fhir", "kontaktkorpset", (0, 22)),
    System("en-plan", "Én Plan", "kommunale_planer", "koordinering"),
    System("specialcenter", "Specialcentret Egekrogen", "fhir", "specialcentret", (5, 17)),
    System("specialcenter-kalender", "Specialcentrets kalender", "icalendar", "specialcentret",
           (5, 17)),
    System("neuro", "Neuropædiatrisk Klinik", "fhir", "neuropaediatri", CHILD,
           smart=True),
    System("neuro-kalender", "Neuropædiatrisk Kliniks tider", "icalendar", "neuropaediatri",
           CHILD),
    System("oejenlaege", "Øjenlægerne i Algade", "fhir", "oejenlaegen", lacks=ONLY_VISITS),
    System("fysioterapi", "Fysioterapien Bevæg Dig", "icalendar", "fysioterapien"),
    System("psykolog", "Psykologhuset Samtalen", "fhir", "psykologhuset", lacks=NO_INCLUDES),
    System("fritid", "Fritidsguiden", "hentsagsliste", "fritidsguiden", (5, 17)),
    System("bisidder", "Bisidderkorpsets kalender", "icalendar", "bisidderne"),
    System("hjoerring", "Familieafdelingen i Hjørring", "fhir", "hjoerring", (0, 22)),
    System("hjoerring-planer", "Hjørrings planer", "kommunale_planer", "hjoerring", (0, 22)),
    System("mentor", "Mentorhjælpens kalender", "icalendar", "mentorhjaelpen", (10, 25)),
    System("traening", "Træningsenheden", "fhir", "traeningsenheden", CHILD, NO_INCLUDES),
    System("traening-kalender", "Træningsenhedens kalender", "icalendar", "traeningsenheden",
           CHILD),
    System("jobcenter", "Jobcentrets sager", "hentsagsliste", "jobcenter", GROWN),
    System("jobcenter-kalender", "Jobcentrets kalender", "icalendar", "jobcenter", GROWN),
    System("ungeenhed", "Ungeenheden", "fhir", "ungeenheden", YOUNG),
    System("ungdomsskole", "10. klasses kalender", "icalendar", "ungdomsskolen", (15, 19)),
    System("voksenpsykiatri", "Psykiatrien for unge voksne", "fhir", "voksenpsykiatrien",
           (18, 199)),
    System("tandplejen", "Tandplejen", "fhir", "tandplejen", connected=False),
)

PLACE_OF = {p.id: p for p in PLACES}
SYSTEM_OF = {s.id: s for s in SYSTEMS}


def asked_about(age: int) -> tuple[System, ...]:
    """The connected systems that know people of this age."""
    return tuple(s for s in SYSTEMS if s.connected and s.ages[0] <= age <= s.ages[1])
