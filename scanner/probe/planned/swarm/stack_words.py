"""Words of a command that is written as one text, split as ``docker stack`` splits them (google's ``shlex``)."""

from __future__ import annotations

MAX_CHARS = 128 << 10
"""The kernel takes no longer argument (MAX_ARG_STRLEN)."""

_SPACES = " \t\r\n"
_QUOTES = "\"'"


class SplitError(ValueError):
    """A text that Docker refuses to split; the text says why."""


def split(text: str) -> tuple[str, ...]:
    """The words of a text. A ``#`` at the start of a word begins a comment, operators of a shell are letters.

    Raises:
        SplitError: a quote or backslash at its end, or longer than ``MAX_CHARS``.
    """
    if len(text) > MAX_CHARS:
        raise SplitError(f"a command of more than {MAX_CHARS} characters")
    found: list[str] = []
    at = 0
    while at < len(text):
        if text[at] in _SPACES:
            at += 1
        elif text[at] == "#":
            newline = text.find("\n", at)
            at = len(text) if newline < 0 else newline
        else:
            word, at = _word(text, at)
            found.append(word)
    return tuple(found)


def _word(text: str, at: int) -> tuple[str, int]:
    """The word that begins at ``at``, with where it ends."""
    made: list[str] = []
    quote = ""
    while at < len(text):
        letter = text[at]
        at += 1
        if letter == "\\" and quote != "'":
            if at == len(text):
                raise SplitError("a command with a backslash at its end")
            made.append(text[at])
            at += 1
        elif letter == quote:
            quote = ""
        elif quote:
            made.append(letter)
        elif letter in _QUOTES:
            quote = letter
        elif letter in _SPACES:
            break
        else:
            made.append(letter)
    if quote:
        raise SplitError("a command with a quote that nothing closes")
    return "".join(made), at
