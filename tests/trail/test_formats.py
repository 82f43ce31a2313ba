"""The texts of C2SP's specifications, then what they forbid."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.trail import checkpoint, cosignature, leaf, merkle, note, proof
from scanner.trail.leaf import Entry, Event
from scanner.trail.note import NoteError, Signer

KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
NOTE = (
    "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3"
    "mFXmRKuwHjG1Yu72IneyaQM=\n"
)
COSIGNED = """example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
"""
WITNESS_KEY = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"
NOW = 1_780_000_000


def test_the_note_of_the_specification_is_signed_by_its_key():
    opened, key = note.parse(NOTE), note.parse_verifier(KEY)
    assert str(opened) == NOTE
    assert str(key) == KEY
    assert key.verifies(opened.signatures[0].value, opened.text.encode())
    assert not key.verifies(opened.signatures[0].value, b"This is another message.\n")


def test_a_witness_s_published_key_is_read():
    key = note.parse_verifier(WITNESS_KEY)
    assert (key.kind, str(key)) == (note.COSIGNATURE, WITNESS_KEY)


def test_the_cosigned_checkpoint_of_the_specification_is_read():
    opened = note.parse(COSIGNED)
    head = checkpoint.parse(opened.text)
    assert (head.origin, head.size) == ("example.com/behind-the-sofa", 20_852_163)
    assert str(head) == opened.text
    assert int.from_bytes(opened.signatures[1].value[:8]) == 1_679_315_147


@pytest.mark.parametrize(
    "text",
    [
        "", "\n", "text\n", "text\n\n", "text\n\n— name\n", "text\n\n- name AAAAAAAA\n", "text\n\n— name AAAA\n",
        "text\n\n— na+me AAAAAAAA\n", "text\n\n— name AAAAAAAA", "te\txt\n\n— name AAAAAAAA\n", "text\n\n— name AAAAAAB=\n",
        "text\n\n" + "— name AAAAAAAA\n" * 101, "x" * note.MAX_NOTE_BYTES + "\n\n— name AAAAAAAA\n",
    ],
)  # fmt: skip
def test_what_is_no_note_is_refused(text):
    with pytest.raises(NoteError):
        note.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "o\n", "o\n1\n", "o\n01\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n", "o\n1\nAAAA\n", "\n1\nAAAA\n",
        "o\n-1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n", "o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\nx\n",
        "o\n99999999999999999999\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n",
    ],
)  # fmt: skip
def test_what_is_no_checkpoint_is_refused(text):
    with pytest.raises(NoteError):
        checkpoint.parse(text)


def test_a_signature_in_the_log_s_name_that_does_not_hold_spoils_the_checkpoint():
    signer = Signer.made("log.example")
    good = checkpoint.Checkpoint("log.example", 0, merkle.EMPTY_ROOT).signed(signer)
    forged = note.Signature("log.example", signer.verifier.id, bytes(64))
    assert checkpoint.opened(str(good), signer.verifier)[0].size == 0
    with pytest.raises(NoteError, match="does not hold"):
        checkpoint.opened(str(note.Note(good.text, (*good.signatures, forged))), signer.verifier)
    with pytest.raises(NoteError, match="not signed by"):
        checkpoint.opened(str(good), Signer.made("log.example").verifier)


def test_a_cosignature_holds_for_its_text_its_moment_its_witness_alone():
    witness, head = Signer.made("w.example"), note.parse(COSIGNED)
    made = cosignature.cosigned(head.text, witness, NOW)
    key = cosignature.verifier_of(witness)
    assert cosignature.cosigned_at(made, head.text, key) == NOW
    assert cosignature.cosigned_at(made, head.text + "more\n", key) is None
    assert cosignature.cosigned_at(made, head.text, witness.verifier) is None
    later = note.Signature(made.name, made.id, (NOW + 1).to_bytes(8) + made.value[8:])
    assert cosignature.cosigned_at(later, head.text, key) is None
    whole = note.Note(head.text, (*head.signatures, made))
    assert cosignature.witnessed(whole, key) == NOW
    assert cosignature.witnessed(head, key) is None


def test_a_key_is_written_as_go_writes_it_and_never_shown():
    signer = Signer.made("log.example/a")
    assert note.parse_signer(signer.encoded) == signer
    assert "seed" not in repr(signer)
    for text in ("", "PRIVATE+KEY+a+b", signer.encoded[:-4] + "AAA=", str(signer.verifier)):
        with pytest.raises(NoteError):
            note.parse_signer(text)
    for name in ("", "a b", "a+b", "a\x00"):
        with pytest.raises(NoteError):
            Signer.made(name)


# ---------------------------------------------------------------- proofs


def a_proof(signer, entry=b"{}", count=3):
    hashes = [merkle.leaf_hash(entry), merkle.leaf_hash(b"1"), merkle.leaf_hash(b"2")][:count]
    frontier = merkle.Frontier()
    for one in hashes:
        frontier.append(one)
    head = checkpoint.Checkpoint(signer.name, count, frontier.root()).signed(signer)
    return proof.Proof(0, tuple(hashes[1:]), str(head), entry)


def test_a_proof_is_the_text_of_the_specification():
    made = proof.Proof(10, (bytes(32),), "checkpoint data\n", b"extra information")
    zeros = base64.b64encode(bytes(32)).decode()
    assert str(made) == (
        f"c2sp.org/tlog-proof@v1\nextra ZXh0cmEgaW5mb3JtYXRpb24=\nindex 10\n{zeros}\n\ncheckpoint data\n"
    )
    assert str(proof.Proof(0, (), "checkpoint\n")) == "c2sp.org/tlog-proof@v1\nindex 0\n\ncheckpoint\n"


def test_a_proof_holds_for_its_entry_its_log_its_witnesses():
    signer, witness = Signer.made("log.example"), Signer.made("w.example")
    made = proof.parse(str(a_proof(signer)))
    assert made.verified(signer.verifier).size == 3
    assert made.verified(signer.verifier, entry=b"{}").size == 3
    with pytest.raises(NoteError, match="does not stand"):
        made.verified(signer.verifier, entry=b"{ }")
    with pytest.raises(NoteError, match="not signed"):
        made.verified(Signer.made("log.example").verifier)
    with pytest.raises(NoteError, match="has not cosigned"):
        made.verified(signer.verifier, [cosignature.verifier_of(witness)])


@pytest.mark.parametrize(
    "text",
    [
        "wrong-header\nindex 0\n\ncheckpoint\n", "c2sp.org/tlog-proof@v1\nextra !!notbase64!!\nindex 0\n\ncheckpoint\n",
        "c2sp.org/tlog-proof@v1\n\n\ncheckpoint\n", "c2sp.org/tlog-proof@v1\nindex notanumber\n\ncheckpoint\n",
        "c2sp.org/tlog-proof@v1\nindex -5\n\ncheckpoint\n", "c2sp.org/tlog-proof@v1\nindex 0\n!!notbase64!!\n\ncheckpoint\n",
        "c2sp.org/tlog-proof@v1\nindex 0\n" + base64.b64encode(bytes(64)).decode() + "\n\ncheckpoint\n",
        "c2sp.org/tlog-proof@v1\nindex 00\n\ncheckpoint\n", "c2sp.org/tlog-proof@v1\nindex 0\n" + "a" * (300 << 10) + "\n",
    ],
)  # fmt: skip
def test_what_is_no_proof_is_refused(text):
    with pytest.raises(NoteError):
        proof.parse(text)


# ---------------------------------------------------------------- entries

TEXT = st.text(max_size=20)  # no half of a surrogate pair, which an entry never holds
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda one: st.lists(one) | st.dictionaries(TEXT, one),
    max_leaves=8,
)


@given(st.dictionaries(TEXT, VALUES, max_size=4), TEXT)
def test_the_same_entry_is_the_same_bytes_and_reads_back(about, by):
    made = leaf.encode(Entry(Event.GATE_DECIDED, NOW, by, about), 12)
    assert made == leaf.encode(Entry(Event.GATE_DECIDED, NOW, by, dict(reversed(about.items()))), 12)
    assert b"\n" not in made
    made.decode("ascii")
    read = leaf.decode(made)
    assert (read.event, read.by, read.after, read.at) == ("gate_decided", by, 12, "2026-05-28T20:26:40.000Z")
    assert json.dumps(read.about) == json.dumps(json.loads(json.dumps(about, sort_keys=True)))


def test_half_of_a_character_is_never_signed_and_what_was_signed_can_be_shown():
    """A reader that cannot write it as UTF-8 would show none of the entries around it."""
    made = leaf.encode(Entry(Event.GATE_DECIDED, NOW, "c\ud800i", {"im\udfffage": ["a\ud83d", "\N{PENGUIN}"]}), 0)
    assert b"?" in made
    assert leaf.decode(made).about == {"im?age": ["a?", "\N{PENGUIN}"]}
    before = made.replace(b"c?i", b"c\\ud800i")
    assert (leaf.decode(before).by, leaf.decode(before).about) == ("c?i", {"im?age": ["a?", "\N{PENGUIN}"]})


def test_another_spelling_of_an_entry_is_none():
    made = leaf.encode(Entry(Event.GATE_DECIDED, NOW, "ci", {"a": 1}), 0)
    for other in (
        made + b" ",
        made.replace(b":1", b": 1"),
        made.replace(b"ci", b"\\u0063i"),
        b"[]",
        b"",
        b"[" * 100_000,
    ):
        assert leaf.decode(other) is None


def test_a_fraction_is_refused():
    with pytest.raises(ValueError, match="fraction"):
        leaf.encode(Entry(Event.GATE_DECIDED, NOW, "", {"a": [0.5]}), 0)


def test_an_entry_that_is_too_long_keeps_a_digest_of_its_longest_value():
    long = ["registry.example/app:1"] * 5000
    read = leaf.decode(leaf.encode(Entry(Event.GATE_DECIDED, NOW, "ci", {"images": long, "decision": "deny"}), 0))
    assert read.about["decision"] == "deny"
    assert read.about["images"] == {"bytes": len(leaf.canonical(long)), "digest": leaf.digest(long)}
    with pytest.raises(ValueError, match="too long"):
        leaf.encode(Entry(Event.GATE_DECIDED, NOW, "x" * 70_000, {}), 0)


@pytest.mark.parametrize("count", [0, 1, leaf.ROWS_AT_ONCE, 2 * leaf.ROWS_AT_ONCE + 1])
def test_rows_that_are_spelt_a_piece_at_a_time_have_the_same_digest(count):
    rows = [["h\u00e9", str(number), '"'] for number in range(count)]
    assert leaf.digest_of_pieces(*map(leaf.pieces_of, (rows, [], rows[:1]))) == leaf.digest([rows, [], rows[:1]])
