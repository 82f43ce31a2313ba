"""Launchers that prepare something before the command that they are given: dockerize, wait-for, s6-overlay."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from scanner.binary.program.launch.launch import AtRunTime, By
from scanner.binary.program.shell.shell_programs import prepares

if TYPE_CHECKING:
    from scanner.binary.program.launch.launch import Launch, LauncherCall, Rule

_GO_FLAG = re.compile(r"--?([A-Za-z][A-Za-z0-9-]*)(=.*)?", re.ASCII | re.DOTALL)
_DOCKERIZE_SWITCHES = frozenset({"version", "no-overwrite", "poll", "validate-cert", "multiline"})
_DOCKERIZE_VALUED = frozenset({
    "template", "wait", "wait-http-header", "wait-retry-interval", "timeout", "stdout", "stderr", "delims",
    "skip-tls-verify", "env", "env-section", "env-header", "stdout-poll",
})  # fmt: skip


_FIND_STARTS = frozenset({"-exec", "-execdir", "-ok", "-okdir"})


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


_EDITS_BY_WORDS = re.compile(r"-[a-zA-Z]{0,2}[csS]|--cmd|[+!].+", re.ASCII | re.DOTALL)
"""Options and words of editors that hold commands, or tell that they come with the input."""


def edited(rule: Rule) -> Rule:
    """An editor by whose short name people call programs of their own too: its rule counts where its words fit it."""
    return lambda call: rule(call) if any(map(_EDITS_BY_WORDS.fullmatch, call.words)) else None


def find(call: LauncherCall) -> Launch:
    """``find``: what it starts by ``-exec`` depends on what it finds, unless that only prepares."""
    for at, word in enumerate(call.words):
        if word in _FIND_STARTS and at + 1 < len(call.words) and not prepares(call.words[at + 1 :]):
            return AtRunTime(f"{call.name} starts {call.words[at + 1]} for what it finds")
    return None


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
