"""Go's golang.org/x/mod, which reads sum.golang.org, reads our log."""

import base64
import json
import os
import subprocess
from pathlib import Path

import pytest

from scanner.trail import tiles
from scanner.trail.cosignature import cosigned, verifier_of
from scanner.trail.note import Note, Signer, parse
from scanner.trail.tiles import TilePath
from tests.real.require import missing

PROGRAM = Path(__file__).parent / "go" / "main.go"
GOCODE = Path("/usr/share/gocode")


@pytest.fixture(scope="session")
def read_by_go(require, tmp_path_factory):
    """What Go says of a log; the program is built once."""
    go = require("go", "golang-go")
    if not (GOCODE / "src/golang.org/x/mod/sumdb").is_dir():
        missing("golang.org/x/mod is missing: apt-get install golang-golang-x-mod-dev")
    folder = tmp_path_factory.mktemp("go")
    around = {"GO111MODULE": "off", "GOPATH": str(GOCODE), "GOCACHE": str(folder / "cache"), "GOFLAGS": "-p=1"}
    built = subprocess.run(
        [go, "build", "-o", folder / "read", PROGRAM],
        env=os.environ | around, capture_output=True, text=True, check=False, timeout=110,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr

    def read(log, *arguments):
        return subprocess.run(
            [folder / "read", *arguments],
            input=json.dumps(log),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        ).stdout

    return read


async def test_go_verifies_our_notes_tiles_proofs_cosignatures(trail, signer, filled, tmp_path, read_by_go):
    await filled(trail, 300)
    older = trail.head
    await filled(trail, 700)
    witness, index = Signer.made("witness.example/w"), 700
    head = trail.head
    await trail.cosign(head, [cosigned(parse(head.note).text, witness, 1_780_000_000)], [verifier_of(witness)])
    folder = tmp_path / "tiles"
    for level, number in [*tiles.tiles_of(head.size), *((None, n) for n in range(-(-head.size // 256)))]:
        path = TilePath(level, number, tiles.width_of(level or 0, number, head.size))
        file = folder / str(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(await trail.tile(path))
    proof = await trail.prove(index)
    log = {
        "Key": str(trail.verifier),
        "WitnessName": witness.name,
        "WitnessPublic": encoded(witness.verifier.public),
        "Checkpoint": trail.head.note,
        "Older": older.note,
        "Entries": [encoded(body) for _, body in await trail.leaves(0, head.size)],
        "Index": index,
        "Inclusion": list(map(encoded, proof.hashes)),
        "Consistency": list(map(encoded, await trail.consistency(older.size, head.size))),
        "Folder": str(folder),
    }
    assert read_by_go(log, signer.encoded) == "go agrees 1000\n"
    tile = folder / "0/001"
    tile.write_bytes(tile.read_bytes()[:-1] + b"?")
    assert "go agrees" not in read_by_go(log)
    signed = parse(trail.head.note)
    forged = Note(signed.text.replace("1000", "1001"), signed.signatures)
    assert "go agrees" not in read_by_go(log | {"Checkpoint": str(forged)})


def encoded(data):
    return base64.b64encode(data).decode()
