"""Whose request it is when proxies stand between: those the operator names are believed, nobody else.

A count of hops (as werkzeug's ProxyFix has it) believes whoever reaches the port
without the proxy; here it is asked who is speaking before X-Forwarded-For is read,
and no other such header ever is.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

SOCKET = "unix"
"""Named among the proxies: whoever speaks to us over the socket file."""
HOME_NETWORK = 64
"""Bits of an IPv6 address that one household or company has in common."""

Address = IPv4Address | IPv6Address


class Addresses:
    """A WSGI layer that puts the visitor's own address in REMOTE_ADDR, or leaves the proxy's there."""

    def __init__(self, app: WSGIApplication, proxies: Iterable[str]) -> None:
        named = tuple(proxies)
        self._app, self._by_file = app, SOCKET in named
        self._networks = [ip_network(n) for n in named if n != SOCKET]

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        said = environ.pop("HTTP_X_FORWARDED_FOR", "")
        if said and (self._by_file or self._networks):
            environ["REMOTE_ADDR"] = self.visitor(environ.get("REMOTE_ADDR", ""), said)
        return self._app(environ, start)

    def visitor(self, speaker: str, said: str) -> str:
        """The nearest address, seen from here, that no proxy of ours has; `said` is read from its end."""
        nearest = speaker
        for told in reversed(said.split(",")):
            if not self._ours(nearest):
                break
            address = read(told)
            if address is None:  # a proxy of ours let nonsense through: count it as the proxy
                break
            nearest = str(address)
        return nearest

    def _ours(self, text: str) -> bool:
        address = read(text)
        if address is None:  # a socket file has no address
            return self._by_file and not text
        return any(address in network for network in self._networks)


@lru_cache(4096)
def read(text: str) -> Address | None:
    """An address as proxies write it, perhaps with a port; None when it is none."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def household(text: str) -> str:
    """What is counted as one visitor: an IPv4 address, or the network an IPv6 household has."""
    address = read(text)
    if isinstance(address, IPv6Address):
        return str(ip_network((address, HOME_NETWORK), strict=False))
    return str(address or "")
