"""The capabilities that a file of a layer asks the kernel for when it is executed."""

from __future__ import annotations

import struct

from scanner.binary.layers.limits import unreadable

ATTRIBUTE = "security.capability"
"""The extended attribute that holds them (capabilities(7))."""

NAMES = (
    "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP", "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT",
    "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE",
    "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ",
    "PERFMON", "BPF", "CHECKPOINT_RESTORE",
)  # fmt: skip
"""By their numbers (include/uapi/linux/capability.h); the kernel passes over further bits."""

_EFFECTIVE = 1
_FORMS = {(2, 20): False, (3, 24): True}
"""Revision and length of what the kernel lets anybody set, with whether it names the user namespace's root."""


def demanded(value: bytes) -> tuple[str, ...]:
    """Those without which execve refuses the file: permitted ones, where they are to be effective.

    Raises ``LayerError`` for a value that the kernel refuses to set (cap_convert_nscap in security/commoncap.c), so
    that no engine unpacks its layer.
    """
    if not value:
        return ()
    words = struct.unpack(f"<{len(value) // 4}I", value) if len(value) % 4 == 0 else (0,)
    is_for_a_root = _FORMS.get((words[0] >> 24, len(value)))
    if is_for_a_root is None:
        raise unreadable(f"a {ATTRIBUTE} of {len(value)} bytes that no kernel sets")
    if not words[0] & _EFFECTIVE or (is_for_a_root and words[5]):
        return ()
    bits = words[1] | words[3] << 32
    return tuple(name for number, name in enumerate(NAMES) if bits >> number & 1)
