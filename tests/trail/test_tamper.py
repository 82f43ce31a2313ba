"""Whoever owns the store, but not the key: each change is found, under its name. ``make tamper`` makes a hundred of them."""

import itertools
import os
import random
from dataclasses import dataclass, field

import pytest
from sqlalchemy import text

from scanner.store.store import Store
from scanner.store.trail_rows import TrailRows
from scanner.trail import merkle, outside, tiles
from scanner.trail.checkpoint import Checkpoint
from scanner.trail.cosignature import cosigned, verifier_of
from scanner.trail.leaf import Entry, Event
from scanner.trail.note import Note, Signer, parse
from scanner.trail.outside import Seen
from scanner.trail.tampering import Tampering
from scanner.trail.trail import Trail
from scanner.trail.verify import verify

SIZE = 530
"""Three tiles of leaves, of which two are full, so that there is a level above."""

THIEF = Signer.made("fleet.example/archscan")


class UndoneError(Exception):
    """Takes a tampering back."""


@dataclass
class Rows:
    """A whole trail in memory, for a thief to play with."""

    leaves: list
    tiles: dict
    notes: dict
    random: random.Random
    signer: Signer
    seen: list = field(default_factory=list)
    taken: int = 0

    def rebuild(self):
        """Make the tree anew over whatever the leaves are."""
        self.tiles = tiles.Edge().grown([merkle.leaf_hash(body) for body in self.leaves])[1]

    def root(self, size):
        frontier = merkle.Frontier()
        for body in self.leaves[:size]:
            frontier.append(merkle.leaf_hash(body))
        return frontier.root()

    def place(self, low=0, end=None):
        self.taken = self.random.randrange(low, len(self.leaves) if end is None else end)
        return self.taken

    def sign(self, signer, sizes):
        self.notes = {size: str(Checkpoint(signer.name, size, self.root(size)).signed(signer)) for size in sizes}


def edited(body, rng):
    at = rng.randrange(len(body))
    return body[:at] + bytes([body[at] ^ (1 << rng.randrange(8))]) + body[at + 1 :]


# ---------------------------------------------------------------- the tamperings


def edit_a_leaf(rows):
    at = rows.place()
    rows.leaves[at] = edited(rows.leaves[at], rows.random)


def change_the_moment_of_a_leaf(rows):
    at = rows.place()
    rows.leaves[at] = rows.leaves[at].replace(b'"at":"2001', b'"at":"2002')
    assert b'"at":"2002' in rows.leaves[at]


def delete_a_leaf(rows):
    rows.leaves[rows.place(1, SIZE - 1)] = None


def delete_leaves_and_close_the_gap(rows):
    at = rows.place(1, SIZE - 5)
    del rows.leaves[at : at + rows.random.randint(1, 4)]


def insert_leaves(rows):
    at, leaf = rows.place(), rows.leaves[0].replace(b"ci", b"me")
    rows.leaves[at:at] = [leaf] * rows.random.randint(1, 3)


def duplicate_a_leaf(rows):
    at = rows.place()
    rows.leaves.insert(at + 1, rows.leaves[at])
    rows.taken = at + 1


def swap_leaves(rows):
    one, other = sorted(rows.random.sample(range(SIZE), 2))
    rows.leaves[one], rows.leaves[other] = rows.leaves[other], rows.leaves[one]
    rows.taken = one


def cut_the_head(rows):
    for at in range(rows.random.randint(1, 20)):
        rows.leaves[at] = None


def cut_the_head_and_renumber(rows):
    del rows.leaves[: rows.random.randint(1, 20)]


def cut_the_tail(rows):
    rows.taken = SIZE - rows.random.randint(1, 20)
    del rows.leaves[rows.taken :]


def put_another_tail_in_its_place(rows):
    rows.taken = SIZE - rows.random.randint(2, 20)
    forged = rows.leaves[rows.taken].replace(b'"ci"', b'"me"')
    rows.leaves[rows.taken :] = [forged] * rows.random.randint(1, SIZE - rows.taken)
    if rows.random.random() < 0.5:
        rows.rebuild()


