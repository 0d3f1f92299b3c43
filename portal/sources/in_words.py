"""The machine words for what went wrong, as sentences for those who can mend it."""

from __future__ import annotations

_WORDS = {
    "timeout": "did not answer whole within its time limit",
    "no connection": "cannot be reached: wrong name or port, or nobody lets us through",
    "broken off": "broke off in the middle of its answer",
    "tls": "has a certificate that we do not trust: ended, for another name, or nobody vouches for it",
    "not http": "does not speak HTTP at this address",
    "redirect": "sends us elsewhere (3xx); write the final address in url",
    "too large": "answers with more than we read for one person (5 MB; a calendar 600 kB)",
    "not json": "answers something that is no JSON: a login page, XML, or a broken text",
    "not a bundle": "answers JSON that is no FHIR Bundle",
    "not a calendar": "answers something that is no iCalendar",
    "unexpected shape": "answers JSON in which the mapping finds no list",
    "wrong person": "answers about somebody else than the person asked about",
    "several persons": "knows two people with the number asked for",
    "outcome": "says itself that it failed (OperationOutcome)",
    "nothing supported": "has none of the resource types that we ask for",
    "paging off origin": "has its next page at another address",
    "too slow to expand": "has recurring meetings that take too long to work out",
    "too much to expand": "has recurring meetings that take too much memory to work out",
    "identifier not printable": "would be asked with an identifier that cannot be sent",
    "no smart-configuration": "has no .well-known/smart-configuration; set auth.token_url",
    "no token endpoint": "has a smart-configuration without a token_endpoint over https",
    "token": "gave a token answer that is none",
    "breaker": "failed five times in a row and is being left in peace",
    "busy": "has too many people waiting for it",
    "broken answer": "met a bug of ours: see the log",
    "contradiction": "tells of two people with one number",
    "incomplete": "gave half an answer about who is who",
    "no data": "answers GraphQL without data",
    "too many": "tells of more children than anybody has",
}
_STATUS = {
    400: "refused our question as malformed",
    401: "refused our proof: token, password or certificate is missing, ended or not known there",
    403: "knows us but does not let us read: ask for the scope or role",
    404: "has nothing at this address",
    405: "does not take this method at this address",
    410: "has nothing at this address any more",
    415: "does not take our content_type",
    429: "says that we ask too often",
}


def in_words(problem: str) -> str:
    """What a source's problem means, with the word itself: "refused our proof: ... [status 401]"."""
    return f"{_meaning(problem)} [{problem}]"


def _meaning(problem: str) -> str:
    head, _, number = problem.rpartition("status ")
    if not number.isdigit():
        return _WORDS.get(problem, "failed")
    if head:
        return "has a token endpoint that refused us: client_id, key or scope"
    return _STATUS.get(int(number), "failed itself" if int(number) >= 500 else "refused us")
