"""The verifier in docs/, which shares no code with archscan: it agrees with the log, with nothing that was made wrong."""

import hashlib
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.trail.checkpoint import Checkpoint
from scanner.trail.cosignature import cosigned, verifier_of
from scanner.trail.merkle import Frontier, leaf_hash
from scanner.trail.note import Signer, parse

VERIFIER = Path(__file__).parents[2] / "docs" / "verify_trail.py"


@pytest.fixture(scope="session")
def alone():
    spec = importlib.util.spec_from_file_location("verify_trail", VERIFIER)
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@pytest.fixture
async def exported(trail, filled, tmp_path):
    """An export, its checkpoint, an older one, a proof, the key."""
    await filled(trail, 30)
    older = trail.head.note
    await filled(trail, 30)
    witness = Signer.made("w.example")
    await trail.cosign(
        trail.head, [cosigned(parse(trail.head.note).text, witness, 1_780_000_000)], [verifier_of(witness)]
    )
    bodies = [body for _, body in await trail.leaves(0, 60)]
    return {
        "trail": b"".join(body + b"\n" for body in bodies),
        "checkpoint": trail.head.note,
        "older": older,
        "proof": str(await trail.prove(41)),
        "key": str(trail.verifier),
        "witness": str(verifier_of(witness)),
    }


@given(st.binary(max_size=80), st.integers(0, 63), st.integers(0, 7))
@settings(max_examples=20, deadline=None)
def test_its_ed25519_agrees_with_the_library(alone, message, place, bit):
    key = Ed25519PrivateKey.generate()
    public, signature = key.public_key().public_bytes_raw(), key.sign(message)
    assert alone.ed25519(public, message, signature)
    wrong = bytearray(signature)
    wrong[place] ^= 1 << bit
    assert not alone.ed25519(public, message, bytes(wrong))
    assert not alone.ed25519(public, message + b"x", signature)


def test_its_ed25519_passes_the_vectors_of_rfc_8032_and_refuses_a_second_spelling(alone):
    public = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    signature = bytes.fromhex(
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    )
    assert alone.ed25519(public, b"", signature)
    again = signature[:32] + (int.from_bytes(signature[32:], "little") + alone.L).to_bytes(32, "little")
    assert not alone.ed25519(public, b"", again)
    assert not alone.ed25519(b"\xff" * 32, b"", signature)


async def test_it_proves_what_the_log_proves(alone, exported):
    key, witness = alone.read_key(exported["key"]), alone.read_key(exported["witness"])
    assert '"number":11' in alone.verify_proof(exported["proof"], key, [witness])
    said = alone.verify_export(exported["trail"], exported["checkpoint"], [exported["older"]], key)
    assert said.startswith("60 entries of fleet.example/archscan are as they were signed")


async def test_the_command_needs_nothing_but_python(exported, tmp_path):
    (tmp_path / "p").write_text(exported["proof"])
    (tmp_path / "t").write_bytes(exported["trail"])
    (tmp_path / "c").write_text(exported["checkpoint"])

    def run(*words):
        argv = [sys.executable, "-I", "-S", VERIFIER, "--key", exported["key"], *words]
        done = subprocess.run(argv, capture_output=True, cwd=tmp_path, check=False, timeout=60, text=True)
        said.append(done.stderr)
        return done.returncode

    said = []

    assert run("proof", "p", "--witness", exported["witness"]) == 0
    assert run("export", "t", "c", "--since", "c") == 0
    (tmp_path / "t").write_bytes(exported["trail"].replace(b"ci", b"me", 1))
    assert run("export", "t", "c") == 1
    assert run("export", "missing", "c") == 2
    assert said[-1] == "missing: No such file or directory\n"
    assert run("proof", "p", "--witness", "w.example") == 2
    assert said[-1] == "a key is written NAME+ID+BASE64\n"


async def test_nothing_that_was_made_wrong_is_proved(alone, exported, signer):
    key = alone.read_key(exported["key"])
    trail, checkpoint = exported["trail"], exported["checkpoint"]
    lines = trail.splitlines(keepends=True)
    frontier = Frontier()
    for line in lines[:-1]:
        frontier.append(leaf_hash(line[:-1]))
    fork = str(Checkpoint(signer.name, 59, hashlib.sha256(b"fork").digest()).signed(signer))
    longer = str(Checkpoint(signer.name, 61, hashlib.sha256(b"more").digest()).signed(signer))
    thief = Signer.made(signer.name)
    forged = str(Checkpoint(signer.name, 59, frontier.root()).signed(thief))
    wrong = [
        (trail.replace(b"ci", b"me", 1), checkpoint, []),
        (b"".join(lines[1:]), checkpoint, []),
        (b"".join(lines[:-1]), checkpoint, []),
        (b"".join([lines[1], lines[0], *lines[2:]]), checkpoint, []),
        (b"".join([*lines[:5], lines[5], *lines[5:]]), checkpoint, []),
        (trail + lines[-1], checkpoint, []),
        (trail[:-1], checkpoint, []),
        (b"".join(lines[:-1]), forged, []),
        (trail, checkpoint.replace("\n60\n", "\n59\n"), []),
        (trail, checkpoint, [fork]),
        (trail, checkpoint, [longer]),
        (trail, "", []),
        (trail, "x\n\n\u2014 y AAAAAAAA\n", []),
    ]
    for number, (data, head, since) in enumerate(wrong):
        with pytest.raises(alone.Wrong):
            print(number, alone.verify_export(data, head, since, key))
    proof = exported["proof"]
    proof_lines = proof.split("\n")
    for text in (
        proof.replace("index 41", "index 40"),
        proof.replace("index 41", "index 041"),
        proof.replace("index 41", "index \u0664\u0661"),
        proof.replace("index 41", f"index {'9' * 5000}"),
        "\n".join([*proof_lines[:3], *proof_lines[4:]]),
        "\n".join([*proof_lines[:4], *proof_lines[3:]]),
        proof.replace("extra ", "extra AAAA"),
        proof.replace("\n60\n", "\n61\n"),
        proof.replace("tlog-proof@v1", "tlog-proof@v2"),
        "",
    ):
        with pytest.raises(alone.Wrong):
            alone.verify_proof(text, key, [])
    with pytest.raises(alone.Wrong, match="has not cosigned"):
        alone.verify_proof(proof, key, [alone.read_key(str(verifier_of(Signer.made("w.example"))))])
    with pytest.raises(alone.Wrong, match="damaged"):
        alone.read_key("\udcff" + exported["key"])
    with pytest.raises(alone.Wrong, match="damaged"):
        alone.read_key(exported["key"][:-4] + "AAA=")
