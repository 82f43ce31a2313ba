"""How a command asks its fetcher, the process that asks hosts over SSH for it, what the fetcher says.

It has heard strangers: but for the answers themselves, which are parsed elsewhere, all that it says is text, made values by
their declared types alone.
"""

from __future__ import annotations

import json
import struct
from dataclasses import asdict
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from scanner.domain.failure import Failure, Reach
from scanner.domain.verdict.reason import Reason
from scanner.formats.documents.strict_json import decoded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

ASKED = struct.Struct(">QI")
"""Before a host that is to be asked: the reading's number, how many bytes the host has; none where nobody waits for it any more."""

TOLD = struct.Struct(">QBI")
"""Before what the fetcher says: a reading's number, what follows (``Told``), how many bytes it has."""

MAX_WORDS_BYTES = 1 << 20
"""Of anything that is no answer: what is wrong with a thousand keys has less."""


class Told(IntEnum):
    """What a message of the fetcher is: the keys are read or cannot be used, the answer of a host, why there is none, or a bug."""

    READY = 0
    TROUBLES = 1
    ANSWER = 2
    FAILURE = 3
    BUG = 4


def failure_text(failure: Failure) -> bytes:
    """Why a host could not be read."""
    return _text(asdict(failure))


def failure_of(text: bytes) -> Failure:
    """The failure.

    Raises:
        ValueError: the text is none of a failure.
    """
    try:
        return Failure(**{name: _KINDS.get(name, str)(value) for name, value in decoded(text).items()})
    except (TypeError, AttributeError) as error:
        raise ValueError("no failure") from error


_KINDS: Mapping[str, Callable[[Any], Any]] = {
    "reason": Reason,
    "reach": Reach,
    "cause": lambda said: None if said is None else Reason(said),
    "port": int,
    "is_own": bool,
}
"""The fields of a failure that are no plain text."""


def sentences_text(sentences: Sequence[str]) -> bytes:
    """What is wrong with the keys; or a bug, and where it is."""
    return _text({"said": sentences})


def sentences_of(text: bytes) -> tuple[str, ...]:
    """The sentences.

    Raises:
        ValueError: the text is none of sentences.
    """
    try:
        return tuple(map(str, decoded(text)["said"]))
    except (TypeError, KeyError) as error:
        raise ValueError("no sentences") from error


def _text(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields, ensure_ascii=False).encode(errors="replace")  # a file's name may be no text
