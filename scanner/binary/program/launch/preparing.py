"""Launchers that prepare something before the command that they are given: dockerize, wait-for, s6-overlay."""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from scanner.binary.program.argv import UNKNOWN
from scanner.binary.program.launch import started
from scanner.binary.program.launch.launch import AtRunTime, By

if TYPE_CHECKING:
    from scanner.binary.program.launch.launch import Launch, LauncherCall, Rule

_GO_FLAG = re.compile(r"--?([A-Za-z][A-Za-z0-9-]*)(=.*)?", re.ASCII | re.DOTALL)
_DOCKERIZE_SWITCHES = frozenset({"version", "no-overwrite", "poll", "validate-cert", "multiline"})
_DOCKERIZE_VALUED = frozenset({
    "template", "wait", "wait-http-header", "wait-retry-interval", "timeout", "stdout", "stderr", "delims",
    "skip-tls-verify", "env", "env-section", "env-header", "stdout-poll",
})  # fmt: skip


def dockerize(call: LauncherCall) -> Launch:
    """Jwilder's dockerize: Go's flags (one dash or two), then the command."""
    words = call.words
    while words and words[0].startswith("-") and words[0] != "-":
        if words[0] == "--":
            words = words[1:]
            break
        flag = _GO_FLAG.fullmatch(words[0])
        if flag is None or flag[1] not in _DOCKERIZE_SWITCHES | _DOCKERIZE_VALUED:
            return call.refused(f"there is no option {words[0]}")
        if flag[1] == "version":
            return None
        words = (
            words[2:] if flag[1] in _DOCKERIZE_VALUED and not flag[2] and flag[1] != "skip-tls-verify" else words[1:]
        )
    return call.starting(words, By.EXECVE) if words else None


def wait_for(call: LauncherCall) -> Launch:
    """wait-for-it.sh and wait-for: hosts, options, then ``--`` or (in the second) bare words as the command."""
    if "--" not in call.words:
        return None
    return call.starting(call.words[call.words.index("--") + 1 :])


def told(rule: Rule, word: str = "") -> Rule:
    """A tool by whose short name people call programs of their own too: its rule counts where its words fit it."""
    return lambda call: rule(call) if call.words and (not word or word in call.words) else None


TASKFILES = tuple(
    f"{name}{dist}.{end}" for name in ("Taskfile", "taskfile") for dist in ("", ".dist") for end in ("yml", "yaml")
)
"""What go-task looks for, in the working directory and above."""


def with_file_above(rule: Rule, names: tuple[str, ...]) -> Rule:
    """A runner whose name people give programs of their own: its rule counts where a file of its stands, or an option."""

    def ruled(call: LauncherCall) -> Launch:
        directory, above = posixpath.normpath(f"/{call.command.cwd}"), [""]
        for part in directory.strip("/").split("/"):
            above.append(posixpath.join(above[-1], part))
        has_file = any(call.stands(f"/{each}/{name}") for each in dict.fromkeys(above) for name in names)
        return rule(call) if has_file or any(word.startswith("-") for word in call.words) else None

    return ruled


_EDITS_BY_WORDS = re.compile(r"-[a-zA-Z]{0,2}[csS]|--cmd|[+!].+", re.ASCII | re.DOTALL)
"""Options and words of editors that hold commands, or tell that they come with the input."""


def edited(rule: Rule) -> Rule:
    """An editor by whose short name people call programs of their own too: its rule counts where its words fit it."""
    return lambda call: rule(call) if any(map(_EDITS_BY_WORDS.fullmatch, call.words)) else None


def find(call: LauncherCall) -> Launch:
    """``find``: what it starts by ``-exec`` depends on what it finds, unless that only prepares."""
    words = started.by_find(call.words)
    if words is None:
        return None
    return AtRunTime(f"{call.name} starts {words[0]} for what it finds", starts=replace(call.command, argv=words))


def xargs(call: LauncherCall) -> Launch:
    """``xargs``: it starts its command once where it reads nothing, unless it is told not to."""
    found = started.by_xargs(call.words)
    if found is None:
        return AtRunTime(f"{call.name} starts what its input makes it start")
    if found.surely and UNKNOWN not in found.words[0]:
        return call.starting(found.words)
    why = f"{call.name} starts {found.words[0]} for what it reads"
    return AtRunTime(why, starts=replace(call.command, argv=found.words))


def s6_overlay(call: LauncherCall) -> Launch:
    """s6-overlay's ``/init``: the services of the image, and the command that it was given beside them."""
    if not call.words:
        return AtRunTime(f"{call.name} starts the services that the image configures")
    command = call.command
    return call.within(replace(command, path=("/command", *command.path))).starting(call.words, By.EXECVE)


def s6_overlay_stage0(call: LauncherCall) -> Launch:
    """What s6-overlay's ``/init`` of version 3 execs: stages of its own, then its arguments."""
    stage = next((at for at, word in enumerate(call.words) if word.endswith("/libexec/stage0")), None)
    if stage is None:
        return AtRunTime(f"{call.name} starts the services that the image configures")
    return s6_overlay(replace(call, words=call.words[stage + 1 :]))
