"""Times of the demo world, counted from today, so that it is never out of date."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

COPENHAGEN = ZoneInfo("Europe/Copenhagen")


class Days:
    """Dates and local times relative to one `today`."""

    def __init__(self, today: date | None = None) -> None:
        self.today = today or datetime.now(COPENHAGEN).date()

    def day(self, offset: int) -> date:
        """The date `offset` days from today."""
        return self.today + timedelta(days=offset)

    def at(self, offset: int, hour: int, minute: int = 0) -> datetime:
        """A local time `offset` days from today."""
        return datetime.combine(self.day(offset), time(hour, minute), COPENHAGEN)

    def weekday(self, offset: int) -> int:
        """The first weekday at least `offset` days ahead, as an offset."""
        while self.day(offset).weekday() > 4:
            offset += 1
        return offset

    def next(self, weekday: int, weeks: int = 0) -> int:
        """Offset of the coming Monday (0) ... Sunday (6), today included, plus weeks."""
        return (weekday - self.today.weekday()) % 7 + 7 * weeks
