"""What the pages of one FHIR search brought.

R4 4.0.1 "search": an entry's `search.mode` tells matches from includes, an
OperationOutcome among them says that the answer is not whole.
"""

from __future__ import annotations

import re

import msgspec

from portal.sources.fhir_address import below
from portal.sources.fhir_shape import Json, obj, objs, text

ENTRIES = 1000
NO_RESULTS = "4101"
"""What Epic's servers, Sundhedsplatformen among them, warn of in every search that finds nothing."""
_WHOM = re.compile(r"\b(?:patient|subject|identifier)\b", re.IGNORECASE)
_DISPENSABLE = re.compile(r"\b(?:_include|_count|date|status)\b")


class Found(msgspec.Struct):
    """What one search brought. `pool` holds every resource by "Type/id" and by fullUrl."""

    matches: list[Json] = []
    pool: dict[str, Json] = {}
    included: int = 0
    cut: bool = False
    """There was more than we read, or entries that cannot be told."""
    severities: set[str] = set()
    """Of the OperationOutcomes among the entries."""

    @property
    def partial(self) -> bool:
        return self.cut or bool(self.severities)

    @property
    def failed(self) -> bool:
        return bool(self.severities & {"error", "fatal"})


def collect(found: Found, bundle: Json, kind: str, base: str) -> None:
    """Sort one page's entries into `found`."""
    issues: list[Json] = []
    for entry in objs(bundle, "entry"):
        resource = obj(entry, "resource")
        mode = text(obj(entry, "search"), "mode")
        if resource.get("resourceType") == "OperationOutcome":
            issues += objs(resource, "issue") or [{}]
            continue
        url = text(entry, "fullUrl")
        if url and not text(resource, "id"):
            resource = resource | {"id": url.rpartition("/")[2].rpartition(":")[2]}
        if not text(resource, "resourceType") or not text(resource, "id"):
            found.cut = True
            continue
        found.included += mode == "include"
        found.pool[name_of(resource)] = resource
        if url:
            found.pool[below(url, base)] = resource
        if resource["resourceType"] == kind and mode in ("match", ""):
            found.matches.append(resource)
    told = (i for i in issues if not _harmless(i, some=bool(found.matches)))
    found.severities |= {text(i, "severity") for i in told}
    found.cut |= len(found.matches) > ENTRIES
    del found.matches[ENTRIES:]


def _harmless(issue: Json, *, some: bool) -> bool:
    """Talk about the weather, or about something passed over that nobody misses.

    Unless `some` came, it must be one of the things that we can do without, and not about whom we asked.
    """
    severity, code = text(issue, "severity"), text(issue, "code")
    if (severity, code) == ("information", "informational"):
        return True
    if severity == "warning" and _codes(issue) == {NO_RESULTS}:
        return not some
    if severity not in ("information", "warning") or code != "not-supported":
        return False
    said = str(issue)
    return some or (_DISPENSABLE.search(said) is not None and _WHOM.search(said) is None)


def _codes(issue: Json) -> set[str]:
    return {text(c, "code") for c in objs(obj(issue, "details"), "coding")}


def fewer_than_said(found: Found, bundle: Json) -> bool:
    """`total` need not be there; when it is, and names more than came, something is missing.

    It counts matches (R4 Bundle.total); one that counts what is included too is let pass.
    """
    total, some = bundle.get("total"), len(found.matches)
    return isinstance(total, int) and total > some and total != some + found.included


def name_of(resource: Json) -> str:
    """Its "Type/id"."""
    return f"{text(resource, 'resourceType')}/{text(resource, 'id')}"
