"""Whether the user of a process may search, read or execute what stands in an image.

The rule is generic_permission of Linux fs/namei.c: one class of bits counts, the owner's, else the group's, else all
others'. Root passes (CAP_DAC_OVERRIDE), but executes only what has an execute bit at all; where this capability was taken
away its bits count as anybody's, but for searching and reading where it was left, or given, CAP_DAC_READ_SEARCH.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import TYPE_CHECKING

from scanner.binary.layers.layers import NodeKind
from scanner.binary.layers.usage import Rights
from scanner.binary.layers.view import Absence, Found
from scanner.binary.program import capabilities
from scanner.binary.program.image_files import ImageFiles, is_mounted
from scanner.binary.program.user import ProcessRights, ReadText, further_groups, identify
from scanner.domain.facts import Privileges
from scanner.domain.failure import Failure
from scanner.domain.image.offers import FileKind
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from scanner.binary.layers.view import View
    from scanner.binary.program.argv import Command
    from scanner.domain.image.offers import Executable

READ_THEIR_SCRIPT = frozenset({
    "sh", "ash", "dash", "bash", "ksh", "mksh", "zsh", "busybox", "python", "python2", "python3", "perl", "ruby", "node",
    "php", "lua", "tclsh", "awk", "gawk", "mawk", "execlineb", "make", "Rscript",
})  # fmt: skip
"""Interpreters that open the script they are given; a launcher in their place does not."""

_ROOT = Rights(0o755, 0, 0)
"""Those that engines give the root directory of an image whose layers say nothing of it."""

_NOT_THE_IMAGES = ("/proc", "/sys", "/dev")


class Wish(IntEnum):
    """One bit of a class of three; ``OWN`` is what only an owner may, whatever the bits are."""

    EXECUTE = 1
    WRITE = 2
    READ = 4
    OWN = 8


_WORDS = {Wish.EXECUTE: "execute", Wish.WRITE: "write", Wish.READ: "read", Wish.OWN: "change the owner or mode of"}


@dataclass(frozen=True, slots=True)
class Denial:
    """What is refused to whom: ``by_exec`` by the execve that the runtime calls, ``later`` by a later system call."""

    by_exec: Failure | None = None
    later: Failure | None = None


@dataclass(frozen=True, slots=True)
class Permissions:
    """Those of one user over one image, in the directory ``cwd``; ``mounts`` are paths of which the image tells nothing.

    ``sure_of_groups`` is off where something changed the user, but perhaps not its groups.
    """

    view: View
    spec: str
    read: ReadText
    mounts: tuple[str, ...] = ()
    sure_of_groups: bool = True
    privileges: Privileges = field(default_factory=Privileges)
    cwd: str = "/"

    @classmethod
    def of(cls, view: View, command: Command, *, sure_of_groups: bool = True) -> Permissions:
        """Those of the command's user; of root where nobody told."""
        read = accounts(view, command)
        return cls(view, command.user or "", read, command.mounts, sure_of_groups, command.privileges, command.cwd)

    @property
    def are_roots(self) -> bool:
        """Whether they are root's by number, with all that root has: nothing is closed to it but what cannot be executed."""
        return self.spec.partition(":")[0] in {"", "0"} and not self.privileges.lacks_override

    def of_start(self, files: tuple[Executable, ...], named: str) -> Denial:
        """What one start may not open: each by execve, besides scripts that interpreters read, libraries that loaders do."""
        denial = self._by_bits(files, named)
        return replace(denial, later=denial.later or capabilities.refusal(self.view, files, self.privileges))

    def _by_bits(self, files: tuple[Executable, ...], named: str) -> Denial:
        if self.are_roots:
            return Denial()
        later: Failure | None = None
        by_exec: Failure | None = None
        behind_env = False
        for at, file in enumerate(files):
            path = named if not at and named else file.path
            if file.role == "library":  # which the loader opens and maps: no execute bit is asked for
                later = later or self._unloadable(path)
                continue
            refused = self.refusal(path, Wish.EXECUTE)
            if behind_env:
                later = later or refused
            else:
                by_exec = by_exec or refused
            following = files[at + 1].path if at + 1 < len(files) else ""
            if file.kind is FileKind.SCRIPT and following:
                later = later or self._unreadable(file, path)
            behind_env = behind_env or following.rpartition("/")[2] == "env"
        return Denial(by_exec, later)

    def _unloadable(self, path: str) -> Failure | None:
        """Why the loader cannot open a library: it looks on for another where that is for the rights alone."""
        refused = self.refusal(path, Wish.READ)
        if refused is None or refused.reason is not Reason.PERMISSION_DENIED:
            return refused
        if name := self._found_next(path):
            return _doubt(
                path, f"its user may not read it, and a loader takes the next {name} of the image that it finds"
            )
        return refused

    def _found_next(self, path: str) -> str:
        """The name of another library that a loader may take instead, for it looks for one by whatever link leads there."""
        stem = f"{path.rpartition('/')[2].partition('.so')[0]}.so"
        for name in sorted(self.view.names_with(stem)):
            for each in self.view.called(name) if name.startswith(stem) else ():
                found = self.view.lookup(f"/{each}")
                if isinstance(found, Found) and found.node.kind is NodeKind.FILE and found.path != path:
                    return name
        return ""

    def _unreadable(self, script: Executable, path: str) -> Failure | None:
        """Why the interpreter cannot read its script, as far as it wants to."""
        refused = self.refusal(path, Wish.READ)
        if refused is None or refused.reason is not Reason.PERMISSION_DENIED:
            return refused
        if _reads_its_script(script):
            return replace(refused, detail=f"{refused.detail}, so its interpreter cannot open it")
        return _doubt(path, f"whether {script.shebang.split()[0]} reads it, which its user may not, is not known")

    def refusal(self, path: str, wish: Wish) -> Failure | None:
        """Why the user may not have its ``wish``: ``permission_denied``, or that nobody knows; ``None``: it may."""
        return self._of_identity(path, wish, with_groups=False)

    def closes(self, path: str) -> bool:
        """Whether the user surely may not search the directory of a path, which is what every search by PATH passes over."""
        refused = self.refusal(posixpath.dirname(path) or "/", Wish.EXECUTE)
        return refused is not None and refused.reason is Reason.PERMISSION_DENIED

    def _of_identity(self, path: str, wish: Wish, *, with_groups: bool) -> Failure | None:
        who = identify(self.spec, self.read, with_groups=with_groups)
        if isinstance(who, Failure):
            return who if with_groups else None  # a name that is not there was told before
        further = further_groups(self.privileges.groups, self.read)
        if not isinstance(further, Failure) and who.gids is not None:
            who = replace(who, gids=who.gids | further)
        answer = self._asked(path, wish, who)
        if answer is None:
            return None
        if answer.reason is Reason.BINARY_UNKNOWN and not with_groups and self.sure_of_groups and who.gids is None:
            return self._of_identity(path, wish, with_groups=True)
        return answer

    def _asked(self, path: str, wish: Wish, who: ProcessRights) -> Failure | None:
        doubt: Failure | None = None
        for directory in self.view.searched(path, self.cwd):
            if self._is_covered(f"/{directory}"):
                continue
            rights, may_differ = self.view.directory_rights(directory) if directory else (None, False)
            may = self._searches(who) or allows(rights, who, Wish.EXECUTE, by_bits=self.privileges.lacks_override)
            if may is False and not may_differ:
                return _denied(path, f"{who} may not search /{directory}", rights)
            if not may:
                doubt = doubt or _doubt(path, f"whether {who} may search /{directory} is not known")
        found = self.view.lookup(path if path.startswith("/") else f"{self.cwd}/{path}")
        if isinstance(found, Absence) or self._is_covered(found.path):
            return doubt
        rights, may_differ = found.node.rights, False
        if wish in {Wish.WRITE, Wish.OWN} and found.node.kind is NodeKind.DIRECTORY:
            rights, may_differ = self.view.directory_rights(found.path.lstrip("/"))
            if rights is None and found.path == "/":
                rights, may_differ = _ROOT, False
        may = None if may_differ else allows(rights, who, wish, by_bits=self.privileges.lacks_override)
        if wish is Wish.READ and self._searches(who):
            may = True
        if may is False:
            return _denied(path, f"{who} may not {_WORDS[wish]} {found.path}", rights)
        return doubt if may else doubt or _doubt(path, f"whether {who} may {_WORDS[wish]} it is not known")

    def _searches(self, who: ProcessRights) -> bool:
        """Whether no bits close a directory to it, nor a file that it reads: engines give root no such right by themselves."""
        return who.uid == 0 and self.privileges.has("DAC_READ_SEARCH") is True

    def _is_covered(self, path: str) -> bool:
        return is_mounted(path, (*self.mounts, *_NOT_THE_IMAGES))


