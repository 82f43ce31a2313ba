"""Words of shell scripts with their quotes, parameters, substitutions."""

from __future__ import annotations

import bisect
import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.formats.shell.masking import behind_remark
from scanner.formats.shell.syntax import (
    ArithmeticPart,
    Glob,
    Literal,
    Opaque,
    Parameter,
    Sequence,
    Substitution,
    Tilde,
    Word,
)  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.formats.shell.syntax import Part

MAX_NESTING = 16
"""Expansions inside the words of expansions; hand-written ones stay below 4."""

_BLANK = " \t"
ENDS_WORD = frozenset(" \t\n;&|<>()")
"""Characters that end an unquoted word."""

_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_SPECIAL = frozenset("@*#?-$!")
_OPERATOR = re.compile(r":[-=?+]|##|%%|//|/#|/%|\^\^|,,|[-=?+#%/^,@:]")
_BRACES = re.compile(r"\{[^\s{}'\"]*+\}")
"""Those that expand hold a comma or two dots; both in one expression would try each of them against each."""

_CUTTING_OPERATORS = frozenset({"/", "//", ":"})
_BASH_OPERATORS = frozenset({"/#", "/%", "^", "^^", ",", ",,", "@"})
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
    """A command is no sequence of words, or none to shells but bash (``bash``); stays inside the reading of scripts."""

    def __init__(self, why: str, *, bash: bool = False) -> None:
        super().__init__(why)
        self.bash = bash


@dataclass(frozen=True, slots=True)
class Inner:
    """What the grammar found at ``$(``, a backquote or ``$((``, up to before ``end``."""

    end: int
    body: Sequence | None
    arithmetic: str


class Words:
    """Reads the words of ``text`` from ``at`` to ``end``; each character stands for one byte of the script."""

    def __init__(self, text: str, at: int, end: int, inside: Mapping[int, Inner], newlines: list[int]) -> None:
        self._text, self._at, self._end = text, at, end
        self._inside, self._newlines = inside, newlines
        self._bash = self._cuts = False
        self._depth = 0

    # ------------------------------------------------------------ between words

    def line_here(self) -> int:
        """The line at which it reads, counted from 1."""
        return bisect.bisect_left(self._newlines, self._at) + 1

    def next_word(self, *, newline: bool = False) -> bool:
        """Pass over blanks, comments; whether something is left."""
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

    # ------------------------------------------------------------ one word

    def word(self, *, value: bool = False) -> Word:
        """One word; as ``value`` it stands on the right of ``=``."""
        line, self._bash, self._cuts = self.line_here(), False, False
        start = self._at
        parts = self._parts("", value=value)
        if self._at == start:
            raise NotAWordError(f"{self._text[self._at]!r} stands where a word should")
        return Word(tuple(merged(parts)), line, self._bash, self._cuts)

    def _parts(  # noqa: C901, PLR0912 - one case for each character that means something
        self, until: str, *, value: bool = False
    ) -> list[Part]:
        """Unquoted text: to the end of the word, or before one of the characters ``until`` inside ``${…}``."""
        text = self._text
        parts: list[Part] = []
        start = self._at
        while self._at < self._end:
            char = text[self._at]
            if (until and char in until) or (not until and char in ENDS_WORD):
                if char == "(" and not until and self._at > start and text[self._at - 1] in "@+!?*":
                    raise NotAWordError("an extended pattern")
                inner = self._inside.get(self._at)
                if char in "<>" and text.startswith("(", self._at + 1):
                    if inner is None or inner.end > self._end or until:
                        raise NotAWordError("a process substitution", bash=True)
                    parts.append(Substitution(inner.body, quoted=True, line=self.line_here(), process=True))
                    self._bash, self._at = True, inner.end
                    continue
                break
            if char == "\\":
                self._backslash(parts)
            elif char == "'":
                stop = text.find("'", self._at + 1, self._end)
                self._literal(parts, text[self._at + 1 : self._closed(stop)], stop + 1)
            elif char == '"':
                self._at += 1
                parts.extend(self.quoted_parts('"') or [Literal("", quoted=True)])
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
            elif char == "{" and not until and not value and (braces := self._braces()):
                self._bash = True
                named = isinstance(parts[-1] if parts else None, Parameter) and text[self._at - 1] != "}"
                parts.append(Opaque(f"the brace expansion {braces}", () if named else _choices(braces)))
                self._at += len(braces)
            else:
                parts.append(Literal(char))
                self._at += 1
        return parts

    def _braces(self) -> str:
        """The brace expansion that begins here; empty where none does."""
        found = _BRACES.match(self._text, self._at, self._end)
        return found[0] if found and ("," in found[0] or ".." in found[0]) else ""

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

    def quoted_parts(self, until: str, *, here: bool = False) -> list[Part]:
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
                parts.extend(self.quoted_parts('"'))
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
        remark = behind_remark(text, at) if inner is None and text[at] == "`" else None
        if remark is not None and remark <= self._end:
            parts.append(Substitution(Sequence(()), quoted, self.line_here()))
            self._at = remark
        elif text[at] == "`" or following == "(":
            if inner is None or inner.end > self._end:
                raise NotAWordError("a command substitution that the grammar does not see")
            line, self._at = self.line_here(), inner.end
            arithmetic = ArithmeticPart(decoded(inner.arithmetic[3:-2]), quoted) if inner.arithmetic else None
            parts.append(arithmetic or Substitution(inner.body, quoted, line))
        elif following == "{":
            parts.append(self._braced(quoted=quoted))
        elif matched := _NAME.match(text, at + 1, self._end):
            parts.append(Parameter(matched[0], quoted=quoted, line=self.line_here()))
            self._at = matched.end()
        elif following and (following in _SPECIAL or following.isdigit()):
            parts.append(Parameter(following, quoted=quoted, line=self.line_here()))
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
        """``$'…'``, which bash knows, and busybox."""
        self._cuts = True
        at, made = self._at + 2, ""
        while at < self._end and self._text[at] != "'":
            char = self._text[at]
            if char == "\\":
                at += 1
                char = _ANSI_C.get(self._text[at : at + 1], "")
                if not char:
                    raise NotAWordError("an escape in $'…'")
            made += char
            at += 1
        if at >= self._end:
            raise NotAWordError("a quote without its end")
        self._literal(parts, decoded(made), at + 1)

    def _braced(self, *, quoted: bool) -> Part:
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise NotAWordError(f"more than {MAX_NESTING} expansions inside each other")
        line, self._at = self.line_here(), self._at + 2
        length = self._text[self._at : self._at + 1] == "#" and self._text[self._at + 1 : self._at + 2] not in {
            "}",
            ":",
            "-",
            "+",
            "=",
        }
        indirect = self._text[self._at : self._at + 1] == "!" and self._text[self._at + 1 : self._at + 2] != "}"
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
        self._cuts = self._cuts or operator in _CUTTING_OPERATORS
        pattern = operator[0] in "#%/^,"
        word = self._operand("/}" if operator[0] == "/" else "}", quoted=quoted and not pattern)
        replacement = None
        if operator[0] == "/" and self._text[self._at : self._at + 1] == "/":
            self._at += 1
            replacement = self._operand("}", quoted=False)
        return Parameter(name, operator, word, replacement, subscript, quoted, line, indirect)

    def _operand(self, until: str, *, quoted: bool) -> Word:
        line = self.line_here()
        parts = self.quoted_parts("}") if quoted else self._parts(until)
        return Word(tuple(merged(parts)), line)


