"""Shuts a parsing process in: the kernel refuses it sockets, programs, writing, every file but Python's own.

Landlock (Linux 5.13) bounds what it may open, seccomp (a filter of system calls) what it may do; each is used where the
kernel and the processor are known, so that bytes which overcome a library's C code find nothing to take and nowhere to go.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import struct
import sys
from typing import TYPE_CHECKING

import scanner

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PR_SET_NO_NEW_PRIVS, _PR_SET_DUMPABLE, _PR_SET_SECCOMP = 38, 4, 22
_SECCOMP_MODE_FILTER = 2
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000 | 1, 0x80000000
"""What a filter returns: go on; EPERM; the end (linux/seccomp.h)."""

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
"""The instructions that are needed (linux/filter.h)."""

_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
"""Where the parts of a call lie (struct seccomp_data); of an argument the lower half comes first on both processors."""

_X32 = 0x40000000
"""From here on the calls of x32 begin, another way to the same."""

_CREATES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

_COMMON = (
    "read", "write", "close", "fstat", "lseek", "mmap", "mprotect", "munmap", "brk", "mremap", "madvise", "rt_sigaction",
    "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "ioctl", "pread64", "readv", "writev", "fcntl", "dup", "getcwd",
    "getdents64", "readlinkat", "faccessat", "faccessat2", "newfstatat", "statx", "futex", "getrandom", "clock_gettime",
    "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "getpid", "gettid", "getuid", "geteuid", "getgid",
    "getegid", "getrusage", "sched_getaffinity", "sched_yield", "set_robust_list", "rseq", "uname", "sysinfo",
    "exit", "exit_group", "restart_syscall", "membarrier",
)  # fmt: skip

_X86_64 = {
    "read": 0, "write": 1, "open": 2, "close": 3, "stat": 4, "fstat": 5, "lstat": 6, "lseek": 8, "mmap": 9, "mprotect": 10,
    "munmap": 11, "brk": 12, "rt_sigaction": 13, "rt_sigprocmask": 14, "rt_sigreturn": 15, "ioctl": 16, "pread64": 17,
    "readv": 19, "writev": 20, "access": 21, "sched_yield": 24, "mremap": 25, "madvise": 28, "dup": 32, "nanosleep": 35,
    "getpid": 39, "exit": 60, "uname": 63, "fcntl": 72, "getcwd": 79, "readlink": 89, "gettimeofday": 96, "getrusage": 98,
    "sysinfo": 99, "getuid": 102, "getgid": 104, "geteuid": 107, "getegid": 108, "sigaltstack": 131, "arch_prctl": 158,
    "gettid": 186, "futex": 202, "sched_getaffinity": 204, "getdents64": 217, "restart_syscall": 219, "clock_gettime": 228,
    "clock_getres": 229, "clock_nanosleep": 230, "exit_group": 231, "openat": 257, "newfstatat": 262, "readlinkat": 267,
    "faccessat": 269, "set_robust_list": 273, "prlimit64": 302, "getrandom": 318, "membarrier": 324, "statx": 332,
    "rseq": 334, "faccessat2": 439,
}  # fmt: skip

_AARCH64 = {
    "getcwd": 17, "dup": 23, "fcntl": 25, "ioctl": 29, "faccessat": 48, "openat": 56, "close": 57, "getdents64": 61,
    "lseek": 62, "read": 63, "write": 64, "readv": 65, "writev": 66, "pread64": 67, "readlinkat": 78, "newfstatat": 79,
    "fstat": 80, "exit": 93, "exit_group": 94, "futex": 98, "set_robust_list": 99, "nanosleep": 101, "clock_gettime": 113,
    "clock_getres": 114, "clock_nanosleep": 115, "sched_getaffinity": 123, "sched_yield": 124, "restart_syscall": 128,
    "sigaltstack": 132, "rt_sigaction": 134, "rt_sigprocmask": 135, "rt_sigreturn": 139, "uname": 160, "getrusage": 165,
    "gettimeofday": 169, "getpid": 172, "getuid": 174, "geteuid": 175, "getgid": 176, "getegid": 177, "gettid": 178,
    "sysinfo": 179, "brk": 214, "munmap": 215, "mremap": 216, "mmap": 222, "mprotect": 226, "madvise": 233,
    "prlimit64": 261, "getrandom": 278, "membarrier": 283, "statx": 291, "rseq": 293, "faccessat2": 439,
}  # fmt: skip

_OLD_NAMES = ("stat", "lstat", "access", "readlink", "arch_prctl")
"""What musl still calls on x86-64."""

_PROCESSORS = {"x86_64": (0xC000003E, _X86_64), "aarch64": (0xC00000B7, _AARCH64)}
"""The word for the processor (linux/audit.h) with its numbers of calls (asm/unistd.h)."""

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_RULE_PATH_BENEATH, _ASK_VERSION = 1, 1
_READ_FILE, _READ_FOLDER = 1 << 2, 1 << 3

_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""How many rights on files each version of Landlock knows; later ones know as many as the last."""

