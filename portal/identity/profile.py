"""What one provider calls things: a profile's data file, joined with the operator's settings."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec

from portal.examples import example_of
from portal.settings import ConfigError, Provider

Door = Literal["citizen", "staff"]
LEVELS = ("low", "substantial", "high")
# Asymmetric only: with a shared key, whoever can check a token can make one (RFC 8725, 3.1).
ALGORITHMS = frozenset(
    {"ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"}
    | {"EdDSA", "Ed25519"}
)


class _Entrance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One door's part of a profile file."""

    scope: str
    parameters: dict[str, str] = {}
    person_claim: tuple[str, ...] = ()
    name_claim: tuple[str, ...] = ()
    birth_date_claim: tuple[str, ...] = ()
    unit_claim: tuple[str, ...] = ()
    unit_system: str = ""
    require: dict[str, tuple[str, ...]] = {}
    allow: dict[str, tuple[str, ...]] = {}


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    algorithms: tuple[str, ...]
    languages: tuple[str, ...]
    loa_claim: tuple[str, ...]
    loa_values: dict[str, tuple[str, ...]]
    citizen: _Entrance
    staff: _Entrance


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """Claims and parameters of one provider at one door.

    A `*_claim` is a list of names, the first found wins. `require` must be
    there with one of these values; `allow` may be missing, but not other.
    """

    door: Door
    scope: str
    parameters: dict[str, str]
    algorithms: frozenset[str]
    languages: tuple[str, ...]
    minimum_loa: str
    loa_claim: tuple[str, ...]
    loa_values: dict[str, tuple[str, ...]]
    asks_acr: bool
    person_claim: tuple[str, ...]
    person_system: str
    name_claim: tuple[str, ...]
    birth_date_claim: tuple[str, ...]
    unit_claim: tuple[str, ...]
    unit_system: str
    role_claim: tuple[str, ...]
    require: dict[str, tuple[str, ...]]
    allow: dict[str, tuple[str, ...]]

    def accepted_levels(self) -> tuple[str, ...]:
        """The values of the level claim that are high enough."""
        enough = LEVELS[LEVELS.index(self.minimum_loa) :] if self.minimum_loa else LEVELS
        return tuple(value for level in enough for value in self.loa_values.get(level, ()))

    def extra_parameters(self, language: str) -> dict[str, str]:
        """What this provider wants in the authorization request beyond the standard's own."""
        spoken = self.languages
        known = {
            "loa": self.minimum_loa,
            "acr": " ".join(self.accepted_levels()) if self.asks_acr and self.minimum_loa else "",
            "language": language if not spoken or language in spoken else "en",
        }
        found = {}
        for name, template in self.parameters.items():
            needed = [word for word in known if "{" + word + "}" in template]
            if all(known[word] for word in needed):
                for word in needed:
                    template = template.replace("{" + word + "}", known[word])
                found[name] = template
        return found


def profile(provider: Provider, door: Door) -> Profile:
    """The profile of `provider`, with what the operator's file sets put over it.

    Raises ConfigError.
    """
    data = _data(provider.profile, door)
    entrance = data.citizen if door == "citizen" else data.staff
    levels = {level: tuple(values) for level, values in provider.loa_values.items()}
    _check(provider, door)
    found = Profile(
        door=door,
        scope=provider.scope or entrance.scope,
        parameters=entrance.parameters,
        algorithms=frozenset(provider.algorithms or data.algorithms),
        languages=data.languages,
        minimum_loa=provider.minimum_loa,
        loa_claim=_named(provider.loa_claim, data.loa_claim),
        loa_values=levels or data.loa_values,
        asks_acr=bool(levels),
        person_claim=_named(provider.person_claim, entrance.person_claim),
        person_system=provider.person_system,
        name_claim=_named(provider.name_claim, entrance.name_claim),
        birth_date_claim=_named(provider.birth_date_claim, entrance.birth_date_claim),
        unit_claim=_named(provider.unit_claim, entrance.unit_claim),
        unit_system=provider.unit_system or entrance.unit_system,
        role_claim=_named(provider.role_claim, ()),
        require=entrance.require,
        allow=entrance.allow,
    )
    _check_enterable(found)
    return found


def _named(configured: str, otherwise: tuple[str, ...]) -> tuple[str, ...]:
    return (configured,) if configured else otherwise


@cache
def _data(name: str, door: Door) -> _File:
    folder = files("portal.identity").joinpath("profiles")
    known = sorted(f.name.removesuffix(".toml") for f in folder.iterdir())
    if name not in known:
        problem = f"there is no profile '{name}'; there are {', '.join(known)}"
        raise ConfigError(f"identity.{door}.profile", problem, 'profile = "neb"')
    return msgspec.toml.decode(folder.joinpath(f"{name}.toml").read_bytes(), type=_File)


def _check(provider: Provider, door: Door) -> None:
    for name in provider.algorithms:
        if name not in ALGORITHMS:
            problem = f"'{name}' is not a public-key signature the portal trusts"
            raise ConfigError(f"identity.{door}.algorithms", problem, 'algorithms = ["ES256"]')
    for level in provider.loa_values:
        if level not in LEVELS:
            problem = f"'{level}' is no level; there are {', '.join(LEVELS)}"
            raise ConfigError(f"identity.{door}.loa_values", problem, example_of("loa_values"))


def _check_enterable(found: Profile) -> None:
    """A door through which no login would ever lead."""
    if found.minimum_loa and not found.accepted_levels():
        problem = f"names nothing that is '{found.minimum_loa}' or higher, so nobody could log in"
        raise ConfigError(f"identity.{found.door}.loa_values", problem, example_of("loa_values"))
    if found.door == "staff" and not found.unit_claim:
        problem = "is missing, so no employee could log in"
        raise ConfigError("identity.staff.unit_claim", problem, example_of("unit_claim"))
