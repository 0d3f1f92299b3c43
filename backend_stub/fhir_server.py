"""A FHIR R4 server for one system: search by form or query, paging, read, metadata."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Iterable
from urllib.parse import urlencode

from aiohttp import web

from backend_stub.fhir_search import BadSearch, Pairs, Store, bundle, included, matching, outcome
from backend_stub.shapes import Json

FHIR_JSON = "application/fhir+json"
KEPT_PAGES = 2000


def answer(body: Json, status: int = 200) -> web.Response:
    return web.json_response(body, status=status, content_type=FHIR_JSON)


class FhirServer:
    """Answers for one store. `lacks` may hold "include", "paging" and type names."""

    def __init__(self, name: str, store: Store, *, lacks: Iterable[str] = (),
                 page_size: int = 20, register: bool = False) -> None:
        self.name, self.store = name, store
        self.lacks, self.page_size = frozenset(lacks), page_size
        self.register = register
        self._pages: OrderedDict[str, tuple[str, Pairs, int]] = OrderedDict()

    @property
    def types(self) -> list[str]:
        return [t for t in self.store if t not in self.lacks]

    async def handle(self, request: web.Request, path: str, base: str) -> web.Response:
        """Any request below the base URL."""
        parts = [p for p in path.split("/") if p]
        if self.register and not (request.method == "POST" and parts[1:] == ["_search"]):
            return answer(outcome("only POST [Type]/_search", "not-supported"), 405)
        if parts == ["metadata"]:
            return answer(self._metadata(base))
        if not parts and "_page" in request.query:
            return self._next(request.query["_page"], base)
        if not parts or parts[0] not in self.types:
            return answer(outcome(f"unknown type {'/'.join(parts[:1])}", "not-supported"), 404)
        if parts[1:] == ["_search"] and request.method == "POST":
            form = [(k, v) for k, v in (await request.post()).items() if isinstance(v, str)]
            return self._search(request, parts[0], [*request.query.items(), *form], base)
        if request.method != "GET":
            return answer(outcome("read only", "not-supported"), 405)
        if len(parts) == 1:
            return self._search(request, parts[0], list(request.query.items()), base)
        found = self.store[parts[0]].get(parts[1]) if len(parts) == 2 else None
        if found is None:
            return answer(outcome("not found", "not-found"), 404)
        return answer(found)

    def _search(self, request: web.Request, kind: str, params: Pairs, base: str) -> web.Response:
        strict = "handling=strict" in request.headers.get("Prefer", "")
        try:
            matching(self.store, kind, params, strict)
            return answer(self._page(kind, params, 0, base))
        except BadSearch as e:
            return answer(outcome(str(e), "invalid"), 400)

    def _next(self, token: str, base: str) -> web.Response:
        if token not in self._pages:
            return answer(outcome("this page has gone", "expired"), 410)
        kind, params, offset = self._pages[token]
        return answer(self._page(kind, params, offset, base))

    def _page(self, kind: str, params: Pairs, offset: int, base: str) -> Json:
        found = matching(self.store, kind, params)
        size = len(found) if "paging" in self.lacks else self._size(params)
        shown = found[offset:offset + size]
        links = [("self", f"{base}/{kind}?{urlencode(_without_persons(params))}")]
        if offset + size < len(found):
            links.append(("next", f"{base}?_page={self._keep(kind, params, offset + size)}"))
        added = [] if "include" in self.lacks else included(self.store, shown, params)
        total = None if "paging" in self.lacks else len(found)
        return bundle(base, shown, added, links, total)

    def _size(self, params: Pairs) -> int:
        for name, value in params:
            if name == "_count":
                if not value.isdigit():
                    raise BadSearch("_count is not a number")
                return max(1, min(int(value), self.page_size))
        return self.page_size

    def _keep(self, kind: str, params: Pairs, offset: int) -> str:
        """An opaque key: the parameters may hold a CPR and never stand in a URL."""
        token = secrets.token_urlsafe(12)
        self._pages[token] = (kind, params, offset)
        while len(self._pages) > KEPT_PAGES:
            self._pages.popitem(last=False)
        return token

    def _metadata(self, base: str) -> Json:
        resources = [{"type": t, "interaction": [{"code": "read"}, {"code": "search-type"}]}
                     for t in self.types]
        return {"resourceType": "CapabilityStatement", "status": "active", "kind": "instance",
                "fhirVersion": "4.0.1", "format": ["json"], "date": "2026-01-01",
                "implementation": {"description": self.name, "url": base},
                "rest": [{"mode": "server", "resource": resources}]}


def _without_persons(params: Pairs) -> Pairs:
    """The self link shows what was searched, except who was searched for."""
    return [(n, v) for n, v in params if n not in ("identifier", "patient.identifier")]
