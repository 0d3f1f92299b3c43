"""What somebody who owns the database, and has our code but not the key, can do to the log."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta

from portal.verifier import GENESIS, Row, chain

Log = list[Row]
TENANT = "0851"
HOUR = 3_600_000


def changed(log: Log, dice: random.Random) -> Log:
    """One field of one line is another."""
    i = dice.randrange(len(log))
    row = log[i]
    field = dice.choice(["citizen", "seq", "at", "detail", "previous", "hash"])
    new = {
        "citizen": lambda: f"{dice.getrandbits(128):032x}",
        "seq": lambda: row.seq + dice.choice([-1, 1, 7]),
        "at": lambda: later(row.at, dice.randint(1, 10**9)),
        "detail": lambda: flipped(row.detail, dice),
        "previous": lambda: flipped(row.previous, dice),
        "hash": lambda: flipped(row.hash, dice),
    }[field]()
    out = [*log[:i], row._replace(**{field: new}), *log[i + 1 :]]
    return out if dice.random() < 0.5 else rehashed(out, i, i + 1)


def removed(log: Log, dice: random.Random) -> Log:
    """Some lines are gone, wherever they stood."""
    gone = set(dice.sample(range(len(log)), dice.randint(1, 3)))
    return [r for i, r in enumerate(log) if i not in gone]


def removed_and_closed(log: Log, dice: random.Random) -> Log:
    """A line is gone, those after it renumbered and hashed anew."""
    i = dice.randrange(len(log))
    return renumbered([*log[:i], *log[i + 1 :]])


def put_in(log: Log, dice: random.Random) -> Log:
    """A line that nobody wrote, between others, all hashed as we hash."""
    i = dice.randrange(len(log))
    made = log[i]._replace(detail=dice.randbytes(40))
    return renumbered([*log[:i], made, *log[i:]])


def backdated(log: Log, dice: random.Random) -> Log:
    """A proper line at the end of a chain, said to be from before the checkpoint."""
    i = dice.choice(ends(log))
    last = log[i]
    made = last._replace(seq=last.seq + 1, previous=last.hash, at=later(last.at, -HOUR))
    return [*log[: i + 1], hashed(made), *log[i + 1 :]]


def invented(log: Log, dice: random.Random) -> Log:
    """A whole chain of somebody who never was, in the past."""
    row = dice.choice(log)
    made = Row(f"{dice.getrandbits(128):032x}", 1, later(row.at, -HOUR), row.detail, GENESIS, b"")
    return sorted([*log, hashed(made)], key=lambda r: (r.citizen, r.seq))


def moved(log: Log, dice: random.Random) -> Log:
    """Two lines change places, with or without their numbers."""
    i, j = dice.sample(range(len(log)), 2)
    out = list(log)
    out[i], out[j] = log[j], log[i]
    if dice.random() < 0.5:
        out[i] = out[i]._replace(citizen=log[i].citizen, seq=log[i].seq)
        out[j] = out[j]._replace(citizen=log[j].citizen, seq=log[j].seq)
    return out if dice.random() < 0.5 else rehashed(out, 0, len(out))


def cut(log: Log, dice: random.Random) -> Log:
    """The newest lines of a chain are gone: some or all of them."""
    end = dice.choice(ends(log))
    start = end - dice.randrange(log[end].seq)
    return [*log[:start], *log[end + 1 :]]


def cut_and_appended(log: Log, dice: random.Random) -> Log:
    """The newest lines are gone, and as many or more others stand there, properly hashed."""
    end = dice.choice(ends(log))
    count = dice.randint(1, log[end].seq)
    start = end - count + 1
    fresh = [
        log[start]._replace(detail=dice.randbytes(40)) for _ in range(count + dice.randint(0, 3))
    ]
    moments = [later(r.at, dice.randint(0, 10**12)) for r in fresh]
    fresh = [r._replace(at=m) for r, m in zip(fresh, moments, strict=True)]
    return renumbered([*log[:start], *fresh, *log[end + 1 :]])


def rewritten(log: Log, dice: random.Random) -> Log:
    """A chain, or all of them, written anew from some line on by our own code."""
    start = dice.randrange(len(log))
    whole = dice.random() < 0.3
    citizen = log[start].citizen
    out = [
        r._replace(detail=dice.randbytes(40))
        if whole or (i >= start and r.citizen == citizen)
        else r
        for i, r in enumerate(log)
    ]
    return renumbered(out)


WAYS: tuple[Callable[[Log, random.Random], Log], ...] = (
    changed,
    removed,
    removed_and_closed,
    put_in,
    backdated,
    invented,
    moved,
    cut,
    cut_and_appended,
    rewritten,
)


def renumbered(log: Log) -> Log:
    """Every chain from 1 without gaps, each line following the one before it."""
    out: Log = []
    for row in log:
        follows = bool(out) and out[-1].citizen == row.citizen
        seq, previous = (out[-1].seq + 1, out[-1].hash) if follows else (1, GENESIS)
        out.append(hashed(row._replace(seq=seq, previous=previous)))
    return out


def rehashed(log: Log, start: int, end: int) -> Log:
    return [hashed(r) if start <= i < end else r for i, r in enumerate(log)]


def hashed(row: Row) -> Row:
    return row._replace(hash=chain(TENANT, *row[:5]))


def ends(log: Log) -> list[int]:
    """Where each chain's last line stands."""
    n = len(log)
    return [i for i in range(n) if i == n - 1 or log[i + 1].citizen != log[i].citizen]


def later(at: str, milliseconds: int) -> str:
    moved = datetime.fromisoformat(at) + timedelta(milliseconds=milliseconds)
    return moved.isoformat(timespec="microseconds")


def flipped(value: bytes, dice: random.Random) -> bytes:
    i = dice.randrange(len(value))
    return value[:i] + bytes([value[i] ^ (1 << dice.randrange(8))]) + value[i + 1 :]
