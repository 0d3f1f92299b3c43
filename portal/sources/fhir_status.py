"""The statuses of R4's CarePlan, activity, ServiceRequest, EpisodeOfCare and Goal as one."""

from __future__ import annotations

from portal.records import RUNNING, Status

_STATUSES = {
    Status.PROPOSED: ("draft", "proposed"),
    Status.PLANNED: ("not-started", "scheduled", "planned", "accepted"),
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


def with_intent(status: Status, intent: str) -> Status:
    """What is only suggested is under way in nobody's eyes, whatever its status."""
    return Status.PROPOSED if intent == "proposal" and status in RUNNING else status
