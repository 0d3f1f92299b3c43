"""The provider's answer as the browser brings it: parameters of an address anybody can write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from portal.identity.failures import Cancelled, Invalid, LoginFailed, ProviderDown

PROVIDER_TROUBLE = ("server_error", "temporarily_unavailable")


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The parameters we read; absent ones are empty."""

    state: str = ""
    iss: str = ""
    code: str = ""
    error: str = ""
    error_description: str = ""


def single(answer: Mapping[str, Sequence[str]]) -> Answer:
    """Each parameter once (ASVS v5.0.0-15.3.7). Raises Invalid."""
    known = {name: answer[name] for name in Answer.__struct_fields__ if name in answer}
    if any(len(values) != 1 for values in known.values()):
        raise Invalid("a parameter stands twice")
    return Answer(**{name: values[0] for name, values in known.items()})


def code(answer: Answer, issuer: str, *, iss_promised: bool) -> str:
    """The authorization code of an answer from this issuer. Raises a LoginFailed.

    RFC 9207: a wrong `iss` is never let through. Brokers leave it out of error
    answers although they promise it; with a code it must be there.
    """
    if answer.iss and answer.iss != issuer:
        raise Invalid("iss of the answer is another provider's")
    if answer.error:
        raise _refused(answer.error, answer.error_description)
    if iss_promised and not answer.iss:
        raise Invalid("iss is missing from the answer")
    if not answer.code:
        raise Invalid("an answer without a code")
    return answer.code


def _refused(error: str, description: str) -> LoginFailed:
    if error == "access_denied" or description.endswith("user_aborted"):
        return Cancelled("cancelled at the provider")
    if error in PROVIDER_TROUBLE:
        return ProviderDown("the provider says it has trouble")
    return Invalid("the provider refused the request")
