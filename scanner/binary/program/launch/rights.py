"""Whether a container has the capabilities without which a launcher ends before it starts anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scanner.binary.program.argv import Command
    from scanner.binary.program.launch.launch import Accounts

_SWITCHING = {
    **dict.fromkeys(("gosu", "su-exec", "setuidgid", "s6-setuidgid", "runuser"), ("SETGID", "SETUID")),
    **dict.fromkeys(("setpriv", "chpst"), ("SETUID",)),
}
"""What those need that change the user; gosu sets the groups even of a user that stays."""

_ALWAYS = {"chroot": "SYS_CHROOT", "unshare": "SYS_ADMIN"}
"""What others need; seccomp's usual rules let nobody unshare anything who may not do everything (SYS_ADMIN)."""

_NOT_BY_DEFAULT = frozenset({"SYS_ADMIN"})


def lacking(command: Command, onward: Command, accounts: Accounts) -> str:
    """Why the launcher ``command`` may not do what it does before ``onward``; empty where nothing speaks against it."""
    name = command.argv[0].rpartition("/")[2]
    if name == "busybox" and len(command.argv) > 1:
        name = command.argv[1]
    needed: tuple[str, ...] = (_ALWAYS[name],) if name in _ALWAYS else ()
    if onward.user != command.user or name == "gosu":
        needed += _SWITCHING.get(name, ())
    for capability in needed:
        has = command.privileges.has(capability)
        is_root = _is_root(command, accounts)
        if has is True or is_root is None:
            continue
        if has is False or not is_root or capability in _NOT_BY_DEFAULT:
            whose = "its container" if is_root else f"user {command.user}"
            return f"{name} needs cap_{capability.lower()}, which {whose} does not have: operation not permitted"
    return ""


def _is_root(command: Command, accounts: Accounts) -> bool | None:
    if command.user is None:
        return None
    user = command.user.partition(":")[0]
    if user in {"", "root"}:
        return True
    if user.isdigit():
        return int(user) == 0
    account = accounts(user)
    return None if account is None else account.uid == 0
