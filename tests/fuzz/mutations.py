"""Inputs made of real samples by changes that a seed decides: one seed, one sequence, on every machine."""

from __future__ import annotations

import copy
import json
import random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

MAX_BYTES = 16 << 10
"""Of one input: long enough to repeat what may multiply, short enough for many."""

COMMON = (
    b"", b"\0", b"\n", b"\r\n", b"\t", b" ", b'"', b"'", b"\\", b"$", b"${", b"}", b"{", b"[", b"]", b"(", b")", b"<<", b"*", b"&", b"!", b"#",
    b":", b"=", b",", b"-", b"--", b"/", b"//", b"../", b"%", b"%%", b"`", b"|", b";", b"~", b"@", b"0", b"-1", b"1e999", b"NaN", b"null",
    b"9" * 40, b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xf0\x9f\x98\x80", b"\xe2\x80\xae", b"\x1b[31m", b"\\ud800", b"true", b"x" * 300,
)  # fmt: skip


ODD: tuple[Any, ...] = (
    None, True, -1, 0, 1 << 70, 1.5, float("inf"), "", "x", "x" * 5000, "\ud800", "a\0b", [], {}, [[]], [None], [1, "a", {}], {"": 1}, {"a": {"b": []}},
)  # fmt: skip
"""What may stand where something else belongs."""


def inputs(samples: Sequence[bytes], tokens: Sequence[bytes], seed: int) -> Iterator[bytes]:
    """One input after another, without end; the samples themselves come first."""
    yield from (sample[:MAX_BYTES] for sample in samples)
    chance = random.Random(seed)
    words = (*COMMON, *tokens)
    documents = [document for sample in samples if (document := _json(sample)) is not None]
    while True:
        if documents and chance.random() < 0.4:
            yield _reshaped(chance.choice(documents), chance)
            continue
        body = bytearray(chance.choice(samples)[:MAX_BYTES])
        for _ in range(chance.choice((1, 1, 2, 3, 5, 8))):
            _change(body, chance, samples, words)
        yield bytes(body[:MAX_BYTES])


def _json(sample: bytes) -> Any:
    try:
        found = json.loads(sample)
    except ValueError:
        return None
    return found if isinstance(found, list | dict) else None


def _reshaped(document: Any, chance: random.Random) -> bytes:
    """The document with something else in a few of its places."""
    made = copy.deepcopy(document)
    for _ in range(chance.choice((1, 1, 2, 4))):
        places = list(_places(made))
        if places:
            chance.choice(places)(copy.deepcopy(chance.choice(ODD)))
    return json.dumps(made).encode()[:MAX_BYTES]


def _places(document: Any) -> Iterator[Callable[[Any], None]]:
    """Every place within a document, as what puts a value there."""
    waiting = [document]
    while waiting:
        held = waiting.pop()
        keys = list(held) if isinstance(held, dict) else range(len(held)) if isinstance(held, list) else ()
        for key in keys:
            yield lambda value, held=held, key=key: held.__setitem__(key, value)
            waiting.append(held[key])


def _change(body: bytearray, chance: random.Random, samples: Sequence[bytes], words: Sequence[bytes]) -> None:
    at = chance.randrange(len(body) + 1)
    end = min(len(body), at + chance.choice((1, 2, 8, 64, 512)))
    match chance.randrange(9):
        case 0 if at < len(body):
            body[at] ^= 1 << chance.randrange(8)
        case 1 if at < len(body):
            body[at] = chance.randrange(256)
        case 2:
            del body[at:end]
        case 3:
            body[at:at] = chance.choice(words)
        case 4:
            body[at:end] = chance.choice(words)
        case 5:
            body[at:at] = body[at:end] * chance.choice((1, 2, 16, 128))
        case 6:
            body[at:at] = chance.choice(words) * chance.choice((2, 16, 256, 2048))
        case 7:
            other = chance.choice(samples)
            start = chance.randrange(len(other) + 1)
            body[at:end] = other[start : start + 512]
        case 8:
            del body[at:]
    del body[MAX_BYTES:]
