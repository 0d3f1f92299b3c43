"""Reads a `mapping` table, or a profile's file, into compiled expressions; a wrong one is named."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from importlib.resources import files
from typing import Any, TypeVar, get_type_hints

import jmespath
import msgspec
from jmespath.exceptions import JMESPathError
from jmespath.functions import Functions
from jmespath.visitor import TreeInterpreter

from portal.records import (
    Assessment,
    Contact,
    Entry,
    Goal,
    Intervention,
    Measurement,
    Meeting,
    Plan,
    Status,
)
from portal.settings import ConfigError, SourceConfig
from portal.sources import SourceFailure
from portal.sources.rest_lists import Listed, listed

SECTIONS: dict[str, type[Entry]] = {
    "contacts": Contact,
    "meetings": Meeting,
    "goals": Goal,
    "interventions": Intervention,
    "assessments": Assessment,
    "plans": Plan,
    "measurements": Measurement,
}
EVERYWHERE = frozenset(
    {"items", "key", "person", "owner", "owner_name", "kinds", "audience", "lang", "values"}
)
"""`values`: the source's words -> ours."""
Expression = Callable[[Any], Any]
Found = TypeVar("Found")
NOT_MAPPED = frozenset({"key", "source", "owner", "by", "kinds", "audience", "also", "lang"})
CHOICES = {
    "status": frozenset(s.value for s in Status),
    "phase": frozenset({"before", "during", "after"}),
}
"""Fields in which only these words mean anything."""
VALUES = 'values = { status = { "aktiv" = "running" } }'
EXAMPLE = 'mapping = { meetings = { items = "moeder[]", title = "titel", start = "start" } }'


class Section(msgspec.Struct):
    """One kind of record: where its items are and where each field of an item is."""

    record: type[Entry]
    items: Callable[[Any], Listed | None]
    fields: dict[str, Expression]
    names: dict[str, str]
    """Field -> the item's own name of it, where its expression is nothing more: most are, and need no search."""
    others: dict[str, Expression]
    """The rest of `fields`."""
    types: dict[str, Any]
    """Field -> its type in records.py."""
    required: frozenset[str]
    person: Expression | None
    values: dict[str, dict[str, str]]
    """Field -> the source's word (lower case) -> ours."""
    inside: tuple[Section, ...] = ()
    """Records inside each item; they inherit its restrictions, kinds and owner."""


class Mapping(msgspec.Struct):
    """What one source's answers look like."""

    person: Expression | None
    partial: Expression | None
    sections: tuple[Section, ...]


def mapping_of(config: SourceConfig) -> Mapping:
    """A profile's mapping with the file's own on top. Raises ConfigError."""
    key = f"source.{config.id}.mapping"
    table: dict[str, Any] = _profile(config) | config.mapping
    person, cut = (
        _expression(_parsed(f"{key}.{n}", table[n])) if n in table else None
        for n in ("person", "partial")
    )
    sections = []
    for name, section in table.items():
        if name in ("person", "partial"):
            continue
        if name not in SECTIONS or not isinstance(section, dict):
            raise ConfigError(f"{key}.{name}", f"is none of {', '.join(SECTIONS)}", EXAMPLE)
        sections.append(_section(f"{key}.{name}", SECTIONS[name], section))
    if not sections:
        raise ConfigError(key, "is missing; set it, or a profile", EXAMPLE)
    return Mapping(person, cut, tuple(sections))


def search(expression: Callable[[Any], Found] | None, document: Any) -> Found | None:
    """None where there is nothing. Raises SourceFailure when the shape defeats the expression."""
    if expression is None:
        return None
    try:
        return expression(document)
    except (JMESPathError, TypeError, ValueError, RecursionError):
        raise SourceFailure("unexpected shape") from None


def _profile(config: SourceConfig) -> dict[str, Any]:
    if not config.profile:
        return {}
    folder = files("portal.sources") / "profiles"
    known = sorted(f.name.removesuffix(".toml") for f in folder.iterdir() if ".toml" in f.name)
    if config.profile not in known:
        problem = f"'{config.profile}' is none of {', '.join(known)}"
        raise ConfigError(f"source.{config.id}.profile", problem, 'profile = "hentsagsliste"')
    found = msgspec.toml.decode((folder / f"{config.profile}.toml").read_bytes())
    return dict(found)


