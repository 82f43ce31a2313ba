"""Plans that files make, with what of them is not known."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scanner.domain.failure import Failure
from scanner.domain.platform import platform as platforms
from scanner.domain.text import printable
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from scanner.domain.plan import Plan
    from scanner.domain.platform.platform import Platform

MAX_DOCUMENT_BYTES = 1 << 20
"""Files that describe containers are written by hand or nearly so."""


READ_VARIABLES = frozenset({"PATH", "LD_LIBRARY_PATH", "LD_PRELOAD", "DOCKER_DEFAULT_PLATFORM"})
"""Variables whose values a judgement reads; the others may be secrets, and stay where they are."""


_TEMPLATE = re.compile(r"\{\{|\{%|\$[({A-Za-z_]|[<>]|\[\[")


def is_template(image: str) -> bool:
    """Whether a reference has what no image's name can, and templates leave for others to fill in."""
    return _TEMPLATE.search(image) is not None


@dataclass(frozen=True, slots=True)
class Plans:
    """What files plan, and why some of it is not known: failures by the file, or its part, that they concern."""

    planned: tuple[Plan, ...] = ()
    gaps: Mapping[str, Failure] = field(default_factory=dict)

    def __add__(self, other: Plans) -> Plans:
        """Both together; of two failures of one file the first stays."""
        return Plans(self.planned + other.planned, {**other.gaps, **self.gaps})


def part_of(path: str, name: str) -> str:
    """How a service of a project's files goes in gaps, and among what units start in a way of their own."""
    return f"{path}: {name}"


def unplayed(made: Plans, path: str, played: Container[str]) -> Plans:
    """What the files of a project, of which ``path`` is the first, plan but what units start in a way of their own."""
    if path in played:
        return Plans()
    left = (plan for plan in made.planned if part_of(path, plan.workload.rpartition("/")[2]) not in played)
    return Plans(tuple(left), {name: failure for name, failure in made.gaps.items() if name not in played})


class UnclearError(ValueError):
    """A file cannot be understood, or leaves open what it plans; caught where its plans are made."""


def gap(path: str, error: object) -> Plans:
    """No plan, and why."""
    return Plans(gaps={path: Failure(Reason.PART_INCOMPLETE, f"{printable(path, 200)}: {printable(str(error), 300)}")})


def text_of(raw: bytes, *, encoding: str = "utf-8-sig") -> str:
    """A file's text, without its byte order mark unless ``encoding`` is ``utf-8``.

    Raises:
        UnclearError: it is too long to be what it says, or no text.
    """
    if len(raw) > MAX_DOCUMENT_BYTES:
        raise UnclearError(f"longer than {MAX_DOCUMENT_BYTES} bytes")
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise UnclearError("not UTF-8") from error


def pinned(specifier: str) -> Platform | None:
    """The platform that a file demands, none where it demands none.

    Raises:
        UnclearError: the words are no platform.
    """
    if not specifier.strip():
        return None
    try:
        return platforms.normalize(platforms.parse(specifier.strip(), platforms.Platform("linux", "")))
    except ValueError as error:
        raise UnclearError(str(error)) from error


def environment(variables: Mapping[str, str | None]) -> tuple[tuple[str, str | None], ...] | None:
    """Variables as a process carries them: by name, with a value only where a judgement reads it; none are ``None``."""
    return tuple((name, text if name in READ_VARIABLES else None) for name, text in variables.items()) or None