def add_a_leaf_behind_the_end(rows):
    rows.leaves += [rows.leaves[-1]] * rows.random.randint(1, 3)
    rows.taken = SIZE


def rechain(rows):
    at = rows.place()
    rows.leaves[at] = edited(rows.leaves[at], rows.random)
    rows.rebuild()


def edit_a_leaf_with_its_hash(rows):
    at = rows.place()
    rows.leaves[at] = edited(rows.leaves[at], rows.random)
    number, place = divmod(at, tiles.WIDTH)
    tile = bytearray(rows.tiles[0, number])
    tile[place * 32 : place * 32 + 32] = merkle.leaf_hash(rows.leaves[at])
    rows.tiles[0, number] = bytes(tile)


def rechain_under_another_key(rows):
    edit_a_leaf(rows)
    rows.rebuild()
    rows.sign(THIEF, list(rows.notes))


def put_another_log_in_its_place(rows):
    rows.leaves = [body.replace(b"ci", b"me") for body in rows.leaves]
    rows.rebuild()
    rows.sign(Signer.made("other.example/log"), list(rows.notes))


def edit_a_tile(rows):
    place = (0, rows.random.randrange(3))
    rows.tiles[place] = edited(rows.tiles[place], rows.random)


def edit_a_tile_above(rows):
    rows.tiles[1, 0] = edited(rows.tiles[1, 0], rows.random)


def cut_a_tile(rows):
    place = rows.random.choice(sorted(rows.tiles))
    rows.tiles[place] = rows.tiles[place][: rows.random.randrange(len(rows.tiles[place]))]


def delete_a_tile(rows):
    del rows.tiles[rows.random.choice(sorted(rows.tiles))]


def add_a_tile(rows):
    rows.tiles[rows.random.choice([(0, 3), (1, 1), (2, 0), (9, 9)])] = rows.tiles[0, 0]


def add_a_tile_far_above(rows):
    rows.tiles[10**9, rows.random.randint(1, 9)] = rows.tiles[0, 0]


def edit_a_checkpoint(rows):
    size = rows.random.choice(sorted(rows.notes))
    note = rows.notes[size]
    at = rows.random.randrange(len(note))
    rows.notes[size] = note[:at] + ("?" if note[at] != "?" else "!") + note[at + 1 :]


def swap_checkpoints(rows):
    one, other = rows.random.sample(sorted(rows.notes), 2)
    rows.notes[one], rows.notes[other] = rows.notes[other], rows.notes[one]


def delete_a_checkpoint(rows):
    del rows.notes[rows.random.choice(sorted(rows.notes)[:-1])]


def cut_the_first_checkpoints(rows):
    for size in sorted(rows.notes)[: rows.random.randint(1, 5)]:
        del rows.notes[size]


def cut_the_last_checkpoints(rows):
    for size in sorted(rows.notes)[-rows.random.randint(1, 5) :]:
        del rows.notes[size]


def forge_a_cosignature(rows):
    size = rows.random.choice(sorted(rows.notes))
    signed = parse(rows.notes[size])
    forged = cosigned(signed.text, Signer.made("witness.example"), 1_780_000_000)
    rows.notes[size] = str(Note(signed.text, (*signed.signatures, forged)))


def replay_a_cosignature(rows):
    last = max(rows.notes)
    one = rows.random.choice(sorted(rows.notes)[:-1])
    whole = parse(rows.notes[one])
    rows.notes[one] = str(Note(whole.text, (*whole.signatures, *parse(rows.notes[last]).signatures[1:])))


def put_a_checkpoint_where_another_stood(rows):
    one, other = rows.random.sample(sorted(rows.notes), 2)
    rows.notes[other] = rows.notes[one]


def sign_one_more_checkpoint(rows):
    size = rows.random.choice([one for one in range(1, SIZE) if one not in rows.notes])
    rows.notes[size] = str(Checkpoint(rows.signer.name, size, rows.root(size)).signed(rows.signer))


