"""How large and how long the measurements of scale are; the defaults suit `make bench`."""

from __future__ import annotations

import argparse
from typing import NamedTuple


class Options(NamedTuple):
    """`seconds` is how long `load` and `storm` last; `record` keeps what was found in docs/."""

    citizens: int = 100_000
    seconds: float = 60.0
    families: int = 1000
    overviews: int = 10_000
    workers: int = 2
    remembered: float = 1800.0
    database: str = "sqlite"
    cache: str = "memory"
    record: bool = False


DEFAULTS = Options()


def read(arguments: list[str]) -> tuple[list[str], Options]:
    """The figures named, and the options."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("figure", nargs="*", help="p1, p17, load ...; all when none is named")
    parser.add_argument(
        "--citizens",
        type=int,
        default=DEFAULTS.citizens,
        help="the largest town of p17 (default %(default)s; 1000000 takes minutes to write)",
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=DEFAULTS.seconds,
        help="of load and storm (default %(default)s; the goal is 600 for load, 60 for storm)",
    )
    parser.add_argument(
        "--families",
        type=int,
        default=DEFAULTS.families,
        help="of load and storm (default %(default)s, the goal; fewer for a slower machine)",
    )
    parser.add_argument(
        "--overviews", type=int, default=DEFAULTS.overviews, help="of p16 (default %(default)s)"
    )
    parser.add_argument("--workers", type=int, default=DEFAULTS.workers, help="of load and storm")
    parser.add_argument(
        "--remembered",
        type=float,
        default=DEFAULTS.remembered,
        help="seconds for which load and storm remember a source (cache_seconds)",
    )
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default=DEFAULTS.database)
    parser.add_argument("--cache", choices=["memory", "valkey"], default=DEFAULTS.cache)
    parser.add_argument(
        "--record",
        action="store_true",
        help="keep the figures of scale in docs/scale.json and draw its page anew",
    )
    said = vars(parser.parse_args(arguments))
    return said.pop("figure"), Options(**said)
