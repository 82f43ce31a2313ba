"""Whether others may read a secret's file; the rule of OpenSSH for keys, with what orchestrators do instead."""

from __future__ import annotations

import errno
import grp
import os
import pwd
import stat
import sys
from pathlib import Path

HANDED_OVER = Path("/run/secrets")
"""Where Docker, Podman and Kubernetes put secrets into a container, with an owner and mode of their own."""

CREDENTIALS_VARIABLE = "CREDENTIALS_DIRECTORY"
"""Names the folder in which systemd hands over ``LoadCredential=``: 0440 of root, with an ACL for the service's user."""

SERVICE_ACCOUNT = "archscan"
"""The account that runs the service where it is set up as documented (``config/systemd``)."""

_MORE_THAN_GROUP_READS = stat.S_IWGRP | stat.S_IXGRP | stat.S_IRWXO

MOUNTS = Path("/proc/self/mountinfo")

_IN_MEMORY = frozenset({"tmpfs", "ramfs"})

_ACLS = ("system.posix_acl_access", "system.nfs4_acl")

_NO_ACL = frozenset({errno.ENODATA, errno.ENOTSUP})
"""None is set, or the file system knows none."""


def exposed(path: Path, descriptor: int) -> str:
    """What is wrong with the owner or mode of an open secret's file, in words; empty where it is as it should be.

    It belongs to root or us, and nobody else has a right to it; root's own may be read by the service's own group, which
    is how a service is given one. What an orchestrator hands over passes: what lies below systemd's credentials or
    ``/run/secrets``, root's files on a mount that is read-only or in memory.
    """
    status = os.fstat(descriptor)
    mode = stat.S_IMODE(status.st_mode)
    foreign = status.st_uid not in _ours()
    if not foreign and not mode & (stat.S_IRWXG | stat.S_IRWXO):
        return ""
    if status.st_uid == 0 and not mode & _MORE_THAN_GROUP_READS and _is_for_service(descriptor, status.st_gid):
        return ""
    if _is_handed_over(path) or (status.st_uid == 0 and _is_kept_by_mount(descriptor, status)):
        return ""
    if foreign:
        return f"belongs to user {status.st_uid}, who may change it: chown it to the user that runs archscan, or root"
    return f"others may read it (mode {mode:04o}): chmod go-rwx"


def _is_for_service(descriptor: int, group: int) -> bool:
    """Whether the bits of a file's group let in the account alone that runs archscan; root asks on behalf of the service's.

    Name services need not list everybody, so that a group counts as one account's own by its name: that of the account
    whose first group it is.
    """
    if group == 0 or _has_acl(descriptor):
        return False
    try:
        known = grp.getgrgid(group)
        account = pwd.getpwnam(known.gr_name)
    except KeyError:
        return False
    shared = set(known.gr_mem) - {known.gr_name} or any(
        one.pw_gid == group and one.pw_uid != account.pw_uid for one in pwd.getpwall()
    )
    if account.pw_gid != group or shared:
        return False
    return account.pw_uid == os.geteuid() or (os.geteuid() == 0 and known.gr_name == SERVICE_ACCOUNT)


def _has_acl(descriptor: int) -> bool:
    """Whether others may be let in by name; the bits of the group are then the most that any of them may do (acl(5))."""
    if sys.platform != "linux":
        return True  # nobody tells
    for name in _ACLS:
        try:
            os.getxattr(descriptor, name)
        except OSError as error:
            if error.errno in _NO_ACL:
                continue
        return True
    return False


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
