"""The auditor's one file, rule by rule: what a log, a checkpoint and an export must be like to hold."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from portal import verifier
from portal.verifier import Chains, Head, Known, Row, Sealed, Untrue
from tests.tampering import TENANT

KEY = Ed25519PrivateKey.generate()
ANNA, BENT, CARL = ("a" * 32, "b" * 32, "c" * 32)
NOON = datetime.fromisoformat("2026-03-10T12:00:00+00:00")
GONE = "the whole chain is gone"
NO_CHECKPOINT = "there is no signed checkpoint"


def at(minutes: float) -> str:
    return (NOON + timedelta(minutes=minutes)).isoformat(timespec="microseconds")


def lines(citizen: str, count: int, first: float = 0) -> list[Row]:
    """So many lines of one chain, a minute between them, hashed by hand (decision 11)."""
    out: list[Row] = []
    for n in range(1, count + 1):
        before = out[-1].hash if out else bytes(32)
        row = Row(citizen, n, at(first + n), f"{citizen} {n}".encode(), before, b"")
        out.append(row._replace(hash=by_hand(row)))
    return out


def by_hand(row: Row) -> bytes:
    place = f"{TENANT}\x1f{row.citizen}\x1f{row.seq}\x1f{row.at}".encode()
    return hashlib.sha256(row.previous + hashlib.sha256(place).digest() + row.detail).digest()


def head(row: Row) -> Head:
    return Head(row.seq, row.hash)


def signed(*rows: Row, when: float = 100, **more: object) -> Sealed:
    """A first checkpoint over these lines, each its chain's newest."""
    heads = {r.citizen: head(r) for r in rows}
    values = {"tenant": TENANT, "number": 1, "at": at(when), "digest": "d", "heads": heads}
    return Sealed(**(values | {"known": Known(1, "d")} | more))  # type: ignore[arg-type]


def checked(sealed: Sealed, log: Sequence[Row], young: bool = False) -> Chains:
    chains = Chains(sealed, young)
    for row in log:
        chains.add(row)
    assert chains.finish() == tuple(chains.faults)
    return chains


def faults(sealed: Sealed, log: Sequence[Row], young: bool = False) -> list[tuple[str, int, str]]:
    return [tuple(f) for f in checked(sealed, log, young).faults]  # type: ignore[misc]


# --- a log against what is signed ---


def test_a_chain_begins_at_one_with_nothing_before_it() -> None:
    anna = lines(ANNA, 3)
    assert bytes(32) == verifier.GENESIS == anna[0].previous
    assert faults(signed(anna[2]), anna) == []
    assert faults(signed(), []) == []
    found = faults(signed(anna[2]), anna[1:])
    assert found == [(ANNA, 2, "expected number 1")]
    other = anna[0]._replace(previous=bytes(31) + b"x")
    other = other._replace(hash=by_hand(other))
    assert faults(signed(other), [other]) == [(ANNA, 1, "does not follow the line before it")]


def test_each_line_follows_the_one_before_it() -> None:
    a1, a2, a3 = lines(ANNA, 3)
    assert faults(signed(a3), [a1, a3]) == [(ANNA, 3, "expected number 2")]
    loose = a2._replace(previous=bytes(32))
    loose = loose._replace(hash=by_hand(loose))
    assert faults(signed(loose), [a1, loose]) == [(ANNA, 2, "does not follow the line before it")]
    for field, value in (("at", at(99)), ("detail", b"x"), ("hash", bytes(32))):
        changed = a2._replace(**{field: value})
        found = faults(signed(a3), [a1, changed, a3])
        assert found[0] == (ANNA, 2, "was changed")


def test_a_fault_is_told_where_it_is_and_the_rest_is_checked_on() -> None:
    anna, bent = lines(ANNA, 3), lines(BENT, 4)
    spoiled = [
        *anna,
        bent[0]._replace(detail=b"x"),
        bent[1],
        bent[2]._replace(detail=b"y"),
        bent[3],
    ]
    assert faults(signed(anna[2], bent[3]), spoiled) == [
        (BENT, 1, "was changed"),
        (BENT, 3, "was changed"),
    ]