_LANDLOCK_WITH_NET, _LANDLOCK_WITH_SCOPES = 4, 6

_SHARED_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache")


def confine(readable: Sequence[str]) -> tuple[str, ...]:
    """Shut this process in for good; it may go on reading below ``readable``. What came into force: landlock, seccomp."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return ()
    folders = (*readable, sys.prefix, sys.base_prefix, *_SHARED_LIBRARIES)
    return tuple(name for name, done in (("landlock", _landlock(libc, folders)), ("seccomp", _seccomp(libc))) if done)


def libraries(search_path: Sequence[str]) -> tuple[str, ...]:
    """The folders of a module search path that hold libraries, of any other only this package: it may be anybody's home."""
    named = {"site-packages", "dist-packages", "lib-dynload"}
    return (*scanner.__path__, *(path for path in search_path if os.path.basename(path.rstrip("/")) in named))  # noqa: PTH119 -- text


def _landlock(libc: ctypes.CDLL, readable: Sequence[str]) -> bool:
    """Whether nothing but these files and folders can be opened from now on, only for reading."""
    version = libc.syscall(_CREATE_RULESET, None, 0, _ASK_VERSION)
    if version < 1:
        return False
    rights = (1 << _FILE_RIGHTS.get(version, max(_FILE_RIGHTS.values()))) - 1
    words = [rights]
    words += [0b11] if version >= _LANDLOCK_WITH_NET else []  # neither bind nor connect
    words += [0b11] if version >= _LANDLOCK_WITH_SCOPES else []  # neither abstract sockets nor signals
    attributes = struct.pack(f"={len(words)}Q", *words)
    ruleset = libc.syscall(_CREATE_RULESET, attributes, len(attributes), 0)
    if ruleset < 0:
        return False
    try:
        for path in dict.fromkeys(readable):
            _permit(libc, ruleset, path)
        return bool(libc.syscall(_RESTRICT_SELF, ruleset, 0) == 0)
    finally:
        os.close(ruleset)


def _permit(libc: ctypes.CDLL, ruleset: int, path: str) -> None:
    with contextlib.suppress(OSError):  # sys.path names folders that need not exist
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            is_folder = os.path.isdir(path)  # noqa: PTH112 -- text
            rights = _READ_FILE | (_READ_FOLDER if is_folder else 0)
            libc.syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, struct.pack("=Qi", rights, opened), 0)
        finally:
            os.close(opened)


def _seccomp(libc: ctypes.CDLL) -> bool:
    """Whether only what a parser needs can be asked of the kernel from now on."""
    known = _PROCESSORS.get(platform.machine())
    if known is None or sys.byteorder != "little":
        return False
    instructions = b"".join(_filter(*known))
    program = ctypes.create_string_buffer(instructions, len(instructions))
    described = struct.pack("@HP", len(instructions) // 8, ctypes.addressof(program))
    return bool(libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, described, 0, 0) == 0)


def _filter(word: int, numbers: dict[str, int]) -> Iterator[bytes]:
    """The program that decides on each call."""
    yield _load(_ARCHITECTURE)
    yield _jump(_EQUAL, word, 1, 0)
    yield _return(_KILL)
    yield _load(_NUMBER)
    yield _jump(_AT_LEAST, _X32, 0, 1)
    yield _return(_REFUSE)
    for name in (*_COMMON, *_OLD_NAMES):
        if name in numbers:
            yield _jump(_EQUAL, numbers[name], 0, 1)
            yield _return(_ALLOW)
    for name, place in (("openat", 2), ("open", 1)):
        if name in numbers:  # for reading alone
            yield _jump(_EQUAL, numbers[name], 0, 4)
            yield _load(_ARGUMENTS + 8 * place)
            yield _jump(_ANY_BIT, _CREATES, 0, 1)
            yield _return(_REFUSE)
            yield _return(_ALLOW)
    yield _jump(_EQUAL, numbers["prlimit64"], 0, 4)  # its own limits alone
    yield _load(_ARGUMENTS)
    yield _jump(_EQUAL, 0, 0, 1)
    yield _return(_ALLOW)
    yield _return(_REFUSE)
    yield _return(_REFUSE)


def _load(offset: int) -> bytes:
    return struct.pack("=HBBI", _LOAD, 0, 0, offset)


def _jump(kind: int, value: int, if_so: int, if_not: int) -> bytes:
    return struct.pack("=HBBI", kind, if_so, if_not, value)


def _return(verdict: int) -> bytes:
    return struct.pack("=HBBI", _RETURN, 0, 0, verdict)
