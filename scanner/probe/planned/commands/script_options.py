"""What ``getopts`` makes of the words that a shell's script is given."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scanner.probe.planned.commands.script_shell import PLACE
from scanner.probe.planned.unknown_text import UNKNOWN, is_known

if TYPE_CHECKING:
    from scanner.probe.planned.commands.script_shell import Shell

_INDEX = re.compile(r"[1-9][0-9]{0,2}")
"""``OPTIND`` as far as it is followed: no command has a thousand words that somebody wrote."""


def getopts(shell: Shell, words: tuple[str, ...]) -> bool | None:
    """Take the next option; whether there was one, ``None`` where only the running host knows."""
    given = shell.parameters if len(words) == len(("getopts", "letters", "name")) else None
    where = None if given is None or not all(map(is_known, (*given[1:], *words))) else _where(shell, given)
    if given is None or where is None or len(words[1]) == 0 or not words[2].isidentifier():
        shell.forget(("OPTIND", "OPTARG", *(word for word in words[2:3] if word.isidentifier())))
        return None
    at, letter = where
    word = given[at] if at < len(given) else ""
    if letter == 1 and (word in {"", "-", "--"} or not word.startswith("-")):
        shell.put("OPTIND", str(at + (word == "--")))
        shell.put(PLACE, "")
        shell.put(words[2], "?")
        return False
    _take(shell, words[1], words[2], where, given)
    return True


def _where(shell: Shell, given: tuple[str, ...]) -> tuple[int, int] | None:
    """The word that is looked at, with the letter in it; none where shells differ or only the running host knows."""
    index, place = shell.texts.get("OPTIND", UNKNOWN), shell.texts.get(PLACE, "")
    if not _INDEX.fullmatch(index) or not is_known(place):
        return None
    if not place:
        return int(index), 1
    letter, _, word = place.partition(" ")  # where others have taken the word's place, shells go on within the old one
    return (int(index), int(letter)) if given[int(index) : int(index) + 1] == (word,) else None


def _take(shell: Shell, letters: str, name: str, where: tuple[int, int], given: tuple[str, ...]) -> None:
    at, letter = where
    word = given[at]
    option = word[letter]
    is_last = letter + 1 >= len(word)
    found = letters.lstrip(":").find(option)
    takes = letters.lstrip(":")[found + 1 : found + 2] == ":"
    is_known_one = found >= 0 and option != ":"
    shell.put(name, option if is_known_one else "?")
    if is_known_one and takes and is_last:
        has_word = at + 1 < len(given)
        shell.put("OPTARG", given[at + 1] if has_word else UNKNOWN)
        shell.put(name, option if has_word else UNKNOWN)
        shell.put("OPTIND", str(at + 2))
        shell.put(PLACE, "")
        return
    if is_known_one and takes:
        shell.put("OPTARG", word[letter + 1 :])
    else:
        shell.forget({"OPTARG"})
    is_done = is_last or (is_known_one and takes)
    shell.put("OPTIND", str(at + is_done))
    shell.put(PLACE, "" if is_done else f"{letter + 1} {word}")