def test_what_was_signed_must_be_there_and_be_that_line() -> None:
    anna, bent = lines(ANNA, 3), lines(BENT, 2)
    sealed = signed(anna[2], bent[1])
    assert faults(sealed, anna) == [(BENT, 0, GONE)]
    assert faults(sealed, [*anna[:2], *bent]) == [(ANNA, 2, "is the last line, but 3 were signed")]
    assert faults(sealed, [*anna, bent[0]]) == [(BENT, 1, "is the last line, but 2 were signed")]
    rewritten = lines(ANNA, 5, first=0.5)
    told = faults(sealed, [*rewritten, *bent])
    assert (ANNA, 3, "is not the line that was signed") in told
    assert [f for f in told if f[1] < 3] == []
    assert faults(sealed, [*anna, *bent]) == []


def test_a_chain_that_stands_twice_is_said() -> None:
    anna, bent = lines(ANNA, 2), lines(BENT, 1)
    found = faults(signed(anna[1], bent[0]), [*anna, *bent, *anna])
    assert found == [(ANNA, 1, "the chain stands twice")]


def test_lines_of_nobody_are_a_chain_too() -> None:
    """Names are what the file says they are: even an empty one is checked from its first line on."""
    nobody = lines("", 2)
    assert faults(signed(nobody[1]), nobody) == []
    assert faults(signed(nobody[1]), nobody[1:]) == [("", 2, "expected number 1")]
    assert faults(signed(nobody[1]), nobody[:1]) == [("", 1, "is the last line, but 2 were signed")]


def test_what_no_checkpoint_covers_is_counted() -> None:
    anna, bent = lines(ANNA, 4, first=200), lines(BENT, 2, first=150)
    found = checked(signed(anna[1]), [*anna, *bent])
    assert (found.count, found.unsigned, found.faults) == (6, 4, [])
    assert found.waiting == at(151)
    found = checked(signed(anna[3], bent[1]), [*anna, *bent])
    assert (found.count, found.unsigned, found.waiting) == (6, 0, "")
    assert Chains(signed()).waiting == ""
    assert (Chains(signed()).count, Chains(signed()).unsigned) == (0, 0)


def test_a_line_from_before_a_checkpoint_must_be_under_it() -> None:
    """Two minutes are left for what was being written just then."""
    for minutes, fine in ((-2, True), (-2.001, False), (0, True), (-3, False), (-1.001, True)):
        (row,) = lines(ANNA, 1, first=99 + minutes)
        late = [] if fine else [(ANNA, 1, "is older than the checkpoint that should hold it")]
        assert faults(signed(when=100), [row]) == late, minutes


def test_a_log_must_have_a_checkpoint_unless_it_is_young_or_empty() -> None:
    anna, bare = lines(ANNA, 1), Sealed(TENANT)
    assert faults(bare, anna) == [("", 0, NO_CHECKPOINT)]
    assert faults(bare, anna, young=True) == []
    assert faults(bare, []) == []


def test_a_checkpoint_is_as_new_as_the_database_says() -> None:
    anna = lines(ANNA, 1)
    newer = signed(anna[0], known=Known(2, "e"))
    assert faults(newer, anna) == [("", 0, "checkpoint 2 was made, but the newest here is 1")]
    other = signed(anna[0], known=Known(1, "e"))
    assert faults(other, anna) == [("", 0, "checkpoint 1 is not the one that was made")]
    same = signed(anna[0])
    assert same.known.missing(same) == ""
    older = signed(anna[0], number=3, known=Known(2, "e"))
    assert faults(older, anna) == []  # written to the second place, not told to the database yet
    assert (Known().number, Known().digest) == (0, "")


def test_a_chain_whose_oldest_lines_were_cut_begins_where_a_checkpoint_says() -> None:
    anna = lines(ANNA, 6)
    sealed = signed(anna[5], begins={ANNA: head(anna[3])})
    assert faults(sealed, anna[3:]) == []
    assert faults(sealed, anna[2:]) == []  # cut in part
    assert faults(sealed, anna) == []
    assert faults(sealed, anna[4:]) == [(ANNA, 5, "expected number 1")]
    other = lines(ANNA, 6, first=0.5)
    found = faults(sealed, other[3:])
    assert (ANNA, 4, "is not the line with which the chain begins") in found
    assert [n for _, n, _ in found] == [4, 6]
    missing = faults(sealed, [anna[2], *anna[4:]])
    assert missing == [(ANNA, 5, "expected number 4")]


