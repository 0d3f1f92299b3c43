"""The common organisation system: units by UUID, as FK-ORG's published GraphQL answers.

Only `organisationEnhed(uuid)` under aliases, which is all the portal asks; the rest of the
language is not understood here, and says so as the real one does.
"""

from __future__ import annotations

import re
import uuid
from typing import Any

import msgspec
from aiohttp import web

from backend_stub.shapes import Json
from backend_stub.systems import PLACES, unit_uuid

PATH = "/organisation/organisationhent/1"
ELSEWHERE = {"Team Tidlig Hjælp, Aalborg Kommune": "99990150"}
"""Units that no [[actor]] names."""
UNITS = {unit_uuid(name): (name, phone) for name, phone in ELSEWHERE.items()} | {
    unit_uuid(p.id): (p.name, p.phone) for p in PLACES if p.municipality}
_PART = re.compile(r"(\w+):\s*organisationEnhed\(uuid:\s*\$(\w+)\)")


class _Question(msgspec.Struct):
    query: str
    variables: dict[str, str] = {}


async def answer(request: web.Request) -> web.StreamResponse:
    """One question."""
    if problem := _headers(request):
        return web.json_response({"status": 400, "error": "BadRequest", "message": problem},
                                 status=400)
    try:
        question = msgspec.json.decode(await request.read(), type=_Question)
    except msgspec.DecodeError:
        return web.json_response({"errors": [_error("InvalidSyntax", "not a question")]})
    asked = {alias: question.variables.get(name, "")
             for alias, name in _PART.findall(question.query)}
    data = {alias: _unit(number.lower()) for alias, number in asked.items()}
    errors = [_error("NotFound", f"no unit {asked[alias]}")
              for alias, found in data.items() if found is None]
    return web.json_response({"data": data} | ({"errors": errors} if errors else {}))


def _headers(request: web.Request) -> str:
    try:
        uuid.UUID(request.headers.get("x-TransaktionsId", ""))
    except ValueError:
        return "x-TransaktionsId is missing or invalid"
    return "" if "T" in request.headers.get("x-TransaktionsTid", "") else "x-TransaktionsTid"


def _unit(number: str) -> Json | None:
    if number not in UNITS:
        return None
    name, phone = UNITS[number]
    return {"uuid": number, "enhedsnavn": name, "adresser": [
        {"adresseRolleTitel": "Postadresse", "adresseTekst": "Boulevarden 13, 9000 Aalborg"},
        {"adresseRolleTitel": "Telefon", "adresseTekst": phone}]}


def _error(kind: str, message: str) -> dict[str, Any]:
    return {"message": message, "extensions": {
        "message": message, "kildeId": "GraphQL Organisation", "id": str(uuid.uuid4()),
        "type": "ERROR", "classification": kind}}


