"""Launchers of daemontools, runit, s6 (chpst, setuidgid, envdir …): what they exec next."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from scanner.binary.program.launch.getopt import grammar
from scanner.binary.program.launch.launch import AtRunTime, By, assigned, parsed_by, unknown_environment

if TYPE_CHECKING:
    from scanner.binary.program.launch.getopt import Parsed
    from scanner.binary.program.launch.launch import Launch, LauncherCall

_CHPST = grammar("u:U:b:e:m:d:o:p:f:c:r:t:/:C:n:l:L:vP012V")
_S6_ENVDIR = grammar("IinfLc:")
_S6_ENVUIDGID = grammar("iD:ugBn")
_NUMERIC_ACCOUNT = re.compile(r":\d+(?::\d+)+", re.ASCII)


def chpst(call: LauncherCall) -> Launch:
    """Runit's chpst, which may read variables from a directory."""
    parsed = parsed_by(call, _CHPST, "V")
    if parsed is None or isinstance(parsed, AtRunTime):
        return parsed
    if any(_NUMERIC_ACCOUNT.fullmatch(spec) is None for spec in _numeric_accounts(parsed)):
        return call.refused("behind a colon it takes a user's number, a colon, groups' numbers")
    root = parsed.value("/")
    if root is not None:
        return AtRunTime(f"{call.name} changes the root directory to {root!r}")
    return _named(_changed(call, parsed), parsed)


def _numeric_accounts(parsed: Parsed) -> list[str]:
    return [spec for spec in map(parsed.value, ("u", "U")) if spec is not None and spec.startswith(":")]


def _changed(call: LauncherCall, parsed: Parsed) -> Launch:
    command = unknown_environment(call.command) if parsed.has("e", "U") else call.command
    user, directory = parsed.value("u"), parsed.value("C")
    command = command if user is None else call.within(command).as_user(_user_of(user)).command
    command = command if directory is None else replace(command, cwd=command.absolute(directory))
    return call.within(command).starting(parsed.rest, By.EXECVE)


def _user_of(spec: str) -> str:
    """``USER:GROUP``, of numbers behind a colon too; the user alone where there are more groups than one can tell."""
    user, _, groups = spec.removeprefix(":").partition(":")
    return f"{user}:{groups}" if groups and ":" not in groups else user


def _named(launch: Launch, parsed: Parsed) -> Launch:
    argv0 = parsed.value("b")
    return launch if argv0 is None or launch is None or isinstance(launch, AtRunTime) else replace(launch, argv0=argv0)


def setuidgid(call: LauncherCall) -> Launch:
    """An account, then the command; no options."""
    if len(call.words) < 2 or call.words[0].startswith("-"):  # noqa: PLR2004 - an account and a command
        return call.refused("it takes an account, then a command")
    if unknown := _unknown_to_s6(call, call.words[0]):
        return unknown
    return call.as_user(call.words[0]).starting(call.words[1:], By.EXECVE)


_NUMBERS = re.compile(r"\d+(?::\d+)?", re.ASCII)


def _unknown_to_s6(call: LauncherCall, account: str) -> AtRunTime | None:
    """Why a tool of s6 ends before it starts anything: it takes an account, or numbers, and asks for its groups by glibc."""
    if not call.name.startswith("s6-") or _NUMBERS.fullmatch(account):
        return None
    if ":" in account:
        return call.refused("it takes an account, or numbers with a colon between them")
    if call.libc == "glibc" and not call.stands("/etc/nsswitch.conf"):
        return call.denied("cannot ask for an account's groups, for there is no /etc/nsswitch.conf")
    return None


def envuidgid(call: LauncherCall) -> Launch:
    """An account whose ids become variables, then the command."""
    parsed = parsed_by(call, _S6_ENVUIDGID)
    if parsed is None or isinstance(parsed, AtRunTime):
        return parsed
    if parsed.rest and (unknown := _unknown_to_s6(call, parsed.rest[0])):
        return unknown
    command = assigned(call.command, {"UID": None, "GID": None, "GIDLIST": None})
    return call.within(command).starting(parsed.rest[1:], By.EXECVE)


def envdir(call: LauncherCall) -> Launch:
    """Variables from a directory's files, then the command."""
    parsed = parsed_by(call, _S6_ENVDIR)
    if parsed is None or isinstance(parsed, AtRunTime):
        return parsed
    return call.within(unknown_environment(call.command)).starting(parsed.rest[1:], By.EXECVE)
