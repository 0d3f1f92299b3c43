"""The statuses of R4's CarePlan, activity, ServiceRequest, EpisodeOfCare and Goal as one."""

from __future__ import annotations

from portal.records import Status

_STATUSES = {
    Status.PLANNED: ("draft", "not-started", "scheduled", "planned", "proposed", "accepted"),
    Status.WAITING: ("waitlist",),
    Status.RUNNING: ("active", "in-progress"),
    Status.PAUSED: ("on-hold", "onhold"),
    Status.DONE: ("completed", "finished"),
    Status.CANCELLED: ("revoked", "stopped", "cancelled", "rejected", "entered-in-error"),
}
_BY_CODE = {code: status for status, codes in _STATUSES.items() for code in codes}


def status_of(code: str) -> Status:
    """UNKNOWN for anything that R4 does not know."""
    return _BY_CODE.get(code, Status.UNKNOWN)
