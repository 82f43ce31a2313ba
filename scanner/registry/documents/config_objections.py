"""Finds in a config what engines may refuse it for, beside the platform it names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from scanner.domain.failure import Failure
from scanner.domain.image.offers import Objection
from scanner.domain.verdict.condition import Condition
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MOMENT = re.compile(r"\d{4}-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,]\d+)?(?:Z|[+-]\d\d:\d\d)", re.ASCII)
"""RFC 3339, as Go's time package reads it into every engine's own type of a config."""
_MOMENT_MAXIMA = (12, 31, 23, 59, 60)

_TEXTS = ("author", "architecture", "os", "variant", "os.version")
_PROCESS_TEXTS = ("User", "WorkingDir", "StopSignal")
_PROCESS_MAPS = ("ExposedPorts", "Volumes", "Labels")
_HISTORY_TEXTS = ("created_by", "author", "comment")

_PORT = re.compile(r"\d+(?:-\d+)?(?:/.*)?", re.ASCII | re.DOTALL)
_SIGNAL = re.compile(
    r"\d+|(?:SIG)?(?:ABRT|ALRM|BUS|CHLD|CLD|CONT|FPE|HUP|ILL|INT|IO|IOT|KILL|PIPE|POLL|PROF|PWR|QUIT|SEGV|STKFLT|STOP"
    r"|SYS|TERM|TRAP|TSTP|TTIN|TTOU|UNUSED|URG|USR1|USR2|VTALRM|WINCH|XCPU|XFSZ|RTMIN(?:\+\d+)?|RTMAX(?:-\d+)?)",
    re.ASCII | re.IGNORECASE,
)


def objections(document: Mapping[str, Any]) -> tuple[Objection, ...]:
    """Each condition of which a config gives an example, once; the fields that say what it starts are read elsewhere."""
    found = dict(reversed(list(_found(document))))
    return tuple(
        Objection(condition, Failure(Reason.IMAGE_REFUSED, f"config: {found[condition]}"))
        for condition in sorted(found)
    )


def _found(document: Mapping[str, Any]) -> Iterator[tuple[Condition, str]]:
    history = document.get("history")
    section = document.get("config")
    for what in _unreadable(document, history):
        yield Condition.CONFIG_UNREADABLE, what
    if isinstance(section, dict):
        yield from _of_process(section)
    if isinstance(history, list):
        filling = sum(1 for entry in history if isinstance(entry, dict) and not entry.get("empty_layer"))
        listed = (document.get("rootfs") or {}).get("diff_ids") or ()
        if filling > len(listed):
            yield Condition.HISTORY_TOO_LONG, f"its history speaks of {filling} layers, and it lists {len(listed)}"


def _unreadable(document: Mapping[str, Any], history: object) -> Iterator[str]:
    yield from _texts(document, _TEXTS)
    yield from _moment(document.get("created"))
    if history is not None and not isinstance(history, list):
        yield "history is not a list"
    for entry in history if isinstance(history, list) else ():
        if entry is None:
            continue
        if not isinstance(entry, dict):
            yield "an entry of its history is not an object"
            continue
        yield from _texts(entry, _HISTORY_TEXTS)
        yield from _moment(entry.get("created"))
        if not isinstance(entry.get("empty_layer", False), bool | None):
            yield "empty_layer is neither true nor false"


def _of_process(section: Mapping[str, Any]) -> Iterator[tuple[Condition, str]]:
    for what in _texts(section, _PROCESS_TEXTS):
        yield Condition.CONFIG_UNREADABLE, what
    for key in _PROCESS_MAPS:
        if not isinstance(section.get(key), dict | None):
            yield Condition.CONFIG_UNREADABLE, f"{key} is not an object"
    labels, ports, signal = section.get("Labels"), section.get("ExposedPorts"), section.get("StopSignal")
    if isinstance(labels, dict):
        if not all(isinstance(value, str | None) for value in labels.values()):
            yield Condition.CONFIG_UNREADABLE, "a label is no string"
        if "" in labels:
            yield Condition.LABEL_NAMELESS, "a label has no name"
    if isinstance(ports, dict):
        odd = next((port for port in ports if not _PORT.fullmatch(port)), None)
        if odd is not None:
            yield Condition.PORT_ODD, f"the exposed port {odd[:40]!r} has no number"
    if isinstance(signal, str) and signal and not _SIGNAL.fullmatch(signal):
        yield Condition.STOP_SIGNAL_ODD, f"there is no signal {signal[:40]!r}"


def _texts(of: Mapping[str, Any], keys: tuple[str, ...]) -> Iterator[str]:
    for key in keys:
        if not isinstance(of.get(key), str | None):
            yield f"{key} is not a string"


def _moment(said: object) -> Iterator[str]:
    if said is None:
        return
    match = _MOMENT.fullmatch(said) if isinstance(said, str) else None
    if match is None or any(int(part) > most for part, most in zip(match.groups(), _MOMENT_MAXIMA, strict=True)):
        yield f"created is {str(said)[:40]!r}, which is no moment as RFC 3339 writes them"
