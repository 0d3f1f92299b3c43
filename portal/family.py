"""Who belongs to whom, from the register; and the portal's own ids for people.

What a user types is never believed. A custody fact is used for at most
`register.max_age` seconds; when the register is down nothing new is opened.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

import msgspec
from sqlalchemy import RowMapping, insert, select, update
from sqlalchemy.exc import IntegrityError

from portal.access import Facts, today_in_copenhagen
from portal.crypto import CitizenKey, Vault, new_id
from portal.db import Store, Task, now
from portal.held import NOTHING, Held, held
from portal.lasting import Lasting
from portal.lately import Lately
from portal.models import person
from portal.records import Person
from portal.settings import CPR_SYSTEM, Settings
from portal.sources.register import Register, RegisterDown, Registered

__all__ = ["Family", "Known", "RegisterDown", "UnknownPerson"]

SEPARATOR = "|"
UNKNOWN = object()
"""Not asked lately; None is an answer."""
NOBODY = "0" * 32
"""The chain on which attempts to open an id that does not exist are logged, as others are."""


class UnknownPerson(Exception):
    """The register does not know this person."""


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A person with the portal's id (never a CPR) and what the register says."""

    id: str
    person: Person
    patient: str

    @property
    def first_name(self) -> str:
        return self.person.name.split(" ")[0] if self.person.name else ""


class Household(msgspec.Struct, frozen=True, kw_only=True):
    """One citizen with everything the rules need: facts, and who the custody holders are."""

    citizen: Known
    custodians: tuple[Known, ...] | None
    facts: Facts
    held: Held = NOTHING
    """What the database held about her when this was put together."""


class _Row(msgspec.Struct, frozen=True):
    id: str
    system: str
    value: str
    key: CitizenKey | None

    @property
    def text(self) -> str:
        return f"{self.system}{SEPARATOR}{self.value}"


