"""The bill of materials, CycloneDX 1.6 as JSON: `python -m supply.sbom FILE`, or `make sbom`."""

from __future__ import annotations

import base64
import sys
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from supply.parts import Part, locked


def bill() -> str:
    """Every locked package with its version, address, licence and hashes."""
    bom = Bom()
    root = Component(
        name="familieoverblik", type=ComponentType.APPLICATION, bom_ref="familieoverblik"
    )
    bom.metadata.component = root
    parts = [_component(p) for p in locked()]
    bom.components.update(parts)
    bom.register_dependency(root, [c for c in parts if c.scope is ComponentScope.REQUIRED])
    return JsonV1Dot6(bom).output_as_string(indent=1)


def _component(part: Part) -> Component:
    space, _, name = part.name.rpartition("/")
    url = PackageURL(part.kind, space or None, name, part.version)
    used = part.used in ("server", "browser")
    return Component(
        name=part.name,
        version=part.version,
        type=ComponentType.LIBRARY,
        purl=url,
        bom_ref=str(url),
        scope=ComponentScope.REQUIRED if used else ComponentScope.EXCLUDED,
        licenses=[LicenseExpression(part.licence)] if part.licence else [],
        hashes=[_hash(h) for h in part.hashes] if len(part.hashes) == 1 else [],
        properties=[Property(name="familieoverblik:used", value=part.used)]
        + [Property(name="familieoverblik:file-sha256", value=h) for h in part.hashes[1:]],
    )


def _hash(written: str) -> HashType:
    """npm writes sha512-<base64>, pip plain hex."""
    kind, _, value = written.rpartition("-")
    if kind == "sha512":
        return HashType(alg=HashAlgorithm.SHA_512, content=base64.b64decode(value).hex())
    return HashType(alg=HashAlgorithm.SHA_256, content=value)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(bill(), encoding="utf-8")
    print(f"{target}: {len(locked())} packages")
