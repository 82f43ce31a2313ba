"""Who a program is run as by ``sudo``, ``su`` with their like in front of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scanner.probe.planned.unknown_text import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = "root"

_USER = "User="


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


@dataclass(frozen=True, slots=True)
class _Switch:
    """A program that runs another one: its options that take a word, those that name the user, who it is without."""

    takes: frozenset[str]
    asks: frozenset[str]
    otherwise: str | None = ROOT
    by_operand: bool = False


_AS_SU = _names("u user g group G supp-group s shell w whitelist-environment c command session-command T")

_SWITCHES: Mapping[str, _Switch] = {
    "sudo": _Switch(
        _names(
            "u user g group U other-user p prompt C close-from h host r role t type T command-timeout D chdir R chroot c "
            "login-class"
        ),
        _names("u user"),
    ),
    "doas": _Switch(_names("u C"), _names("u")),
    "su": _Switch(_AS_SU, frozenset(), by_operand=True),
    "runuser": _Switch(_AS_SU, _names("u user"), by_operand=True),
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
    ),
    "gosu": _Switch(frozenset(), frozenset(), otherwise=None, by_operand=True),
}
_SWITCHES = {**_SWITCHES, **dict.fromkeys(("su-exec", "setuidgid", "s6-setuidgid"), _SWITCHES["gosu"])}


@dataclass(slots=True)
class _Given:
    values: dict[str, str] = field(default_factory=dict)
    operand: str = ""


def user(program: str, words: tuple[str, ...]) -> str | None:
    """The user that a program makes the one behind it run as; none where it leaves that as it is.

    Args:
        program: its name.
        words: those behind it.
    """
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
            found.operand = word if word != "--" else "".join(words[at : at + 1])
            break
        name, value = _option(switch, word)
        if name in switch.takes and value is None:
            value = "".join(words[at : at + 1])
            at += 1
        if name in {"p", "property"} and value and value.startswith(_USER):  # of systemd-run
            name, value = "uid", value.removeprefix(_USER)
        found.values[name] = value or ""
    return found


def _option(switch: _Switch, word: str) -> tuple[str, str | None]:
    """An option that may take a word, with the word where it is joined to it; of several letters the one that takes it."""
    if word.startswith("--"):
        name, equals, value = word[2:].partition("=")
        return name, value if equals else None
    for at, letter in enumerate(word[1:], 1):
        if letter in switch.takes:
            return letter, word[at + 1 :] or None
    return word[1:], None


def _of_machine(words: tuple[str, ...]) -> str | None:
    """``machinectl shell user@machine``."""
    rest = [word for word in words[:4] if word[:1] != "-"]
    if rest[:1] != ["shell"]:
        return None
    asked = next((word.partition("=")[2] for word in words[:4] if word.startswith("--uid=")), "")
    name, at, _ = rest[1].partition("@") if rest[1:] else ("", "", "")
    return asked or (name if at and name else ROOT)


def taken(name: str, text: str, env: Mapping[str, str]) -> str:
    """What a variable is set to; ``USER``, by which we know who runs a program, tells that only where it says the same."""
    return UNKNOWN if name == "USER" and env.get(name, text) != text else text


def inherited(env: Mapping[str, str], around: Mapping[str, str]) -> Mapping[str, str]:
    """The variables of a script's command, who runs it told by who runs the script."""
    same = env.get("USER") == around.get("USER")
    return env if same else {**env, "USER": UNKNOWN}


def is_cleared_by_env(before: tuple[str, ...], word: str) -> bool:
    """Whether ``env`` takes all variables away from the program behind it."""
    behind = before[
        next((at for at, one in enumerate(before, 1) if one.rpartition("/")[2] == "env"), len(before) + 1) :
    ]
    is_env_s = len(behind) < len(before) and all(one.startswith("-") or "=" in one for one in behind)
    return is_env_s and word in {"-", "-i", "--ignore-environment"}


def unset_by_env(before: tuple[str, ...], word: str) -> str:
    """The variable that ``env`` takes away from the program behind it; empty where it takes none."""
    if not any(one.rpartition("/")[2] == "env" for one in before):
        return ""
    if before[-1] in {"-u", "--unset"}:
        return word
    return word.partition("=")[2] if word.startswith("--unset=") else word[2:] if word.startswith("-u") else ""
