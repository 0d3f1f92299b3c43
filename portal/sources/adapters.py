"""From a [[source]] table to the adapter of its kind."""

from __future__ import annotations

from portal.settings import Settings, SourceConfig
from portal.sources import Source
from portal.sources.fhir import FhirSource
from portal.sources.icalendar import CalendarSource
from portal.sources.marks import Marks
from portal.sources.rest import RestSource


def adapter(config: SourceConfig, settings: Settings) -> Source:
    """Raises ConfigError naming the wrong key."""
    marks = Marks(config, settings)
    match config.kind:
        case "fhir":
            return FhirSource(config, marks)
        case "icalendar":
            return CalendarSource(config, marks)
        case "rest":
            return RestSource(config, marks)
