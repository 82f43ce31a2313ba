"""Whether others may read a secret's file; the rule of OpenSSH for keys, with what orchestrators do instead."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from pathlib import Path

HANDED_OVER = Path("/run/secrets")
"""Where Docker, Podman and Kubernetes put secrets into a container, with an owner and mode of their own."""

CREDENTIALS_VARIABLE = "CREDENTIALS_DIRECTORY"
"""Names the folder in which systemd hands over ``LoadCredential=``: 0440 of root, with an ACL for the service's user."""

_MORE_THAN_GROUP_READS = stat.S_IWGRP | stat.S_IXGRP | stat.S_IRWXO

MOUNTS = Path("/proc/self/mountinfo")

_IN_MEMORY = frozenset({"tmpfs", "ramfs"})


def exposed(path: Path, descriptor: int) -> str:
    """What is wrong with the owner or mode of an open secret's file, in words; empty where it is as it should be.

    It belongs to root or us, and nobody else has a right to it; root's own may be read by a group that holds one account
    alone, which is how a service is given one. What an orchestrator hands over passes: what lies below systemd's
    credentials or ``/run/secrets``, root's files on a mount that is read-only or in memory.
    """
    status = os.fstat(descriptor)
    mode = stat.S_IMODE(status.st_mode)
    foreign = status.st_uid not in _ours()
    if not foreign and not mode & (stat.S_IRWXG | stat.S_IRWXO):
        return ""
    if status.st_uid == 0 and not mode & _MORE_THAN_GROUP_READS and _is_of_one_account(status.st_gid):
        return ""
    if _is_handed_over(path) or (status.st_uid == 0 and _is_kept_by_mount(descriptor, status)):
        return ""
    if foreign:
        return f"belongs to user {status.st_uid}, who may change it: chown it to the user that runs archscan, or root"
    return f"others may read it (mode {mode:04o}): chmod go-rwx"


def _is_of_one_account(group: int) -> bool:
    """Whether a group holds one account besides root, and that is ours, or root asks on its behalf."""
    try:
        members = set(grp.getgrgid(group).gr_mem)
        members |= {one.pw_name for one in pwd.getpwall() if one.pw_gid == group}
        numbers = {pwd.getpwnam(name).pw_uid for name in members} - {0}
    except KeyError:
        return False
    return len(numbers) == 1 and (os.geteuid() == 0 or os.geteuid() in numbers)


def _ours() -> set[int]:
    """Root, ourselves, and whoever runs us by sudo."""
    own = {0, os.geteuid()}
    caller = os.environ.get("SUDO_UID", "")
    if os.geteuid() == 0 and caller.isdecimal():
        own.add(int(caller))
    return own


def _is_handed_over(path: Path) -> bool:
    real = Path(os.path.realpath(path))
    given = os.environ.get(CREDENTIALS_VARIABLE, "")
    folders = [HANDED_OVER, *([Path(given)] if Path(given).is_absolute() else [])]
    return any(real.is_relative_to(os.path.realpath(folder)) for folder in folders)


def _is_kept_by_mount(descriptor: int, status: os.stat_result) -> bool:
    """Whether the file lies on a mount that nobody writes to, or that is gone with the machine's next start."""
    if os.fstatvfs(descriptor).f_flag & os.ST_RDONLY:
        return True
    device = f"{os.major(status.st_dev)}:{os.minor(status.st_dev)}"
    try:
        lines = MOUNTS.read_text(errors="replace").splitlines()
    except OSError:
        return False
    return any(_type_of(line) in _IN_MEMORY for line in lines if line.split()[2:3] == [device])


def _type_of(line: str) -> str:
    """The file system's type in a line of mountinfo (proc_pid_mountinfo(5))."""
    return line.partition(" - ")[2].partition(" ")[0]