def decoded(text: str) -> str:
    """Characters that stand for bytes, as the text that these bytes are."""
    return text.encode("latin-1").decode("utf-8", "surrogateescape")


def merged(parts: list[Part]) -> list[Part]:
    """Neighbouring literals made one; bytes become text only where a whole literal is known."""
    found: list[Part] = []
    for quoted, those in itertools.groupby(parts, _whether_quoted):
        if quoted is None:
            found.extend(those)
        else:
            found.append(Literal(_text("".join(part.text for part in those if isinstance(part, Literal))), quoted))
    return found


def _whether_quoted(part: Part) -> bool | None:
    """Of a literal; nothing of any other part."""
    return part.quoted if isinstance(part, Literal) else None


def _text(text: str) -> str:
    return decoded(text) if max(text, default="") < "\u0100" else text  # each character is a byte


MAX_CHOICES = 64
"""Words that one brace expansion becomes; longer ranges are taken as not known."""

_LISTED = re.compile(r"\{[\w./+:@-]*,[\w.,/+:@-]*\}", re.ASCII)
_RANGE = re.compile(r"\{(0|-?[1-9]\d{0,8})\.\.(0|-?[1-9]\d{0,8})\}", re.ASCII)


def _choices(braces: str) -> tuple[str, ...]:
    """What a brace expansion of plain text becomes; nothing where that is not known."""
    if _LISTED.fullmatch(braces):
        return tuple(braces[1:-1].split(","))
    if (found := _RANGE.fullmatch(braces)) is None:
        return ()
    first, last = int(found[1]), int(found[2])
    step = 1 if first <= last else -1
    if abs(last - first) >= MAX_CHOICES:
        return ()
    return tuple(str(each) for each in range(first, last + step, step))


def is_bad_substitution(word: Word) -> bool:
    """Whether a shell that knows no more than POSIX ends at this word; quotes and braces of bash are text to it."""
    return any(
        isinstance(part, Parameter)
        and (part.operator in {*_BASH_OPERATORS, "names"} or part.subscript is not None or part.indirect)
        for part in word.parts
    )
