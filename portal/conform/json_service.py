"""A JSON service's remarks: which expressions find something, which items are lost, and why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from portal.conform.remarks import Remark, code, counted
from portal.records import Hole, Status
from portal.settings import Settings, SourceConfig
from portal.sources import SourceFailure
from portal.sources.fhir_shape import web
from portal.sources.json_in import decode
from portal.sources.marks import Marks
from portal.sources.probe import Probed
from portal.sources.rest_lists import Listed
from portal.sources.rest_mapping import Section, mapping_of, search
from portal.sources.rest_records import (
    AUDIENCES,
    MOST_ITEMS,
    read_fields,
    record,
    restrictions,
    values,
)


def of_json(config: SourceConfig, settings: Settings, met: Probed) -> Iterator[Remark]:
    """What of the answer the mapping finds."""
    mapping, marks = mapping_of(config), Marks(config, settings)
    try:
        document = decode(met.exchanges[-1].body if met.exchanges else b"")
    except SourceFailure:
        yield Remark("FAIL", "JSON: the answer is none")
        return
    if mapping.person is None:
        yield Remark(
            "note", "person: not mapped; the answer is believed to be about the right person"
        )
    elif search(mapping.person, document) is None:
        yield Remark(
            "FAIL", "person: the mapped place holds nothing; such an answer is not believed"
        )
    for section in mapping.sections:
        yield from _section(_name(section), section, document, config, marks)


def _section(
    path: str, section: Section, holder: Any, config: SourceConfig, marks: Marks
) -> Iterator[Remark]:
    try:
        found = search(section.items, holder)
    except SourceFailure:
        yield Remark("FAIL", f"{path}: items finds something that is no list")
        return
    if found is None:
        yield Remark("note", f"{path}: items finds nothing, where a list is expected")
        return
    items = found.items[:MOST_ITEMS]
    yield Remark("ok", f"{path}: {len(found.items)} items")
    if found.alone:
        yield Remark("note", f"{path}: a lone object, where a list is expected")
    if len(found.items) > MOST_ITEMS:
        yield Remark("FAIL", f"{path}: only the first {MOST_ITEMS} are read")
    lost = [w for item in items if (w := _lost(section, item, config, marks))]
    for words in counted(lost):
        yield Remark("FAIL", f"dropped: {path}: {words}")
    for words in counted(w for item in items for w in _odd(section, item, config)):
        yield Remark("note", f"{path}: {words}")
    for name, expression in section.fields.items():
        if items and all(_searched(expression, item) is None for item in items):
            yield Remark("note", f"{path}.{name}: found in none of the items")
    for inner in section.inside:
        held = [x for i in items if (f := _searched(inner.items, i)) for x in f.items]
        if held:
            everything = Section(**{f: getattr(inner, f) for f in inner.__struct_fields__})
            everything.items = _itself
            yield from _section(f"{path}.{_name(inner)}", everything, held, config, marks)


def _lost(section: Section, item: Any, config: SourceConfig, marks: Marks) -> str:
    """Why the item's own record cannot be made, or ""."""
    if not isinstance(record(section, item, "0", config, marks), Hole):
        return ""
    for name in sorted(section.required):
        said = _searched(section.fields[name], item)
        if said in (None, ""):
            return f"no {name}"
    bad = [n for n in sorted(section.required) if n in ("start", "day", "value")]
    return f"{' or '.join(bad) or 'something it needs'} cannot be read"


def _odd(section: Section, item: Any, config: SourceConfig) -> Iterator[str]:
    said, failed = values(section, item)
    yield from (f"{name}: the expression fails" for name in sorted(failed))
    found = {n: v for n, v in said.items() if n in section.types}
    read = read_fields(section, {n: v for n, v in found.items() if v is not None}, config)
    for name in sorted(n for n, v in found.items() if v not in (None, "", []) and n not in read):
        yield f"{name} cannot be read: left out"
    if found.get("url") and not web(found["url"]):
        yield "url is no https address: left out"
    said = _searched(section.fields.get("status"), item)
    word = section.values.get("status", {}).get(str(said).casefold(), said)
    if "status" in section.types and said is not None and word not in {*Status}:
        yield f"status {code(said)} is not mapped: shown as unknown (add it to values.status)"
    for audience in _listed(_searched(section.fields.get("audience"), item)):
        if restrictions(audience) and str(audience).strip().lower() not in AUDIENCES:
            yield f"audience {code(audience)} is not understood: counts as V, the owner only"


def _searched(expression: Any, holder: Any) -> Any:
    try:
        return search(expression, holder)
    except SourceFailure:
        return None


def _listed(found: Any) -> list[Any]:
    return found if isinstance(found, list) else [] if found is None else [found]


def _itself(holder: Any) -> Listed:
    return Listed(holder)


def _name(section: Section) -> str:
    return f"{section.record.__name__.lower()}s"
