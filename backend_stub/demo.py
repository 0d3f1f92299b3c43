"""Writes the portal's configuration for the demo world, and one for benchmarks.

    python -m backend_stub.demo FOLDER

The portal is pointed at the demo as at any real world: by this file alone.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey

from backend_stub.organisation import PATH as ORGANISATION
from backend_stub.shapes import WHAT
from backend_stub.systems import AALBORG, PLACE_OF, PLACES, SYSTEMS, System

PURPOSES = {
    "moede": "Forberede et møde",
    "opfoelgning": "Følge op på hjælpen",
    "koordinering": "Koordinere med andre, der hjælper",
    "overgang": "Forberede en overgang, fx til ny skole eller til voksenlivet",
}
KINDS = {
    "underretning": "concern",
    "journalnotat": "document",
    "ansoegning": "application",
    "sag-oprettet": "application",
    "afslag": "refused",
    "sag-afvist": "refused",
    "inddrivelse": "collection",
    "hjaelpemiddel": "excluded:Hjælpemidler",
    "tabt-arbejdsfortjeneste": "excluded:Tabt arbejdsfortjeneste",
    "tandpleje": "excluded:Tandpleje og tilskud til tandpleje",
    "sundhedsplejebesoeg": "excluded:Almindelige besøg af sundhedsplejen",
    "befordring": "excluded:Befordring",
    "kommunalt-tilbud": "excluded:Frivillige kommunale tilbud",
}
"""What the demo's systems call a thing -> what it is to the portal.

An excluded kind's name is what the family reads when it may tick it.
"""
BODIES = {
    "icalendar": ("borger={subject}", "application/x-www-form-urlencoded"),
    "hentsagsliste": ('{"CPR-nr": "{subject}"}', "application/json"),
    "kommunale_planer": ('{"cpr": "{subject}"}', "application/json"),
}


def write_config(folder: Path, *, portal_port: int = 8000, idp_port: int = 8001,
                 backend_port: int = 8002) -> Path:
    """Write portal.toml and the client's keys into `folder`; returns the file.

    Keys that are there already stay, so that a restart keeps its identity.
    """
    backend = f"http://127.0.0.1:{backend_port}"
    _write_key(folder / "keys" / "portal.jwk.json", "P-256", "ES256")
    _write_key(folder / "keys" / "backend.jwk.json", "P-384", "ES384")
    parts = [*_head(portal_port), *_doors(idp_port), *_table("register", {
        "kind": "fhir", "url": f"{backend}/register/fhir"})]
    parts += _table("organisation", {"url": backend + ORGANISATION})
    for place in PLACES:
        parts += _table("[actor]", {
            "id": place.id, "name": place.name, "sector": place.sector,
            "municipality": place.municipality or None,
            "identifiers": [f"{system}|{value}" for system, value in place.identifiers],
            "phone": place.phone, "hours": place.hours, "url": place.site,
        })
    for system in SYSTEMS:
        parts += _source(system, backend)
    for number, text in PURPOSES.items():
        parts += _table("[purpose]", {"id": number, "text": text})
    for what, is_ in KINDS.items():
        parts += _table("[kind]", {"coding": f"{WHAT}|{what}", "is": is_})
        parts += _table("[kind]", {"coding": what, "is": is_})
    return _write(folder, parts)


def bench_config(folder: Path, n: int, delay: float, *, portal_port: int = 8000,
                 idp_port: int = 8001, backend_port: int = 8002) -> Path:
    """Write a portal.toml with `n` equal sources that each answer in `delay` seconds."""
    backend = f"http://127.0.0.1:{backend_port}"
    _write_key(folder / "keys" / "portal.jwk.json", "P-256", "ES256")
    parts = [*_head(portal_port), *_doors(idp_port), *_table("register", {
        "kind": "fhir", "url": f"{backend}/register/fhir"})]
    body, content_type = BODIES["hentsagsliste"]
    for i in range(n):
        parts += _table("[actor]", {"id": f"sted-{i}", "name": f"Sted {i}", "sector": "social",
                                    "municipality": AALBORG})
        parts += _table("[source]", {
            "id": f"kilde-{i}", "name": f"Kilde {i}", "kind": "rest", "actor": f"sted-{i}",
            "url": f"{backend}/bench/{i}/{round(delay * 1000)}/sager", "method": "POST",
            "body": body, "content_type": content_type, "profile": "hentsagsliste",
            "timeout": max(2.0, delay * 4),
        })
    return _write(folder, parts)


def _head(portal_port: int) -> list[str]:
    return [
        "# Demoens opsætning. Skrevet af backend_stub.demo; ret her, eller skriv den igen.",
        *_keys({
            "base_url": f"http://127.0.0.1:{portal_port}",
            "database": "sqlite:///var/portal.db",
            "municipality": AALBORG,
            "authority": "Aalborg Kommune (demo)",
            "quick_exit_url": "https://www.dr.dk",
        }),
        *_table("contact", {"email": "databeskyttelse@kommune.example", "phone": "99990100"}),
        *_table("audit", {"checkpoints": "var/checkpoints"}),
        *_table("consents", {"journal": "var/journal"}),
    ]


def _doors(idp_port: int) -> list[str]:
    door = {
        "profile": "neb", "issuer": f"http://127.0.0.1:{idp_port}/op",
        "client_id": "familieoverblik", "client_key": "keys/portal.jwk.json",
        "minimum_loa": "substantial",
    }
    staff = door | {"unit_claim": "nemlogin.p_number", "unit_system": "http://p-nummer.dk"}
    return [*_table("identity.citizen", door), *_table("identity.staff", staff)]


def _source(system: System, backend: str) -> list[str]:
    kind = system.kind if system.kind in ("fhir", "icalendar") else "rest"
    keys: dict[str, Any] = {
        "id": system.id, "name": system.name, "kind": kind, "actor": system.place,
        "url": backend + system.path if system.connected else None,
        "connected": None if system.connected else False,
        "ages": list(system.ages), "timeout": 3.0 if kind == "fhir" else 2.0,
        "journal_url": PLACE_OF[system.place].site + "min-sag",
    }
    if system.kind in BODIES:
        body, content_type = BODIES[system.kind]
        keys |= {"method": "POST", "body": body, "content_type": content_type}
    if kind == "rest":
        keys["profile"] = system.kind
    return _table("[source]", keys) + _auth(system)


def _auth(system: System) -> list[str]:
    if system.smart:
        return _table("source.auth", {
            "kind": "smart_backend", "client_id": "familieoverblik",
            "client_key": "keys/backend.jwk.json", "scope": "system/*.rs"})
    return []


def _table(name: str, keys: dict[str, Any]) -> list[str]:
    return ["", f"[{name}]", *_keys(keys)]


def _keys(keys: dict[str, Any]) -> list[str]:
    """TOML lines; JSON writes strings, numbers, booleans and lists the same way."""
    return [f"{k} = {json.dumps(v, ensure_ascii=False)}"
            for k, v in keys.items() if v is not None]


def _write(folder: Path, lines: list[str]) -> Path:
    file = folder / "portal.toml"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def _write_key(file: Path, curve: str, algorithm: str) -> None:
    if file.exists():
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    key = ECKey.generate_key(curve, {"alg": algorithm, "use": "sig"}, auto_kid=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        json.dump(key.as_dict(private=True), out)


if __name__ == "__main__":
    print(write_config(Path(sys.argv[1])))
