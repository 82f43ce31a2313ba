"""The words of one shell command with their quotes, expansions, redirections."""

from __future__ import annotations

import bisect
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.formats.shell_syntax import (
    ArithmeticPart,
    Assignment,
    Glob,
    Literal,
    Opaque,
    Parameter,
    Redirect,
    Simple,
    Substitution,
    Tilde,
    Word,
)  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.formats.shell_syntax import Part, Sequence

MAX_NESTING = 16
"""Expansions inside the words of expansions; hand-written ones stay below 4."""

_BLANK = " \t"
_ENDS_WORD = frozenset(" \t\n;&|<>()")
_REDIRECT = re.compile(r"(\d*)(<<-|<<<|<<|<&|>&|>>|<>|>\||&>>|&>|<|>)")
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)(?:\[([^\]\s]*)\])?(\+?)=", re.ASCII)
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_SPECIAL = frozenset("@*#?-$!")
_OPERATOR = re.compile(r":[-=?+]|##|%%|//|/#|/%|\^\^|,,|[-=?+#%/^,@:]")
_BRACES = re.compile(r"\{[^\s{}'\"]*(?:,|\.\.)[^\s{}'\"]*\}")
_BASH_OPERATORS = frozenset({"/", "//", "/#", "/%", "^", "^^", ",", ",,", "@", ":"})
_ANSI_C = {
    "n": "\n",
    "t": "\t",
    "r": "\r",
    "\\": "\\",
    "'": "'",
    '"': '"',
    "a": "\a",
    "b": "\b",
    "e": "\x1b",
    "f": "\f",
    "v": "\v",
}


class NotAWordError(Exception):
    """A command is no sequence of words; stays inside the reading of scripts."""


@dataclass(frozen=True, slots=True)
class Inner:
    """What the grammar found at ``$(``, a backquote or ``$((``, up to before ``end``."""

    end: int
    body: Sequence | None
    arithmetic: str


