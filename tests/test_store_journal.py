"""Every no stands in the journal before anybody is told; a yes never does."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from msgspec import structs

from portal import keys
from portal.consent_state import Kind
from portal.journal import Journal, Unopened
from tests.store_world import Shop, proposal, who

pytest_plugins = ("tests.store_fixtures",)


@pytest.fixture
def engine() -> str:
    return "sqlite"


def file_of(shop: Shop) -> Path:
    (file,) = shop.settings.path(shop.settings.consents.journal).glob("*.journal")
    return file


def say_no(shop: Shop) -> int:
    home = shop.household()
    mette, _ = who(home)
    return shop.consents.withdraw(home.citizen.id, mette.id, "skole", True).seq


def test_every_no_is_kept_and_no_yes(shop: Shop) -> None:
    home = shop.household()
    mette, jonas = who(home)
    shop.consents.grant(home, mette.id, proposal(home, 0), "text", "da")
    shop.consents.withdraw(home.citizen.id, jonas.id, "skole", True)
    shop.consents.withdraw(home.citizen.id, mette.id, "skole", True)
    kept = list(Journal(shop.settings).read())
    assert [(s.by, s.kind, s.seq) for s in kept] == [
        (jonas.id, Kind.REFUSED, 2),
        (mette.id, Kind.WITHDRAWN, 3),
    ]
    assert {(s.citizen, s.actor) for s in kept} == {(home.citizen.id, "skole")}


def test_nobody_reads_it_without_the_keys(shop: Shop) -> None:
    say_no(shop)
    text = file_of(shop).read_text()
    assert "skole" not in text
    assert shop.household().citizen.id not in text
    assert file_of(shop).stat().st_mode & 0o077 == 0


def test_a_line_cut_off_by_a_crash_spoils_no_other(shop: Shop) -> None:
    first = say_no(shop)
    with file_of(shop).open("a") as out:
        out.write("\n0123abc")
    second = say_no(shop)
    assert [s.seq for s in Journal(shop.settings).read()] == [first, second]


@pytest.mark.parametrize("cut", [9, 40, 100, 150])
def test_a_long_line_that_was_cut_off_is_skipped_even_after_a_rotation(
    shop: Shop, cut: int
) -> None:
    first = say_no(shop)
    whole = file_of(shop).read_text().strip()
    with file_of(shop).open("a") as out:
        out.write(f"\n{whole[:cut]}")
    assert [s.seq for s in Journal(shop.settings).read()] == [first]
    second = say_no(shop)
    new = base64.b64decode(keys.new_data_key())
    both = structs.replace(shop.settings, data_keys=(new, *shop.settings.data_keys))
    for settings in (shop.settings, both):
        assert [s.seq for s in Journal(settings).read()] == [first, second]
    with file_of(shop).open("a") as out:
        out.write(f"\n{whole[:cut]}")
    assert Journal(both).reseal() == 2
    third = say_no(shop)
    assert [s.seq for s in Journal(both).read()] == [first, second, third]


def test_a_whole_line_that_no_key_opens_is_not_skipped(shop: Shop) -> None:
    say_no(shop)
    say_no(shop)
    other = structs.replace(shop.settings, data_keys=(base64.b64decode(keys.new_data_key()),))
    label = shop.vault.label.hex()
    with pytest.raises(Unopened, match=rf"^PORTAL_DATA_KEYS .*line 2, .*data key {label}, which"):
        list(Journal(other).read())
    text = file_of(shop).read_text()
    for at in (60, len(text) - 60):
        file_of(shop).write_text(text[:at] + ("0" if text[at] != "0" else "1") + text[at + 1 :])
        with pytest.raises(Unopened, match="was changed"):
            list(Journal(shop.settings).read())


def test_a_journal_that_cannot_be_written_undoes_nothing(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    shop.settings.path(shop.settings.consents.journal).parent.mkdir(exist_ok=True)
    shop.settings.path(shop.settings.consents.journal).write_text("a file, not a folder")
    seq = say_no(shop)
    assert [e.seq for e in shop.consents.events(shop.household().citizen.id)] == [seq]
    assert "not in the journal" in caplog.text
