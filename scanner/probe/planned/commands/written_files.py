"""Files that a shell's script writes itself, with the commands that may run them."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scanner.probe.planned.commands import command
from scanner.probe.planned.commands.other_starters import mentions_engine
from scanner.probe.planned.units import command_places
from scanner.probe.planned.unknown_text import is_known

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scanner.formats.shell.syntax import Redirect

_WRITES = frozenset({">", ">>", ">|", "&>", "&>>", "<>"})

_PUT_FILES = frozenset({"tee", "cp", "mv", "install", "curl", "wget"})
"""Programs whose words name files that they write."""

_INTO_A_FOLDER = frozenset({"cp", "mv", "install"})

_ONLY_LOOK = _PUT_FILES | {
    "[", "awk", "basename", "cat", "cd", "chgrp", "chmod", "chown", "cmp", "cut", "diff", "dirname", "du", "echo", "envsubst",
    "false", "gawk", "grep", "gunzip", "gzip", "head", "jq", "kill", "ln", "logger", "ls", "mawk", "md5sum", "mkdir", "mktemp",
    "openssl", "printf", "read", "readlink", "realpath", "restorecon", "rm", "rmdir", "rsync", "sed", "sha256sum", "sleep",
    "sort", "stat", "sync", "tail", "tar", "test", "touch", "tr", "true", "truncate", "unzip", "wc", "yq", "zcat", ":",
}  # fmt: skip
"""Programs that run none of the files that their words name."""

_BY_A_FILE = frozenset({"awk", "gawk", "mawk", "sed"})
"""Of these the ones that take commands from a file that they are told (``-f``)."""

_LEAD = frozenset({"sudo", "env", "exec", "command", "builtin", "nohup", "setsid", "nice", "ionice", "time"})
"""Programs that start the one behind them."""

_OF_UNITS = frozenset({"systemctl", "service"})
_UNITS = frozenset({".service", ".socket", ".timer", ".path", ".target", ".container", ".kube", ".pod"})

_PLANS = frozenset({"compose", "kube", "play", "stack"})
"""Words of an engine's command whose files say what is started; those of any other are data to it, or a container's."""


@dataclass(slots=True)
class WrittenFiles:
    """What a script has written so far, by the files' names."""

    _paths: dict[str, set[str]] = field(default_factory=dict)
    _units: set[str] = field(default_factory=set)

    def notice(self, words: tuple[str, ...], redirects: Sequence[Redirect], text: Callable[..., str]) -> str:
        """Take the files that a command writes; one of them that others start containers by, empty where there is none."""
        found = [text(one.target) for one in redirects if one.target is not None and one.operator in _WRITES]
        program = words[0].rpartition("/")[2] if words else ""
        if program in _PUT_FILES and not (program == "install" and "-d" in words):
            named = [word for word in words[1:] if not word.startswith("-")]
            found += named
            if program in _INTO_A_FOLDER:
                found += [posixpath.join(named[-1], word.rpartition("/")[2]) for word in named[:-1]]
        for path in found:
            stem, end = posixpath.splitext(path.rpartition("/")[2])
            if not path.startswith("/dev/") and stem:
                self._paths.setdefault(f"{stem}{end}", set()).add(posixpath.normpath(path))
                self._units.update({stem, f"{stem}{end}"} if end in _UNITS else ())
        given = " ".join((*words, *(text(one.here) for one in redirects if one.here is not None)))
        return next((path for path in found if _is_a_plan(path, given)), "")

    def is_run(self, words: tuple[str, ...]) -> bool:
        """Whether a command may run one of them: as a program, as a script, as a unit, as what says what is started."""
        words = _behind_starters(words)
        if not words or not self._paths:
            return False
        program = words[0].rpartition("/")[2]
        if program in _OF_UNITS:
            return not self._units.isdisjoint(words[1:])
        if program in command.ENGINES and _PLANS.isdisjoint(words[1:]):
            return False
        if program in _ONLY_LOOK and not (program in _BY_A_FILE and any(word.startswith("-f") for word in words)):
            return False
        return any(self._may_be(word.rpartition("=")[2]) for word in words)

    def _may_be(self, word: str) -> bool:
        """Whether a word may name one; of two paths whose places are known that is told by all of them."""
        return any(_is_open(word) or _is_open(path) or posixpath.normpath(word) == path for path in self._named(word))

    def _named(self, word: str) -> set[str]:
        return self._paths.get(word.rpartition("/")[2], set())


def _is_a_plan(path: str, given: str) -> bool:
    """Whether a host starts containers by a file of that name, with what a command may write into it."""
    if "containers/systemd/" in path and path.endswith((".container", ".kube")):
        return True  # whatever stands there, Podman's generator makes a service of it
    return command_places.is_named(path) and mentions_engine(given)


def _is_open(path: str) -> bool:
    return not path.startswith("/") or not is_known(path)


def _behind_starters(words: Sequence[str]) -> tuple[str, ...]:
    """A command without the programs that only start it."""
    at = 0
    is_led = False
    while at < len(words):
        word = words[at]
        if word.rpartition("/")[2] in _LEAD:
            is_led = True
        elif not (is_led and (word.startswith("-") or "=" in word)):
            break
        at += 1
    return tuple(words[at:])
