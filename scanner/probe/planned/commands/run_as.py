"""As whom, or where, a program is run by ``sudo``, ``su`` with their like in front of it."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from scanner.probe.planned.unknown_text import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = "root"

RUN_BY = "user[running]"
"""Stands among variables for who runs a program, empty for root; ``USER`` is a variable like any other."""

_OF_PROPERTIES = MappingProxyType({"User": "uid", "WorkingDirectory": "working-directory"})


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


@dataclass(frozen=True, slots=True)
class _Switch:
    """A program that runs another one: its options that take a word, those that name the user, who it is without.

    Options ``at_home`` lead to that user's home, those of ``places`` to a directory that they name.
    """

    takes: frozenset[str]
    asks: frozenset[str]
    otherwise: str | None = ROOT
    by_operand: bool = False
    at_home: frozenset[str] = frozenset()
    places: frozenset[str] = frozenset()


_LOGIN = frozenset({"", "l", "login"})
_AS_SU = _names("u user g group G supp-group s shell w whitelist-environment c command session-command T")

_SWITCHES: Mapping[str, _Switch] = {
    "sudo": _Switch(
        _names(
            "u user g group U other-user p prompt C close-from h host r role t type T command-timeout D chdir R chroot c "
            "login-class"
        ),
        _names("u user"),
        at_home=_names("i login"),
        places=_names("D chdir"),
    ),
    "doas": _Switch(_names("u C"), _names("u")),
    "su": _Switch(_AS_SU, frozenset(), by_operand=True, at_home=_LOGIN),
    "runuser": _Switch(_AS_SU, _names("u user"), by_operand=True, at_home=_LOGIN),
    "setpriv": _Switch(
        _names(
            "ruid euid reuid rgid egid regid groups inh-caps ambient-caps bounding-set securebits pdeathsig selinux-label "
            "apparmor-profile"
        ),
        _names("reuid euid"),
        otherwise=None,
    ),
    "chpst": _Switch(_names("u U b e / n l L m d o p f c r t"), _names("u"), otherwise=None),
    "systemd-run": _Switch(
        _names(
            "u unit p property description slice uid gid nice working-directory E setenv M machine H host service-type "
            "on-active on-boot on-startup on-unit-active on-unit-inactive on-calendar timer-property path-property "
            "socket-property"
        ),
        _names("uid"),
        otherwise=None,
        places=_names("working-directory"),
    ),
    "env": _Switch(_names("u unset C chdir S split-string"), frozenset(), otherwise=None, places=_names("C chdir")),
    "gosu": _Switch(frozenset(), frozenset(), otherwise=None, by_operand=True),
}
_SG = _Switch(_names("c command"), frozenset())
_TEXTS = frozenset({"c", "command", "session-command"})

_SWITCHES = {**_SWITCHES, **dict.fromkeys(("su-exec", "setuidgid", "s6-setuidgid"), _SWITCHES["gosu"])}


@dataclass(slots=True)
class _Given:
    values: dict[str, str] = field(default_factory=dict)
    operand: str = ""
    rest: tuple[str, ...] = ()


def switched(program: str, words: tuple[str, ...], env: Mapping[str, str]) -> dict[str, str]:
    """Who runs the program behind another one, and where, as far as that one changes it.

    Args:
        program: its name.
        words: those behind it.
        env: the variables that it has itself.
    """
    found = {RUN_BY: user(program, words), "PWD": place(program, words, env.get("PWD", ""))}
    return {name: text for name, text in found.items() if text is not None}


def user(program: str, words: tuple[str, ...]) -> str | None:
    """The user that a program makes the one behind it run as; none where it leaves that as it is."""
    if program == "machinectl":
        return _of_machine(words)
    switch = _SWITCHES.get(program)
    if switch is None:
        return None
    given = _given(switch, words)
    said = next((given.values[name] for name in given.values if name in switch.asks), "")
    said = said or (given.operand if switch.by_operand else "")
    if program == "chpst":
        said = said.removeprefix(":")  # a number, with that of its group behind another colon
    is_other_group = program == "sudo" and not said and not {"g", "group"}.isdisjoint(given.values)
    return said.lstrip("#").partition(":")[0] or (None if is_other_group else switch.otherwise)


def starts_shell(program: str, words: tuple[str, ...]) -> bool:
    """Whether a shell is all that ``sudo`` or its like starts, which then takes commands from what it reads."""
    given = _given(_SWITCHES[program], words) if program in {"sudo", "doas"} else None
    return given is not None and not given.rest and not {"s", "shell", "i", "login"}.isdisjoint(given.values)


def given_to_shell(program: str, words: tuple[str, ...]) -> tuple[str | None, tuple[str, ...]] | None:
    """The text that ``su``, ``sg`` or their like gives to a shell, if it gives one, with the words behind it.

    None where it starts no shell. Their own options may stand behind the user or the group.
    """
    switch = _SWITCHES.get(program, _SG)
    if program == "runuser" and not {"u", "user"}.isdisjoint(_given(switch, words).values):
        return None
    text: str | None = None
    operands: list[str] = []
    rest = words
    while rest:
        given = _given(switch, rest)
        text = next((given.values[name] for name in given.values if name in _TEXTS), text)
        operands += given.rest[:1]
        if rest[: len(rest) - len(given.rest)][-1:] == ("--",):
            operands += given.rest[1:]
            break
        rest = given.rest[1:]
    behind = tuple(operands[1:])
    return (behind[0], behind[1:]) if program == "sg" and text is None and behind else (text, behind)


def place(program: str, words: tuple[str, ...], here: str) -> str | None:
    """The directory in which a program starts the one behind it; none where that is the one that it is in itself."""
    if program == "machinectl":
        return UNKNOWN if "shell" in words[:4] else None
    switch = _SWITCHES.get(program)
    if switch is None:
        return None
    values = _given(switch, words).values
    if named := next((values[name] for name in values if name in switch.places), ""):
        return posixpath.normpath(posixpath.join(here, named)) if named.startswith("/") or here else UNKNOWN
    if program == "systemd-run":
        is_here, is_users = not {"d", "same-dir"}.isdisjoint(values), "user" in values
        return None if is_here else UNKNOWN if is_users else "/"
    return None if switch.at_home.isdisjoint(values) else UNKNOWN


_WITH_OTHER_VARIABLES = frozenset({"sudo", "doas", "su", "runuser", "machinectl", "systemd-run"})


def changes_variables(program: str) -> bool:
    """Whether a program gives the one behind it other variables than it has itself, by rules that only the host knows."""
    return program in _WITH_OTHER_VARIABLES


def _given(switch: _Switch, words: tuple[str, ...]) -> _Given:
    """The options in front of the first other word."""
    found = _Given()
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        if word == "--" or (word[:1] != "-"):
            found.rest = words[at:] if word == "--" else words[at - 1 :]
            found.operand = "".join(found.rest[:1])
            break
        flags, name, value = _option(switch, word)
        found.values.update(dict.fromkeys(flags, ""))
        if name in switch.takes and value is None:
            value = "".join(words[at : at + 1])
            at += 1
        if name in {"p", "property"} and value:  # of systemd-run
            key, _, value = value.partition("=")
            name = _OF_PROPERTIES.get(key, name)
        found.values[name] = value or ""
    return found


def _option(switch: _Switch, word: str) -> tuple[str, str, str | None]:
    """The letters of options that stand alone, then the one that may take a word, with the word where it is joined to it."""
    if word.startswith("--"):
        name, equals, value = word[2:].partition("=")
        return "", name, value if equals else None
    for at, letter in enumerate(word[1:], 1):
        if letter in switch.takes:
            return word[1:at], letter, word[at + 1 :] or None
    return word[1:-1], word[-1] if word != "-" else "", None


def _of_machine(words: tuple[str, ...]) -> str | None:
    """``machinectl shell user@machine``."""
    rest = [word for word in words[:4] if word[:1] != "-"]
    if rest[:1] != ["shell"]:
        return None
    asked = next((word.partition("=")[2] for word in words[:4] if word.startswith("--uid=")), "")
    name, at, _ = rest[1].partition("@") if rest[1:] else ("", "", "")
    return asked or (name if at and name else ROOT)


def inherited(env: Mapping[str, str], around: Mapping[str, str]) -> Mapping[str, str]:
    """The variables of a script's command, run by who runs the script."""
    return {**env, RUN_BY: around[RUN_BY]} if RUN_BY in around else env


def is_cleared_by_env(before: tuple[str, ...], word: str) -> bool:
    """Whether ``env`` takes all variables away from the program behind it."""
    if word not in {"-", "-i", "--ignore-environment"}:
        return False
    behind = before[
        next((at for at, one in enumerate(before, 1) if one.rpartition("/")[2] == "env"), len(before) + 1) :
    ]
    return len(behind) < len(before) and all(one.startswith("-") or "=" in one for one in behind)


def unset_by_env(before: tuple[str, ...], word: str) -> str:
    """The variable that ``env`` takes away from the program behind it; empty where it takes none."""
    is_named = before[-1:] in {("-u",), ("--unset",)}
    if not is_named and not word.startswith(("-u", "--unset=")):
        return ""
    if not any(one.rpartition("/")[2] == "env" for one in before):
        return ""
    if is_named:
        return word
    return word.partition("=")[2] if word.startswith("--unset=") else word[2:]
