"""Writes families of gauges as exposition bytes, as the client library would but ten times as fast.

The library takes 6.5 µs a series, which for a fleet of 100,000 series is longer than a scrape may block the loop.
Tests compare the bytes with the library's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.utils import floatToGoString

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from scanner.metrics.family import Family

Sample = tuple[tuple[str, ...], float]
"""Label values in the order of ``Family.labels``, then the value."""


class _Escaped(dict[str, str]):
    """Label values between their quotes, each escaped once for one page: names recur in many series.

    Nothing outlives the page: workloads come and go, so that a cache of the process would fill with what is gone.
    """

    __slots__ = ()

    def __missing__(self, value: str) -> str:
        """What UTF-8 cannot carry becomes ``?``, for it would cost the whole page."""
        quoted = value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
        made = self[value] = quoted if quoted.isascii() else quoted.encode("utf-8", "replace").decode()
        return made


def exposition(samples: Mapping[Family, Iterable[Sample]], *, openmetrics: bool) -> bytes:
    """All families with their samples; OpenMetrics without its end mark.

    Families that share a name differ in their labels only, and are written as the one family they are.
    """
    escaped = _Escaped()
    named: dict[str, list[Family]] = {}
    for family in samples:
        named.setdefault(family.name, []).append(family)
    return "".join(
        _head(family, openmetrics=openmetrics)
        + "".join(_lines(alike, samples[alike], escaped) for alike in (family, *others))
        for family, *others in named.values()
    ).encode()


def _head(family: Family, *, openmetrics: bool) -> str:
    name = family.stem if openmetrics else family.name
    kind = "gauge" if family.kind == "info" and not openmetrics else family.kind
    return f"# HELP {name} {family.help}\n# TYPE {name} {kind}\n"


def _lines(family: Family, samples: Iterable[Sample], escaped: _Escaped) -> str:
    template, order = _template(family)
    lines = []
    for values, value in samples:
        number = "1.0" if value == 1 else _number(value)
        lines.append(template % (*[escaped[values[index]] for index in order], number))
    return "".join(lines)


def _number(value: float) -> str:
    return str(floatToGoString(value))  # type: ignore[no-untyped-call] # the library types only part of itself


def _template(family: Family) -> tuple[str, list[int]]:
    """The line of a sample with gaps, and which label fills each: the library sorts labels by name."""
    order = sorted(range(len(family.labels)), key=family.labels.__getitem__)
    labels = ",".join(f'{family.labels[index]}="%s"' for index in order)
    return f"{family.name}{{{labels}}} %s\n" if labels else f"{family.name} %s\n", order
