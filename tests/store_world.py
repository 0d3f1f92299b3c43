"""A portal's store and services alone, on SQLite or PostgreSQL, as any process of it would open them.

The register is the one thing left out: these tests are about what we keep, not about who is who.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from portal import keys, schema
from portal.access import Facts, today_in_copenhagen
from portal.comments import Comments
from portal.config import load
from portal.consents import Consents
from portal.crypto import Vault
from portal.db import Store, now
from portal.family import Family, Household, Known
from portal.proposal import Proposal, months_ahead
from portal.records import Category, Person
from portal.settings import CPR_SYSTEM, Settings
from portal.sources.register import Registered

OWNER = "PORTAL_DATABASE_OWNER"
PEOPLE = ("0101889001", "0202859002", "0303169003")
"""Two custody holders and their child."""


class EverybodyExists:
    """A register in which every number is somebody."""

    def person(self, system: str, value: str) -> Registered:
        born = date(2016, 3, 3) if value == PEOPLE[2] else date(1988, 1, 1)
        person = Person(name=f"Person {value[:4]}", born=born, identifiers={system: value})
        return Registered(person=person, patient=f"Patient/{value[:4]}")


@dataclass(frozen=True)
class Shop:
    """What one process holds open."""

    settings: Settings
    store: Store
    vault: Vault
    family: Family
    consents: Consents
    comments: Comments

    def person(self, cpr: str) -> str:
        return self.family.identify(CPR_SYSTEM, cpr).id

    def household(self, child: str = PEOPLE[2]) -> Household:
        """A child of nine with both custody holders."""
        mette, jonas, emil = (self.family.identify(CPR_SYSTEM, p) for p in (*PEOPLE[:2], child))
        today = today_in_copenhagen(now())
        facts = Facts(
            citizen=emil.id,
            born=today - timedelta(days=9 * 366),
            custodians=frozenset({mette.id, jonas.id}),
            today=today,
        )
        return Household(citizen=emil, custodians=(mette, jonas), facts=facts)


def proposal(home: Household, seen: int, actor: str = "skole") -> Proposal:
    """What a custody holder would say yes to."""
    return Proposal(
        actor=actor,
        categories=frozenset({Category.CONTACTS}),
        owners=frozenset({actor}),
        purpose="moede",
        until=months_ahead(home.facts.today, 6),
        seen=seen,
    )


def who(home: Household) -> tuple[Known, Known]:
    """The two custody holders."""
    assert home.custodians
    return home.custodians[0], home.custodians[1]


def secrets() -> dict[str, str]:
    return {"PORTAL_SECRET_KEYS": keys.new_secret(), "PORTAL_DATA_KEYS": keys.new_data_key()}


def write_settings(
    folder: Path, database: str, environ: Mapping[str, str], municipality: str = "0851"
) -> Settings:
    """A portal.toml in the folder, read as an operator's would be."""
    file = folder / f"portal-{municipality}.toml"
    file.write_text(
        TOML.format(
            database=database,
            municipality=municipality,
            owner=f'database_owner_env = "{OWNER}"' if OWNER in environ else "",
        )
    )
    return load(file, {**os.environ, **environ})


TOML = """
base_url = "http://127.0.0.1:8000"
database = "{database}"
municipality = "{municipality}"
{owner}

[identity.citizen]
issuer = "http://127.0.0.1:8001/op"
client_id = "familieoverblik"

[register]
url = "http://127.0.0.1:8002/register/fhir"

[[actor]]
id = "skole"
name = "Skolen"
sector = "school"

[[actor]]
id = "familie"
name = "Familieafdelingen"
sector = "social"
"""


def open_store(settings: Settings) -> Store:
    """The store with the owner's role beside it, as `portal db upgrade` opens it."""
    owner = settings.environ.get(settings.database_owner_env, "")
    return Store(settings.database, settings.path("."), settings.municipality, owner)


def open_shop(settings: Settings) -> Shop:
    """Every service of one process; no schema is made."""
    store = Store(settings.database, settings.path("."), settings.municipality)
    vault = Vault(settings.data_keys)
    family = Family(settings, store, vault, EverybodyExists())  # type: ignore[arg-type]
    return Shop(
        settings=settings,
        store=store,
        vault=vault,
        family=family,
        consents=Consents(settings, store, family),
        comments=Comments(settings, store, family),
    )


def make_schema(settings: Settings) -> None:
    """The newest schema, by the owner's role."""
    store = open_store(settings)
    schema.upgrade(store)
    store.owning.dispose()
    store.engine.dispose()
