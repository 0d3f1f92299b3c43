"""Every address there is: from the portal's own map, and from the links and forms on its pages.

A new route with an argument nobody has declared here fails every crawl.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule

DOORS = "sign_in."
"""They lead to the provider and say nothing about anybody; the login's own tests have them."""
MADE_UP = {"actor": "fam", "ref": "0" * 16, "token": "a" * 43}
"""Arguments that only links give: what stands for them where there is no link."""
SEARCHED = "kanarie"


class Route(NamedTuple):
    """What a crawl tells apart: addresses that differ only in values are of one kind."""

    endpoint: str
    about: tuple[tuple[str, object], ...]
    asked: tuple[str, ...]


def readable(app: Flask) -> list[Rule]:
    """The routes that can be read, without the doors."""
    rules = (r for r in app.url_map.iter_rules() if "GET" in (r.methods or ()))
    return [r for r in rules if not r.endpoint.startswith(DOORS)]


def addresses(app: Flask, citizen: str = "", made_up: bool = False) -> Iterator[str]:
    """Of every route that needs no link: about this citizen, or about nobody.

    `made_up`: the others too, with arguments that lead nowhere.
    """
    for rule in readable(app):
        given = {"citizen": citizen} if citizen else {}
        wanted = rule.arguments - {"part"}
        unknown = wanted - {"citizen"} - MADE_UP.keys()
        assert not unknown, f"{rule}: say in canary_routes.py where {unknown} come from"
        if ("citizen" in wanted) != bool(citizen):
            continue
        if wanted - given.keys() and not made_up:
            continue
        for part in _parts(rule):
            values = {a: v for a, v in {**MADE_UP, **given, **part}.items() if a in rule.arguments}
            yield _built(app, rule.endpoint, values) + "?vent=1"


def _parts(rule: Rule) -> list[dict[str, str]]:
    if "part" not in rule.arguments:
        return [{}]
    return [{"part": p} for p in sorted(rule._converters["part"].items)]  # type: ignore[attr-defined]


def _built(app: Flask, endpoint: str, values: dict[str, str]) -> str:
    return app.url_map.bind("127.0.0.1").build(endpoint, values)


@lru_cache(maxsize=100_000)
def route_of(app: Flask, path: str) -> Route | None:
    """The kind of an address; None when it is no readable route of ours."""
    at = urlsplit(path)
    try:
        endpoint, values = app.url_map.bind("127.0.0.1").match(at.path, "GET")
    except HTTPException:
        return None
    if endpoint.startswith(DOORS):
        return None
    about = tuple((a, v) for a, v in sorted(values.items()) if a in ("citizen", "part"))
    asked = dict(parse_qsl(at.query))
    named = f"part={asked['part']}" if "part" in asked else ""
    return Route(endpoint, about, (*sorted(asked.keys() - {"vent"}), named))


LINK = re.compile(r'(?:href|src|hx-get)="([/?][^"#]*)')
FORM = re.compile(r"<form\b([^>]*)>(.*?)</form>", re.DOTALL)
ACTION = re.compile(r'action="([^"]*)"')
FIELD = re.compile(r"<input\b[^>]*>")
SELECT = re.compile(r'<select\b[^>]*name="([^"]+)"[^>]*>(.*?)</select>', re.DOTALL)
OPTION = re.compile(r'<option value="([^"]*)"')


def links(path: str, body: str) -> Iterator[str]:
    """Where a page leads to: its links, and its forms that only ask."""
    for found in LINK.findall(body):
        if not found.startswith(("/static/", "//")):
            yield urljoin(path, html.unescape(found))
    for tag, inside in FORM.findall(body):
        if 'method="post"' not in tag.lower():
            action = ACTION.search(tag)
            yield from _asked(urljoin(path, action[1] if action else ""), inside)


def _asked(action: str, inside: str) -> Iterator[str]:
    """A form's addresses: every choice of each list, and our word where one may write."""
    fixed = {}
    for field in FIELD.findall(inside):
        at = dict(re.findall(r'([\w-]+)="([^"]*)"', field))
        if at.get("name") and at.get("type", "text") not in ("checkbox", "radio", "submit"):
            fixed[at["name"]] = html.unescape(at.get("value", "")) or SEARCHED
    action = action.partition("?")[0]
    yield f"{action}?{urlencode(fixed)}"
    for name, options in SELECT.findall(inside):
        for value in OPTION.findall(options):
            yield f"{action}?{urlencode({**fixed, name: html.unescape(value)})}"