def _section(key: str, record: type[Entry], table: dict[str, Any]) -> Section:
    types, required = _fields(record)
    inside = {n: t for n, t in table.items() if n in SECTIONS and isinstance(t, dict)}
    table = {n: e for n, e in table.items() if n not in inside}
    for name in table:
        if name not in types and name not in EVERYWHERE:
            raise ConfigError(
                f"{key}.{name}", "is not a field", f"one of {', '.join(sorted(types))}"
            )
    for name in ("items", *required):
        if name not in table:
            raise ConfigError(f"{key}.{name}", "is missing", EXAMPLE)
    parsed = {
        n: _parsed(f"{key}.{n}", e) for n, e in table.items() if n != "values" and e is not None
    }
    items, person = parsed.pop("items"), parsed.pop("person", None)
    return Section(
        record=record,
        items=partial(listed, items),
        types=types,
        required=required,
        person=_expression(person) if person else None,
        fields={n: _expression(p) for n, p in parsed.items()},
        names={n: p["value"] for n, p in parsed.items() if p["type"] == "field"},
        others={n: _expression(p) for n, p in parsed.items() if p["type"] != "field"},
        values=_values(f"{key}.values", table.get("values", {}), types),
        inside=tuple(_section(f"{key}.{n}", SECTIONS[n], t) for n, t in inside.items()),
    )


@cache
def _fields(record: type[Entry]) -> tuple[dict[str, Any], frozenset[str]]:
    """What may be mapped, with its type; and what must be."""
    fields, types = msgspec.structs.fields(record), get_type_hints(record)
    mapped = {f.name: types[f.name] for f in fields if f.name not in NOT_MAPPED}
    return mapped, frozenset(f.name for f in fields if f.required) & mapped.keys()


def _values(key: str, table: Any, types: dict[str, Any]) -> dict[str, dict[str, str]]:
    try:
        found = msgspec.convert(table, dict[str, dict[str, str]])
    except msgspec.ValidationError:
        raise ConfigError(key, "is not a table of tables of texts", VALUES) from None
    for field, words in found.items():
        if field not in types:
            raise ConfigError(f"{key}.{field}", "is not a field whose words can be told", VALUES)
        ours = CHOICES.get(field, frozenset(words.values()))
        for word, meant in words.items():
            if meant not in ours:
                problem = f"'{meant}' is none of {', '.join(sorted(ours))}"
                raise ConfigError(f"{key}.{field}.{word}", problem, VALUES)
    return {f: {k.casefold(): v for k, v in words.items()} for f, words in found.items()}


def _expression(parsed: Any) -> Expression:
    if parsed["type"] == "field":
        return partial(_field, parsed["value"])
    return partial(TreeInterpreter().visit, parsed)


def _parsed(key: str, expression: Any) -> Any:
    if not isinstance(expression, str):
        raise ConfigError(key, "is not an expression in quotes", EXAMPLE)
    try:
        parsed: Any = jmespath.compile(expression).parsed
    except JMESPathError as e:
        reason = str(e).splitlines()[0]
        raise ConfigError(key, f"is not a JMESPath expression: {reason}", EXAMPLE) from None
    if problem := _miscalled(parsed):
        raise ConfigError(key, problem, EXAMPLE)
    return parsed


def _miscalled(node: dict[str, Any]) -> str:
    """What JMESPath itself says of a function only when it is called: an unknown name, a wrong number."""
    if node["type"] == "function_expression":
        name, given = node["value"], len(node["children"])
        known = Functions.FUNCTION_TABLE.get(name)
        if known is None:
            return f"has no function '{name}': {', '.join(sorted(Functions.FUNCTION_TABLE))}"
        wanted = known["signature"]
        many = bool(wanted) and wanted[-1].get("variadic", False)
        if given < len(wanted) or (given > len(wanted) and not many):
            return f"gives {name}() {given} values, it takes {len(wanted)}"
    inner = (n for n in node["children"] if isinstance(n, dict))
    return next(filter(None, map(_miscalled, inner)), "")


def _field(name: str, document: Any) -> Any:
    """Most expressions are one name: not worth an interpreter (a third of the time)."""
    return document.get(name) if isinstance(document, dict) else None