def accounts(view: View, command: Command) -> ReadText:
    """Reads the accounts of the image, of which a mount tells nothing."""
    files = ImageFiles.of(view, command)

    def read(path: str) -> str | Failure | None:
        if is_mounted(path, command.mounts):
            return Failure(Reason.BINARY_UNKNOWN, f"{path} is on a mount, so that its accounts are not the image's")
        if isinstance(view.lookup(path), Absence):
            return None
        text = files.text(path)
        if text is None:
            return Failure(Reason.BINARY_UNKNOWN, f"{path} of the image was not read")
        return text.decode("utf-8", "surrogateescape")

    return read


def allows(rights: Rights | None, who: ProcessRights, wish: Wish, *, by_bits: bool = False) -> bool | None:
    """Whether these bits grant it; ``None`` where owner or groups would tell. What has none is root's, open to all.

    Root passes, unless the bits count for it too (``by_bits``).
    """
    if rights is None:
        return None if wish in {Wish.WRITE, Wish.OWN} and who.uid else True
    if who.uid == 0 and (not by_bits or wish is Wish.OWN):
        return True
    if wish is Wish.OWN:
        return None if rights.uid is None else rights.uid == who.uid
    group, others = bool(rights.mode >> 3 & wish), bool(rights.mode & wish)
    if rights.uid is None:
        return group if {group, others} == {bool(rights.mode >> 6 & wish)} else None
    if rights.uid == who.uid:
        return bool(rights.mode >> 6 & wish)
    if rights.gid is None or who.gids is None:
        return group if group == others else None
    return group if rights.gid in who.gids else others


def _reads_its_script(script: Executable) -> bool:
    words = script.shebang.split()
    named = words[0].rpartition("/")[2] if words else ""
    if named == "env":
        named = words[-1].rpartition("/")[2] if len(words) == 2 else ""  # noqa: PLR2004 - env and a name
    return bool({named, named.rstrip("0123456789.")} & READ_THEIR_SCRIPT)


def _denied(path: str, why: str, rights: Rights | None) -> Failure:
    bits = f" (mode {rights.mode:04o} of {rights.uid}:{rights.gid})" if rights is not None else ""
    return Failure(Reason.PERMISSION_DENIED, f"{path}: {why}{bits}", path=path)


def _doubt(path: str, why: str) -> Failure:
    return Failure(Reason.BINARY_UNKNOWN, f"{path}: {why}", path=path)
