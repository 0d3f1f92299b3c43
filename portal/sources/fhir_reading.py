"""What every FHIR mapping needs: who is behind a reference, who owns an entry, who may see it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from portal.records import Audience
from portal.settings import CPR_SYSTEM, SourceConfig
from portal.sources.fhir_answer import name_of
from portal.sources.fhir_graph import Graph, identifiers, kind_said, logical
from portal.sources.fhir_hours import hours
from portal.sources.fhir_modifiers import altered
from portal.sources.fhir_shape import (
    Json,
    clean,
    codings,
    first_text,
    human_name,
    obj,
    objs,
    runs,
    telecom,
    text,
    texts,
    web,
)
from portal.sources.marks import UNIT, Marks, Organization

AUDIENCE_TAGS = "urn:familieoverblik:audience"
WHAT_IT_IS = ("category", "type", "code", "serviceCategory", "serviceType", "appointmentType")
NO_CONTACT = frozenset(
    {"Patient", "RelatedPerson", "Location", "Device", "HealthcareService", "CareTeam"}
)
OPEN = frozenset[Audience]()
NOT_DECIDED = frozenset({"draft", "entered-in-error"})


class Who(msgspec.Struct, frozen=True):
    """A professional or an organisation, with the ways in."""

    key: str
    name: str
    title: str = ""
    phone: str = ""
    email: str = ""
    url: str = ""
    hours: str = ""
    address: str = ""
    organization: Organization | None = None
    audience: frozenset[Audience] = frozenset()
    running: bool = True
    """Whether they work there now, as far as is said."""


class Reading:
    """One answer being turned into records."""

    def __init__(self, config: SourceConfig, marks: Marks, graph: Graph) -> None:
        self.config, self.marks, self.graph = config, marks, graph
        self.zone = ZoneInfo(config.timezone)
        self._met: dict[bytes, Who | None] = {}

    def entry(
        self,
        resource: Json,
        part: str = "",
        *,
        concepts: Iterable[Json] = (),
        participant: Json | None = None,
        organization: Organization | None = None,
        audience: frozenset[Audience] = frozenset(),
    ) -> dict[str, Any]:
        """The fields of every Entry; `concepts` say more of what this part is.

        `participant`: the one it is about, where it is about one of several.
        """
        return self.marks.entry(
            name_of(resource) + part,
            organization or self.owner(resource, participant),
            self.kinds(resource, concepts),
            self.restrictions(resource) | audience,
            text(resource, "language"),
        )

    def kinds(self, resource: Json, concepts: Iterable[Json] = ()) -> frozenset[str]:
        said = [c for key in WHAT_IT_IS for c in objs(resource, key)]
        tags = {"coding": objs(obj(resource, "meta"), "tag")}
        found = self.marks.kinds(codings([*said, *concepts, tags]))
        if text(resource, "status") in NOT_DECIDED or proposed(resource):
            found |= {"application"}
        around = self._around(resource)
        return found | self.kinds(around) if around else found

    def restrictions(self, resource: Json) -> frozenset[Audience]:
        """The resource's own, and those of what it stands in."""
        around = self._around(resource)
        return restrictions(resource) | (restrictions(around) if around else frozenset())

    def _around(self, resource: Json) -> Json | None:
        return self.graph.around.get(name_of(resource)) if self.graph.around else None

    def owner(self, resource: Json, participant: Json | None = None) -> Organization | None:
        """In the contract's order; None is the source's own actor."""
        taking_part = objs(resource, "participant") if participant is None else [participant]
        own = next(self._owners(resource, taking_part), None)
        around = self._around(resource)
        return own or (self.owner(around) if around else None)

    def _owners(self, resource: Json, taking_part: list[Json]) -> Iterator[Organization]:
        for key in "author", "managingOrganization", "serviceProvider":
            for reference in objs(resource, key):
                if found := self.organization(reference, resource, only=key != "author"):
                    yield found
        for reference in self._performers(resource):
            if self._is_organization(reference, resource) and (
                found := self.organization(reference, resource)
            ):
                yield found
        for participant in taking_part:
            for key in "member", "actor", "individual":
                yield from self.taking_part(obj(participant, key), resource)

    def _performers(self, resource: Json) -> list[Json]:
        details = (obj(a, "detail") for a in objs(resource, "activity"))
        return [*objs(resource, "performer"), *(p for d in details for p in objs(d, "performer"))]

    def taking_part(self, reference: Json, holder: Json) -> Iterator[Organization]:
        """The organisation behind a participant's role."""
        role = self.graph.find(reference, holder) or {}
        if role.get("resourceType") == "PractitionerRole" and (
            found := self.organization(reference, holder)
        ):
            yield found

    def organization(
        self, reference: Json, holder: Json, *, only: bool = False
    ) -> Organization | None:
        """The organisation referred to, directly or through a role.

        `only`: the element can point to nothing else.
        """
        found = self.graph.find(reference, holder)
        if found and found.get("resourceType") == "PractitionerRole":
            return self.organization(obj(found, "organization"), found, only=True)
        known = logical(reference)
        if found and found.get("resourceType") == "Organization":
            name = text(found, "name") or display(reference)
            return Organization((*identifiers(found), *known), "" if restrictions(found) else name)
        if found or not self._is_organization(reference, holder, only=only):
            return None
        return Organization(known, display(reference)) if known or display(reference) else None

    def _is_organization(self, reference: Json, holder: Json, *, only: bool = False) -> bool:
        """By what it resolves to, else by what is said of it, else by whose identifier it has."""
        found = self.graph.find(reference, holder)
        if found:
            return found.get("resourceType") == "Organization"
        if said := kind_said(reference):
            return said == "Organization"
        known = logical(reference)
        ours = bool(self.marks.actor(Organization(known)))
        return only or ours or any(UNIT.fullmatch(i) for i in known)

    def who(self, reference: Json, holder: Json) -> Who | None:
        """A professional or organisation; None for family, devices and the nameless."""
        found = self.professional(reference, holder)
        return found if found and found.name else None

    def professional(self, reference: Json, holder: Json) -> Who | None:
        """As `who`, but nameless where somebody is meant who cannot be read, or not understood.

        Few people stand in many places: what is no holder's own is found out once.
        """
        if text(reference, "reference").startswith("#"):
            return self._professional(reference, holder)
        said = msgspec.json.encode(reference)
        if said not in self._met:
            self._met[said] = self._professional(reference, holder)
        return self._met[said]

    def _professional(self, reference: Json, holder: Json) -> Who | None:
        target = self.graph.local(text(reference, "reference"))
        found = self.graph.find(reference, holder) or {}
        kind = text(found, "resourceType") or kind_said(reference)
        if kind in NO_CONTACT or any(i.startswith(CPR_SYSTEM + "|") for i in logical(reference)):
            return None
        role, person, place = self._behind(reference, holder)
        who = _who(target, role, person, place)
        organization = self.organization(reference, holder)
        desk = who.title or (self.marks.name(organization) if organization else "")
        name = who.name or display(reference) or display(obj(role, "practitioner")) or desk
        if any(map(altered, (role, person, place))):
            name = ""
        if not (name or target or logical(reference)):
            return None
        return msgspec.structs.replace(who, name=name, organization=organization)

    def shut(self, reference: Json, holder: Json) -> bool:
        """Whether the role, the person or the place is kept from anybody, or not understood."""
        return any(restrictions(r) or altered(r) for r in self._behind(reference, holder))

    def _behind(self, reference: Json, holder: Json) -> tuple[Json, Json, Json]:
        """Role, person and place, each as far as it is known; a place is its own person."""
        found = self.graph.find(reference, holder) or {}
        if found.get("resourceType") != "PractitionerRole":
            return {}, found, found if found.get("resourceType") == "Organization" else {}
        person, place = (
            self.graph.find(obj(found, key), found) or {}
            for key in ("practitioner", "organization")
        )
        return found, person, place


