"""Which kind of service stands at an address, when nobody says so."""

from __future__ import annotations

import msgspec

from portal.settings import Settings, SourceConfig
from portal.sources import SourceFailure
from portal.sources.fhir_client import FHIR_JSON
from portal.sources.json_in import decode
from portal.sources.probe import recorded


class Unclear(Exception):
    """It cannot be told; `str()` says what to give."""


async def kind_of(config: SourceConfig, settings: Settings) -> SourceConfig:
    """The same source with its kind: a profile or mapping is `rest`, /metadata is `fhir`, .ics a calendar.

    Raises Unclear; a service that does not answer is found out by the report.
    """
    if config.profile or config.mapping:
        return msgspec.structs.replace(config, kind="rest")
    if config.body or "{subject}" in config.url:
        return msgspec.structs.replace(config, kind="icalendar")
    try:
        http = recorded(config, settings)
        metadata = config.url.rstrip("/") + "/metadata"
        reply = await http.ask("GET", metadata, accept=FHIR_JSON)
        if reply.status in (401, 403):  # who keeps its metadata from us says nothing about its kind
            return config
        found = decode(reply.body)
    except SourceFailure as e:
        if e.problem in ("not json", "too large"):
            raise Unclear(_HOW) from None
        return config
    if isinstance(found, dict) and "resourceType" in found:
        return config
    raise Unclear(_HOW)


_HOW = (
    "it does not look like FHIR (no /metadata); say how a person is asked about: "
    "--body 'cpr={subject}', and --profile or --mapping for JSON, or --kind"
)
