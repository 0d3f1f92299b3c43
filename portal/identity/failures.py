"""How a login can fail: one name per thing a person must be told.

`code` chooses the words on the page. `reason` is for the log: it is written by
us, never taken from the answer, so it holds no name, number or token.
"""

from __future__ import annotations

from typing import ClassVar


class LoginFailed(Exception):
    """A login that did not happen."""

    code: ClassVar[str] = "invalid"
    status: ClassVar[int] = 400

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason or self.code)
        self.reason = reason or self.code


class Invalid(LoginFailed):
    """The answer is not one we asked for, or not one we can trust."""


class Cancelled(LoginFailed):
    """The person went back at the provider."""

    code = "cancelled"
    back = ""
    """The page of ours where a step-up was asked for; its session stands."""


class ProviderDown(LoginFailed):
    """The provider does not answer, or its own description of itself is wrong."""

    code, status = "provider_down", 503


class RegisterUnavailable(LoginFailed):
    """The register of persons does not answer."""

    code, status = "register_down", 503


class LevelTooLow(LoginFailed):
    """The level of assurance is lower than the portal asks for, or unknown."""

    code, status = "level_too_low", 403


class NoUnit(LoginFailed):
    """An employee whose unit is no configured actor."""

    code, status = "no_unit", 403


class WrongDoor(LoginFailed):
    """An employee's login at the citizens' door, or the reverse."""

    code, status = "wrong_door", 403


class UnknownToRegister(LoginFailed):
    """A real person whom the register does not know."""

    code, status = "unknown_person", 403


class Contradiction(LoginFailed):
    """The birth date from the provider is not the register's."""

    code, status = "contradiction", 403


class WrongPerson(LoginFailed):
    """A step-up that was answered by somebody else."""

    code, status = "wrong_person", 403