# --- checkpoints ---


def statement(number: int = 1, full: bool = True, **more: object) -> dict[str, object]:
    return {
        "format": "familieoverblik-checkpoint-1",
        "tenant": TENANT,
        "number": number,
        "at": at(number),
        "full": full,
        "previous": "",
        "heads": [],
        **more,
    }


def put(said: object, key: Ed25519PrivateKey = KEY) -> tuple[bytes, bytes]:
    body = json.dumps(said).encode()
    return body, key.sign(body)


def folded(*said: dict[str, object]) -> Sealed:
    """These statements, each naming the one before it (unless it names another)."""
    pairs: list[tuple[bytes, bytes]] = []
    for one in said:
        previous = hashlib.sha256(pairs[-1][0]).hexdigest() if pairs else ""
        pairs.append(put({**one, "previous": one["previous"] or previous}))
    return verifier.fold(TENANT, pairs, KEY.public_key())


def heads(**seqs: int) -> list[tuple[str, int, str]]:
    return [(citizen, seq, f"{seq:064x}") for citizen, seq in seqs.items()]


def known_heads(**seqs: int) -> dict[str, Head]:
    return {citizen: Head(seq, seq.to_bytes(32, "big")) for citizen, seq in seqs.items()}


def test_nothing_is_signed_by_no_checkpoint() -> None:
    bare = folded()
    assert (bare.tenant, bare.number, bare.at, bare.digest) == (TENANT, 0, "", "")
    assert (bare.heads, bare.begins, bare.known) == ({}, {}, Known())


def test_a_checkpoint_says_what_every_chain_had_reached() -> None:
    pair = put(statement(heads=heads(a=3, b=1), begins=heads(a=2)))
    found = verifier.follow(Sealed(TENANT, known=Known(7, "k")), *pair, KEY.public_key())
    assert (found.tenant, found.number, found.at) == (TENANT, 1, at(1))
    assert found.digest == hashlib.sha256(pair[0]).hexdigest()
    assert (found.heads, found.begins) == (known_heads(a=3, b=1), known_heads(a=2))
    assert found.known == Known(7, "k")


def test_the_next_one_adds_to_it_or_says_all_anew() -> None:
    first = statement(heads=heads(a=3, b=1), begins=heads(a=2))
    grown = folded(first, statement(2, full=False, heads=heads(b=4, c=1), begins=heads(b=3)))
    assert (grown.number, grown.heads) == (2, known_heads(a=3, b=4, c=1))
    assert grown.begins == known_heads(a=2, b=3)
    whole = folded(first, statement(2, heads=heads(a=3, b=1), begins=heads(b=1)))
    assert (whole.heads, whole.begins) == (known_heads(a=3, b=1), known_heads(b=1))
    steady = folded(first, statement(2, full=False))
    assert (steady.heads, steady.begins) == (known_heads(a=3, b=1), known_heads(a=2))


FIRST = statement(heads=heads(a=3, b=1))
REFUSED = [
    ([statement(tenant="0810")], "checkpoint 1 speaks of municipality 0810"),
    ([statement(full=False)], "checkpoint 1 stands without those before it"),
    ([FIRST, statement(3)], "checkpoint 3 does not follow 1"),
    ([FIRST, statement(1)], "checkpoint 1 does not follow 1"),
    ([FIRST, statement(2, previous="x")], "checkpoint 2 does not follow 1"),
    ([FIRST, statement(2, heads=heads(a=2, b=1))], "checkpoint 2 takes lines back"),
    ([FIRST, statement(2, False, heads=heads(a=2))], "checkpoint 2 takes lines back"),
    ([FIRST, statement(2, heads=heads(a=3))], "checkpoint 2 leaves chains out"),
    ([statement(begins=heads(a=1))], "checkpoint 1 lets a chain begin after its end"),
    ([FIRST, statement(2, False, begins=heads(a=4))], "checkpoint 2 lets a chain begin after its"),
    ([FIRST, statement(2, False, begins=heads(c=1))], "checkpoint 2 lets a chain begin after its"),
    ([statement(format="another")], "the checkpoint after 0 cannot be read"),
    ([FIRST, {**statement(2), "heads": None}], "the checkpoint after 1 cannot be read"),
    ([FIRST, {**statement(2), "heads": [("a", 1)]}], "the checkpoint after 1 cannot be read"),
    ([FIRST, {**statement(2), "heads": [("a", 1, "xy")]}], "the checkpoint after 1 cannot be read"),
]


