"""A synthetic municipality as the portal itself would have stored it: about ten rows for each citizen.

Everything follows from the seed. Ids rise with the place of a household in the town, so
that they can be written in order; which household lives where is shuffled, so that the
same few are spread over the whole of any town.
"""

from __future__ import annotations

import base64
import hmac
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from math import gcd
from typing import Any, NamedTuple

import msgspec

from backend_stub.cast import CPR
from backend_stub.country import SIZE, Citizen, Country, Household
from portal.audit import Act, Line, moment
from portal.comments import Detail
from portal.consent_state import Grant, Kind
from portal.crypto import CitizenKey, Vault, token_hash
from portal.identity.session import Account, Session
from portal.records import Category
from portal.verifier import GENESIS, chain

Rows = dict[str, list[tuple[Any, ...]]]
SPACE = 1 << 128
GRANTED = frozenset({Category.CONTACTS, Category.MEETINGS, Category.INTERVENTIONS})
READS = {True: 8, False: 4}
"""Log lines of a child, and of an adult."""
LOG_DAYS = 700
SESSIONS = 10
"""One of so many citizens is logged in."""
LEAST_SESSIONS = 1000


class Town(NamedTuple):
    """So many citizens of the country, in one municipality; `at` is when their rows were written."""

    country: Country
    citizens: int
    tenant: str
    at: datetime

    @property
    def households(self) -> int:
        return self.citizens // SIZE

    @property
    def logged_in(self) -> int:
        """Households whose first adult has a session: the first ones."""
        return min(self.households, max(LEAST_SESSIONS, self.citizens // SESSIONS))

    def household_at(self, place: int) -> int:
        """Which household lives at a place; a fixed shuffle."""
        return place * self._stride % self.households

    def place_of(self, household: int) -> int:
        return household * pow(self._stride, -1, self.households) % self.households

    def id(self, household: int, slot: int) -> str:
        """The portal's id of a citizen: looks random, rises with her place."""
        number = self.place_of(household) * SIZE + slot
        step = SPACE // self.citizens
        inside = int.from_bytes(self._secret(f"id {household} {slot}")[:16], "big") % step
        return f"{number * step + inside:032x}"

    def token(self, household: int) -> str:
        """What the session cookie of a household's first adult holds."""
        return base64.urlsafe_b64encode(self._secret(f"session {household}")).decode().rstrip("=")

    def children(self, household: int) -> tuple[str, ...]:
        """The portal ids of a household's children."""
        found = self.country.household(household)
        return tuple(self.id(household, c.slot) for c in found.citizens if c.child)

    def secret(self, what: str, size: int = 32) -> bytes:
        """Bytes that follow from the seed."""
        return self._secret(what)[:size]

    def _secret(self, what: str) -> bytes:
        return hmac.digest(f"town {self.country.seed}".encode(), what.encode(), "sha256")

    @property
    def _stride(self) -> int:
        stride = max(1, round(self.households * 0.618))
        while gcd(stride, self.households) != 1:
            stride += 1
        return stride


class Clerk:
    """Writes the rows of one household after another, sealed as the portal seals them."""

    def __init__(self, town: Town, vault: Vault) -> None:
        self._town, self._vault = town, vault
        self._grant = self._granted(town.country.day)

    def rows(self, places: range) -> Rows:
        """Table -> rows in the order of its columns, for the households at these places."""
        found: Rows = defaultdict(list)
        for place in places:
            self._household(self._town.country.household(self._town.household_at(place)), found)
        return found

    def sessions(self, households: range) -> list[tuple[Any, ...]]:
        """The sessions of the first adults, as if they had logged in now."""
        return [self._session(number) for number in households]

    def _household(self, home: Household, found: Rows) -> None:
        ids = [self._town.id(home.number, slot) for slot in range(SIZE)]
        holders = [ids[c.slot] for c in home.custodians]
        for citizen in home.citizens:
            id, key = ids[citizen.slot], self._town.secret(f"key {citizen.number}")
            found["person"].append(self._person(citizen, id, key))
            own = CitizenKey(key)
            if citizen.child:
                found["consent_event"] += self._consents(citizen, id, own, holders)
                found["comment"] += self._comments(citizen, id, own, holders)
            readers = holders if citizen.child else [id]
            found["access_entry"] += self._log(citizen, id, own, readers)

    def _person(self, citizen: Citizen, id: str, key: bytes) -> tuple[Any, ...]:
        text = f"{CPR}|{citizen.cpr}"
        index = self._vault.index(f"{self._town.tenant}|{text}")
        identifier = self._vault.seal(text.encode(), f"identifier {id}")
        sealed = self._vault.seal(key, f"key {id}")
        return (id, self._town.tenant, index, identifier, sealed, "", self._town.at)

    def _consents(
        self, child: Citizen, id: str, key: CitizenKey, holders: list[str]
    ) -> Iterator[tuple[Any, ...]]:
        """One place that may see by everybody's yes, and one that may not (any longer)."""
        first, second = (f"sted-{(child.number + n) % 45}" for n in (0, 1))
        said = [(first, Kind.GRANTED, by) for by in holders]
        said += [(second, Kind.GRANTED, holders[0])]
        if len(holders) == 1:
            said += [(second, Kind.WITHDRAWN, holders[0])]
        for seq, (actor, kind, by) in enumerate(said, 1):
            granted = kind is Kind.GRANTED
            detail = key.seal(self._grant, f"consent {seq}") if granted else None
            yield (self._town.tenant, id, seq, actor, kind.value, by, self._past(seq), detail)

    def _comments(
        self, child: Citizen, id: str, key: CitizenKey, holders: list[str]
    ) -> Iterator[tuple[Any, ...]]:
        for n in range(3):
            text = f"Husk at ringe om torsdagen, {n + 1}. gang. {child.mark}"
            said = Detail(author=holders[n % len(holders)], persons=frozenset(holders), text=text)
            comment = self._town.secret(f"comment {child.number} {n}", 16).hex()
            detail = key.seal(msgspec.msgpack.encode(said), f"comment {comment} 1")
            yield (self._town.tenant, comment, 1, id, "", self._past(n), detail)

    def _log(
        self, citizen: Citizen, id: str, key: CitizenKey, readers: list[str]
    ) -> Iterator[tuple[Any, ...]]:
        tenant, previous, many = self._town.tenant, GENESIS, READS[citizen.child]
        for seq in range(1, many + 1):
            line = Line(act=Act.READ, person=readers[seq % len(readers)], categories=ALL)
            at = self._past((many - seq) * LOG_DAYS // many + citizen.number % 60)
            detail = key.seal(msgspec.msgpack.encode(line), f"{id}/{seq}")
            hash = chain(tenant, id, seq, moment(at), detail, previous)
            yield (tenant, id, seq, at, detail, previous, hash)
            previous = hash

    def _session(self, household: int) -> tuple[Any, ...]:
        adult = self._town.country.household(household).citizens[0]
        hashed = token_hash(self._town.token(household))
        account = Account(
            session=self._town.secret(f"session id {household}", 16).hex(),
            person=self._town.id(household, 0),
            subject=self._town.secret(f"subject {household}").hex(),
            name=adult.name,
            first_name=adult.first_name,
            auth_time=int(self._town.at.timestamp()),
        )
        data = msgspec.json.encode(Session(account=account, door="citizen"))
        sealed, at = self._vault.seal(data, f"session {hashed}"), datetime.now(UTC)
        person, subject = account.person, account.subject
        return (hashed, self._town.tenant, account.session, person, subject, "", sealed, at, at)

    def _past(self, days: float) -> datetime:
        return self._town.at - timedelta(days=days, hours=1)

    @staticmethod
    def _granted(day: date) -> bytes:
        grant = Grant(
            categories=GRANTED,
            owners=frozenset(f"sted-{i}" for i in range(5)),
            sources=frozenset(f"kilde-{i}" for i in range(5)),
            purpose="moede",
            start=day - timedelta(days=30),
            until=day + timedelta(days=180),
            age=9,
            text="Du siger ja til, at stedet må se kontakter, møder og hjælp, og kan sige nej igen.",
        )
        return msgspec.msgpack.encode(grant)


ALL = tuple(Category)
