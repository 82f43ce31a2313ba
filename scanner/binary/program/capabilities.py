"""Whether a container has the capabilities that the files of a way want.

The rule is bprm_caps_from_vfs_caps of Linux security/commoncap.c: where a file's capabilities are to be effective, execve
ends with EPERM if one of them is outside the bounding set, whoever executes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.binary.layers.view import Found
from scanner.domain.failure import Failure
from scanner.domain.image.offers import FileKind, Objection
from scanner.domain.verdict.condition import Condition
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner.binary.layers.usage import Rights
    from scanner.binary.layers.view import View
    from scanner.domain.facts import Privileges
    from scanner.domain.image.offers import Executable

_OF_ALL = frozenset({
    "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID",
    "SYS_CHROOT",
})  # fmt: skip
"""What Docker, Podman and containerd give to every container."""

_OF_SOME = frozenset({"AUDIT_WRITE", "MKNOD", "NET_RAW"})
"""What Docker (moby's oci/caps/defaults.go) and containerd give besides, and Podman's containers.conf does not."""

_MAPPED = frozenset({"loader", "library"})
"""Files that are opened, but not executed."""


def refusal(view: View, files: tuple[Executable, ...], privileges: Privileges) -> Failure | None:
    """Why the kernel executes one of these files in no engine's container."""
    for path, capability in _demands(view, files):
        has = privileges.has(capability)
        if has is False or (has is None and capability not in _OF_ALL | _OF_SOME):
            return _denied(path, capability)
    return None


def objections(view: View, files: tuple[Executable, ...], privileges: Privileges) -> tuple[Objection, ...]:
    """Why it executes one of them in some engines' containers only."""
    wanted = (each for each in _demands(view, files) if each[1] in _OF_SOME and privileges.has(each[1]) is None)
    kept = (each for each in _lost(view, files) if not _holds(privileges, each[1]))
    return (
        *(Objection(Condition.CAPABILITY_OF_SOME, _denied(*each)) for each in list(wanted)[:1]),
        *(Objection(Condition.CAPABILITY_OF_HARD_LINK, _denied(*each)) for each in list(kept)[:1]),
    )


def _holds(privileges: Privileges, capability: str) -> bool:
    """Whether every engine's container has it."""
    has = privileges.has(capability)
    return capability in _OF_ALL if has is None else has


def _demands(view: View, files: tuple[Executable, ...]) -> Iterator[tuple[str, str]]:
    for path, rights in _rights(view, files):
        for capability in rights.demands:
            yield path, capability


def _lost(view: View, files: tuple[Executable, ...]) -> Iterator[tuple[str, str]]:
    """What a file wants where a hard link to it took nothing away."""
    for path, rights in _rights(view, files):
        for capability in rights.lost:
            yield path, capability


def _rights(view: View, files: tuple[Executable, ...]) -> Iterator[tuple[str, Rights]]:
    for file in files:
        if file.kind is not FileKind.ELF or file.role in _MAPPED:
            continue
        found = view.lookup(file.path)
        if isinstance(found, Found) and found.node.rights is not None:
            yield file.path, found.node.rights


def _denied(path: str, capability: str) -> Failure:
    name = f"cap_{capability.lower()}"
    why = f"{path} wants {name}, which its container does not have: operation not permitted"
    return Failure(Reason.PERMISSION_DENIED, why, path=path)
