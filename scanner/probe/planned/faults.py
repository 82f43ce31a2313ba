"""A fault of ours in the reading of one plan file costs that file, not those beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from scanner.domain.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")

MAX_ALONE = 200
"""Files that are read one by one to find the one at fault; more of them are all given up."""

MAX_TOGETHER = 10
"""Files at fault only together with others, each of which takes some readings of all to find."""


def without_culprits(
    read: Callable[[Mapping[str, bytes]], T],
    texts: Mapping[str, bytes],
    own: Callable[[str], bool] = lambda _path: True,
) -> tuple[T | None, dict[str, str]]:
    """What the texts plan, read without those over which the reader stumbles, then why for each of these.

    ``own`` tells which texts may be left out; ``None`` where it stumbles all the same: over each of them then.
    """
    try:
        return read(texts), {}
    except Exception as bug:  # noqa: BLE001 -- the last net: whatever it is, it is told with its file
        why = told(bug)
    paths = [path for path in texts if own(path)]
    if len(paths) > MAX_ALONE:
        return None, dict.fromkeys(paths, why)
    culprits = {path: said for path in paths if (said := _stumbles(read, {path: texts[path]}))}
    for number in range(MAX_TOGETHER + 1):
        left = {path: raw for path, raw in texts.items() if path not in culprits}
        try:
            if number or culprits:
                return read(left), culprits
        except Exception as bug:  # noqa: BLE001 -- the same
            why = told(bug)
        if not any(map(own, left)):
            break
        culprits[_last_of_them(read, left, own)] = why
    return None, dict.fromkeys(paths, why)


def _last_of_them(
    read: Callable[[Mapping[str, bytes]], object], texts: Mapping[str, bytes], own: Callable[[str], bool]
) -> str:
    """The file by which texts over which the reader stumbles differ from fewer of them over which it does not."""
    paths = [path for path in texts if own(path)]
    fine, wrong = 0, len(paths)
    while wrong - fine > 1:
        middle = (fine + wrong) // 2
        without = set(paths[middle:])
        if _stumbles(read, {path: raw for path, raw in texts.items() if path not in without}):
            wrong = middle
        else:
            fine = middle
    return paths[wrong - 1]


def _stumbles(read: Callable[[Mapping[str, bytes]], object], texts: Mapping[str, bytes]) -> str:
    try:
        read(texts)
    except Exception as bug:  # noqa: BLE001 -- the same
        return told(bug)
    return ""


def told(bug: Exception) -> str:
    """What is said of a fault of ours."""
    return f"a fault of archscan's own: {type(bug).__name__}: {printable(str(bug), 200)}"
