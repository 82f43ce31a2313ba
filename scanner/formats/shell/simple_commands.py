"""Simple commands of shell scripts: assignments, words, redirections, here-documents."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scanner.formats.shell.syntax import Assignment, Literal, Opaque, Redirect, Simple, Word
from scanner.formats.shell.words import ENDS_WORD, NotAWordError, Words, decoded, merged

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.formats.shell.syntax import Part
    from scanner.formats.shell.words import Inner

_REDIRECT = re.compile(r"(\d*|\{[A-Za-z_]\w*\})(<<-|<<<|<<|<&|>&|>>|<>|>\||&>>|&>|<|>)", re.ASCII)
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)(?:\[([^\]\s]*)\])?(\+?)=", re.ASCII)


_BRACKET = re.compile(r"\[\^?\]?(?:\[:\w{1,16}:\]|[^\]\[\s'\"$`\\])*\]", re.ASCII)
"""A set of characters in a regular expression, without anything that a shell takes for more."""

_RESERVED = frozenset({
    "!", "{", "}", "if", "then", "elif", "else", "fi", "do", "done", "case", "esac", "while", "until", "for",
})  # fmt: skip
"""Words that no shell takes for a command's name; the grammar does, behind ``!``."""

DECLARING = frozenset({"export", "readonly", "local", "declare", "typeset"})
"""Commands whose words may be assignments, arrays too."""


