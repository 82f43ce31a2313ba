"""What ``getopts`` makes of the words that a shell's script is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.probe.planned.unknown_text import UNKNOWN, is_known

if TYPE_CHECKING:
    from scanner.probe.planned.commands.script_shell import Shell

PLACE = "archscan_getopts"
"""Stands among variables for the letter of a word that ``getopts`` looks at next."""


def getopts(shell: Shell, words: tuple[str, ...]) -> bool | None:
    """Take the next option; whether there was one, ``None`` where only the running host knows."""
    given = shell.parameters if len(words) == len(("getopts", "letters", "name")) else None
    index, place = shell.texts.get("OPTIND", "1"), shell.texts.get(PLACE, "1")
    if given is None or not all(map(is_known, (*given[1:], *words))) or not index.isdecimal() or len(words[1]) == 0:
        shell.forget({"OPTIND", "OPTARG", PLACE, *(word for word in words[2:3] if word.isidentifier())})
        return None
    at, letter = int(index), int(place)
    word = given[at] if 0 < at < len(given) else ""
    if letter == 1 and (word in {"", "-", "--"} or not word.startswith("-")):
        shell.put("OPTIND", str(at + (word == "--")))
        shell.put(words[2], "?")
        return False
    _take(shell, words[1], words[2], (at, letter), given)
    return True


def _take(shell: Shell, letters: str, name: str, where: tuple[int, int], given: tuple[str, ...]) -> None:
    at, letter = where
    word = given[at]
    option = word[letter]
    is_last = letter + 1 >= len(word)
    found = letters.lstrip(":").find(option)
    takes = letters.lstrip(":")[found + 1 : found + 2] == ":"
    is_known_one = found >= 0 and option != ":"
    shell.put(name, option if is_known_one else "?")
    shell.put(PLACE, "1" if is_last or (is_known_one and takes) else str(letter + 1))
    if is_known_one and takes and is_last:
        has_word = at + 1 < len(given)
        shell.put("OPTARG", given[at + 1] if has_word else UNKNOWN)
        shell.put(name, option if has_word else UNKNOWN)
        shell.put("OPTIND", str(at + 2))
        return
    if is_known_one and takes:
        shell.put("OPTARG", word[letter + 1 :])
    else:
        shell.forget({"OPTARG"})
    shell.put("OPTIND", str(at + 1) if is_last or (is_known_one and takes) else str(at))