@pytest.mark.parametrize(("said", "why"), REFUSED)
def test_a_checkpoint_that_cannot_follow_is_refused(
    said: list[dict[str, object]], why: str
) -> None:
    with pytest.raises(Untrue, match=f"^{why}"):
        folded(*said)


def back(number: int, lines: int, chains: int) -> tuple[int, str, str, int, int]:
    return number, at(number), at(0.5), lines, chains


RESTORED = statement(2, heads=heads(a=1), restored=[back(2, 3, 2)])
UNTOLD = "checkpoint {} does not tell what was lost"
UNTRUE_RESTORES = [
    ([FIRST, statement(2, heads=heads(a=1), restored=[back(2, 2, 2)])], UNTOLD.format(2)),
    ([FIRST, statement(2, heads=heads(a=1), restored=[back(2, 3, 1)])], UNTOLD.format(2)),
    ([FIRST, statement(2, heads=heads(a=1), restored=[back(1, 3, 2)])], UNTOLD.format(2)),
    ([FIRST, statement(2, False, heads=heads(a=1), restored=[back(2, 3, 2)])], UNTOLD.format(2)),
    ([FIRST, RESTORED, statement(3, heads=heads(a=2))], "checkpoint 3 forgets that a backup"),
    (
        [FIRST, RESTORED, statement(3, heads=heads(a=0), restored=[back(3, 1, 1)])],
        "checkpoint 3 forgets that a backup",
    ),
    (
        [FIRST, RESTORED, statement(3, heads=[], restored=[back(2, 3, 2)])],
        "checkpoint 3 leaves chains out",
    ),
    (
        [FIRST, RESTORED, statement(3, False, heads=heads(a=0), restored=[back(2, 3, 2)])],
        "checkpoint 3 takes lines back",
    ),
]


@pytest.mark.parametrize(("said", "why"), UNTRUE_RESTORES)
def test_a_restore_that_does_not_say_what_was_lost_is_untrue(
    said: list[dict[str, object]], why: str
) -> None:
    with pytest.raises(Untrue, match=f"^{why}"):
        folded(*said)


def test_a_restore_takes_lines_back_and_says_so_for_good() -> None:
    fact = verifier.Restored(*back(2, 3, 2))
    found = folded(FIRST, RESTORED)
    assert (found.heads, found.restored) == (known_heads(a=1), (fact,))
    more = statement(3, False, heads=heads(a=2, b=1), restored=[back(2, 3, 2)])
    grown = folded(FIRST, RESTORED, more)
    assert (grown.heads, grown.restored) == (known_heads(a=2, b=1), (fact,))
    second = statement(4, heads=heads(a=2), restored=[back(2, 3, 2), back(4, 1, 1)])
    twice = folded(FIRST, RESTORED, more, second)
    assert [r.number for r in twice.restored] == [2, 4]
    assert folded(RESTORED).restored == (fact,)  # the first that is here
    told = list(verifier.report(found, checked(found, []), at(3)))
    assert told[1] == (
        f"restored at checkpoint 2, {at(2)}, from a backup of {at(0.5)}: "
        "3 signed lines of 2 chains were written after it and are lost"
    )


def test_a_chain_may_begin_with_its_newest_line() -> None:
    assert folded(FIRST, statement(2, False, begins=heads(a=3))).begins == known_heads(a=3)
    assert folded(FIRST, statement(2, heads=heads(a=3, b=2))).heads == known_heads(a=3, b=2)