def _who(key: str, role: Json, person: Json, place: Json) -> Who:
    points = [*objs(role, "telecom"), *objs(person, "telecom"), *objs(place, "telecom")]
    names = person.get("name")
    return Who(
        key=key,
        name=clean(names) if isinstance(names, str) else human_name(objs(person, "name")),
        title=first_text(objs(role, "code")) or first_text(objs(role, "specialty")),
        phone=telecom(points, "phone"),
        email=telecom(points, "email"),
        url=web(telecom(points, "url")),
        hours=hours(role),
        address=address(next(iter(objs(place, "address")), {})),
        audience=restrictions(role) | restrictions(person) | restrictions(place),
        running=runs(role) and not any(r.get("active") is False for r in (role, person)),
    )


def display(reference: Json) -> str:
    return text(reference, "display")


def address(found: Json) -> str:
    town = " ".join(t for t in (text(found, "postalCode"), text(found, "city")) if t)
    return text(found, "text") or ", ".join([*texts(found, "line"), *([town] if town else [])])


def proposed(resource: Json) -> bool:
    return text(resource, "intent") == "proposal"


def restrictions(resource: Json) -> frozenset[Audience]:
    """`meta.security` R and V, and the audience tags."""
    if not (meta := obj(resource, "meta")):
        return OPEN
    said = {text(c, "code") for c in objs(meta, "security")} & {"R", "V"}
    tags = (t for t in objs(meta, "tag") if text(t, "system") == AUDIENCE_TAGS)
    said |= {text(t, "code") for t in tags} & {a.value for a in Audience}
    return frozenset(Audience(s) for s in said)
