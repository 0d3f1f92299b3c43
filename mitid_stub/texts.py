"""What the provider's pages say, in Danish and English."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Texts:
    """All the words of the pages in one language."""

    lang: str
    brand: str
    notice: str
    choose: str
    choose_lead: str
    citizens: str
    employees: str
    approve_at: str
    you_are: str
    level: str
    level_lead: str
    level_asked: str
    levels: dict[str, str]
    approve: str
    cancel: str
    other_person: str
    other_language: str
    error: str
    error_lead: str
    reference: str
    used: str
    used_lead: str
    log_out: str
    log_out_lead: str
    logged_out: str
    logged_out_lead: str


DANISH = Texts(
    lang="da",
    brand="Prøvelogin",
    notice="Her logger opfundne personer ind. Det er ikke det rigtige MitID.",
    choose="Hvem vil du være?",
    choose_lead="Vælg en person for at logge ind hos",
    citizens="Borgere",
    employees="Medarbejdere",
    approve_at="Godkend hos",
    you_are="Du logger ind som",
    level="Sikringsniveau",
    level_lead="Kun til afprøvning. Vælg, hvor sikkert personen logger ind.",
    level_asked="det, der bliver bedt om",
    levels={"low": "Lav", "substantial": "Betydelig", "high": "Høj"},
    approve="Godkend",
    cancel="Afbryd",
    other_person="Vælg en anden person",
    other_language="In English",
    error="Det gik ikke",
    error_lead="Den side, du kom fra, bad om log ind på en måde, vi ikke kan svare på.",
    reference="Årsag",
    used="Prøv forfra",
    used_lead="Dette log ind er allerede brugt, eller der er gået for lang tid. "
    "Gå tilbage til den side, du kom fra, og begynd igen.",
    log_out="Log ud",
    log_out_lead="Vil du logge ud af prøvelogin?",
    logged_out="Du er logget ud",
    logged_out_lead="Du kan lukke vinduet.",
)

ENGLISH = Texts(
    lang="en",
    brand="Test login",
    notice="Invented people log in here. This is not the real MitID.",
    choose="Who would you like to be?",
    choose_lead="Choose a person to log in at",
    citizens="Citizens",
    employees="Employees",
    approve_at="Approve at",
    you_are="You are logging in as",
    level="Level of assurance",
    level_lead="For testing only. Choose how securely the person logs in.",
    level_asked="the one asked for",
    levels={"low": "Low", "substantial": "Substantial", "high": "High"},
    approve="Approve",
    cancel="Cancel",
    other_person="Choose another person",
    other_language="På dansk",
    error="That did not work",
    error_lead="The page you came from asked for a login in a way we cannot answer.",
    reference="Cause",
    used="Please start again",
    used_lead="This login has been used already, or too much time has passed. "
    "Go back to the page you came from and start again.",
    log_out="Log out",
    log_out_lead="Do you want to log out of the test login?",
    logged_out="You are logged out",
    logged_out_lead="You can close this window.",
)


def texts(language: str) -> Texts:
    """The words for `da`, `en` or `kl`; Greenlandic is accepted and shown in Danish."""
    return ENGLISH if language == "en" else DANISH
