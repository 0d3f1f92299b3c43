"""What right looks like, for each key of the file (told here, or else its default); and the
refusal of what has not the right shape."""

from __future__ import annotations

import difflib
import re
from typing import Any

from msgspec import Struct, json
from msgspec.structs import fields

from portal.records import Actor
from portal.settings import FROM_ELSEWHERE, ConfigError, Table

TOLD = {
    "base_url": 'base_url = "https://familieoverblik.kommune.example"',
    "database": 'database = "sqlite:///var/portal.db"',
    "municipality": 'municipality = "0851"',
    "identity": "[identity.citizen] with issuer and client_id",
    "citizen": '[identity.citizen] issuer = "https://pp.netseidbroker.dk/op"',
    "issuer": 'issuer = "https://pp.netseidbroker.dk/op"',
    "client_id": 'client_id = "familieoverblik"',
    "client_key": 'client_key = "keys/portal.jwk.json"',
    "client_secret_env": 'client_secret_env = "PORTAL_CLIENT_SECRET"',
    "unit_claim": 'unit_claim = "nemlogin.p_number"',
    "loa_values": 'loa_values = { substantial = ["https://data.gov.dk/concept/core/nsis/Substantial"] }',
    "algorithms": 'algorithms = ["ES256"]',
    "max_age": "max_age = 300",
    "register": '[register] url = "https://register.example/fhir"',
    "url": 'url = "https://register.example/fhir"',
    "source": "[[source]]",
    "source.actor": 'actor = "ppr"',
    "source.kind": 'kind = "fhir"',
    "source.audience": 'audience = ["staff-only"]',
    "mapping": "[source.mapping]",
    "register.kind": 'kind = "fhir"',
    "organisation.kind": 'kind = "fk_org"',
    "auth.kind": 'kind = "bearer"',
    "username": 'username = "familieoverblik"',
    "cert": 'cert = "keys/portal.crt"',
    "auth.key": 'key = "keys/portal.key"',
    "ca": 'ca = "keys/ca.pem"',
    "token_env": 'token_env = "PORTAL_SOURCE_SECRET"',
    "password_env": 'password_env = "PORTAL_SOURCE_SECRET"',
    "actor": "[[actor]]",
    "id": 'id = "ppr"',
    "name": 'name = "PPR, Aalborg Kommune"',
    "sector": 'sector = "school"',
    "identifiers": 'identifiers = ["http://p-nummer.dk|1003000000"]',
    "locates": "locates = true",
    "purpose": "[[purpose]]",
    "text": 'text = "Samarbejde om barnet"',
    "kind": "[[kind]]",
    "coding": 'coding = "urn:oid:1.2.208.176.2.21|10*"',
    "is": 'is = "concern"',
    "basis": 'basis = "..."',
    "role": 'role = "sagsbehandler"',
    "trusted_proxies": 'trusted_proxies = ["127.0.0.1/32", "unix"]',
}
"""By the key's last words, without ids; the longest that fits."""
TABLES: tuple[type[Struct], ...] = (Actor, *Table.__subclasses__())
DEFAULTS = {field.encode_name: field.default for table in TABLES for field in fields(table)}


def misshapen(raw: dict[str, Any], told: str) -> ConfigError:
    """Of msgspec's words about the file: the key as an operator calls it, and an example."""
    what, _, where = told.partition(" - at ")
    where = where.strip("`").removeprefix("$").removeprefix(".")
    shape = re.sub(r"\[[^]]*\]", "", where)
    key = re.sub(r"^(\w+)\[(\d+)\]", lambda m: _entry(raw, m[1], int(m[2])), where)
    if missing := re.search(r"missing required field `(\w+)`", what):
        key, shape = (f"{k}.{missing[1]}".lstrip(".") for k in (key, shape))
        return ConfigError(key, "is missing", example_of(shape))
    if strange := re.search(r"unknown field `(.*)`", what, re.DOTALL):
        return unknown(f"{key}.{strange[1]}".lstrip("."))
    return ConfigError(key, what, example_of(shape))


def unknown(key: str) -> ConfigError:
    """With the key that was perhaps meant."""
    known = DEFAULTS.keys() - {*FROM_ELSEWHERE}
    meant = difflib.get_close_matches(key.rpartition(".")[2], known, 1)
    example = example_of(meant[0]) if meant else "see docs/operator.md"
    return ConfigError(" ".join(key.split()), "is not a key that the portal knows", example)


def _entry(raw: dict[str, Any], table: str, number: int) -> str:
    """`source[0]` as `source.bup`, when it has an id."""
    entry = raw[table][number]
    name = entry.get("id") if isinstance(entry, dict) else None
    return f"{table}.{name}" if isinstance(name, str) and name else f"{table}[{number}]"


def example_of(key: str) -> str:
    """For a key without ids: `source.auth.kind`."""
    words = key.split(".")
    for start in range(len(words)):
        if told := TOLD.get(".".join(words[start:])):
            return told
    default = DEFAULTS[words[-1]]
    if default is None or isinstance(default, Struct):
        return f"[{key}]"
    return f"{words[-1]} = {json.encode(default).decode()}"
