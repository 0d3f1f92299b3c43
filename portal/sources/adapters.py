"""From a [[source]] table to the adapter of its kind."""

from __future__ import annotations

from portal.settings import ConfigError, Settings, SourceConfig
from portal.sources import Source
from portal.sources.fhir import FhirSource
from portal.sources.icalendar import CalendarSource
from portal.sources.marks import Marks
from portal.sources.named import Named
from portal.sources.organisation import Directory
from portal.sources.rest import RestSource


def adapter(config: SourceConfig, settings: Settings, directory: Directory | None = None) -> Source:
    """Raises ConfigError naming the wrong key."""
    for name in ("profile", "mapping"):
        if config.kind != "rest" and getattr(config, name):
            key = f"source.{config.id}.{name}"
            raise ConfigError(
                key, f"says nothing of a source of kind '{config.kind}'", 'kind = "rest"'
            )
    marks = Marks(config, settings)
    match config.kind:
        case "fhir":
            return Named(FhirSource(config, marks), directory)
        case "icalendar":
            return CalendarSource(config, marks)
        case "rest":
            return Named(RestSource(config, marks), directory)


def directory_of(settings: Settings) -> Directory | None:
    """The organisation system, if there is one. Raises ConfigError."""
    return Directory(settings.organisation, settings) if settings.organisation else None
