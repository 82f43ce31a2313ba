"""The values by which every kind of launcher answers what it starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from scanner.binary.program.argv import split_path
from scanner.binary.program.launch.getopt import OptionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.binary.program.argv import Command
    from scanner.binary.program.launch.getopt import Grammar, Parsed

FALLBACK_SHELL = "/bin/sh"
"""_PATH_BSHELL: what tools start where neither SHELL nor the account names a shell."""

MAX_PASSWD_LINES = 65_536
"""Of /etc/passwd; an image has some dozens of accounts."""


class By(Enum):
    """How the next program is started, which decides what happens to a file that execve refuses."""

    EXECVP = "execvp"
    """glibc's execvp hands what is no program to /bin/sh; musl's does not."""
    EXECVE = "execve"
    """A search of its own, then execve: what is no program is an error."""
    LOADER = "loader"
    """The loader maps the ELF file itself: neither its execute bit nor its PT_INTERP counts, a script is an error."""
    APPLET = "applet"
    """argv[0] names an applet of the very same file, so that nothing is looked up."""


@dataclass(frozen=True, slots=True)
class Launched:
    """The command that a launcher execs next; ``argv0`` where the program gets another name than its file's.

    ``for_loader`` are variables that hold while its libraries are looked for, and in no program that it starts.
    """

    command: Command
    by: By = By.EXECVP
    argv0: str | None = None
    for_loader: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class AtRunTime:
    """Why nobody can tell before it runs what a launcher starts: a whole sentence without its full stop.

    ``is_refusal`` where it may well start nothing, whatever stands in the image; ``starts`` is what it is to start, as
    often as it finds something to start it for, below ``root`` where that is to be its root directory.
    """

    why: str
    is_refusal: bool = False
    starts: Command | None = None
    root: str = ""


Launch: TypeAlias = Launched | AtRunTime | None
"""``None``: argv[0] is itself the program, for it starts nothing else."""


@dataclass(frozen=True, slots=True)
class Account:
    """One line of /etc/passwd; ``shell`` is /bin/sh where the line names none."""

    name: str
    uid: int
    home: str
    shell: str


Accounts: TypeAlias = Callable[[str], Account | None]
"""An account of the image by its name or uid; ``None`` where there is none or nobody read them."""


Stands: TypeAlias = Callable[[str], bool]
"""Whether something may stand at an absolute path; yes where nobody looked."""


@dataclass(frozen=True, slots=True)
class LauncherCall:
    """A launcher that was called: by which name, with which words, in which surroundings.

    ``libc`` is its C library's, empty where it is linked statically, ``libraries`` are those that it needs; ``stands`` tells whether something may stand at an
    absolute path of the image.
    """

    name: str
    words: tuple[str, ...]
    command: Command
    accounts: Accounts
    libc: str = ""
    stands: Stands = lambda _: True
    libraries: tuple[str, ...] = ()

    def refused(self, why: str | OptionError) -> AtRunTime:
        """The launcher ends with its own usage error."""
        detail = why.detail if isinstance(why, OptionError) else why
        return AtRunTime(f"{self.name} ends with a usage error: {detail}", is_refusal=True)

    def denied(self, why: str) -> AtRunTime:
        """The launcher ends because a container, as engines make it, may not do what it is asked to."""
        return AtRunTime(f"{self.name} {why}", is_refusal=True)

    def starting(self, words: tuple[str, ...], by: By = By.EXECVP) -> Launch:
        """What is left is the next command."""
        if not words:
            return self.refused("it names no command")
        if not words[0]:
            return self.refused("its command has an empty name")
        return Launched(replace(self.command, argv=words), by)

    def within(self, command: Command) -> LauncherCall:
        """The same call in other surroundings."""
        return replace(self, command=command)

    def as_user(self, spec: str) -> LauncherCall:
        """The same call for another user, as written; HOME stays what it is, which an engine made it by the user before."""
        command = self.command
        if "HOME" not in command.env:
            account = None if command.user is None else self.accounts(command.user.partition(":")[0] or "0")
            command = command.with_variable("HOME", account.home if account else None)
        return self.within(replace(command, user=spec))


Rule: TypeAlias = Callable[[LauncherCall], Launch]


def account_of(passwd: str, wanted: str) -> Account | None:
    """The account with this name or uid in the text of /etc/passwd (getpwnam, then getpwuid)."""
    accounts = [found for line in passwd.split("\n", MAX_PASSWD_LINES)[:MAX_PASSWD_LINES] if (found := _account(line))]
    named = next((account for account in accounts if account.name == wanted), None)
    if named is not None or not (wanted.isascii() and wanted.isdigit()):
        return named
    return next((account for account in accounts if str(account.uid) == wanted), None)


def _account(line: str) -> Account | None:
    fields = line.split(":")
    if len(fields) != 7 or not (fields[2].isascii() and fields[2].isdigit()) or len(fields[2]) > 10:  # noqa: PLR2004 - passwd(5), a 32-bit number
        return None
    return Account(fields[0], int(fields[2]), fields[5], fields[6] or FALLBACK_SHELL)


def shell_command(call: LauncherCall, shell: str | None, *words: str) -> Launch:
    """A shell that is started with ``words``; ``None`` where nobody knows which."""
    if shell is None:
        return AtRunTime(f"{call.name} starts a shell that only /etc/passwd or the environment names")
    return call.starting((shell, *words), By.EXECVE)


def shell_variable(command: Command) -> str | None:
    """The shell that SHELL names, /bin/sh where it is unset; ``None`` where nobody knows its value."""
    if "SHELL" not in command.env:
        return FALLBACK_SHELL if command.env_known else None
    value = command.env["SHELL"]
    return value if value is None else value or FALLBACK_SHELL


def unknown_environment(command: Command) -> Command:
    """The same command after something set variables that nobody can tell; names are not looked up in its PATH."""
    names = MappingProxyType(dict.fromkeys((*command.env, "HOME")))
    return replace(command, env=names, env_known=False, login=True)


def empty_environment(command: Command) -> Command:
    """The same command without any variable: all are known to be unset, but for HOME, which some shells set themselves."""
    env = MappingProxyType(dict.fromkeys(("HOME",)))
    return replace(command.without_variable("PATH"), env=env, env_known=True, login=False)


def assigned(command: Command, variables: Mapping[str, str | None]) -> Command:
    """The same command with these variables set, in one step however many they are."""
    changed = replace(command, env=MappingProxyType({**command.env, **variables}))
    path = variables.get("PATH")
    return changed if path is None else replace(changed, path=split_path(path), login=False)


def parsed_by(call: LauncherCall, grammar: Grammar, *ends: str) -> Parsed | AtRunTime | None:
    """Its options; ``None`` where one of ``ends`` (or help, version) makes it end without starting anything."""
    if grammar.permutes and "POSIXLY_CORRECT" in call.command.env:
        grammar = replace(grammar, permutes=False)
    parsed = grammar.parse(call.words)
    if isinstance(parsed, OptionError):
        return call.refused(parsed)
    return None if parsed.has("help", "version", *ends) else parsed


def simple(grammar: Grammar, *, ends: tuple[str, ...] = (), own_words: int = 0, by: By = By.EXECVP) -> Rule:
    """A launcher that changes nothing that counts here: its options, ``own_words`` words, the command."""

    def rule(call: LauncherCall) -> Launch:
        parsed = parsed_by(call, grammar, *ends)
        if parsed is None or isinstance(parsed, AtRunTime):
            return parsed
        if len(parsed.rest) < own_words:
            return call.refused("words are missing before its command")
        return call.starting(parsed.rest[own_words:], by)

    return rule


def at_run_time(why: str) -> Rule:
    """A program whose configuration or input decides what it starts."""
    return lambda call: AtRunTime(f"{call.name} {why}")
