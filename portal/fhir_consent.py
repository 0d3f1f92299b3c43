"""A consent as FHIR R4 Consent: the receipt that machines read.

Source: HL7 FHIR R4 4.0.1 Consent; scope patient-privacy, and policyRule given
because invariant ppc-1 asks for policy or policyRule. Names no person: the
subject is the portal's random id.
"""

from __future__ import annotations

from typing import Any

from portal.consent_state import Event
from portal.handout_consent import ConsentReceipt

OWN = "urn:familieoverblik"
STATUS = {"active": "active", "pending": "proposed", "withdrawn": "inactive", "expired": "inactive"}


def as_fhir(receipt: ConsentReceipt, event: Event) -> dict[str, Any]:
    """One person's own yes to one actor; places are named as that person may know them."""
    grant = event.grant
    assert grant is not None
    return {
        "resourceType": "Consent",
        **_replaces(receipt),
        "status": STATUS.get(receipt.state, "proposed"),
        "scope": _coded("http://terminology.hl7.org/CodeSystem/consentscope", "patient-privacy"),
        "category": [_coded("http://loinc.org", "59284-0")],
        "patient": {"reference": f"{OWN}:citizen:{receipt.citizen.id}"},
        "dateTime": event.at.isoformat(timespec="seconds"),
        "performer": [{"reference": f"{OWN}:person:{event.by}"}],
        "policyRule": {"text": grant.text},
        "identifier": [_receipt(receipt.number)],
        "provision": _said(
            {
                "type": "permit",
                "period": {"start": grant.start.isoformat(), "end": grant.until.isoformat()},
                "purpose": [{"system": f"{OWN}:purpose", "code": grant.purpose}],
                "class": [
                    {"system": f"{OWN}:category", "code": c.value} for c in sorted(grant.categories)
                ],
                "code": [_coded(f"{OWN}:excluded-kind", name) for name in sorted(grant.excluded)],
                "actor": [
                    {
                        "role": _coded(
                            "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "IRCP"
                        ),
                        "reference": {
                            "identifier": {"system": f"{OWN}:actor", "value": receipt.place.id},
                            "display": receipt.place.name,
                        },
                    }
                ],
                "data": [
                    {
                        "meaning": "authoredby",
                        "reference": {
                            "identifier": {"system": f"{OWN}:actor", "value": owner.id},
                            "display": owner.name,
                        },
                    }
                    for owner in receipt.owners
                ],
            }
        ),
    }


def _said(element: dict[str, Any]) -> dict[str, Any]:
    """A list in FHIR's JSON is never empty (R4 2.6.2.1)."""
    return {name: value for name, value in element.items() if value}


def _replaces(receipt: ConsentReceipt) -> dict[str, Any]:
    """An extension of ours: HL7's own `replaces` is not for a Consent in R4."""
    if not receipt.replaces:
        return {}
    return {
        "extension": [
            {"url": f"{OWN}:replaces", "valueIdentifier": _receipt(receipt.replaces)},
        ]
    }


def _receipt(number: str) -> dict[str, str]:
    return {"system": f"{OWN}:receipt", "value": number}


def _coded(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}
