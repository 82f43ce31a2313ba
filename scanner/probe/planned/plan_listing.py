"""Plain lists of images, one reference a line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scanner.domain.facts import Source
from scanner.domain.failure import Failure
from scanner.domain.image.reference import image_reference
from scanner.domain.plan import Plan
from scanner.probe.planned.plans import Plans, UnclearError, gap, pinned, text_of

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_LINES = 10_000
"""A host does not run so many containers."""

_PLATFORM = "platform="
_PICTURE = re.compile(r".*\.(?:avif|bmp|gif|ico|jpe?g|pdf|png|svg|tiff?|webp)", re.DOTALL)


def plans(texts: Mapping[str, bytes]) -> Plans:
    """What lists plan: ``REFERENCE [platform=linux/arm64]`` a line, ``#`` begins a comment.

    An image is its own name; one that is pinned has its platform in the name, so that the same image may be planned
    for two of them.
    """
    found = Plans()
    for path, raw in texts.items():
        try:
            lines = _lines(raw)
        except UnclearError as error:
            found += gap(path, error)
            continue
        for number, line in enumerate(lines, 1):
            try:
                found += _line(line)
            except UnclearError as error:
                found += gap(f"{path}:{number}", error)
    return found


def names_an_image(raw: bytes) -> bool:
    """Whether any line of a file is one of a list, or nobody can tell: not where it names pictures or speaks of them."""
    try:
        return any(_may_be_an_image(_words(line)) for line in _lines(raw))
    except UnclearError:
        return True


def _may_be_an_image(words: list[str]) -> bool:
    """A reference alone, or one with a tag or a digest, with whatever stands behind it."""
    if not words or _PICTURE.fullmatch(words[0]) or isinstance(image_reference(words[0]), Failure):
        return False
    return all(word.startswith(_PLATFORM) for word in words[1:]) or ":" in words[0] or "@" in words[0]


def _lines(raw: bytes) -> list[str]:
    lines = text_of(raw).splitlines()
    if len(lines) > MAX_LINES:
        raise UnclearError(f"more than {MAX_LINES} lines")
    return lines


def _words(line: str) -> list[str]:
    return ("" if line.lstrip().startswith("#") else line.split(" #", 1)[0]).split()


def _line(line: str) -> Plans:
    words = _words(line)
    if not words:
        return Plans()
    image, *options = words
    if len(options) > 1 or not all(option.startswith(_PLATFORM) for option in options):
        raise UnclearError("a line is an image reference, where it is pinned with platform=OS/ARCHITECTURE behind it")
    platform = pinned(options[0].removeprefix(_PLATFORM)) if options else None
    return Plans((Plan(image, f"{image} for {platform}" if platform else "", Source.INVENTORY, platform),))
