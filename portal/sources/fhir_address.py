"""A FHIR server's addresses: which are its own, however it writes them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from urllib.parse import SplitResult, unquote, urlsplit

_GOES_WITHOUT_SAYING = {"http": 80, "https": 443}
_CPR = re.compile(r"(?<!\d)(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])\d{2}-?\d{4}(?!\d)")


def within(url: str, base: str) -> bool:
    """Whether `url` is the same server and below the same path, without tricks."""
    try:
        there, here = urlsplit(url), urlsplit(base)
        same = _server(there) == _server(here)
    except ValueError:
        return False
    path = unquote(there.path)
    tricky = "\\" in path or ".." in path.split("/") or there.username is not None
    root = here.path.rstrip("/")
    return same and not tricky and (path == root or path.startswith(root + "/"))


def below(url: str, base: str) -> str:
    """The rest of an address below `base` ("Type/id"), else the address in its plainest form."""
    root = base.rstrip("/") + "/"
    if url.startswith(root):
        return url.removeprefix(root)
    return _plain(url).removeprefix(_plain(root)) if url[:4].lower() == "http" else url


def path(url: str) -> str:
    return urlsplit(url).path


def numbers(params: Mapping[str, str]) -> set[str]:
    """What of a search may stand in no address: an identifier, and a CPR number that is an id."""
    ids = (params.get(key, "") for key in ("patient", "_id"))
    return {
        params.get("identifier", "").rpartition("|")[2],
        *(n for i in ids for n in _CPR.findall(i)),
    }


def holds(address: str, secret: Collection[str]) -> bool:
    """Whether one of the numbers stands in an address, however it is written there."""
    plain = unquote(address).replace("-", "")
    bare = (re.escape(s.replace("-", "")) for s in secret if s)
    return any(re.search(rf"(?<!\d){s}(?!\d)", plain) for s in bare)


def _server(url: SplitResult) -> tuple[str, str | None, int | None]:
    """Raises ValueError."""
    return url.scheme, url.hostname, url.port or _GOES_WITHOUT_SAYING.get(url.scheme)


def _plain(url: str) -> str:
    """The host in lower case, no port that goes without saying; as it is when it is no address."""
    try:
        parts = urlsplit(url)
        scheme, host, port = _server(parts)
    except ValueError:
        return url
    if not host or parts.username is not None:
        return url
    name = f"[{host}]" if ":" in host else host
    usual = port == _GOES_WITHOUT_SAYING.get(scheme)
    return parts._replace(netloc=name if usual else f"{name}:{port}").geturl()