def test_the_first_that_is_here_may_be_any_full_one() -> None:
    """Older ones than the newest full one need not be kept."""
    assert folded(statement(7, previous="abc")).number == 7


@pytest.mark.parametrize("field", ["format", "tenant", "number", "at", "full", "previous", "heads"])
def test_a_checkpoint_that_leaves_something_unsaid_is_refused(field: str) -> None:
    said = statement()
    del said[field]
    if field == "tenant":
        with pytest.raises((Untrue, KeyError)):
            verifier.fold(TENANT, [put(said)], KEY.public_key())
        return
    with pytest.raises(Untrue, match=r"^the checkpoint after 0 cannot be read"):
        verifier.fold(TENANT, [put(said)], KEY.public_key())


@pytest.mark.parametrize("body", [b"", b"\xff", b"[]", b"7", b"null"])
def test_what_is_signed_but_no_checkpoint_is_refused(body: bytes) -> None:
    with pytest.raises(Untrue, match=r"^the checkpoint after 0 cannot be read"):
        verifier.fold(TENANT, [(body, KEY.sign(body))], KEY.public_key())


def test_another_key_signs_nothing() -> None:
    pairs = [put(statement()), put(statement(2), Ed25519PrivateKey.generate())]
    with pytest.raises(Untrue, match=r"^the checkpoint after 1 was not signed by this key"):
        verifier.fold(TENANT, pairs, KEY.public_key())


# --- an export, and what people are told ---


def export(log: Sequence[Row], *said: dict[str, object], **more: object) -> list[bytes]:
    """A file's lines, made by hand as the documentation tells them."""
    first = {"format": "familieoverblik-log-1", "tenant": TENANT, "at": at(10), **more}
    signed = [
        {"body": base64.b64encode(b).decode(), "signature": base64.b64encode(s).decode()}
        for b, s in map(put, said)
    ]
    rows = [
        [
            r.citizen,
            r.seq,
            r.at,
            base64.b64encode(r.detail).decode(),
            r.previous.hex(),
            r.hash.hex(),
        ]
        for r in log
    ]
    return [json.dumps(line).encode() for line in (first, *signed, *rows)]


def of(*rows: Row) -> dict[str, object]:
    """A statement of these lines."""
    return statement(heads=[(r.citizen, r.seq, r.hash.hex()) for r in rows])


def test_an_export_is_read_as_it_was_written() -> None:
    anna, bent = lines(ANNA, 3, first=5), lines(BENT, 1)
    sealed, chains, when = verifier.read(
        export([*anna, *bent], of(anna[1], bent[0])), KEY.public_key()
    )
    assert (sealed.tenant, sealed.number, when) == (TENANT, 1, at(10))
    assert sealed.heads == {ANNA: head(anna[1]), BENT: head(bent[0])}
    assert (chains.count, chains.unsigned, chains.faults) == (4, 1, [])
    digest = hashlib.sha256(put(of(anna[2]))[0]).hexdigest()
    lost = verifier.read(export(anna, of(anna[2]), known=(2, digest)), KEY.public_key())[1]
    assert [f.problem for f in lost.faults] == ["checkpoint 2 was made, but the newest here is 1"]
    kept = verifier.read(export(anna, of(anna[2]), known=(1, digest)), KEY.public_key())[1]
    assert kept.faults == []


def test_an_export_without_lines_says_so() -> None:
    (anna,) = lines(ANNA, 1)
    _, chains, _ = verifier.read(export([], of(anna)), KEY.public_key())
    assert [f.problem for f in chains.faults] == [GONE]
    _, chains, _ = verifier.read(export([]), KEY.public_key())
    assert (chains.count, chains.faults) == (0, [])


def test_checkpoints_stand_before_the_lines() -> None:
    (anna,) = lines(ANNA, 1)
    first, said, line = export([anna], of(anna))
    with pytest.raises(ValueError, match="a checkpoint stands among the log's lines"):
        verifier.read([first, line, said], KEY.public_key())


@pytest.mark.parametrize("content", [[], [b"[]"], [b"{}"], [b'{"format": "another"}'], [b"x"]])
def test_anything_else_is_no_export(content: list[bytes]) -> None:
    with pytest.raises(ValueError, match=r"this is not an exported log|Expecting value"):
        verifier.read(content, KEY.public_key())


