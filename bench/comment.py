"""Posting a comment (P20): what the server spends and sends."""

from __future__ import annotations

import re
import statistics
from urllib.parse import urlencode

from bench.figure import Figure
from bench.world import Stage, noah

POSTS = 15


def measure(stage: Stage) -> list[Figure]:
    """A form post with a fresh token each; answered with a redirect to the written comment."""
    with stage.world(noah) as world, world.wire() as wire:
        wire.get(world.page + "?vent=1")
        path = world.page + "/kommentarer"
        token = re.search(rb'name="csrf_token" value="([^"]+)"', wire.get(path).body)
        if token is None:
            raise RuntimeError("no form on the comment page")
        form = {"csrf_token": token[1].decode(), "modtager": "mig"}
        replies, cpus = [], []
        for n in range(POSTS):
            before = world.meter(wire)["cpu"]
            text = f"Husk briller, {n}"
            replies.append(wire.post(path, urlencode(form | {"tekst": text}).encode()))
            cpus.append(world.meter(wire)["cpu"] - before)
        if any(r.status != 303 for r in replies):
            raise RuntimeError(f"the comment was not taken: {[r.status for r in replies]}")
    wall = statistics.median(r.seconds for r in replies) * 1000
    spent = statistics.median(cpus) * 1000
    size = max(
        len(r.body) + sum(len(k) + len(v) + 4 for k, v in r.headers.items()) for r in replies
    )
    return [
        Figure("P20", "post a comment, server CPU", spent, 10, 5, unit="ms",
               note=f"{wall:.1f} ms until answered"),
        Figure("P20b", "... bytes answered, headers and all", size / 1024, 2, 1, unit="KB"),
    ]  # fmt: skip
