"""What the child processes of race and kill tests do, each with a store of its own."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections.abc import Mapping
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import NamedTuple

from portal import audit
from portal.access import Facts
from portal.audit import Act, Line
from portal.config import load
from portal.consents import Changed
from portal.db import StoreDown
from portal.family import Household
from tests.store_world import Shop, open_shop, proposal, who

PROCESSES = multiprocessing.get_context("forkserver")
ROUNDS = 25
"""How many rounds the processes race about one child, before the next."""
PROCESSES.set_forkserver_preload(["tests.store_driver"])


class Done(NamedTuple):
    """One act as its process saw it: times are of the machine's one monotonic clock."""

    process: int
    child: str
    viewer: str
    act: str
    seen: int
    seq: int = 0
    """The event's number; 0 when the act was refused."""
    begun: float = 0.0
    ended: float = 0.0
    applied: bool = False
    """What a look right afterwards, in the same process, said: does the consent apply?"""
    looked_at: int = 0
    """How many events there were at that look, at least."""


def shop_of(file: Path, environ: Mapping[str, str]) -> Shop:
    return open_shop(load(file, environ))


def race(
    file: Path,
    environ: Mapping[str, str],
    process: int,
    children: list[str],
    seed: str,
    barrier: Barrier,
    out: Connection,
) -> None:
    """In every round, at the same moment as the others, one random act about the same consent."""
    shop, dice = shop_of(file, environ), random.Random(seed)
    done = []
    for child in children:
        home = shop.household(child)
        people = [k.id for k in who(home)]
        for _ in range(ROUNDS):
            viewer, wants = dice.choice(people), dice.choice(["grant", "grant", "withdraw", "look"])
            seen = shop.consents.row(home, viewer, "skole").version
            barrier.wait(60)
            done.append(_act(shop, home, Done(process, child, viewer, wants, seen)))
    out.send(done)


def _act(shop: Shop, home: Household, asked: Done) -> Done:
    viewer, wants, seen = asked.viewer, asked.act, asked.seen
    begun, seq = time.monotonic(), 0
    if wants == "grant":
        try:
            seq = shop.consents.grant(home, viewer, proposal(home, seen), "text", "da").seq
        except Changed:
            seq = 0
    elif wants == "withdraw":
        seq = shop.consents.withdraw(home.citizen.id, viewer, "skole", True).seq
    ended = time.monotonic()
    before = len(shop.consents.events(home.citizen.id))
    applied = applies(shop, home.facts)
    return asked._replace(seq=seq, begun=begun, ended=ended, applied=applied, looked_at=before)


def applies(shop: Shop, facts: Facts) -> bool:
    return "skole" in shop.consents.applies(facts.citizen, facts)


def write_until_killed(file: Path, environ: Mapping[str, str], out: Connection) -> None:
    """Says yes and no for ever, and tells of every answer that was acknowledged."""
    shop = shop_of(file, environ)
    home = shop.household()
    mette, _ = who(home)
    seen = shop.consents.row(home, mette.id, "skole").version
    out.send(0)
    while True:
        out.send(shop.consents.grant(home, mette.id, proposal(home, seen), "text", "da").seq)
        out.send(shop.consents.withdraw(home.citizen.id, mette.id, "skole", True).seq)
        seen = shop.consents.row(home, mette.id, "skole").version


def append_lines(
    file: Path, environ: Mapping[str, str], citizens: list[str], count: int, out: Connection
) -> None:
    """Many lines, some of them about several people in one transaction, in any order."""
    shop, dice = shop_of(file, environ), random.Random(str(out.fileno()))
    written = dict.fromkeys(citizens, 0)
    for _ in range(count):
        chosen = sorted(dice.sample(citizens, dice.randint(1, 2)))
        for attempt in range(20):
            try:
                _lines(shop, chosen)
                break
            except StoreDown:
                if attempt == 19:
                    raise
        for citizen in chosen:
            written[citizen] += 1
    out.send(written)


def _lines(shop: Shop, citizens: list[str]) -> None:
    with shop.store.write(*citizens) as c:
        for citizen in citizens:
            key = shop.family.key(citizen)
            audit.append(c, shop.settings.municipality, citizen, key, Line(act=Act.READ))
