"""How a calendar or JSON system is asked about one person: `{subject}` in url or body.

The identifier is put in safely for its place. A CPR number in an address ends
in logs, so that stops the start.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

from portal.settings import CPR_SYSTEM, ConfigError, SourceConfig
from portal.sources import SourceFailure
from portal.sources.http import Http, Reply

MARK = "{subject}"


class Question:
    """One source's url, method and body."""

    def __init__(self, config: SourceConfig) -> None:
        """Raises ConfigError."""
        self._config = config
        key = f"source.{config.id}"
        if MARK in config.url and config.subject == CPR_SYSTEM:
            problem = "would put a CPR number in an address"
            raise ConfigError(f"{key}.url", problem, 'method = "POST", body = "cpr={subject}"')
        if MARK not in config.url and not (config.method == "POST" and MARK in config.body):
            problem = "asks about nobody: {subject} is in neither url nor a POST body"
            raise ConfigError(f"{key}.body", problem, 'method = "POST", body = "cpr={subject}"')
        self._json = _template(key, config) if _is_json(config) else None

    async def ask(self, value: str, http: Http, accept: str) -> Reply:
        """Raises SourceFailure."""
        if not value.isprintable():
            raise SourceFailure("identifier not printable")
        url = self._config.url.replace(MARK, quote(value, safe=""))
        body = self._body(value).encode() if self._config.method == "POST" else None
        kind = self._config.content_type
        return await http.ask(self._config.method, url, body=body, content_type=kind, accept=accept)

    def _body(self, value: str) -> str:
        kind = self._config.content_type
        if self._json is not None:
            return json.dumps(_filled(self._json, value), ensure_ascii=False)
        if "xml" in kind:
            return self._config.body.replace(MARK, escape(value, {'"': "&quot;", "'": "&apos;"}))
        return self._config.body.replace(MARK, quote(value, safe=""))


def _is_json(config: SourceConfig) -> bool:
    return config.method == "POST" and "json" in config.content_type


def _template(key: str, config: SourceConfig) -> Any:
    try:
        return json.loads(config.body)
    except ValueError:
        example = """body = '{"cpr": "{subject}"}'"""
        raise ConfigError(f"{key}.body", "is not JSON, as content_type says", example) from None


def _filled(template: Any, value: str) -> Any:
    if isinstance(template, str):
        return template.replace(MARK, value)
    if isinstance(template, list):
        return [_filled(x, value) for x in template]
    if isinstance(template, dict):
        return {k: _filled(v, value) for k, v in template.items()}
    return template