class Scanner:
    """Reads ``text`` from ``at`` to ``end``; each character stands for one byte of the script."""

    def __init__(  # noqa: PLR0913, PLR0917 - where to read, and what the grammar found there
        self,
        text: str,
        at: int,
        end: int,
        inside: Mapping[int, Inner],
        newlines: list[int],
        heredoc: tuple[int, int, str] | None = None,
    ) -> None:
        self._text, self._at, self._end = text, at, end
        self._inside, self._newlines, self._heredoc = inside, newlines, heredoc
        self._bash = False
        self._depth = 0

    # ------------------------------------------------------------ whole commands

    def command(self) -> Simple:
        """Assignments, words and redirections up to the end."""
        line = self._line()
        assignments: list[Assignment] = []
        words: list[Word] = []
        redirects: list[Redirect] = []
        while self._next_word():
            if (redirect := self._redirect()) is not None:
                redirects.append(redirect)
                continue
            assignment = None if words else self._assignment()
            if assignment is not None:
                assignments.append(assignment)
                continue
            words.append(self._word())
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
        while self._next_word():
            words.append(self._word())
        return tuple(words)

    def patterns(self) -> tuple[Word, ...]:
        """The patterns of one case, with ``|`` between them."""
        found = []
        while self._next_word():
            if self._text[self._at] == "|":
                self._at += 1
                continue
            found.append(self._word())
        return tuple(found)

    def condition(self) -> tuple[Word | str, ...]:
        """What stands between ``[[`` and ``]]``."""
        tokens: list[Word | str] = []
        while self._next_word(newline=True):
            two, one = self._text[self._at : self._at + 2], self._text[self._at]
            if two in {"&&", "||"}:
                tokens.append(two)
                self._at += 2
            elif one in "()<>":
                tokens.append(one)
                self._at += 1
            else:
                tokens.append(self._word())
                if tokens[-1].literal == "=~":  # type: ignore[union-attr]  # a word was just put there
                    tokens.append(self._regex())
        return tuple(tokens)

    def _regex(self) -> Word:
        """The word behind ``=~``, in which parentheses are no operators; its value is not computed."""
        self._next_word()
        start = self._at
        while self._at < self._end and not self._text[self._at].isspace():
            self._at += 1
        return Word((Opaque(f"the regular expression {self._text[start : self._at]}"),), self._line())

    # ------------------------------------------------------------ between words

    def _line(self) -> int:
        return bisect.bisect_left(self._newlines, self._at) + 1

    def _next_word(self, *, newline: bool = False) -> bool:
        text = self._text
        while self._at < self._end:
            char = text[self._at]
            if char in _BLANK or (newline and char == "\n"):
                self._at += 1
            elif char == "\\" and text[self._at + 1 : self._at + 2] == "\n":
                self._at += 2
            elif char == "#":
                stop = text.find("\n", self._at, self._end)
                self._at = self._end if stop < 0 else stop
            else:
                return True
        return False

    def _redirect(self) -> Redirect | None:
        matched = _REDIRECT.match(self._text, self._at, self._end)
        if matched is None or self._text.startswith(("<(", ">("), self._at):
            return None
        self._at = matched.end()
        operator = matched[2]
        if not self._next_word():
            raise NotAWordError("a redirection leads nowhere")
        if operator in {"<<", "<<-"}:
            return self._here_document(operator, matched[1])
        target = self._word()
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
            return Redirect(operator, fd, None, Word((Literal(decoded(body), quoted=True),), self._line()))
        if not any(sign in body for sign in "$`\\"):
            return Redirect(operator, fd, None, Word((Literal(decoded(body), quoted=True),), self._line()))
        if strip:
            return Redirect(operator, fd, None, Word((Opaque("an indented here-document"),), self._line()))
        return Redirect(operator, fd, None, self._here_text(start, end))

    def _here_text(self, start: int, end: int) -> Word:
        inner = Scanner(self._text, start, end, self._inside, self._newlines)
        return Word(tuple(_merged(inner._quoted_parts("", here=True))), inner._line())

    def _assignment(self) -> Assignment | None:
        matched = _ASSIGNMENT.match(self._text, self._at, self._end)
        if matched is None:
            return None
        self._at = matched.end()
        append = bool(matched[3])
        if self._at < self._end and self._text[self._at] == "(":
            return Assignment(matched[1], None, append, self._elements(), matched[2])
        value = self._word(value=True) if self._at < self._end and self._text[self._at] not in _ENDS_WORD else None
        return Assignment(matched[1], value, append, None, matched[2])

    def _elements(self) -> tuple[Word, ...]:
        self._at += 1
        found: list[Word] = []
        while self._next_word(newline=True):
            if self._text[self._at] == ")":
                self._at += 1
                return tuple(found)
            found.append(self._word())
        raise NotAWordError("an array without its end")

    # ------------------------------------------------------------ one word

    def _word(self, *, value: bool = False) -> Word:
        line, self._bash = self._line(), False
        start = self._at
        parts = self._parts("", value=value)
        if self._at == start:
            raise NotAWordError(f"{self._text[self._at]!r} stands where a word should")
        return Word(tuple(_merged(parts)), line, self._bash)

    def _parts(  # noqa: C901, PLR0912 - one case for each character that means something
        self, until: str, *, value: bool = False
    ) -> list[Part]:
        """Unquoted text: to the end of the word, or before one of the characters ``until`` inside ``${…}``."""
        text = self._text
        parts: list[Part] = []
        start = self._at
        while self._at < self._end:
            char = text[self._at]
            if (until and char in until) or (not until and char in _ENDS_WORD):
                if char == "(" and not until and self._at > start and text[self._at - 1] in "@+!?*":
                    raise NotAWordError("an extended pattern")
                if char in "<>" and text.startswith("(", self._at + 1):
                    raise NotAWordError("a process substitution")
                break
            if char == "\\":
                self._backslash(parts)
            elif char == "'":
                stop = text.find("'", self._at + 1, self._end)
                self._literal(parts, text[self._at + 1 : self._closed(stop)], stop + 1)
            elif char == '"':
                self._at += 1
                parts.extend(self._quoted_parts('"') or [Literal("", quoted=True)])
                self._at += 1
            elif char in "$`":
                self._dollar(parts, quoted=False)
            elif char in "*?[]":
                parts.append(Glob(char))
                self._at += 1
            elif char == "~" and (self._at == start or (value and text[self._at - 1] in "=:")):
                self._tilde(parts)
            elif char == "~" and not until and self._text[self._at - 1] in "=:":
                parts.append(Opaque("a tilde that bash alone expands here"))
                self._at += 1
            elif char == "{" and not until and not value and (braces := _BRACES.match(text, self._at, self._end)):
                self._bash = True
                parts.append(Opaque(f"the brace expansion {braces[0]}"))
                self._at = braces.end()
            else:
                parts.append(Literal(char))
                self._at += 1
        return parts

    def _closed(self, stop: int) -> int:
        if stop < 0:
            raise NotAWordError("a quote without its end")
        return stop

    def _literal(self, parts: list[Part], text: str, after: int) -> None:
        parts.append(Literal(text, quoted=True))
        self._at = after

    def _backslash(self, parts: list[Part]) -> None:
        following = self._text[self._at + 1 : self._at + 2] if self._at + 1 < self._end else ""
        self._at += 2 if following else 1
        if following != "\n":
            parts.append(Literal(following or "\\", quoted=True))

    def _tilde(self, parts: list[Part]) -> None:
        matched = re.compile(r"[\w.-]*", re.ASCII).match(self._text, self._at + 1, self._end)
        user = matched[0] if matched else ""
        self._at += 1 + len(user)
        follows = self._text[self._at : self._at + 1] if self._at < self._end else ""
        if follows in {"", "/", ":", " ", "\t", "\n", ";", "&", "|", ")", "}"}:
            parts.append(Tilde(user))
        else:
            parts.append(Literal("~" + user))

    def _quoted_parts(self, until: str, *, here: bool = False) -> list[Part]:
        """Text between double quotes, up to before the closing one, or to the end of a here-document."""
        text = self._text
        parts: list[Part] = []
        while self._at < self._end:
            char = text[self._at]
            if char == until:
                return parts
            if char == "\\" and self._at + 1 < self._end:
                following = text[self._at + 1]
                if following in ("$`\\\n" if here else '$`"\\\n') or (following == "}" and until == "}"):
                    parts.append(Literal("" if following == "\n" else following, quoted=True))
                else:
                    parts.append(Literal("\\" + following, quoted=True))
                self._at += 2
            elif char in "$`":
                self._dollar(parts, quoted=True)
            elif char == '"' and until == "}":  # "${x:-"a b"}": quotes inside, which all shells take off
                self._at += 1
                parts.extend(self._quoted_parts('"'))
                self._at += 1
            else:
                parts.append(Literal(char, quoted=True))
                self._at += 1
        if until:
            raise NotAWordError("a quote without its end")
        return parts

    # ------------------------------------------------------------ expansions

    def _dollar(self, parts: list[Part], *, quoted: bool) -> None:
        text, at = self._text, self._at
        following = text[at + 1 : at + 2] if at + 1 < self._end else ""
        inner = self._inside.get(at)
        if text[at] == "`" or following == "(":
            if inner is None or inner.end > self._end:
                raise NotAWordError("a command substitution that the grammar does not see")
            line, self._at = self._line(), inner.end
            arithmetic = ArithmeticPart(decoded(inner.arithmetic[3:-2]), quoted) if inner.arithmetic else None
            parts.append(arithmetic or Substitution(inner.body, quoted, line))
        elif following == "{":
            parts.append(self._braced(quoted=quoted))
        elif matched := _NAME.match(text, at + 1, self._end):
            parts.append(Parameter(matched[0], quoted=quoted, line=self._line()))
            self._at = matched.end()
        elif following and (following in _SPECIAL or following.isdigit()):
            parts.append(Parameter(following, quoted=quoted, line=self._line()))
            self._at += 2
        elif following == "'" and not quoted:
            self._ansi_c(parts)
        elif following == '"' and not quoted:
            self._bash = True
            self._at += 1
        else:
            parts.append(Literal("$", quoted=True))
            self._at += 1

    def _ansi_c(self, parts: list[Part]) -> None:
        """``$'…'``, which bash knows."""
        self._bash = True
        at, made = self._at + 2, ""
        while at < self._end and self._text[at] != "'":
            if self._text[at] == "\\":
                at += 1
                if self._text[at] not in _ANSI_C:
                    raise NotAWordError("an escape in $'…'")
            made += (
                _ANSI_C[self._text[at]] if self._text[at - 1] == "\\" and self._text[at] in _ANSI_C else self._text[at]
            )
            at += 1
        if at >= self._end:
            raise NotAWordError("a quote without its end")
        self._literal(parts, decoded(made), at + 1)

    def _braced(self, *, quoted: bool) -> Part:
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise NotAWordError(f"more than {MAX_NESTING} expansions inside each other")
        line, self._at = self._line(), self._at + 2
        length = self._text[self._at] == "#" and self._text[self._at + 1 : self._at + 2] not in {
            "}",
            ":",
            "-",
            "+",
            "=",
        }
        indirect = self._text[self._at] == "!" and self._text[self._at + 1 : self._at + 2] != "}"
        self._at += length or indirect
        name = self._parameter_name()
        subscript = self._subscript()
        made = self._operation(name, subscript, line, quoted=quoted, length=length, indirect=indirect)
        if self._at >= self._end or self._text[self._at] != "}":
            raise NotAWordError("an expansion without its end")
        self._at += 1
        self._depth -= 1
        return made

    def _parameter_name(self) -> str:
        matched = re.compile(r"[A-Za-z_]\w*|\d+|[@*#?$!-]", re.ASCII).match(self._text, self._at, self._end)
        if matched is None:
            raise NotAWordError("an expansion of no parameter")
        self._at = matched.end()
        return matched[0]

    def _subscript(self) -> str | None:
        if self._at >= self._end or self._text[self._at] != "[":
            return None
        stop = self._text.find("]", self._at, self._end)
        if stop < 0:
            raise NotAWordError("a subscript without its end")
        found = self._text[self._at + 1 : stop]
        self._at, self._bash = stop + 1, True
        return found

    def _operation(  # noqa: PLR0913 - what was read before the operator
        self, name: str, subscript: str | None, line: int, *, quoted: bool, length: bool, indirect: bool
    ) -> Parameter:
        if length:
            return Parameter(name, "length", None, None, subscript, quoted, line)
        if indirect:
            self._bash = True
        if indirect and self._text[self._at : self._at + 2] in {"@}", "*}"}:
            self._at += 1
            return Parameter(name, "names", None, None, subscript, quoted, line)
        matched = _OPERATOR.match(self._text, self._at, self._end)
        if matched is None:
            return Parameter(name, "", None, None, subscript, quoted, line, indirect)
        operator, self._at = matched[0], matched.end()
        self._bash = self._bash or operator in _BASH_OPERATORS
        pattern = operator[0] in "#%/^,"
        word = self._operand("/}" if operator[0] == "/" else "}", quoted=quoted and not pattern)
        replacement = None
        if operator[0] == "/" and self._text[self._at : self._at + 1] == "/":
            self._at += 1
            replacement = self._operand("}", quoted=False)
        return Parameter(name, operator, word, replacement, subscript, quoted, line, indirect)

    def _operand(self, until: str, *, quoted: bool) -> Word:
        line = self._line()
        parts = self._quoted_parts("}") if quoted else self._parts(until)
        return Word(tuple(_merged(parts)), line)


def decoded(text: str) -> str:
    """Characters that stand for bytes, as the text that these bytes are."""
    return text.encode("latin-1").decode("utf-8", "surrogateescape")


def _merged(parts: list[Part]) -> list[Part]:
    """Neighbouring literals made one; bytes become text only where a whole literal is known."""
    merged: list[Part] = []
    for part in parts:
        last = merged[-1] if merged else None
        if isinstance(part, Literal) and isinstance(last, Literal) and part.quoted == last.quoted:
            merged[-1] = Literal(last.text + part.text, part.quoted)
        else:
            merged.append(part)
    return [Literal(_text(p.text), p.quoted) if isinstance(p, Literal) else p for p in merged]


def _text(text: str) -> str:
    return decoded(text) if all(ord(char) < 256 for char in text) else text  # noqa: PLR2004 - a byte
