"""The one TOML file and the environment -> frozen, typed settings.

A wrong or missing setting stops the start with its key, the problem and an
example (docs/operator.md lists every key). Nothing else reads the environment.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo

import msgspec

from portal import engines, safety
from portal.binding import Bind, NotAPlace, bind_of, is_loopback
from portal.examples import example_of, misshapen, unknown
from portal.records import Actor
from portal.settings import (
    FROM_ELSEWHERE,
    KINDS,
    ConfigError,
    KindRule,
    Purpose,
    Settings,
)

DEFAULT_PORTS = {"http": 80, "https": 443}
DEFAULT_PURPOSES = (
    Purpose(id="moede", text="Forberede et møde"),
    Purpose(id="opfoelgning", text="Følge op på hjælpen"),
    Purpose(id="koordinering", text="Koordinere med andre, der hjælper"),
)


def load(file: Path, environ: Mapping[str, str]) -> Settings:
    """Read and check the file.

    Raises ConfigError naming the first wrong key.
    """
    settings = _read(file)
    settings = msgspec.structs.replace(
        settings,
        base_url=_as_origin(settings.base_url),
        purpose=settings.purpose or DEFAULT_PURPOSES,
        secret_keys=_secret_keys(settings.secret_keys_env, environ),
        data_keys=_data_keys(settings.data_keys_env, environ),
        environ=dict(environ),
        folder=str(file.resolve().parent),
        file=str(file.resolve()),
    )
    _check(settings)
    safety.check(settings)
    return settings


def _read(file: Path) -> Settings:
    try:
        raw = msgspec.toml.decode(file.read_bytes())
    except FileNotFoundError:
        raise ConfigError("--config", f"there is no file {file}", "portal.toml") from None
    except (msgspec.DecodeError, ValueError) as e:
        raise ConfigError(file.name, f"is not TOML: {e}", example_of("base_url")) from None
    except OSError as e:
        raise ConfigError(
            "--config", f"{file} cannot be read: {e.strerror}", "portal.toml"
        ) from None
    for key in FROM_ELSEWHERE:
        if key in raw:
            raise unknown(key)
    try:
        return msgspec.convert(raw, Settings)
    except msgspec.ValidationError as e:
        raise misshapen(raw, str(e)) from None


def _as_origin(url: str) -> str:
    """An address as browsers write it in Origin; what is none is left for `_check`."""
    try:
        parts = urlsplit(url.rstrip("/"))
        host, port = parts.hostname or "", parts.port
        if ":" in host:
            host = f"[{ipaddress.ip_address(host)}]"
    except ValueError:
        return url
    if "@" in parts.netloc:
        return url
    said = port is not None and port != DEFAULT_PORTS.get(parts.scheme)
    return parts._replace(netloc=f"{host}:{port}" if said else host).geturl()


def _secret_keys(name: str, environ: Mapping[str, str]) -> tuple[str, ...]:
    keys = tuple(k.strip() for k in environ.get(name, "").split(",") if k.strip())
    example = f"{name}=$(portal keys new secret)"
    if not keys:
        raise ConfigError(name, "the environment variable is missing or empty", example)
    if any(len(k) < 32 for k in keys):
        raise ConfigError(name, "a key is shorter than 32 characters", example)
    return keys


def _data_keys(name: str, environ: Mapping[str, str]) -> tuple[bytes, ...]:
    example = f"{name}=$(portal keys new data)"
    keys = []
    for text in (t.strip() for t in environ.get(name, "").split(",") if t.strip()):
        try:
            keys.append(base64.b64decode(text, validate=True))
        except binascii.Error:
            raise ConfigError(name, "a key is not base64", example) from None
    if not keys:
        raise ConfigError(name, "the environment variable is missing or empty", example)
    if any(len(k) != 32 or len(set(k)) < 8 for k in keys):
        raise ConfigError(name, "a key is not 32 random bytes", example)
    return tuple(keys)


def _check(s: Settings) -> None:
    _check_databases(s)
    for key, url in _urls(s):
        check_url(key, url)
    if s.base_url != s.origin:
        problem = "has more than a host; the portal stands at the root of its own"
        raise ConfigError("base_url", problem, example_of("base_url"))
    _check_unique("actor", [a.id for a in s.actor])
    _check_unique("source", [x.id for x in s.source])
    _check_unique("purpose", [p.id for p in s.purpose])
    _check_actors(s.actor)
    for x in s.source:
        if x.actor not in s.actors:
            problem = f"no [[actor]] has the id '{x.actor}'"
            raise ConfigError(f"source.{x.id}.actor", problem, f'[[actor]] id = "{x.actor}"')
        check_timezone(f"source.{x.id}.timezone", x.timezone)
        _check_ages(f"source.{x.id}.ages", x.ages)
    for rule in s.kind:
        _check_kind(rule)
    for key, file in _key_files(s):
        safety.check_file(key, s.path(file))
    if s.metrics.bind:
        operators_port(s.metrics.bind)
    for name in s.trusted_proxies:
        _check_proxy(name)
    if _parts("quick_exit_url", s.quick_exit_url).scheme != "https":
        raise ConfigError("quick_exit_url", "must be https", example_of("quick_exit_url"))


def _check_databases(s: Settings) -> None:
    example = example_of("database")
    owner = s.environ.get(s.database_owner_env, "")
    if problem := engines.problem(s.database):
        raise ConfigError("database", problem, example)
    if problem := owner and engines.problem(owner):
        raise ConfigError(s.database_owner_env, problem, "postgresql+psycopg://owner@/portal")


def check_timezone(key: str, name: str) -> None:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ConfigError(key, f"there is no '{name}'", example_of("source.timezone")) from None


def _check_actors(actors: tuple[Actor, ...]) -> None:
    for a in actors:
        key, example = f"actor.{a.id}.identifiers", example_of("identifiers")
        for i in a.identifiers:
            if not i.partition("|")[2].strip():
                raise ConfigError(key, f"{i!r} is not system|value", example)
        if a.municipality is not None and not re.fullmatch("[0-9]{4}", a.municipality):
            problem = "is not four digits; where there is no municipality it is left out"
            raise ConfigError(f"actor.{a.id}.municipality", problem, example_of("municipality"))


def _check_ages(key: str, ages: tuple[int, int]) -> None:
    first, last = ages
    if not 0 <= first <= last:
        raise ConfigError(key, f"nobody is from {first} to {last} years old", example_of("ages"))


def _check_kind(rule: KindRule) -> None:
    """A word nobody knows would hide nothing, and neither would a code that nothing has."""
    if not re.fullmatch(r"[^*]*([^*|]\*?|\|\*)|\*", rule.coding):
        problem = f"{rule.coding!r} is not system|code with at most one * at the end"
        raise ConfigError("kind.coding", problem, example_of("coding"))
    if rule.is_ not in KINDS and not re.fullmatch(r"excluded:.*\S", rule.is_):
        known = ", ".join((*KINDS, "excluded:<name>"))
        raise ConfigError("kind.is", f"'{rule.is_}' is none of {known}", example_of("kind.is"))


def _urls(s: Settings) -> Iterator[tuple[str, str]]:
    yield "base_url", s.base_url
    yield "identity.citizen.issuer", s.identity.citizen.issuer
    if s.identity.staff:
        yield "identity.staff.issuer", s.identity.staff.issuer
    yield "register.url", s.register.url
    if s.organisation:
        yield "organisation.url", s.organisation.url
    for key, auth in s.proofs.items():
        if auth.token_url:
            yield f"{key}.auth.token_url", auth.token_url
    for x in s.source:
        if x.connected:
            yield f"source.{x.id}.url", x.url
    if s.tracing.endpoint:
        yield "tracing.endpoint", s.tracing.endpoint
    if s.accessibility_statement_url:
        yield "accessibility_statement_url", s.accessibility_statement_url


def check_url(key: str, url: str) -> None:
    parts, example = _parts(key, url), _address(key)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(key, "is not an http(s) address", example)
    if parts.username or parts.password:
        raise ConfigError(key, "holds a user name or password; use an auth table", example)
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ConfigError(key, "plain http is refused unless the host is loopback", example)
    if re.search(r"(?<!\d)\d{6}-?\d{4}(?!\d)", parts.path + "?" + parts.query):
        if key.startswith("source."):
            example = 'method = "POST", body = "cpr={subject}"'
        raise ConfigError(key, "looks as if it holds a CPR number", example)


def _parts(key: str, url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it is trying it
    except ValueError:
        raise ConfigError(key, "is not an http(s) address", _address(key)) from None
    return parts


def _address(key: str) -> str:
    return f'{key.split(".")[-1]} = "https://..."'


def _check_proxy(name: str) -> None:
    example = 'trusted_proxies = ["127.0.0.1/32", "unix"]'
    try:
        network = None if name == "unix" else ipaddress.ip_network(name)
    except ValueError:
        raise ConfigError("trusted_proxies", f"'{name}' is not a network", example) from None
    if network is not None and network.prefixlen == 0:
        raise ConfigError("trusted_proxies", f"'{name}' is everybody", example)


def operators_port(text: str) -> Bind:
    """Where operators read the numbers. Raises ConfigError: nobody but this machine may."""
    key, example = "metrics.bind", 'bind = "127.0.0.1:9464"'
    try:
        where = bind_of(text)
    except NotAPlace as e:
        raise ConfigError(key, str(e), example) from None
    if not where.private:
        raise ConfigError(key, "may be reached by other machines; it is for this one only", example)
    return where


def _check_unique(table: str, ids: list[str]) -> None:
    for i in ids:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", i):
            raise ConfigError(f"{table}.id", f"'{i}' is not a plain id", 'id = "ppr"')
        if ids.count(i) > 1:
            raise ConfigError(f"{table}.id", f"'{i}' stands twice", f'id = "{i}-2"')


def _key_files(s: Settings) -> Iterator[tuple[str, str]]:
    for key, provider in ("citizen", s.identity.citizen), ("staff", s.identity.staff):
        if provider and provider.client_key:
            yield f"identity.{key}.client_key", provider.client_key
    for name, auth in s.proofs.items():
        for key in ("client_key", "key"):
            if file := getattr(auth, key):
                yield f"{name}.auth.{key}", file
        if auth.kind == "mtls" and auth.cert and not auth.key:
            yield f"{name}.auth.cert", auth.cert  # the key stands in it
