"""The server's own log: one line each on standard error, as text for people or as JSON for machines.

A line tells what happened in our own words, and the number of the request. Of an
exception it tells the kind and the place, never the message or the values: those
may be somebody's.
"""

from __future__ import annotations

import json
import logging
import logging.config
import sys
from datetime import UTC, datetime
from typing import Any

from portal.settings import LogSettings
from portal.telemetry import where
from portal.telemetry.reference import request_id

FIELDS = ("source", "problem", "door", "outcome", "status")
"""What a line may hold besides its words, each under its own name."""


def configure(settings: LogSettings) -> None:
    """Everything that this process logs, from now on."""
    logging.config.dictConfig(config(settings))
    logging.captureWarnings(True)


def config(settings: LogSettings) -> dict[str, Any]:
    """The same as a dictionary, as logging and granian take it."""
    handler = {
        "class": "logging.StreamHandler",
        "formatter": "generic",
        "stream": "ext://sys.stderr",
    }
    named = {"handlers": ["console"], "level": "INFO", "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"generic": {"()": formatter, "form": settings.format}},
        "handlers": {"console": handler},
        "loggers": {
            "_granian": named,
            "granian.access": named,
            "portal": {"level": settings.level},
            "asyncio": {"level": "ERROR"},
        },
        "root": {"handlers": ["console"], "level": "WARNING"},
    }


def formatter(form: str) -> logging.Formatter:
    """auto: text for a terminal, JSON for everything else."""
    return Text() if form == "text" or (form == "auto" and sys.stderr.isatty()) else Json()


class Json(logging.Formatter):
    """One object a line."""

    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, object] = {
            "time": _moment(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _words(record),
            "pid": record.process,
        }
        if number := request_id():
            told["request"] = number
        told |= {f: v for f in FIELDS if (v := getattr(record, f, None)) is not None}
        if record.exc_info and record.exc_info[1]:
            told["error"] = where(record.exc_info[1])
        return json.dumps(told, ensure_ascii=False)


class Text(logging.Formatter):
    """The same for people."""

    def format(self, record: logging.LogRecord) -> str:
        parts = [_moment(record), record.levelname, record.name]
        parts += [f"[{number}]"] if (number := request_id()) else []
        parts.append(_words(record))
        if record.exc_info and record.exc_info[1]:
            parts.append(f"({where(record.exc_info[1])})")
        return " ".join(parts)


def _moment(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


def _words(record: logging.LogRecord) -> str:
    """One line; the server prints a stack trace after its own words, with whatever stands in it."""
    words = record.getMessage()
    return words.partition("\n")[0] if record.name == "_granian" else words.replace("\n", " / ")
