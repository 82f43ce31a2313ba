import base64
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.trail import merkle, tiles
from tests.trail.consistency import consistent

VECTORS = json.loads((Path(__file__).parent.parent / "data" / "trail" / "rfc6962.json").read_text())
LEAVES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
"""The leaves that every implementation of RFC 6962 is tested with, then the roots over the first of them."""
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def decoded(value):
    return base64.b64decode(value or "")


def grown(count, step=1):
    """A tree with its tiles, of leaves that are their own numbers; grown ``step`` leaves at a time."""
    hashes = [merkle.leaf_hash(str(number).encode()) for number in range(count)]
    edge, stored = tiles.Edge(), {}
    for first in range(0, count, step):
        edge, made = edge.grown(hashes[first : first + step])
        stored |= made
    return hashes, edge, stored


def test_the_roots_are_those_of_rfc_6962():
    frontier = merkle.Frontier()
    assert frontier.root().hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    for leaf, root in zip(LEAVES, ROOTS, strict=True):
        frontier.append(merkle.leaf_hash(leaf))
        assert frontier.root().hex() == root


def test_inclusion_proofs_are_verified_as_the_public_vectors_say():
    for vector in VECTORS["inclusion"]:
        proof = [decoded(one) for one in vector["proof"] or ()]
        index, size = vector["leafIdx"], vector["treeSize"]
        held = merkle.includes(index, size, decoded(vector["leafHash"]), proof, decoded(vector["root"]))
        assert held is not vector["wantErr"], vector


def test_consistency_proofs_are_verified_as_the_public_vectors_say():
    for vector in VECTORS["consistency"]:
        proof = [decoded(one) for one in vector["proof"] or ()]
        roots = decoded(vector["root1"]), decoded(vector["root2"])
        held = consistent(vector["size1"], roots[0], vector["size2"], roots[1], proof)
        # an empty older tree proves nothing, so that RFC 9162 leaves its root open; tlog-witness does not
        assert held is not vector["wantErr"] or vector["size1"] == 0, vector


@given(st.integers(1, 700), st.data())
def test_every_proof_that_is_made_is_one(size, data):
    hashes, _, stored = grown(size, data.draw(st.sampled_from([1, 7, 256, 700])))
    node = tiles.node_reader(lambda level, number: stored[level, number])
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size))
    root = merkle.root(size, node)
    proof = merkle.inclusion_proof(index, size, node)
    assert merkle.includes(index, size, hashes[index], proof, root)
    assert not merkle.includes(index, size, merkle.leaf_hash(b"other"), proof, root)
    assert not merkle.includes(index, size, hashes[index], [*proof, root], root)
    assert consistent(old, merkle.root(old, node), size, root, merkle.consistency_proof(old, size, node))


def test_a_proof_grows_with_the_logarithm_of_the_tree():
    _, _, stored = grown(70_000, 9999)
    read = []
    node = tiles.node_reader(lambda level, number: read.append((level, number)) or stored[level, number])
    assert len(merkle.inclusion_proof(69_000, 70_000, node)) <= 17
    assert len(read) <= 8


@pytest.mark.parametrize("size", [1, 255, 256, 257, 65_536, 65_793])
def test_the_edge_knows_the_root_and_makes_exactly_the_tiles_of_tlog_tiles(size):
    hashes, edge, stored = grown(size, 1000)
    assert set(stored) == set(tiles.tiles_of(size))
    assert {place: len(hashed) // 32 for place, hashed in stored.items()} == {
        place: tiles.width_of(*place, size) for place in stored
    }
    frontier = merkle.Frontier()
    for one in hashes:
        frontier.append(one)
    assert merkle.Frontier(size, edge.frontier()).root() == frontier.root()
    again = tiles.Edge(size, [stored.get((at, number), b"")[:width] for at, number, width in tiles.Edge.places(size)])
    assert again.frontier() == edge.frontier()


def test_a_tree_of_seventy_thousand_has_the_tiles_that_the_specification_counts():
    found = [(level, tiles.width_of(level, number, 70_000)) for level, number in tiles.tiles_of(70_000)]
    assert found.count((0, 256)) == 273
    assert [one for one in found if one != (0, 256)] == [(0, 112), (1, 256), (1, 17), (2, 1)]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("0/x001/x234/067", tiles.TilePath(0, 1_234_067)),
        ("entries/000.p/255", tiles.TilePath(None, 0, 255)),
        ("63/999", tiles.TilePath(63, 999)),
        *((text, None) for text in ("0/1", "00/001", "0/x000/001", "64/000", "0/000.p/256", "0/000.p/0", "0/000.p/300",
                                    "0/x1/001", "-1/000", "0/\u0660\u0660\u0660", "", "entries/", "0/000/", "0/" + "x001/" * 20 + "001")),
    ],
)  # fmt: skip
def test_a_tile_has_one_path(text, path):
    assert tiles.parse_path(text) == path
    assert path is None or str(path) == text
