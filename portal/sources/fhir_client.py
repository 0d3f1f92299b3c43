"""FHIR R4 searches: POST only, paged within bounds and never away from the base."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode, urljoin, urlsplit

from portal.sources import SourceFailure
from portal.sources.fhir_address import holds, numbers, path, within
from portal.sources.fhir_answer import ENTRIES, Found, collect, fewer_than_said, name_of
from portal.sources.fhir_shape import Json, objs, text
from portal.sources.http import Http, Reply, expect_ok, status_failure
from portal.sources.json_in import decode

T = TypeVar("T")
FHIR_JSON = "application/fhir+json"
PAGES = 10
OPTIONAL = frozenset({"_count", "date", "status"})
"""What a server may refuse to be asked: what it then gives too much of is left out here."""
REFUSED = frozenset({400, 422, 501})
UNKNOWN_TYPE = frozenset({400, 403, 405, 422, 501})


class NotSupported(SourceFailure):
    """The server does not know this type: "not delivered", not a failure."""


class FhirClient:
    """One server during one fetch."""

    def __init__(
        self, base: str, http: Http, read: Callable[[bytes], Any] = decode, about: str = ""
    ) -> None:
        """`about`: the identifier of the person, where it is known; it stands in no address."""
        self.base = base.rstrip("/")
        self._http, self._decode, self._about = http, read, about

    async def search(
        self, kind: str, params: Mapping[str, str], includes: tuple[str, ...] = ()
    ) -> Found:
        """All pages of one search. Raises NotSupported, SourceFailure."""
        reply = await self._first(kind, params, includes)
        _check_known(reply, self._outcome(reply))
        found = Found(matches=[], pool={})
        bundle = self._bundle(expect_ok(reply))
        followed, secret = {""}, numbers(params) | {self._about}
        while len(followed) <= PAGES:
            collect(found, bundle, kind, self.base)
            following = self._next(bundle, kind)
            if not following:
                found.cut |= fewer_than_said(found, bundle)
                return found
            if following in followed or len(found.pool) > ENTRIES or holds(path(following), secret):
                break  # a loop, or enough, or nothing to put into an address
            followed.add(following)
            bundle = self._bundle(expect_ok(await self._follow(following, kind, secret)))
        found.cut = True
        return found

    async def read(self, reference: str) -> Json | None:
        """One resource by "Type/id"; None when it is gone or not for us. Raises SourceFailure.

        An id that is a CPR number is never asked for in an address.
        """
        if holds(reference, numbers({"_id": reference}) | {self._about}):
            return None
        reply = await self._http.ask("GET", f"{self.base}/{reference}", accept=FHIR_JSON)
        if reply.status in (403, 404, 410):
            return None
        found = self._decode(expect_ok(reply))
        same = isinstance(found, dict) and name_of(found) == reference
        return found if same else None

    async def _first(
        self, kind: str, params: Mapping[str, str], includes: tuple[str, ...]
    ) -> Reply:
        """One that chokes on `_include` is asked without, then without whatever is optional."""
        reply = await self._post(kind, params, includes)
        if includes and self._refuses(reply):
            reply = await self._post(kind, params, ())
        bare = {k: v for k, v in params.items() if k not in OPTIONAL}
        if bare != params and self._refuses(reply):
            reply = await self._post(kind, bare, ())
        return reply

    def _refuses(self, reply: Reply) -> bool:
        """By status, or by an outcome in the place of a bundle."""
        if reply.status in REFUSED:
            return True
        if reply.status >= 300 or b"not-supported" not in reply.body:
            return False
        found = self._decode(reply.body)
        return isinstance(found, dict) and found.get("resourceType") == "OperationOutcome"

    async def _post(self, kind: str, params: Mapping[str, str], includes: tuple[str, ...]) -> Reply:
        form = [*params.items()]
        for include in includes:
            name = "_include:iterate" if include.startswith("PractitionerRole:") else "_include"
            form.append((name, include))
        url = f"{self.base}/{kind}/_search"
        return await self._http.ask("POST", url, body=urlencode(form).encode(), accept=FHIR_JSON)

    async def _follow(self, url: str, kind: str, secret: Collection[str]) -> Reply:
        """The next page; where its address holds whom we asked about, that is put into a body."""
        if not holds(url, secret):
            return await self._http.ask("GET", url, accept=FHIR_JSON)
        form = urlsplit(url).query.encode()
        search = f"{self.base}/{kind}/_search"
        return await self._http.ask("POST", search, body=form, accept=FHIR_JSON)

    def _outcome(self, reply: Reply) -> Json:
        if reply.status not in UNKNOWN_TYPE:
            return {}
        try:
            found = self._decode(reply.body)
        except SourceFailure:
            return {}
        return found if isinstance(found, dict) else {}

    def _bundle(self, body: bytes) -> Json:
        found = self._decode(body)
        if isinstance(found, dict) and found.get("resourceType") == "OperationOutcome":
            _check_supported(found)
            raise SourceFailure("outcome")
        if not isinstance(found, dict) or found.get("resourceType") != "Bundle":
            raise SourceFailure("not a bundle")
        if not isinstance(found.get("entry", []), list):
            raise SourceFailure("not a bundle")
        return found

    def _next(self, bundle: Json, kind: str) -> str:
        for link in objs(bundle, "link"):
            if link.get("relation") == "next":
                return self._on_base(text(link, "url"), kind)
        return ""

    def _on_base(self, link: str, kind: str) -> str:
        """A link is absolute, or relative to the base; a bare query is the same search again."""
        try:
            url = urljoin(f"{self.base}/{kind if link.startswith('?') else ''}", link)
        except ValueError:
            url = ""
        if not within(url, self.base):
            raise SourceFailure("paging off origin")
        return url


async def together(*work: Awaitable[T]) -> list[T]:
    """All at once; the first failure ends the others and is raised as itself."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_as_coroutine(w)) for w in work]
    except ExceptionGroup as several:
        raise several.exceptions[0] from None
    return [t.result() for t in tasks]


async def _as_coroutine(work: Awaitable[T]) -> T:
    return await work


def token(system: str, value: str) -> str:
    """A search token; FHIR escapes these four characters with a backslash."""
    for mark in ("\\", ",", "|", "$"):
        value = value.replace(mark, "\\" + mark)
    return f"{system}|{value}"


def _check_known(reply: Reply, outcome: Json) -> None:
    if reply.status == 404:
        raise NotSupported("status 404")
    _check_supported(outcome)
    if reply.status == 501:
        raise NotSupported("status 501")
    if reply.status >= 300:
        raise status_failure(reply.status)


def _check_supported(outcome: Json) -> None:
    if any(issue.get("code") == "not-supported" for issue in objs(outcome, "issue")):
        raise NotSupported("not supported")