class CommandReader(Words):
    """Reads one command of ``text`` from ``at`` to ``end``; each character stands for one byte of the script."""

    def __init__(  # noqa: PLR0913, PLR0917 - where to read, and what the grammar found there
        self,
        text: str,
        at: int,
        end: int,
        inside: Mapping[int, Inner],
        newlines: list[int],
        heredoc: tuple[int, int, str] | None = None,
    ) -> None:
        super().__init__(text, at, end, inside, newlines)
        self._heredoc = heredoc

    def command(self) -> Simple:
        """Assignments, words and redirections up to the end."""
        line = self.line_here()
        assignments: list[Assignment] = []
        words: list[Word] = []
        redirects: list[Redirect] = []
        declares = False
        while self.next_word():
            if (redirect := self._redirect()) is not None:
                redirects.append(redirect)
                continue
            assignment = self._assignment(only_arrays=declares) if declares or not words else None
            if assignment is not None:
                assignments.append(assignment)
                continue
            words.append(self.word())
            declares = declares if len(words) > 1 else words[0].literal in DECLARING
        if words and words[0].literal in _RESERVED and not any(getattr(p, "quoted", False) for p in words[0].parts):
            raise NotAWordError(f"{words[0].literal} where a command begins")
        return Simple(tuple(assignments), tuple(words), tuple(redirects), line)

    def redirects(self) -> tuple[Redirect, ...]:
        """Nothing but redirections up to the end."""
        found = self.command()
        if found.words or found.assignments:
            raise NotAWordError("words stand behind a compound command")
        return found.redirects

    def words(self) -> tuple[Word, ...]:
        """Nothing but words up to the end."""
        words = []
        while self.next_word():
            words.append(self.word())
        return tuple(words)

    def patterns(self) -> tuple[Word, ...]:
        """The patterns of one case, with ``|`` between them."""
        found = []
        while self.next_word():
            if self._text[self._at] == "|":
                self._at += 1
                continue
            found.append(self.word())
        return tuple(found)

    def condition(self) -> tuple[Word | str, ...]:
        """What stands between ``[[`` and ``]]``."""
        tokens: list[Word | str] = []
        while self.next_word(newline=True):
            two, one = self._text[self._at : self._at + 2], self._text[self._at]
            if two in {"&&", "||"}:
                tokens.append(two)
                self._at += 2
            elif one in "()<>":
                tokens.append(one)
                self._at += 1
            elif two == "=~" and self._text[self._at + 2 : self._at + 3].isspace():
                tokens.append(Word((Literal(two),), self.line_here()))
                self._at += 2
                tokens.append(self._regex())
            else:
                tokens.append(self.word())
        return tuple(tokens)

    def _regex(self) -> Word:
        """The word behind ``=~``, in which parentheses are no operators."""
        self.next_word()
        start, line = self._at, self.line_here()
        try:
            return Word(tuple(merged(self._parts_of_regex())), line)
        except NotAWordError:
            self._at = start
        while self._at < self._end and not self._text[self._at].isspace():
            self._at += 1
        return Word((Opaque(f"the regular expression {self._text[start : self._at]}"),), line)

    def _parts_of_regex(self) -> list[Part]:
        parts: list[Part] = []
        text, deep = self._text, 0
        while self._at < self._end and not text[self._at].isspace() and (deep or text[self._at] != ")"):
            char, behind = text[self._at], text[self._at + 1 : self._at + 2]
            deep += (char == "(") - (char == ")")
            if char == "'":
                stop = text.find("'", self._at + 1, self._end)
                self._literal(parts, text[self._at + 1 : self._closed(stop)], stop + 1)
            elif char == '"':
                self._at += 1
                parts.extend(self.quoted_parts('"'))
                self._at += 1
            elif char == "`" or (char == "$" and re.match(r"[\w({@*#?!'\"-]", behind)):
                self._dollar(parts, quoted=False)
            elif char == "[":
                parts.append(Literal(self._bracket()))
            elif char == "\\":
                if behind.isalnum() or behind in "<>`'\n":
                    raise NotAWordError("a letter with a meaning of its own")
                self._backslash(parts)
            else:
                parts.append(Literal(char))
                self._at += 1
        if deep:
            raise NotAWordError("a blank within parentheses")
        return parts

    def _bracket(self) -> str:
        """A set of characters, in which nothing is quoted."""
        found = _BRACKET.match(self._text, self._at, self._end)
        if found is None:
            raise NotAWordError("a set of characters with quotes")
        self._at = found.end()
        return found[0]

    # ------------------------------------------------------------ parts of commands

    def _redirect(self) -> Redirect | None:
        matched = _REDIRECT.match(self._text, self._at, self._end)
        if matched is None or self._text.startswith(("<(", ">("), self._at):
            return None
        self._at = matched.end()
        operator = matched[2]
        if not self.next_word():
            raise NotAWordError("a redirection leads nowhere")
        if operator in {"<<", "<<-"}:
            return self._here_document(operator, matched[1])
        target = self.word()
        return (
            Redirect(operator, matched[1], None, target)
            if operator == "<<<"
            else Redirect(operator, matched[1], target)
        )

    def _here_document(self, operator: str, fd: str) -> Redirect:
        if self._heredoc is None:
            raise NotAWordError("a here-document without its text")
        start, end, written = self._heredoc
        self._heredoc = None
        if not self._text.startswith(written, self._at):
            raise NotAWordError("more than one here-document in one line")
        self._at += len(written)
        body = self._text[start:end]
        strip = operator == "<<-"
        if strip:
            body = "\n".join(line.lstrip("\t") for line in body.split("\n"))
        if any(quote in written for quote in "'\"\\"):
            return Redirect(operator, fd, None, Word((Literal(decoded(body), quoted=True),), self.line_here()))
        if not any(sign in body for sign in "$`\\"):
            return Redirect(operator, fd, None, Word((Literal(decoded(body), quoted=True),), self.line_here()))
        if strip:
            return Redirect(operator, fd, None, Word((Opaque("an indented here-document"),), self.line_here()))
        try:
            return Redirect(operator, fd, None, self._here_text(start, end))
        except NotAWordError:
            return Redirect(operator, fd, None, Word((Opaque("a here-document"),), self.line_here()))

    def _here_text(self, start: int, end: int) -> Word:
        inner = Words(self._text, start, end, self._inside, self._newlines)
        return Word(tuple(merged(inner.quoted_parts("", here=True))), inner.line_here())

    def _assignment(self, *, only_arrays: bool = False) -> Assignment | None:
        matched = _ASSIGNMENT.match(self._text, self._at, self._end)
        if matched is None or (only_arrays and not self._text.startswith("(", matched.end())):
            return None
        self._at = matched.end()
        append = bool(matched[3])
        if self._at < self._end and self._text[self._at] == "(":
            return Assignment(matched[1], None, append, self._elements(), matched[2])
        value = self.word(value=True) if self._at < self._end and self._text[self._at] not in ENDS_WORD else None
        return Assignment(matched[1], value, append, None, matched[2])

    def _elements(self) -> tuple[Word, ...]:
        self._at += 1
        found: list[Word] = []
        while self.next_word(newline=True):
            if self._text[self._at] == ")":
                self._at += 1
                return tuple(found)
            found.append(self.word())
        raise NotAWordError("an array without its end")
