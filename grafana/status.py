"""How each status looks: one colour that colour-blind readers tell apart, one shape."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import (
    DashboardSpecialValueMapOptions,
    RangeMap,
    RegexMap,
    SpecialValueMap,
    SpecialValueMatch,
    ValueMap,
    ValueMappingResult,
)

from scanner.domain.verdict.reason import Status
from scanner.domain.verdict.reason_catalogue import MEANING

COLOUR = {
    Status.OK: "#009E73",
    Status.EMULATED: "#56B4E9",
    Status.DEGRADED: "#E69F00",
    Status.UNKNOWN: "#6E6E6E",
    Status.MISMATCH: "#D55E00",
    Status.BROKEN: "#CC79A7",
}
"""From the palette of Okabe, Ito, "Color Universal Design" (2008): distinct in every common kind of colour blindness; with a grey."""

Mapping = ValueMap | RangeMap | RegexMap | SpecialValueMap

SHAPE = {
    Status.OK: "✓",
    Status.EMULATED: "≈",
    Status.DEGRADED: "▲",
    Status.UNKNOWN: "?",
    Status.MISMATCH: "✕",
    Status.BROKEN: "■",
}
"""The same as on archscan's web page."""

GOOD, BAD, NEUTRAL = COLOUR[Status.OK], COLOUR[Status.MISMATCH], COLOUR[Status.UNKNOWN]


def statuses() -> list[Mapping]:
    """Each status as its shape with its word, in its colour."""
    words = {
        str(status): ValueMappingResult(text=f"{SHAPE[status]} {status}", color=COLOUR[status], index=index)
        for index, status in enumerate(reversed(Status))
    }
    return [ValueMap(options=words)]


def meanings() -> list[Mapping]:
    """Each reason as the sentence that says what it means."""
    return [ValueMap(options={str(reason): ValueMappingResult(text=sentence) for reason, sentence in MEANING.items()})]


def words(said: dict[str, tuple[str, str]]) -> list[Mapping]:
    """A number as a word in a colour."""
    return [
        ValueMap(options={number: ValueMappingResult(text=word, color=hue) for number, (word, hue) in said.items()})
    ]


def nothing(word: str) -> SpecialValueMap:
    """What to say where there is no value."""
    empty = SpecialValueMatch.NULL_AND_NAN
    result = ValueMappingResult(text=word, color=NEUTRAL)
    return SpecialValueMap(options=DashboardSpecialValueMapOptions(match=empty, result=result))
