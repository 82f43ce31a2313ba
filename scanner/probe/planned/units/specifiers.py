"""Puts in place of %n, %i with their kin what systemd does."""

from __future__ import annotations

import re
from dataclasses import dataclass

from scanner.probe.planned.unknown_text import UNKNOWN

_SPECIFIER = re.compile(r"%(.?)", re.DOTALL)
_ESCAPED = re.compile(r"\\x([0-9a-f]{2})", re.ASCII)

_SYSTEM = {
    "C": "/var/cache", "E": "/etc", "L": "/var/log", "S": "/var/lib", "T": "/tmp", "V": "/var/tmp", "t": "/run",  # noqa: S108 - systemd's own words
    "g": "root", "G": "0", "h": "/root", "u": "root", "U": "0",
}  # fmt: skip
_USER = {"T": "/tmp", "V": "/var/tmp"}  # noqa: S108 - the same
_KNOWN = frozenset("aAbBCdDEfgGhHiIjJlLmMnNopPqsStTuUvVwWyY")
"""Letters of systemd.unit(5)."""

_REFUSED = re.compile(r"%(?:%|([0-9A-Za-z]))", re.ASCII)
"""Other letters and digits make a setting one that systemd does not take; any other sign stands as it is."""


@dataclass(frozen=True, slots=True)
class Specifiers:
    """The specifiers of one unit by its name; ``home`` is that of the user whose manager runs it, empty for the system's.

    What only the running host knows (its name, its kernel, its ids), and the instance of a template, is ``UNKNOWN``.
    """

    unit: str
    home: str = ""
    is_user: bool = False

    def put(self, text: str) -> str:
        """The text with its specifiers replaced; ``%%`` is a percent sign."""
        return _SPECIFIER.sub(lambda found: self._one(found[1]), text) if "%" in text else text

    @staticmethod
    def refused(text: str) -> str:
        """The first specifier of a text that no systemd has; empty where it has none such."""
        letters = (found[1] for found in _REFUSED.finditer(text) if found[1])
        return next((f"%{letter}" for letter in letters if letter not in _KNOWN), "")

    def _one(self, letter: str) -> str:
        if letter == "%":
            return "%"
        if letter not in _KNOWN:
            return UNKNOWN if letter.isascii() and letter.isalnum() else f"%{letter}"
        named = self._of_name(letter)
        return self._of_manager(letter) if named is None else named

    def _of_manager(self, letter: str) -> str:
        if not self.is_user:
            return _SYSTEM.get(letter, UNKNOWN)
        of_home = {"h": "", "S": "/.local/state", "C": "/.cache", "E": "/.config", "L": "/.local/state/log"}
        if self.home and letter in of_home:
            return self.home + of_home[letter]
        return _USER.get(letter, UNKNOWN)

    def _of_name(self, letter: str) -> str | None:
        stem = self.unit.rpartition(".")[0] or self.unit
        prefix, at, instance = stem.partition("@")
        match letter:
            case "n":
                return self.unit if instance or not at else f"{prefix}@{UNKNOWN}{self.unit[len(stem) :]}"
            case "N":
                return stem if instance or not at else f"{prefix}@{UNKNOWN}"
            case "p":
                return prefix
            case "P":
                return unescaped(prefix)
            case "j":
                return prefix.rpartition("-")[2]
            case "J":
                return unescaped(prefix.rpartition("-")[2])
            case "i":
                return instance or (UNKNOWN if at else "")
            case "I":
                return unescaped(instance) or (UNKNOWN if at else "")
        return None


def unescaped(name: str) -> str:
    r"""A part of a unit's name as the path that it stands for: ``-`` is a slash, ``\\xNN`` a byte."""
    raw = _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]).decode("latin-1"), name.replace("-", "/"))
    return raw.encode("latin-1", "replace").decode("utf-8", "replace") if _ESCAPED.search(name) else raw
