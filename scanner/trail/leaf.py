r"""One entry of the trail as canonical JSON: the same entry is always the same bytes.

An object of six fields, keys sorted, no spaces, ASCII only (everything else as ``\uXXXX``), whole numbers only::

    {"about":{...},"after":12,"at":"2026-11-26T17:00:00.123Z","by":"ci","event":"gate_decided","schema":"archscan/trail/v1"}

``after`` is the size of the last signed checkpoint before the entry: so the entries themselves tell which checkpoints
there must be.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from scanner.trail.tiles import MAX_ENTRY_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

SCHEMA = "archscan/trail/v1"
"""It changes when a field changes its meaning, never when one is added to ``about``."""

_ESCAPED_HALF = b"\\ud"
"""Half of a surrogate pair in canonical JSON, of which the other half mostly follows."""

_DIGEST_CHARS = 128
"""What stands for a value that is too long is shorter than this."""

ROWS_AT_ONCE = 1000
"""A few milliseconds, in which nothing else goes on in the process."""

_FIELDS = {"about", "after", "at", "by", "event", "schema"}


class Event(StrEnum):
    """What an entry tells of."""

    SERVICE_STARTED = "service_started"
    SERVICE_STOPPED = "service_stopped"
    SCAN_STARTED = "scan_started"
    SCAN_FINISHED = "scan_finished"
    SCAN_FAILED = "scan_failed"
    FINDING_OPENED = "finding_opened"
    FINDING_CHANGED = "finding_changed"
    FINDING_CLOSED = "finding_closed"
    ARCHITECTURE_CHANGED = "architecture_changed"
    GATE_DECIDED = "gate_decided"
    WAIVER_ADDED = "waiver_added"
    WAIVER_DELETED = "waiver_deleted"
    OVERRIDE_ADDED = "override_added"
    OVERRIDE_DELETED = "override_deleted"
    CONFIGURATION_RELOADED = "configuration_reloaded"
    ROLLBACK_PLANNED = "rollback_planned"
    ROLLBACK_CONFIRMED = "rollback_confirmed"
    ROLLBACK_STEP = "rollback_step"
    ROLLBACK_SEEN = "rollback_seen"
    ROLLBACK_ENDED = "rollback_ended"
    TRAIL_RESUMED = "trail_resumed"


@dataclass(frozen=True, slots=True)
class Entry:
    """What happened, when (Unix seconds), who asked for it; ``about`` holds text, whole numbers, lists, mappings."""

    event: Event
    at: float
    by: str = ""
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Leaf:
    """An entry as it was read back."""

    event: str
    at: str
    by: str
    about: Mapping[str, Any]
    after: int


def encode(entry: Entry, after: int) -> bytes:
    """The bytes that are hashed, at most 65,535 of them, which is what a bundle of tlog-tiles can hold.

    Where an entry is longer, its longest values under ``about`` give way to their SHA-256: whoever has the value can
    still prove that it was this one.

    Raises:
        ValueError: a value is not of those that an entry may hold.
    """
    made: dict[str, Any] = {
        "about": dict(entry.about),
        "after": after,
        "at": moment(entry.at),
        "by": entry.by,
        "event": str(entry.event),
        "schema": SCHEMA,
    }
    encoded = canonical(made)
    if _ESCAPED_HALF in encoded:
        made = _whole(made)
        encoded = canonical(made)
    about: dict[str, Any] = made["about"]
    while len(encoded) > MAX_ENTRY_BYTES:
        sizes = {name: len(canonical(value)) for name, value in about.items()}
        name = max(sizes, key=sizes.__getitem__, default="")
        if sizes.get(name, 0) <= _DIGEST_CHARS:
            raise ValueError("the entry is too long")
        about[name] = {"bytes": sizes[name], "digest": digest(about[name])}
        encoded = canonical(made)
    return encoded


def decode(body: bytes) -> Leaf | None:
    """The entry that these bytes are; ``None`` if they are none, or not in the one right spelling."""
    try:
        made = json.loads(body)
        if not isinstance(made, dict) or made.keys() != _FIELDS or canonical(made) != body:
            return None
        if _ESCAPED_HALF in body:
            made = _whole(made)
    except (ValueError, RecursionError):
        return None
    event, at, by, about, after = (made[name] for name in ("event", "at", "by", "about", "after"))
    good = all(isinstance(text, str) for text in (event, at, by)) and isinstance(about, dict)
    return Leaf(event, at, by, about, after) if good and isinstance(after, int) else None


def _whole(value: Any) -> Any:
    """A document whose texts can be shown: half of a surrogate pair, which a stranger may write as JSON, becomes ``?``."""
    return json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))


def canonical(value: object) -> bytes:
    """JSON in its one right spelling.

    Raises:
        ValueError: it holds a number with a fraction, or what JSON does not know.
    """
    _refuse_fractions(value)
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")
    except TypeError as error:
        raise ValueError(str(error)) from None


def digest(value: object) -> str:
    """``sha256:`` with the hash of a value's canonical JSON."""
    return f"sha256:{hashlib.sha256(canonical(value)).hexdigest()}"


def digest_of_pieces(*tables: Iterable[bytes]) -> str:
    """``digest`` of lists of rows, of which each piece is some as ``spelt`` has them: a list of hundreds of thousands is never there whole."""
    found = hashlib.sha256(b"[")
    for number, pieces in enumerate(tables):
        found.update(b",[" if number else b"[")
        for place, piece in enumerate(pieces):
            found.update(b"," + piece if place else piece)
        found.update(b"]")
    found.update(b"]")
    return f"sha256:{found.hexdigest()}"


def pieces_of(rows: Sequence[Sequence[str]]) -> Iterator[bytes]:
    """Rows in pieces: in one call hundreds of thousands would hold up everybody."""
    return (spelt(rows[at : at + ROWS_AT_ONCE]) for at in range(0, len(rows), ROWS_AT_ONCE))


def spelt(rows: Sequence[Sequence[str]]) -> bytes:
    """Some rows of a list, as they stand between its brackets."""
    return canonical(rows)[1:-1]


def moment(at: float) -> str:
    """Unix seconds as RFC 3339 in UTC, to the millisecond."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _refuse_fractions(value: object) -> None:
    held = [value]
    while held:
        one = held.pop()
        if isinstance(one, float):
            raise ValueError("a number with a fraction has more than one spelling")  # noqa: TRY004 -- of a value, not of its type alone
        if isinstance(one, dict):
            held.extend(one.values())
        elif isinstance(one, list | tuple):
            held.extend(one)
