"""Those who have no say: a grandfather, another municipality's employee, nobody, a grown child's mother."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from e2e.conftest import Visit
from e2e.deciding import overview_of
from e2e.test_caseworker import look_up


def test_a_grandfather_sees_only_himself(visit: Visit) -> None:
    mette, viggo = visit("mette"), visit("viggo")
    emil = overview_of(mette, "Emil")
    viggo.go("/overblik")
    expect(viggo.page.get_by_role("heading", level=1)).to_have_text("Mit overblik")
    for part in ("", "/moeder", "/samtykke", "/samtykke/ppr", "/hvem-har-set", "/kommentarer"):
        viggo.go(emil + part, status=404)
    received = viggo.everything_received()
    assert "Emil" not in received and "Sofie" not in received


def test_another_municipality_finds_nobody(visit: Visit) -> None:
    mette, steen = visit("mette"), visit()
    emil = overview_of(mette, "Emil")
    steen.log_in("steen")
    look_up(steen, "emil", status=404)
    steen.go(emil, status=404)
    assert "Emil" not in steen.everything_received()


def test_a_parent_is_not_staff_and_staff_is_no_parent(visit: Visit) -> None:
    mette, karin = visit("mette"), visit("karin")
    mette.go("/medarbejder", status=404)
    karin.go("/overblik", status=404)


def test_nobody_is_led_to_the_door(visit: Visit) -> None:
    mette, nobody = visit("mette"), visit()
    emil = overview_of(mette, "Emil")
    for path in ("/overblik", emil, f"{emil}/samtykke/ppr", "/konto", "/medarbejder"):
        nobody.page.goto(nobody.world.portal + path)
        assert nobody.page.url.startswith(nobody.world.idp)
    assert not nobody.context.cookies(nobody.world.portal)[0]["name"].endswith("session")


def test_the_mother_of_a_grown_child_sees_only_herself(visit: Visit) -> None:
    hanne, freja = visit("hanne"), visit("freja")
    freja.go("/overblik")
    own = freja.page.url.removeprefix(freja.world.portal)
    hanne.go("/overblik")
    expect(hanne.page.get_by_role("heading", level=1)).to_have_text("Mit overblik")
    hanne.go(own, status=404)
    assert not re.search("Freja", hanne.everything_received())


def test_a_fragment_is_no_page(visit: Visit) -> None:
    mette = visit("mette")
    emil = overview_of(mette, "Emil")
    mette.go("/del" + emil, status=400)