def sign_what_is_no_entry(rows):
    rows.leaves.append(b'{"event":"nothing of ours"}')
    rows.rebuild()
    size = len(rows.leaves)
    rows.notes[size] = str(Checkpoint(rows.signer.name, size, rows.root(size)).signed(rows.signer))


def empty_it(rows):
    rows.leaves, rows.tiles, rows.notes = [], {}, {}


# what only others can show: the store is sound in itself


def cut_the_end_with_its_checkpoints(rows):
    rows.seen = [Seen(SIZE, rows.root(SIZE), "a kept checkpoint")]
    size = rows.random.choice(sorted(rows.notes)[:-1])
    del rows.leaves[size:]
    rows.notes = {one: note for one, note in rows.notes.items() if one <= size}
    rows.rebuild()


def rewrite_with_the_stolen_key(rows):
    size = rows.random.choice(sorted(rows.notes)[50:])
    rows.seen = [Seen(size, rows.root(size), "Prometheus")]
    at = rows.place(0, size)
    rows.leaves[at] = rows.leaves[at].replace(b"ci", b"me")
    rows.rebuild()
    rows.sign(rows.signer, list(rows.notes))


KINDS = {
    edit_a_leaf: {Tampering.LEAF_EDITED},
    change_the_moment_of_a_leaf: {Tampering.LEAF_EDITED},
    delete_a_leaf: {Tampering.LEAF_DELETED},
    delete_leaves_and_close_the_gap: {Tampering.LEAF_DELETED},
    insert_leaves: {Tampering.LEAF_INSERTED},
    duplicate_a_leaf: {Tampering.LEAF_INSERTED, Tampering.LEAVES_UNSIGNED},  # of the last one
    swap_leaves: {Tampering.LEAVES_REORDERED},
    cut_the_head: {Tampering.HEAD_CUT},
    cut_the_head_and_renumber: {Tampering.HEAD_CUT},
    cut_the_tail: {Tampering.TAIL_CUT},
    put_another_tail_in_its_place: {Tampering.LEAF_EDITED, Tampering.RECHAINED},
    add_a_leaf_behind_the_end: {Tampering.LEAVES_UNSIGNED},
    rechain: {Tampering.RECHAINED},
    edit_a_leaf_with_its_hash: {Tampering.RECHAINED},
    rechain_under_another_key: {Tampering.ANOTHER_LOG},
    put_another_log_in_its_place: {Tampering.ANOTHER_LOG},
    edit_a_tile: {Tampering.TILE_EDITED},
    edit_a_tile_above: {Tampering.TILE_EDITED},
    cut_a_tile: {Tampering.TILE_EDITED},
    delete_a_tile: {Tampering.TILE_MISSING},
    add_a_tile: {Tampering.TILE_EXTRA},
    add_a_tile_far_above: {Tampering.TILE_EXTRA},
    edit_a_checkpoint: {Tampering.CHECKPOINT_EDITED, Tampering.ANOTHER_LOG},  # the four bytes that name the key
    swap_checkpoints: {Tampering.CHECKPOINT_EDITED},
    delete_a_checkpoint: {Tampering.CHECKPOINT_MISSING},
    cut_the_first_checkpoints: {Tampering.CHECKPOINT_MISSING},
    cut_the_last_checkpoints: {Tampering.LEAVES_UNSIGNED},
    forge_a_cosignature: {Tampering.COSIGNATURE_FORGED},
    replay_a_cosignature: {Tampering.COSIGNATURE_FORGED},
    put_a_checkpoint_where_another_stood: {Tampering.CHECKPOINT_EDITED},
    sign_one_more_checkpoint: {Tampering.CHECKPOINT_EXTRA},
    sign_what_is_no_entry: {Tampering.LEAF_UNREADABLE},
    empty_it: {Tampering.EMPTIED},
    cut_the_end_with_its_checkpoints: {Tampering.ROLLED_BACK},
    rewrite_with_the_stolen_key: {Tampering.REWRITTEN},
}
EXACT = {edit_a_leaf, change_the_moment_of_a_leaf, delete_a_leaf, delete_leaves_and_close_the_gap, swap_leaves, cut_the_tail, cut_the_head,
         add_a_leaf_behind_the_end}  # fmt: skip
