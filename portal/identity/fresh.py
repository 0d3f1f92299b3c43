"""How old a login may be for what lets others see more."""

from __future__ import annotations

from portal.db import now
from portal.identity.session import Account

FRESH_SECONDS = 300
"""ASVS v5.0.0-7.5.3; counted from `auth_time`, when the provider met the person."""


def is_fresh(account: Account) -> bool:
    """Whether this person proved who she is within FRESH_SECONDS."""
    return now().timestamp() - account.auth_time <= FRESH_SECONDS
