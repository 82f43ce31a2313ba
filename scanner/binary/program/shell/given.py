"""The variables that shells set by themselves."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from scanner.binary.program.argv import UNKNOWN
from scanner.binary.program.shell.state import ShellKind

if TYPE_CHECKING:
    from scanner.binary.program.shell.state import State

_GIVEN_BY_BASH = frozenset({
    "BASH", "BASH_VERSION", "HOSTNAME", "HOSTTYPE", "MACHTYPE", "OSTYPE", "RANDOM", "SECONDS", "SHLVL", "EPOCHSECONDS",
    "EPOCHREALTIME", "SHELLOPTS", "BASHOPTS", "BASHPID", "SRANDOM", "COLUMNS", "LINES", "DIRSTACK",
})  # fmt: skip
_GIVEN_BY_ALL = frozenset({"PPID", "LINENO", "_", "PS1", "PS2", "PS4", "OPTARG", "TERM"})
"""``TERM`` is the engine's, where it gives a terminal, which no image tells."""


_BITS_64 = MappingProxyType({
    "amd64": "x86_64", "arm64": "aarch64", "s390x": "s390x", "riscv64": "riscv64", "loong64": "loongarch64",
    "ppc64le": "powerpc64le",
})  # fmt: skip
"""What GNU's configure calls the machines of 64 bits; bash says for which it was built."""

_NUMBERS = frozenset(
    {"RANDOM", "SECONDS", "SHLVL", "EPOCHSECONDS", "BASHPID", "SRANDOM", "PPID", "LINENO", "UID", "EUID"}
)


def is_number(name: str, state: State, kind: ShellKind) -> bool:
    """Whether a variable that nobody has set holds digits, in which nothing can be split."""
    return name in _NUMBERS and name not in state.variables and given(name, state, kind) is not None


def given(  # noqa: C901 - one line for each variable
    name: str, state: State, kind: ShellKind
) -> str | None:
    """The value of a variable that nobody has set; ``None`` where the shell leaves it unset too."""
    if name == "PWD":
        return state.cwd
    if name == "BASH_SOURCE" and kind is ShellKind.BASH:
        return state.file
    if name == "IFS":
        return " \t\n"
    if name == "OPTIND":
        return "1"
    if name == "PS1" and kind is ShellKind.BASH:
        return None
    if name in _GIVEN_BY_ALL:
        return UNKNOWN
    if name in {"HOSTTYPE", "MACHTYPE"} and kind is ShellKind.BASH and state.architecture in _BITS_64:
        return f"{_BITS_64[state.architecture]}{f'-{UNKNOWN}' if name == 'MACHTYPE' else ''}"
    if name in _GIVEN_BY_BASH and kind in {
        ShellKind.BASH,
        ShellKind.KSH,
        ShellKind.POSIX,
        ShellKind.ZSH,
        ShellKind.ASH,
    }:
        return UNKNOWN
    if name in {"UID", "EUID"} and kind is ShellKind.BASH and state.user in {"", "0", "root"}:
        return "0"
    if name in {"UID", "EUID"} and kind not in {ShellKind.DASH, ShellKind.ASH}:
        return UNKNOWN
    return None
