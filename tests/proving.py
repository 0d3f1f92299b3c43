"""How often a proof runs: a seeded sample in `make test`, the full count in `make prove`."""

from __future__ import annotations

import os
import random

PROVE = bool(os.environ.get("PROVE"))
SEED = int(os.environ.get("PROVE_SEED", "851"))


def times(sample: int, proof: int) -> int:
    """The number of rounds of this run."""
    return proof if PROVE else sample


def dice(what: str) -> random.Random:
    """Random choices that are the same in every run with this seed."""
    return random.Random(f"{SEED} {what}")
