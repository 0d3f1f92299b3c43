"""The same meeting from two systems is one; two meetings are never made one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from portal.merge import merge
from portal.records import Contact, Meeting, Plan

AT = datetime(2026, 6, 15, 9, tzinfo=UTC)


def meeting(key: str, source: str, owner: str = "fam", **more: object) -> Meeting:
    values = {"key": key, "source": source, "owner": owner, "title": key, "start": AT}
    return Meeting(**(values | more))  # type: ignore[arg-type]


def contact(key: str, source: str, name: str = "Karin", **more: object) -> Contact:
    values = {"key": key, "source": source, "owner": "fam", "name": name}
    return Contact(**(values | more))  # type: ignore[arg-type]


def test_the_same_uid_at_the_same_time_is_one_naming_both() -> None:
    one, other = meeting("a", "s1", uid="u"), meeting("b", "s2", "ppr", uid="u", place="Rådhuset")
    (found,) = merge([one, other], ())
    assert (found.key, found.also) == ("a", (("s2", "ppr"),))
    assert isinstance(found, Meeting) and found.place == "Rådhuset", (
        "what only the second knows is kept"
    )


def test_overlapping_actors_at_the_same_start_are_one() -> None:
    assert len(merge([meeting("a", "s1"), meeting("b", "s2")], ())) == 1
    named = meeting("b", "s2", "ppr", actors=("fam",))
    assert len(merge([meeting("a", "s1"), named], ())) == 1
    assert len(merge([named, meeting("a", "s1")], ())) == 1


def test_what_is_not_the_same_stays_apart() -> None:
    for other in (
        meeting("b", "s2", "ppr"),
        meeting("b", "s2", start=AT + timedelta(minutes=1)),
        meeting("b", "s1"),
        meeting("b", "s2", "ppr", uid=""),
        meeting("b", "s2", "ppr", uid="another"),
    ):
        assert len(merge([meeting("a", "s1", uid="u"), other], ())) == 2, other


def test_the_same_uid_on_another_day_is_another_meeting() -> None:
    week = [meeting(str(d), "s1", uid="u", start=AT + timedelta(days=7 * d)) for d in range(3)]
    assert merge(week, ()) == tuple(week)


def test_a_source_that_is_kept_apart_is_kept_apart() -> None:
    assert len(merge([meeting("a", "s1"), meeting("b", "s2")], {"s2"})) == 2
    assert len(merge([meeting("b", "s2"), meeting("a", "s1")], {"s2"})) == 2


def test_the_same_time_in_another_zone_is_the_same_time() -> None:
    from zoneinfo import ZoneInfo

    local = meeting("b", "s2", start=AT.astimezone(ZoneInfo("Europe/Copenhagen")))
    assert len(merge([meeting("a", "s1"), local], ())) == 1


def test_contacts_with_one_name_at_one_place_are_one() -> None:
    both = merge([contact("a", "s1", phone="1"), contact("b", "s2", "KARIN", email="k@x")], ())
    assert len(both) == 1
    assert (both[0].phone, both[0].email) == ("1", "k@x")
    assert len(merge([contact("a", "s1", ""), contact("b", "s2", "")], ())) == 2
    assert len(merge([contact("a", "s1"), contact("b", "s2", owner="ppr")], ())) == 2


def test_three_systems_are_named_all() -> None:
    (found,) = merge(
        [meeting(k, s, uid="u") for k, s in (("a", "s1"), ("b", "s2"), ("c", "s3"))], ()
    )
    assert found.also == (("s2", "fam"), ("s3", "fam"))


def test_two_meetings_of_one_system_are_never_one() -> None:
    """Both may be what the other system tells of, but not both at once."""
    school, one, two = meeting("a", "s1"), meeting("b", "s2", uid="u"), meeting("c", "s2", uid="v")
    for order in permutations((school, one, two)):
        found = merge(order, ())
        assert len(found) == 2
        assert all(len({e.source, *(s for s, _ in e.also)}) == 1 + len(e.also) for e in found)


def test_what_one_is_sure_of_is_sure_and_cancelled_is_cancelled() -> None:
    sure, unsure = meeting("a", "s1"), meeting("b", "s2", tentative=True, all_day=True)
    off = meeting("c", "s3", cancelled=True)
    for order in permutations((sure, unsure, off)):
        (found,) = merge(order, ())
        assert isinstance(found, Meeting)
        assert (found.tentative, found.all_day, found.cancelled) == (False, False, True)


def test_an_organisation_nobody_configured_is_one_whoever_tells_of_it() -> None:
    clinic = contact("a", "s1", "Lægehuset", by="Lægehuset ved Åen")
    same = contact("b", "s2", "lægehuset", owner="ppr", by="Lægehuset ved åen", phone="1")
    other = contact("c", "s2", "Lægehuset", by="Lægehuset i Byen")
    (found, apart) = merge([clinic, same, other], ())
    assert (found.key, found.also, getattr(found, "phone", "")) == ("a", (("s2", "ppr"),), "1")
    assert apart == other


meetings = st.builds(
    meeting,
    key=st.sampled_from("abc"),
    source=st.sampled_from(["s1", "s2", "s3"]),
    owner=st.sampled_from(["fam", "ppr"]),
    uid=st.sampled_from(["", "u", "v"]),
    start=st.sampled_from([AT, AT + timedelta(hours=1)]),
)
contacts = st.builds(
    contact,
    key=st.sampled_from("de"),
    source=st.sampled_from(["s1", "s2", "s3"]),
    name=st.sampled_from(["", "Karin", "KARIN", "Bo"]),
    owner=st.sampled_from(["fam", "ppr"]),
    by=st.sampled_from(["", "Klinik"]),
)
plans = st.builds(
    Plan, key=st.sampled_from("xy"), source=st.just("s1"), owner=st.just("fam"), title=st.just("P")
)


@given(st.lists(st.one_of(meetings, contacts, plans), max_size=8))
def test_what_was_joined_was_alike_and_stays_joined(entries: list) -> None:
    found = merge(entries, ())
    assert merge(found, ()) == found, "nothing is left to join"
    for one in (e for e in found if isinstance(e, Meeting)):
        alike = [e for e in entries if isinstance(e, Meeting) and e.start == one.start]
        uids = {e.uid for e in alike}
        told = [s for s, _ in one.also]
        assert len({one.source, *told}) == 1 + len(told) or uids != {""}


@given(st.lists(st.one_of(meetings, contacts, plans), max_size=8))
def test_nothing_is_lost_and_nothing_is_invented(entries: list) -> None:
    found = merge(entries, ())
    sources = sorted([(e.source, e.owner) for e in found] + [a for e in found for a in e.also])
    assert sources == sorted((e.source, e.owner) for e in entries)
    assert merge(entries, {"s1", "s2", "s3"}) == tuple(entries)
    assert [e for e in found if isinstance(e, Plan)] == [e for e in entries if isinstance(e, Plan)]


def test_the_same_uid_counts_before_what_only_looks_alike() -> None:
    """Else a meeting that took on a UID would have a twin left that has it, too."""
    at = datetime(2026, 6, 15, 10, 0, tzinfo=UTC)
    bare = Meeting(key="a", source="s1", owner="ppr", title="a", start=at)
    first = Meeting(key="b", source="s1", owner="fam", title="b", start=at, uid="u")
    second = Meeting(key="c", source="s2", owner="ppr", title="c", start=at, uid="u")
    found = merge([bare, first, second], ())
    assert [(e.key, e.also) for e in found] == [("a", ()), ("b", (("s2", "ppr"),))]
