"""A fault of ours in the reading of one plan file costs that file, not those beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from scanner.domain.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")

MAX_ALONE = 200
"""Files that are read one by one to find the one at fault; more of them are all given up."""


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
        why = _told(bug)
    paths = [path for path in texts if own(path)]
    culprits = (
        {path: said for path in paths if (said := _stumbles(read, {path: texts[path]}))}
        if len(paths) <= MAX_ALONE
        else {}
    )
    try:
        if culprits:
            return read({path: raw for path, raw in texts.items() if path not in culprits}), culprits
    except Exception as bug:  # noqa: BLE001 -- the same
        why = _told(bug)
    return None, dict.fromkeys(paths, why)


def _stumbles(read: Callable[[Mapping[str, bytes]], object], texts: Mapping[str, bytes]) -> str:
    try:
        read(texts)
    except Exception as bug:  # noqa: BLE001 -- the same
        return _told(bug)
    return ""


def _told(bug: Exception) -> str:
    return f"a fault of archscan's own: {type(bug).__name__}: {printable(str(bug), 200)}"
