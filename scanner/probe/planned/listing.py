"""Plain lists of images, one reference a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.domain.facts import Source
from scanner.probe.planned.plan import Planned, Plans, UnclearError, gap, pinned, text_of

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_LINES = 10_000
"""A host does not run so many containers."""

_PLATFORM = "platform="


def plans(texts: Mapping[str, bytes]) -> Plans:
    """What lists plan: ``REFERENCE [platform=linux/arm64]`` a line, ``#`` begins a comment.

    An image is its own name; one that is pinned has its platform in the name, so that the same image may be planned
    for two of them.
    """
    found = Plans()
    for path, raw in texts.items():
        try:
            lines = text_of(raw).splitlines()
            if len(lines) > MAX_LINES:
                raise UnclearError(f"more than {MAX_LINES} lines")
        except UnclearError as error:
            found += gap(path, error)
            continue
        for number, line in enumerate(lines, 1):
            found += _line(f"{path}:{number}", line)
    return found


def _line(place: str, line: str) -> Plans:
    words = ("" if line.lstrip().startswith("#") else line.split(" #", 1)[0]).split()
    if not words:
        return Plans()
    image, *options = words
    try:
        if any(not option.startswith(_PLATFORM) for option in options) or len(options) > 1:
            raise UnclearError(
                "a line is an image reference, with platform=OS/ARCHITECTURE behind it where it is pinned"
            )
        platform = pinned(options[0].removeprefix(_PLATFORM)) if options else None
    except UnclearError as error:
        return gap(place, error)
    return Plans((Planned(f"{image} for {platform}" if platform else image, image, Source.INVENTORY, platform),))
