"""Whose address a request has: what a proxy of ours says, and nothing anybody else says."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.middleware.proxy_fix import ProxyFix

from portal.addresses import Addresses, household

PROXY, OTHER_PROXY, VISITOR = "10.0.0.7", "10.0.0.8", "203.0.113.9"
TRUSTED = ("10.0.0.0/24", "2001:db8:f::/48")


def seen(speaker: str, said: str | None, trusted: tuple[str, ...] = TRUSTED, layer: Any = Addresses) -> str:  # fmt: skip
    """The address that an application behind the layer sees."""
    told: list[str] = []

    def app(environ: dict[str, Any], start: Any) -> list[bytes]:
        assert "HTTP_X_FORWARDED_FOR" not in environ or layer is not Addresses
        told.append(environ["REMOTE_ADDR"])
        return []

    environ = {"REMOTE_ADDR": speaker} | ({"HTTP_X_FORWARDED_FOR": said} if said else {})
    layer(app, trusted)(environ, lambda *_: None)
    return told[0]


@pytest.mark.parametrize(
    ("speaker", "said", "is_"),
    [
        (PROXY, VISITOR, VISITOR),
        (PROXY, None, PROXY),
        (PROXY, f"6.6.6.6, {VISITOR}", VISITOR),  # what she says herself stands before what we add
        (PROXY, f"6.6.6.6, {VISITOR}, {OTHER_PROXY}", VISITOR),  # two of ours
        (PROXY, f"{OTHER_PROXY}, {OTHER_PROXY}", OTHER_PROXY),  # one of ours asks by itself
        (PROXY, f"{VISITOR}:41234", VISITOR),
        (PROXY, "[2001:db8::5]:443", "2001:db8::5"),
        (PROXY, "2001:db8::5", "2001:db8::5"),
        ("2001:db8:f::1", VISITOR, VISITOR),
        ("::ffff:10.0.0.7", VISITOR, VISITOR),
        (PROXY, f"{VISITOR}, unknown", PROXY),
        (PROXY, "'; drop table", PROXY),
        (PROXY, "", PROXY),
        ("198.51.100.1", VISITOR, "198.51.100.1"),  # past the proxy: nothing is believed
        ("", VISITOR, ""),  # a socket file that is not named
    ],
)
def test_the_nearest_address_that_is_no_proxy(speaker: str, said: str | None, is_: str) -> None:
    assert seen(speaker, said) == is_


def test_over_the_socket_file() -> None:
    assert seen("", VISITOR, ("unix",)) == VISITOR
    assert seen("", f"6.6.6.6, {VISITOR}, {PROXY}", ("unix", *TRUSTED)) == VISITOR
    assert seen("127.0.0.1", VISITOR, ("unix",)) == "127.0.0.1"


def test_named_by_nobody_nothing_is_believed() -> None:
    assert seen("127.0.0.1", VISITOR, ()) == "127.0.0.1"


@given(st.text(max_size=40))
def test_whatever_she_writes_herself_changes_nothing(forged: str) -> None:
    assert seen(PROXY, f"{forged}, {VISITOR}") == VISITOR


def test_a_count_of_hops_would_believe_whoever_comes_past_the_proxy() -> None:
    """Why werkzeug's own layer is not used."""
    assert seen("198.51.100.1", VISITOR, 1, ProxyFix) == VISITOR  # type: ignore[arg-type]
    assert seen("198.51.100.1", VISITOR) == "198.51.100.1"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("203.0.113.9", "203.0.113.10", False),
        ("203.0.113.9", "::ffff:203.0.113.9", True),
    ],
)
def test_what_counts_as_one_household(one: str, other: str, same: bool) -> None:
    assert (household(one) == household(other)) is same
