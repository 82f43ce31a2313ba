"""Which ids a config's User gets in an image.

The rule is GetExecUser of moby/sys/user (user.go), which Docker, Podman, containerd, gosu share: a number is an id whether or
not an account has it, and never a name; a name has to be there.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason

MAX_ID = 2**31 - 1
"""The kernel knows larger ones, the engines refuse them (ErrRange)."""

MAX_LINES = 65_536
"""Of /etc/passwd and of /etc/group; an image has some dozens of accounts."""

_NUMBER = re.compile(r"[+-]?[0-9]+", re.ASCII)
_RANGE = Failure(Reason.USER_MISSING, f"its User has an id out of range: engines take 0 to {MAX_ID}")

ReadText: TypeAlias = Callable[[str], "str | Failure | None"]
"""The text of an absolute path of the image, ``None`` where there is none, or why nobody knows."""


@dataclass(frozen=True, slots=True)
class ProcessRights:
    """Whose rights a process has; ``gids`` are all of its groups, ``None`` where they are not known."""

    uid: int
    gids: frozenset[int] | None = None

    def __str__(self) -> str:
        """As messages name it."""
        return "root" if self.uid == 0 else f"user {self.uid}"


ROOT = ProcessRights(0)


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of /etc/passwd or /etc/group; what is missing or no number counts as empty, as 0."""

    name: str
    fields: tuple[str, ...]

    def number(self, at: int) -> int:
        text = self.fields[at] if at < len(self.fields) else ""
        return int(text) if _is_number(text) else 0


def identify(spec: str, read: ReadText, *, with_groups: bool) -> ProcessRights | Failure:
    """Who ``spec`` is: ``USER[:GROUP]``, each a name or a number, each may be empty.

    Args:
        spec: as a config or a container says it.
        read: asked for /etc/passwd and /etc/group only where they decide.
        with_groups: whether the groups are needed too, which numbers alone do not tell.

    Returns:
        The ids; ``user_missing`` where engines refuse the name, what ``read`` answers where nobody knows.
    """
    name, _, group = spec.partition(":")
    group = group.partition(":")[0]
    uid, gid = _id_of(name), _id_of(group)
    if isinstance(uid, Failure) or isinstance(gid, Failure):
        return _RANGE
    account: _Line | None = None
    if (name and uid is None) or with_groups:
        found = _account(name, uid, read)
        if isinstance(found, Failure):
            return found
        account = found
    own = account.number(2) if account is not None else uid or 0
    if group and gid is None:
        found_gid = _group(group, read)
        return found_gid if isinstance(found_gid, Failure) else ProcessRights(own, frozenset({found_gid}))
    if gid is not None:
        return ProcessRights(own, frozenset({gid}))
    return _with_groups(own, account, read) if with_groups else ProcessRights(own)


def further_groups(groups: tuple[str, ...], read: ReadText) -> frozenset[int] | Failure:
    """The ids of groups beside the user's, as engines look them up: a number is an id, a name has to be there."""
    found: set[int] = set()
    for group in groups:
        gid = _id_of(group)
        gid = _group(group, read) if gid is None else gid
        if isinstance(gid, Failure):
            return gid
        found.add(gid)
    return frozenset(found)


def _with_groups(uid: int, account: _Line | None, read: ReadText) -> ProcessRights | Failure:
    """The account's own group, besides those of /etc/group that list it; 0 where there is no account."""
    if account is None:
        return ProcessRights(uid, frozenset({0}))
    lines = _lines("/etc/group", read)
    if isinstance(lines, Failure):
        return lines
    further = {line.number(2) for line in lines if account.name in _members(line)}
    return ProcessRights(uid, frozenset({account.number(3)} | further))


def _members(line: _Line) -> list[str]:
    return line.fields[3].split(",") if len(line.fields) > 3 else []  # noqa: PLR2004 - group(5)


def _account(name: str, uid: int | None, read: ReadText) -> _Line | Failure | None:
    lines = _lines("/etc/passwd", read)
    if isinstance(lines, Failure):
        return lines
    if name and uid is None:
        missing = Failure(Reason.USER_MISSING, f"its User is {name!r}, of which /etc/passwd of the image knows nothing")
        return next((line for line in lines if line.name == name), missing)
    return next((line for line in lines if line.number(2) == (uid or 0)), None)


def _group(group: str, read: ReadText) -> int | Failure:
    lines = _lines("/etc/group", read)
    if isinstance(lines, Failure):
        return lines
    found = next((line for line in lines if line.name == group), None)
    if found is not None:
        return found.number(2)
    return Failure(
        Reason.USER_MISSING, f"its User's group is {group!r}, of which /etc/group of the image knows nothing"
    )


def _lines(path: str, read: ReadText) -> list[_Line] | Failure:
    text = read(path)
    if isinstance(text, Failure):
        return text
    found = []
    for line in (text or "").split("\n", MAX_LINES)[:MAX_LINES]:
        if stripped := line.strip():
            fields = tuple(stripped.split(":"))
            found.append(_Line(fields[0], fields))
    return found


def _id_of(text: str) -> int | Failure | None:
    """A number, ``None`` for a name or nothing."""
    if not _is_number(text):
        return None if not _NUMBER.fullmatch(text) else _RANGE
    number = int(text)
    return number if 0 <= number <= MAX_ID else _RANGE


def _is_number(text: str) -> bool:
    return len(text) < 20 and _NUMBER.fullmatch(text) is not None  # noqa: PLR2004 - digits of a 64-bit number
