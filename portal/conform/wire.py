"""What went over the wire: reached, let in, how many questions, and how long it took."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from portal.conform.remarks import Remark
from portal.settings import SourceConfig
from portal.sources.in_words import in_words
from portal.sources.probe import Probed

NEAR = 0.5
"""Share of the time limit from which a slow day will be too slow."""
LARGE = 2_500_000
UNREACHED = frozenset({"no connection", "tls", "not http"})


def on_the_wire(config: SourceConfig, met: Probed) -> Iterator[Remark]:
    """Remarks about the connection; the last one about time."""
    failed = next((e for e in met.exchanges if e.problem in UNREACHED), None)
    if failed:
        yield Remark("FAIL", f"reachable: it {in_words(failed.problem)}")
        return
    if not met.exchanges:
        yield Remark("FAIL", "reachable: nothing could be asked")
        return
    how = "TLS, its certificate is trusted" if urlsplit(config.url).scheme == "https" else "http"
    yield Remark("ok", f"reachable: it answers ({how})")
    yield _let_in(config, met)
    size = sum(len(e.body) for e in met.exchanges)
    yield Remark("ok" if size < LARGE else "note",
                 f"size: {size / 1000:.0f} kB in {len(met.exchanges)} answers, of 5,000 kB")  # fmt: skip
    share = met.seconds / config.timeout
    words = f"time: {met.seconds * 1000:.0f} ms of {config.timeout:g} s for all of it"
    if met.problem == "timeout" or share >= 1:
        yield Remark("FAIL", f"{words}: what is later than that is shown as not answered")
    else:
        yield Remark("ok" if share < NEAR else "note", words)


def _let_in(config: SourceConfig, met: Probed) -> Remark:
    proof = config.auth.kind or "no proof"
    for exchange in met.exchanges:
        if exchange.status in (401, 403):
            return Remark(
                "FAIL", f"authorised: it {in_words(f'status {exchange.status}')} ({proof})"
            )
    if met.problem.startswith(("token", "no smart", "no token")):
        return Remark("FAIL", f"authorised: it {in_words(met.problem)}")
    if config.auth.kind:
        return Remark("ok", f"authorised: it takes our proof ({proof})")
    return Remark("note", "authorised: it answers without any proof; is that meant?")
