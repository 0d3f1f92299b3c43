"""One service, asked about one test person: every remark, and whether anything stands in the way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from portal.conform.calendar import of_calendar
from portal.conform.fhir import of_fhir
from portal.conform.json_service import of_json
from portal.conform.remarks import Remark, of_entries
from portal.conform.wire import UNREACHED, on_the_wire
from portal.settings import Settings, SourceConfig
from portal.sources.fhir_shape import COPENHAGEN
from portal.sources.in_words import in_words
from portal.sources.probe import Probed, probe

GRACE = 5.0


def report(config: SourceConfig, settings: Settings, value: str) -> Iterator[Remark]:
    """Raises ConfigError."""
    met = probe(config, settings, value).result(config.timeout + GRACE)
    yield from on_the_wire(config, met)
    if met.problem in UNREACHED or not met.exchanges:
        return
    told = ("status 401", "status 403", "timeout")
    if met.delivery is None and met.problem not in told:
        yield Remark("FAIL", f"answer: it {in_words(met.problem)}")
    yield from _of_kind(config, settings, met, value)
    if met.delivery and met.delivery.strangers and config.kind != "fhir":
        words = "some items name somebody else: dropped, and an alarm in operation"
        yield Remark("FAIL", f"person: {words}")
    if met.delivery:
        yield from of_entries(met.delivery.entries, config)
        if met.delivery.partial or met.delivery.holes:
            words = "the page will say that something is missing in this answer"
            yield Remark("note", f"whole: no; {words}")


def _of_kind(config: SourceConfig, settings: Settings, met: Probed, value: str) -> Iterator[Remark]:
    if met.exchanges[-1].status >= 300 and config.kind != "fhir":
        return
    if config.kind == "fhir":
        yield from of_fhir(config, met, value)
    elif config.kind == "icalendar":
        yield from of_calendar(config, met, datetime.now(COPENHAGEN).date())
    else:
        yield from of_json(config, settings, met)