def test_people_are_told_what_was_found_and_what_is_not_covered() -> None:
    anna, bent = lines(ANNA, 3, first=5), lines(BENT, 1)
    sealed = signed(anna[0], bent[0], when=1)
    told = list(verifier.report(sealed, checked(sealed, [*anna, *bent]), at(14.5)))
    assert told == [
        f"4 entries, 2 of them not signed yet (checkpoint 1, {at(1)})",
        f"not covered yet: the newest 2; the oldest of them had waited 7 minutes ({at(7)}). "
        "A change to them would not show",
        "every chain holds",
    ]
    told = list(verifier.report(sealed, checked(sealed, anna[:1]), at(14)))
    assert told == [
        f"{BENT} entry 0: {GONE}",
        f"1 entries, 0 of them not signed yet (checkpoint 1, {at(1)})",
        "1 FAULTS",
    ]
    bare = Sealed(TENANT)
    told = list(verifier.report(bare, checked(bare, bent), at(1)))
    assert told[:2] == [
        f"the log entry 0: {NO_CHECKPOINT}",
        "1 entries, 1 of them not signed yet (no checkpoint)",
    ]


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """An export that holds, and the public key."""
    anna = lines(ANNA, 3)
    log, key = tmp_path / "log.jsonl", tmp_path / "public.pem"
    log.write_bytes(b"\n".join(export(anna, of(anna[2]))) + b"\n")
    key.write_bytes(pem(KEY))
    return log, key


def pem(key: Ed25519PrivateKey | X25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


Screen = pytest.CaptureFixture[str]


def test_the_command_says_that_it_holds(files: tuple[Path, Path], capsys: Screen) -> None:
    assert verifier.main([str(f) for f in files]) == 0
    assert capsys.readouterr().out == (
        f"3 entries, 0 of them not signed yet (checkpoint 1, {at(1)})\nevery chain holds\n"
    )


def test_the_command_says_that_it_does_not(files: tuple[Path, Path], capsys: Screen) -> None:
    log, key = files
    content = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(content[:-1]))
    assert verifier.main([str(log), str(key)]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "1 FAULTS"
    log.write_bytes(b"".join([content[0], *content[2:]]).replace(b"\n", b"\n"))
    assert verifier.main([str(log), str(key)]) == 1
    assert NO_CHECKPOINT in capsys.readouterr().out


def test_the_command_says_that_another_signed(files: tuple[Path, Path], capsys: Screen) -> None:
    log, key = files
    key.write_bytes(pem(Ed25519PrivateKey.generate()))
    assert verifier.main([str(log), str(key)]) == 1
    told = capsys.readouterr().out
    assert told == "FAULT: the checkpoint after 0 was not signed by this key\n"


UNREADABLE = [
    b"not a log\n",
    b'{"format": "familieoverblik-log-1", "at": "x"}\n',  # no municipality
    b'{"format": "familieoverblik-log-1", "tenant": "0851", "at": "x"}\n7\n',
]


@pytest.mark.parametrize("content", UNREADABLE)
def test_the_command_says_what_cannot_be_checked(
    files: tuple[Path, Path], capsys: Screen, content: bytes
) -> None:
    files[0].write_bytes(content)
    assert verifier.main([str(f) for f in files]) == 2
    assert capsys.readouterr().err.startswith("cannot be checked: ")


def test_the_command_needs_a_file_and_a_key(files: tuple[Path, Path], capsys: Screen) -> None:
    log, key = map(str, files)
    for arguments in ([], [log], [log, key, key]):
        assert verifier.main(arguments) == 2
        told = capsys.readouterr().err
        assert told == "usage: python -m portal.verifier EXPORT PUBLICKEY\n"
    assert verifier.main([log + "x", key]) == 2
    assert capsys.readouterr().err.startswith("cannot be checked: ")
    Path(key).write_bytes(pem(X25519PrivateKey.generate()))
    assert verifier.main([log, key]) == 2
    assert capsys.readouterr().err == "cannot be checked: this is not an Ed25519 public key\n"