"""Of these the very first record that is wrong is named."""


COUNT = int(os.environ.get("ARCHSCAN_TAMPERINGS") or len(KINDS))
"""Each kind once, unless somebody asks for more of them, at other places."""


def write(connection, rows):
    for table in ("trail_leaves", "trail_tiles", "trail_checkpoints"):
        connection.execute(text(f"DELETE FROM {table}"))
    leaves = [{"p": at, "b": body} for at, body in enumerate(rows.leaves) if body is not None]
    held = [{"l": level, "n": number, "h": hashes} for (level, number), hashes in rows.tiles.items()]
    notes = [{"s": size, "n": note} for size, note in rows.notes.items()]
    for statement, values in (
        ("INSERT INTO trail_leaves (position, body) VALUES (:p, :b)", leaves),
        ("INSERT INTO trail_tiles (level, number, hashes) VALUES (:l, :n, :h)", held),
        ("INSERT INTO trail_checkpoints (size, note) VALUES (:s, :n)", notes),
    ):
        if values:
            connection.execute(text(statement), values)


async def tamper_with(store, signer, witness):
    """Every kind at random places; those that were not found under their name."""
    trail = Trail(store, signer)
    await trail.open()
    await trail.append(Entry(Event.SERVICE_STARTED, 1e9, "", {"witnesses": [str(verifier_of(witness))]}))
    rng = random.Random(7)
    while trail.head.size < SIZE:
        count = min(rng.randint(1, 9), SIZE - trail.head.size)
        await trail.append(*(Entry(Event.GATE_DECIDED, 1e9, "ci", {"n": rng.random().hex()}) for _ in range(count)))
    signed = cosigned(parse(trail.head.note).text, witness, 1_780_000_000)
    await trail.cosign(trail.head, [signed], [verifier_of(witness)])
    assert await looked(store, signer, None) == []
    missed = []
    for number, change in zip(range(COUNT), itertools.cycle(KINDS), strict=False):
        found, rows = await looked(store, signer, change, number)
        named = {one.kind for one in found}
        exact = change not in EXACT or min(one.at for one in found) == rows.taken
        if not named & KINDS[change] or not exact:
            missed.append((change.__name__, rows.taken, [str(one) for one in found[:3]]))
    return missed


async def looked(store, signer, change, seed=0):
    """What verify finds after a change, which is taken back."""
    answer = []

    def work(connection):
        held = TrailRows(connection)
        rows = Rows(
            [body for _, body in held.leaves()],
            {(one.level, one.number): one.hashes for one in held.tiles()},
            dict(held.checkpoints()),
            random.Random(seed),
            signer,
        )
        if change:
            change(rows)
            write(connection, rows)
        made = verify(held, signer.verifier, wanted=[one.size for one in rows.seen])
        if rows.seen:
            assert made.found == [], "nothing but what others have seen shows this"
        answer.extend([[*made.found, *outside.compare(made, rows.seen)], rows])
        raise UndoneError

    with pytest.raises(UndoneError):
        await store._database.run(work)
    return answer if change else answer[0]


async def test_whatever_is_changed_is_found_and_named_in_sqlite(tmp_path, signer):
    store = await Store.open(f"sqlite:///{tmp_path}/archscan.db")
    try:
        missed = await tamper_with(store, signer, Signer.made("w.example"))
    finally:
        await store.close()
    print(f"sqlite: {COUNT - len(missed)} of {COUNT} tamperings found, each under its name")
    assert not missed


async def test_whatever_is_changed_is_found_and_named_in_postgresql(postgres, signer):
    store = await Store.open(postgres.url())
    try:
        missed = await tamper_with(store, signer, Signer.made("w.example"))
    finally:
        await store.close()
    print(f"postgresql: {COUNT - len(missed)} of {COUNT} tamperings found, each under its name")
    assert not missed
