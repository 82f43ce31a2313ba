"""The words of a command that find or xargs starts, with what they put into them."""

from __future__ import annotations

from scanner.probe.planned.unknown_text import UNKNOWN


def behind(before: tuple[str, ...], words: tuple[str, ...]) -> tuple[str, ...]:
    """A command's words, with what programs in front of it put into them, up to where they take their own again."""
    names = {word.rpartition("/")[2] for word in before}
    if "find" in names:
        end = next((at for at, word in enumerate(words) if word in {";", "+"}), len(words))
        return tuple(word.replace("{}", UNKNOWN) for word in words[:end])
    if "xargs" in names:
        options = list(before[before.index(next(word for word in before if word.endswith("xargs"))) :])
        marks = [_mark(options, at) for at, word in enumerate(options) if word.startswith(("-I", "-i", "--replace"))]
        return tuple(word.replace(marks[0], UNKNOWN) for word in words) if marks else (*words, UNKNOWN, UNKNOWN)
    return words


def _mark(options: list[str], at: int) -> str:
    """What ``xargs -I{}`` replaces."""
    said = options[at].removeprefix("--replace").removeprefix("-I").removeprefix("-i").removeprefix("=")
    return said or (options[at + 1] if options[at] == "-I" and at + 1 < len(options) else "{}")