class Family:
    """The register, remembered for a minute, joined with our own ids."""

    def __init__(self, settings: Settings, store: Store, vault: Vault, register: Register) -> None:
        self._tenant = settings.municipality
        self._store, self._vault, self._register = store, vault, register
        self._lasting = Lasting(store, vault, self._tenant)
        self._rows: Lately[str, _Row] = Lately(settings.register.max_age)
        """By id and by keyed hash: so long does an erased key live on here."""
        self._memory: Lately[tuple[str, str], object] = Lately(settings.register.max_age)

    def identify(self, system: str, value: str) -> Known:
        """The person with this identifier, enrolled if new.

        Raises UnknownPerson, RegisterDown.
        """
        found = self._register.person(system, value)
        if found is None:
            raise UnknownPerson
        text = f"{system}{SEPARATOR}{value}"
        return self._known(found, self._ids([text])[text])

    def known(self, citizen: str, fresh: bool = False) -> Known:
        """The person behind one of our ids. Raises UnknownPerson, RegisterDown."""
        row = self._row(citizen)
        found = self._remember(
            ("person", citizen), lambda: self._register.person(row.system, row.value), fresh
        )
        if not isinstance(found, Registered):
            raise UnknownPerson
        return Known(id=citizen, person=found.person, patient=found.patient)

    def children(self, adult: str, fresh: bool = False) -> tuple[Known, ...]:
        """Those for whom the adult holds custody, eldest first. Raises RegisterDown."""
        row = self._row(adult)
        known = self._remember(
            ("children", adult),
            lambda: self._enrol(self._register.in_custody_of(row.system, row.value)),
            fresh,
        )
        assert isinstance(known, tuple)
        return tuple(sorted((k for k in known if k), key=lambda k: (str(k.person.born), k.id)))

    def household(
        self, citizen: str, fresh: bool = False, known_held: Held | None = None
    ) -> Household:
        """A citizen, custody and age as they are now. Raises UnknownPerson, RegisterDown.

        `known_held`: what the database holds, for a caller that makes sure of it when it logs.
        """
        known = self.known(citizen, fresh)
        found = self._remember(
            ("custodians", citizen), lambda: self._register.custodians_of(known.patient), fresh
        )
        custodians = self._custodians(found) if isinstance(found, tuple) else None
        now_held = self._held_about(citizen) if known_held is None else known_held
        facts = Facts(
            citizen=citizen,
            born=known.person.born,
            deceased=known.person.deceased,
            custodians=None if custodians is None else frozenset(c.id for c in custodians),
            closed=now_held.closed,
            today=today_in_copenhagen(now()),
        )
        return Household(citizen=known, custodians=custodians, facts=facts, held=now_held)

    def key(self, citizen: str) -> CitizenKey:
        """The citizen's own key. Raises UnknownPerson when she is unknown or erased."""
        key = self._lasting.nobodys() if citizen == NOBODY else self._row(citizen).key
        if key is None:
            raise UnknownPerson
        return key

    def language(self, citizen: str) -> str:
        """The language she chose last, on any device; empty when she never chose."""
        with self._store.read(citizen) as c:
            found = c.execute(select(person.c.language).where(person.c.id == citizen)).scalar()
        return found or ""

    def chose_language(self, citizen: str, language: str) -> None:
        """Remember it for her next login."""
        with self._store.write(citizen) as c:
            c.execute(update(person).where(person.c.id == citizen).values(language=language))

    def enrolled(self, system: str, value: str) -> str | None:
        """The id of somebody we have met already; asks no register, and enrols nobody."""
        found = list(self._find([f"{system}{SEPARATOR}{value}"]).values())
        return found[0].id if found else None

    def exists(self, citizen: str) -> bool:
        """Whether the id is one of ours."""
        try:
            self._row(citizen)
        except UnknownPerson:
            return False
        return True

    def _custodians(self, found: Iterable[object]) -> tuple[Known, ...] | None:
        """Those alive; None when one of them cannot be told apart: then custody counts as unknown."""
        people = [p for p in found if isinstance(p, Person)]
        known = []
        for enrolled in self._enrol([Registered(person=p, patient="") for p in people]):
            if enrolled is None:
                return None
            try:
                known.append(self.known(enrolled.id))
            except UnknownPerson:
                known.append(enrolled)
        return tuple(k for k in known if not k.person.deceased)  # death ends custody

    def _enrol(self, found: Sequence[Registered]) -> tuple[Known | None, ...]:
        """These with our ids; None for one without an identifier."""
        named = [_identifier(f.person) for f in found]
        ids = self._ids([n for n in named if n])
        return tuple(
            self._known(f, ids[n]) if n else None for f, n in zip(found, named, strict=True)
        )

    def _known(self, found: Registered, id: str) -> Known:
        if found.patient:
            self._memory.put(("person", id), found)
        return Known(id=id, person=found.person, patient=found.patient)

    def _ids(self, named: Collection[str]) -> dict[str, str]:
        """Our ids by "system|value"; all that are not known lately are looked up at once."""
        rows = {text: self._rows.get(self._index(text), None) for text in named}
        absent = [text for text, row in rows.items() if row is None]
        if absent:
            met = self._find(absent)
            for text in absent:
                rows[text] = row = met.get(text) or self._add(text)
                self._keep(row)
        return {text: row.id for text, row in rows.items() if row}

    def _index(self, text: str) -> str:
        return self._vault.index(f"{self._tenant}{SEPARATOR}{text}")

    def _keep(self, row: _Row) -> None:
        """Under both of its names; without her key nothing is known under her id."""
        self._rows.put(self._index(row.text), row)
        if row.key:
            self._rows.put(row.id, row)

    def _find(self, texts: Sequence[str]) -> dict[str, _Row]:
        """By the hash under any data key still held: a new key must not make a new person."""
        indexes = [i for t in texts for i in self._vault.indexes(f"{self._tenant}{SEPARATOR}{t}")]
        with self._store.read(task=Task.FIND, keys=indexes) as c:
            where = (person.c.tenant == self._tenant) & person.c.index.in_(indexes)
            found = c.execute(select(person).where(where)).mappings().all()
        return {row.text: row for row in map(self._opened, found)}

    def _add(self, text: str) -> _Row:
        id, key = new_id(), self._vault_key()
        values = {
            "id": id,
            "tenant": self._tenant,
            "index": self._index(text),
            "identifier": self._vault.seal(text.encode(), f"identifier {id}"),
            "key": self._vault.seal(key, f"key {id}"),
            "created": now(),
        }
        try:
            with self._store.write(id) as c:
                c.execute(insert(person).values(**values))
        except Exception as e:
            if not isinstance(e.__cause__, IntegrityError):
                raise
            return self._find([text])[text]  # another worker enrolled the same person first
        system, _, value = text.partition(SEPARATOR)
        return _Row(id, system, value, CitizenKey(key))

    @staticmethod
    def _vault_key() -> bytes:
        return bytes.fromhex(new_id() + new_id())

    def _row(self, citizen: str) -> _Row:
        row = self._rows.get(citizen, None)
        if row is None:
            with self._store.read(citizen) as c:
                where = (person.c.tenant == self._tenant) & (person.c.id == citizen)
                found = c.execute(select(person).where(where)).mappings().first()
            if found is None or not found["key"]:  # erased: nothing tells who she was
                raise UnknownPerson
            row = self._opened(found)
            self._keep(row)
        return row

    def _opened(self, row: RowMapping) -> _Row:
        id = row["id"]
        text = self._vault.open(row["identifier"], f"identifier {id}").decode()
        system, _, value = text.partition(SEPARATOR)
        key = CitizenKey(self._vault.open(row["key"], f"key {id}")) if row["key"] else None
        return _Row(id, system, value, key)

    def _held_about(self, citizen: str) -> Held:
        with self._store.read(citizen) as c:
            return held(c, citizen)

    def _remember(self, what: tuple[str, str], ask: Callable[[], object], fresh: bool) -> object:
        value = UNKNOWN if fresh else self._memory.get(what, UNKNOWN)
        if value is UNKNOWN:
            value = ask()
            self._memory.put(what, value)
        return value


def _identifier(found: Person) -> str:
    """By what the portal tells her apart, as "system|value"; empty when she has nothing of the kind."""
    system = CPR_SYSTEM if CPR_SYSTEM in found.identifiers else next(iter(found.identifiers), "")
    return f"{system}{SEPARATOR}{found.identifiers[system]}" if system else ""
