"""What the portal tells those who run it. Nobody listens until they ask for it, and then it costs nothing.

Each call says a name out of the code or the configuration, a word for how it went,
and seconds; never an address asked, a person, or anything a person sent.
"""

from __future__ import annotations

from types import TracebackType

REGISTER = "(register)"
"""The name under which the register of persons is told of beside the sources; no source may have it."""


class Listener:
    """Hears what happens, and does nothing with it."""

    def request(self, endpoint: str, method: str, status: int, seconds: float) -> None:
        """A request was answered by the view of this name."""

    def source(self, source: str, outcome: str, seconds: float) -> None:
        """A source (or `(register)`) answered: "shown", "empty", "partial", or the word of its failure."""

    def breaker(self, source: str, is_open: bool) -> None:
        """A source is left in peace, or asked again."""

    def wrong_person(self, source: str) -> None:
        """A source answered about somebody else."""

    def cache(self, fresh: int, asked: int) -> None:
        """So many of the answers that a page needs lay ready."""

    def log_commit(self, seconds: float) -> None:
        """Lines of the access log were committed; waiting for one's turn included."""

    def login(self, door: str, outcome: str) -> None:
        """A login ended: "in", or the code of its failure."""

    def limited(self, what: str) -> None:
        """Somebody asked too often for this."""

    def shed(self, why: str) -> None:
        """A request was turned away because there is too much to do."""


class Everyone(Listener):
    """Passes on to several."""

    def __init__(self, *listeners: Listener) -> None:
        for name in vars(Listener):
            if not name.startswith("_"):
                setattr(self, name, _to_all([getattr(each, name) for each in listeners]))


def _to_all(calls: list[object]) -> object:
    def tell(*words: object) -> None:
        for call in calls:
            call(*words)  # type: ignore[operator]

    return calls[0] if len(calls) == 1 else tell


class _Ear:
    """Where the listener of this process is found; set once, before the first request."""

    listener: Listener = Listener()


def tell() -> Listener:
    """Who listens in this process."""
    return _Ear.listener


def listen(*listeners: Listener) -> None:
    """From now on these hear everything."""
    _Ear.listener = Everyone(*listeners) if listeners else Listener()


def where(error: BaseException) -> str:
    """Kind and place of an exception, without its message."""
    trace: TracebackType | None = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    place = f" in {trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}" if trace else ""
    return type(error).__name__ + place
