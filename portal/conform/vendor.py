"""The source a vendor means: from the command's options alone, or one of an operator's file."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from portal.config import check_timezone, check_url
from portal.records import Actor, Sector
from portal.settings import (
    ConfigError,
    Identity,
    Provider,
    Register,
    Settings,
    SourceConfig,
)

OWNER = "leverandoer"
NOWHERE = "https://ikke.invalid"
NOBODY = "0101010000"
"""A number nobody has: shows what can be shown without a person."""


def settings_for(options: Mapping[str, Any], identifiers: tuple[str, ...]) -> Settings:
    """A portal with one source and one actor. Raises ConfigError naming the wrong option."""
    actor = Actor(id=OWNER, name="Leverandør", sector=Sector.OTHER, identifiers=identifiers)
    table = {k: v for k, v in options.items() if v not in (None, "", {})}
    try:
        source = msgspec.convert(
            {"id": "service", "name": "Service", "actor": OWNER, "kind": "fhir"} | table,
            SourceConfig,
        )
    except msgspec.ValidationError as e:
        raise ConfigError("options", str(e)) from None
    check_url("URL", source.url)
    check_timezone("--timezone", source.timezone)
    provider = Provider(issuer=NOWHERE, client_id=OWNER)
    return Settings(
        base_url=NOWHERE,
        database="sqlite://",
        municipality="0000",
        identity=Identity(citizen=provider),
        register=Register(url=NOWHERE),
        actor=(actor,),
        source=(source,),
        data_keys=(secrets.token_bytes(32),),
        environ=dict(os.environ),
        folder=str(Path.cwd()),
    )


def mapping_file(name: str) -> dict[str, Any]:
    """A `mapping` table in a file of its own. Raises ConfigError."""
    try:
        found = msgspec.toml.decode(Path(name).read_bytes())
    except (OSError, msgspec.DecodeError, ValueError) as e:
        raise ConfigError("--mapping", f"cannot be read as TOML ({e})", "mapping.toml") from None
    mapping = found.get("mapping", found)
    return mapping if isinstance(mapping, dict) else {}
