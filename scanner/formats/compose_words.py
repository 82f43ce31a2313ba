"""Words of a command that is written as one text, split as Compose splits them (mattn's ``go-shellwords`` 1.0)."""

from __future__ import annotations

MAX_CHARS = 128 << 10
"""The kernel takes no longer argument (MAX_ARG_STRLEN)."""

_SPACES = " \t\r\n"
_ENDS = ";&|<>"
_DIGITS = frozenset("0123456789")


class ShellwordsError(ValueError):
    """A text that Compose refuses to split; the text says why."""


def split(text: str) -> tuple[str, ...]:
    """The words of a text up to the first operator of a shell, behind which Compose drops everything.

    Neither variables nor commands in it are looked at.

    Raises:
        ShellwordsError: a quote or bracket that nothing closes, or longer than ``MAX_CHARS``.
    """
    if len(text) > MAX_CHARS:
        raise ShellwordsError(f"a command of more than {MAX_CHARS} characters")
    return _Reading().words(text)


class _Reading:
    """One pass over a text; ``_quote`` is the quote, ``_nest`` the backtick or bracket that is not closed."""

    def __init__(self) -> None:
        self._found: list[str] = []
        self._word: list[str] = []
        self._has_word = False
        self._quote = ""
        self._nest = ""

    def words(self, text: str) -> tuple[str, ...]:
        is_escaped = False
        for letter in text:
            if is_escaped:
                is_escaped = False
                self._put(letter)
            elif letter == "\\" and self._quote != "'":
                is_escaped = True
            elif self._ends(letter):
                break
            else:
                self._letter(letter)
        if is_escaped or self._quote or self._nest:
            raise ShellwordsError("a command with a quote or bracket that nothing closes")
        self._close()
        return tuple(self._found)

    def _ends(self, letter: str) -> bool:
        """Whether an operator stands here; a word with a digit at its start before ``>`` is taken for a descriptor."""
        if self._quote or self._nest or letter not in _ENDS:
            return False
        if letter == ">" and "".join(self._word[:1]) in _DIGITS:
            self._has_word = False
        return True

    def _letter(self, letter: str) -> None:
        if letter in _SPACES:
            if self._quote or self._nest:
                self._word.append(letter)
            else:
                self._close()
        elif letter in "\"'" and self._quote in {"", letter} and self._nest != "(":
            self._has_word = self._has_word or bool(self._quote)
            self._quote = "" if self._quote else letter
        elif letter == "`" and not self._quote and self._nest != "(":
            self._nest = "" if self._nest else letter
            self._put(letter)
        elif letter in "()" and not self._quote and self._nest != "`":
            self._bracket(letter)
        else:
            self._put(letter)

    def _bracket(self, letter: str) -> None:
        """``$(`` opens; elsewhere a bracket is refused."""
        if letter == ")" and self._nest:
            self._nest = ""
            self._put(letter)
        elif letter == "(" and not self._nest and self._word[-1:] == ["$"]:
            self._nest = "("
            self._word.append(letter)
        else:
            raise ShellwordsError("a command with a bracket that stands alone")

    def _put(self, letters: str) -> None:
        self._word.extend(letters)
        self._has_word = True

    def _close(self) -> None:
        if self._has_word:
            self._found.append("".join(self._word))
            self._word, self._has_word = [], False
