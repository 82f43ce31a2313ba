"""Heads that others have kept of the log: only they show that its end was cut, or an older copy put in its place."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from scanner.errors import in_words
from scanner.formats.documents import lenient_json
from scanner.trail import checkpoint, note
from scanner.trail.merkle import HASH_BYTES
from scanner.trail.note import NoteError
from scanner.trail.tampering import FoundTampering, Tampering

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from scanner.trail.note import Verifier
    from scanner.trail.verify import Verified

WORD_BYTES = 6
"""A sample of Prometheus is a float, which holds 48 bits exactly: a root is six of them."""

WORDS = -(-HASH_BYTES // WORD_BYTES)

POINTS = 10_000
"""Prometheus gives at most 11,000 points of a series at once."""

MAX_VALUES = 4_000_000
"""Of one answer: three for each point of a root's words, from as many as twenty instances."""

SIZE_METRIC = "archscan_trail_size"
ROOT_METRIC = "archscan_trail_root"


@dataclass(frozen=True, slots=True)
class Seen:
    """A head as somebody kept it: ``who`` says where it stands; the root is ``None`` where only the size is known."""

    size: int
    root: bytes | None
    who: str


class OutsideError(ValueError):
    """What was to be compared with cannot be read, in one line."""


def words(root: bytes) -> list[int]:
    """The root as numbers that Prometheus keeps exactly."""
    padded = root.ljust(WORDS * WORD_BYTES, b"\0")
    return [int.from_bytes(padded[at : at + WORD_BYTES]) for at in range(0, len(padded), WORD_BYTES)]


def root_of(numbers: Iterable[float]) -> bytes:
    """The root that ``words`` has taken apart."""
    return b"".join(int(one).to_bytes(WORD_BYTES) for one in numbers)[:HASH_BYTES]


def compare(made: Verified, seen: Iterable[Seen]) -> Iterator[FoundTampering]:
    """What in the stored log contradicts what others have seen of it; their roots were asked of ``verify``."""
    told: set[tuple[Tampering, str]] = set()
    for one in sorted(seen, key=lambda head: head.size):
        if one.size > made.size:
            kind, detail = Tampering.ROLLED_BACK, f"{one.who} has seen {one.size} entries, the store has {made.size}"
        elif one.root is not None and one.size and made.roots.get(one.size) != one.root:
            kind, detail = Tampering.REWRITTEN, f"{one.who} has seen another root over {one.size} entries"
        else:
            continue
        if (kind, one.who) not in told:
            told.add((kind, one.who))
            yield FoundTampering(kind, min(one.size, made.size), detail)


def of_checkpoint(text: str, log: Verifier, who: str) -> Seen | FoundTampering:
    """The head that a checkpoint shows, which was kept elsewhere; ``FoundTampering`` if it is another log's.

    Raises:
        OutsideError: it is no checkpoint.
    """
    try:
        head, _ = checkpoint.opened(text, log)
    except NoteError as error:
        try:
            other = checkpoint.parse(note.parse(text).text)
        except NoteError:
            raise OutsideError(f"{who}: {error}") from None
        return FoundTampering(Tampering.ANOTHER_LOG, other.size, f"{who} is of the log {other.origin}: {error}")
    if head.origin != log.name:
        return FoundTampering(Tampering.ANOTHER_LOG, head.size, f"{who} is of the log {head.origin}, not of {log.name}")
    return Seen(head.size, head.root, who)


# ---------------------------------------------------------------- Prometheus


def of_prometheus(url: str, origin: str, now: float, window_s: float, fetch: Callable[[str], bytes]) -> list[Seen]:
    """Every head of this log that Prometheus scraped within the last ``window_s`` seconds, each once.

    Raises:
        OutsideError: it does not answer, or knows nothing of this log.
    """
    step = max(15.0, window_s / POINTS)
    span = {"start": f"{now - window_s:.0f}", "end": f"{now:.0f}", "step": f"{step:.0f}"}
    matcher = json.dumps(origin)
    sizes = _series(url, f"max by (instance, job) ({SIZE_METRIC}{{origin={matcher}}})", span, fetch)
    if not sizes:
        raise OutsideError(f"{url} has no {SIZE_METRIC} of {origin} within the window")
    roots = _series(url, f"{ROOT_METRIC}{{origin={matcher}}}", span, fetch)
    by_place: dict[tuple[str, str, float], dict[str, float]] = {}
    for labels, points in roots:
        for at, value in points:
            place = (labels.get("instance", ""), labels.get("job", ""), at)
            by_place.setdefault(place, {})[labels.get("word", "")] = value
    found: dict[tuple[int, bytes | None], Seen] = {}
    for labels, points in sizes:
        for at, size in points:
            numbers = by_place.get((labels.get("instance", ""), labels.get("job", ""), at), {})
            whole = [numbers.get(str(word)) for word in range(WORDS)]
            root = None if None in whole else root_of(one for one in whole if one is not None)
            found.setdefault((int(size), root), Seen(int(size), root, "Prometheus"))
    return list(found.values())


def _series(
    url: str, query: str, span: dict[str, str], fetch: Callable[[str], bytes]
) -> list[tuple[dict[str, str], list[tuple[float, float]]]]:
    address = f"{url.rstrip('/')}/api/v1/query_range?{urlencode({'query': query, **span})}"
    try:
        answer = lenient_json.loads(fetch(address), MAX_VALUES)
        return [
            (dict(one["metric"]), [(float(at), float(value)) for at, value in one["values"]])
            for one in answer["data"]["result"]
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OutsideError(f"{url} does not answer as Prometheus does: {in_words(error)}") from None
