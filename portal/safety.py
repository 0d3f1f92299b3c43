"""What the portal refuses to start with: debugging, keys anybody could guess or read, an open
database file, a database asked in the clear.

Each refusal names the key, the problem and an example. There is no switch that allows
one: what a demonstration may do is what any portal on the loopback address may do.
"""

from __future__ import annotations

import itertools
import re
import ssl
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from portal.binding import is_loopback
from portal.examples import example_of
from portal.settings import ConfigError, Settings

DEBUGGING = {
    "FLASK_DEBUG": "1",
    "FLASK_TESTING": "1",
    "FLASK_ENV": "development",
    "PYTHONDEVMODE": "1",
    "WERKZEUG_DEBUG_PIN": "off",
}
"""Variables of the environment, and a value with which something is shown that must not be."""
OFF = ("", "0", "false", "no", "production")
GUESSABLE = re.compile(
    r"change.?me|default|example|password|passw0rd|hemmelig|secret.?key|insecure|not.?a.?real|12345678",
    re.IGNORECASE,
)
TLS = frozenset({"require", "verify-ca", "verify-full"})
"""The `sslmode` with which PostgreSQL is not asked in the clear when it has no TLS."""
FEWEST_SIGNS = 16
"""Different characters that a random secret of 43 practically always has (it has about 30)."""
DEMO = "demo-"
DEMO_BYTES = b"demo-"
"""With which the keys of `make demo` begin, so that none of them ever guards anybody's data."""


def check(settings: Settings) -> None:
    """Raises ConfigError naming the first thing that is unsafe."""
    for key, problem, example in _problems(settings):
        raise ConfigError(key, problem, example)


def check_file(key: str, file: Path) -> None:
    """A file of keys is there, and nobody but its owner may read it. Raises ConfigError."""
    try:
        mode = file.stat().st_mode
    except OSError:
        made = key.endswith("client_key")
        example = "portal keys new client FILE" if made else example_of(key)
        raise ConfigError(key, f"there is no file {file}", example) from None
    if _open_to_others(mode):
        raise ConfigError(key, f"{file} can be read by others", f"chmod 600 {file}")


def check_certificates(key: str, file: Path) -> None:
    """A file that TLS can read certificates from. Raises ConfigError."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
    except ssl.SSLError:
        problem = f"{file} holds no PEM certificate"
    except OSError as e:
        problem = f"{file} cannot be read: {e.strerror}"
    else:
        return
    raise ConfigError(key, problem, example_of(key.rpartition(".")[2]))


def _problems(s: Settings) -> Iterator[tuple[str, str, str]]:
    yield from _debugging(s.environ)
    yield from _secret_keys(s)
    yield from _data_keys(s)
    yield from _open_files(s)
    yield from _open_wires(s)


def _debugging(environ: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    for name, value in environ.items():
        if name in DEBUGGING and value.strip().lower() not in OFF:
            yield name, "debugging is on, which shows what nobody may see", f"unset {name}"


def _secret_keys(s: Settings) -> Iterator[tuple[str, str, str]]:
    name, example = s.secret_keys_env, f"{s.secret_keys_env}=$(portal keys new secret)"
    for key in s.secret_keys:
        if key.startswith(DEMO) and not s.loopback:
            yield name, "a key of the demonstration guards a real portal", example
        elif len(set(key)) < FEWEST_SIGNS or GUESSABLE.search(key):
            yield name, "a key is not random, anybody could guess it", example
    if len(set(s.secret_keys)) < len(s.secret_keys):
        yield name, "the same key stands twice", example
    if set(s.secret_keys) & {k.strip() for k in s.environ.get(s.data_keys_env, "").split(",")}:
        yield name, "a key is also a data key; each has one use", example


def _data_keys(s: Settings) -> Iterator[tuple[str, str, str]]:
    name, example = s.data_keys_env, f"{s.data_keys_env}=$(portal keys new data)"
    for key in s.data_keys:
        if key.startswith(DEMO_BYTES) and not s.loopback:
            yield name, "a key of the demonstration guards a real portal", example
        elif len({b - a for a, b in itertools.pairwise(key)}) < len(key) // 4:
            yield name, "a key is not random, anybody could guess it", example
        elif key.isascii() and GUESSABLE.search(key.decode()):
            yield name, "a key is made of words, anybody could guess it", example
    if len(set(s.data_keys)) < len(s.data_keys):
        yield name, "the same key stands twice", example


def _open_files(s: Settings) -> Iterator[tuple[str, str, str]]:
    file = Path(s.file)
    for key, url in (("database", s.database), ("cache", s.cache)):
        if urlsplit(url).password and file.is_file() and _open_to_others(file.stat().st_mode):
            yield key, f"{file} holds a password and can be read by others", f"chmod 600 {file}"
    kind, _, path = s.database.partition(":///")
    stored = s.path(path)
    if kind.startswith("sqlite") and stored.is_file() and _open_to_others(stored.stat().st_mode):
        yield "database", f"{stored} can be read by others", f"chmod 600 {stored}"


def _open_wires(s: Settings) -> Iterator[tuple[str, str, str]]:
    problem = "is on another machine and reached without TLS"
    owner = s.environ.get(s.database_owner_env, "")
    for key, url in (("database", s.database), (s.database_owner_env, owner)):
        parts = urlsplit(url)
        asked = parse_qs(parts.query)
        hosts = asked.get("host", []) + asked.get("hostaddr", []) or [parts.netloc]
        modes = asked.get("sslmode") or [s.environ.get("PGSSLMODE", "")]
        if (
            parts.scheme.startswith("postgresql")
            and _elsewhere(hosts)
            and not TLS.issuperset(modes)
        ):
            yield key, problem, "postgresql+psycopg://.../portal?sslmode=verify-full"
    cache = urlsplit(s.cache)
    if cache.scheme == "redis" and _elsewhere([cache.netloc]):
        yield "cache", problem, 'cache = "rediss://..."'


def _elsewhere(named: Iterable[str]) -> bool:
    """One of these, each perhaps a list with ports, is neither this machine nor a socket of it."""
    hosts = [h for one in named for h in one.rpartition("@")[2].split(",")]
    found = [h if h.startswith("/") else urlsplit(f"//{h}").hostname for h in hosts]
    return any(h and not h.startswith("/") and not is_loopback(h) for h in found)


def _open_to_others(mode: int) -> bool:
    return bool(mode & (stat.S_IRWXG | stat.S_IRWXO))
