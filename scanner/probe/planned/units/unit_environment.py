"""Variables of a unit's processes, from its settings with the files that they name."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scanner.formats import systemd_unit, systemd_words
from scanner.formats.systemd_words import WordsError
from scanner.formats.variables import environment_file
from scanner.formats.variables.env_file import EnvFileError
from scanner.formats.variables.references import Grammar
from scanner.probe.planned.unknown_text import HIDDEN, UNKNOWN, is_known, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from scanner.formats.systemd_unit import Setting
    from scanner.probe.planned.units.specifiers import Specifiers

MAX_COMMAND_CHARS = 1 << 21
"""What the kernel takes as arguments by default (a quarter of an 8 MiB stack)."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_BRACED = Grammar("{", "}", forbidden=":")
_WORD = re.compile(r"\$((?![{$]).*)", re.DOTALL)


@dataclass(slots=True)
class UnitEnvironment:
    """Variables by name; ``places`` tell where each was set.

    Where a file is not there to be read, or PAM sets others, they are not the whole.
    """

    known: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    has_others: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether a variable that is not among them is set by nothing."""
        return not self.missing and not self.has_others

    def put(self, name: str, value: str, place: str) -> None:
        """Set one."""
        self.known[name] = UNKNOWN if value == HIDDEN else value
        self.places[name] = place


def of_service(
    settings: Sequence[Setting], specifiers: Specifiers, read: Callable[[str], bytes | None]
) -> UnitEnvironment:
    """The variables of ``Environment=``, then ``EnvironmentFile=``, without those of ``UnsetEnvironment=``.

    Args:
        settings: of the unit, its drop-ins behind it.
        specifiers: of the unit.
        read: gives a file's bytes: empty where it is known not to be there, none where nobody can tell.
    """
    found = UnitEnvironment(has_others=systemd_unit.last(settings, "Service", "PAMName") is not None)
    for setting in systemd_unit.values(settings, "Service", "Environment"):
        for word in _words(setting):
            name, equals, value = specifiers.put(word).partition("=") if not specifiers.refused(word) else ("", "", "")
            if equals and _NAME.fullmatch(name):
                found.put(name, value, setting.place(f"{name}="))
    for setting in systemd_unit.values(settings, "Service", "EnvironmentFile"):
        _add_file(found, setting, specifiers, read)
    for setting in systemd_unit.values(settings, "Service", "PassEnvironment"):
        for word in _words(setting):
            found.known.setdefault(word, UNKNOWN)
    for setting in systemd_unit.values(settings, "Service", "UnsetEnvironment"):
        for word in _words(setting):
            name, equals, value = word.partition("=")
            if not equals or found.known.get(name) == value:
                found.known.pop(name, None)
    return found


def _words(setting: Setting) -> Iterator[str]:
    """The words up to the first that is none: systemd warns, then goes on with the next line."""
    at = 0
    with contextlib.suppress(WordsError):
        while True:
            word, at = systemd_words.first_word(setting.value, at)
            if word is None:
                return
            yield word


def _add_file(
    found: UnitEnvironment, setting: Setting, specifiers: Specifiers, read: Callable[[str], bytes | None]
) -> None:
    path = specifiers.put(setting.value.removeprefix("-"))
    raw = read(path) if is_known(path) and not any(sign in path for sign in "*?[") else None
    if raw is None:
        found.missing.append(shown(path))
        for name in found.known:  # a file goes before what the unit itself says
            found.known[name] = UNKNOWN
        return
    try:
        variables = environment_file.systemd(raw)
    except EnvFileError as error:
        found.missing.append(f"{shown(path)}: {error}")
        return
    for name, value in variables.items():
        found.put(name, UNKNOWN if value is None else value, path)


# ---------------------------------------------------------------- in commands


def all_expanded(words: Iterable[str], env: UnitEnvironment) -> list[str]:
    """The words that systemd makes of some.

    Raises:
        WordsError: they are more than the kernel takes.
    """
    found: list[str] = []
    size = 0
    for word in words:
        size += len(word) + sum(len(env.known.get(one.name or "", "")) for one in _BRACED.within(word))
        size += len(env.known.get(word[1:], "")) if word.startswith("$") else 0
        if size > MAX_COMMAND_CHARS:
            raise WordsError(f"a command of more than {MAX_COMMAND_CHARS} characters")
        found += expanded(word, env)
    return found


def expanded(word: str, env: UnitEnvironment) -> list[str]:
    """The words that systemd makes of one: ``$NAME`` alone is split at blanks, ``${NAME}`` is put in place anywhere.

    A word that begins with a dollar is a variable's name to its end, whether anything may be called so or not.
    """
    alone = _WORD.fullmatch(word)
    if alone:
        value = _value(alone[1], env)
        if UNKNOWN in value:
            return [value]
        try:
            return systemd_words.split(value, systemd_words.VARIABLE)
        except WordsError:
            return [value]
    pieces: list[str] = []
    at = 0
    for one in _BRACED.within(word):
        pieces += (word[at : one.start], "$" if one.name is None else _value(one.name, env))
        at = one.end
    return ["".join((*pieces, word[at:]))]


def _value(name: str, env: UnitEnvironment) -> str:
    if name in env.known:
        return env.known[name]
    is_unset = (env.is_whole and name not in SET_BY_SYSTEMD) or not _NAME.fullmatch(name)
    return "" if is_unset else UNKNOWN


SET_BY_SYSTEMD = frozenset({
    "PATH", "LANG", "USER", "LOGNAME", "HOME", "SHELL", "INVOCATION_ID", "XDG_RUNTIME_DIR", "RUNTIME_DIRECTORY",
    "STATE_DIRECTORY", "CACHE_DIRECTORY", "LOGS_DIRECTORY", "CONFIGURATION_DIRECTORY", "CREDENTIALS_DIRECTORY", "MAINPID",
    "MANAGERPID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC",
    "SYSTEMD_EXEC_PID", "TERM", "LOG_NAMESPACE", "JOURNAL_STREAM", "SERVICE_RESULT", "EXIT_CODE", "EXIT_STATUS", "PIDFILE",
})  # fmt: skip
"""Variables that the manager sets by itself (systemd.exec(5))."""
