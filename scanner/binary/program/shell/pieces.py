"""Expands the parts of a shell word before it is split: parameters, substitutions, arithmetic."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from scanner.binary.program.argv import UNKNOWN, UNKNOWN_WORDS, unsplit
from scanner.binary.program.shell import associative, given
from scanner.binary.program.shell.associative import Table
from scanner.binary.program.shell.frames import called
from scanner.binary.program.shell.piece import BREAK, Piece
from scanner.binary.program.shell.state import AtRunTimeError, ShellEndsError, ShellKind, State, counted, is_known
from scanner.formats.shell import arithmetic, patterns
from scanner.formats.shell.syntax import (
    ArithmeticPart,
    Glob,
    Literal,
    Opaque,
    Parameter,
    Substitution,
    Tilde,
    Word,
)  # fmt: skip
from scanner.formats.shell.words import is_bad_substitution

if TYPE_CHECKING:
    from scanner.binary.program.shell.image_paths import Files
    from scanner.formats.shell.patterns import Pattern
    from scanner.formats.shell.syntax import Part, Sequence

_CUTTING = frozenset({ShellKind.BASH, ShellKind.ASH})
_EXTENDED = re.compile(r"[?*+@!]\(")
_ARRAYS_OF_BASH = frozenset({
    "PIPESTATUS", "BASH_SOURCE", "BASH_LINENO", "BASH_ARGC", "BASH_ARGV", "BASH_VERSINFO", "BASH_REMATCH", "BASH_ALIASES",
    "BASH_CMDS", "GROUPS", "MAPFILE", "COPROC", "READLINE_LINE", "COMP_WORDS", "DIRSTACK",
})  # fmt: skip


_ALTERNATIVES = frozenset("-=?+")
_MAX_DIGITS = 9
"""Of a positional parameter: no command has as many words."""
_NUMBERS = frozenset("#?$!")
"""Parameters that are digits, in which nothing can be split."""


class Runner(Protocol):
    """Whoever can run the commands of a substitution."""

    kind: ShellKind
    files: Files

    def printed_by(self, state: State, body: Sequence | None, line: int) -> tuple[str, State]:
        """What commands print without the last newlines, ``UNKNOWN`` in it where not known; the state behind them."""


class Pieces:
    """Expands the parts of words; assignments on the way (``${x:=y}``) go into ``state``."""

    def __init__(self, runner: Runner, state: State) -> None:
        self.runner = runner
        self.state = state
        self.status: int | None = 0

    def text(self, word: Word | None) -> str:
        """One word without splitting, as on the right of ``=``."""
        if word is None:
            return ""
        return "".join(" " if piece is BREAK else piece.text for piece in self.pieces(self._whole(word)))

    def _whole(self, word: Word) -> Word:
        """A word that nothing splits: ``$@`` and its like are all that they name, empty ones too."""
        found = [
            part for part in word.parts if isinstance(part, Parameter) and {"@", "*"} & {part.name, part.subscript}
        ]
        is_split = any(part.name == "@" and not part.quoted for part in found)
        if is_split and self.runner.kind is not ShellKind.BASH and self._joined(("", "")) != " ":
            raise AtRunTimeError(f"line {word.line}: $@ in one word, which shells join each in its own way")
        return replace(word, parts=tuple(replace(p, quoted=True) if p in found else p for p in word.parts))

    def pattern(self, word: Word) -> Pattern:
        """One word as a pattern."""
        pieces = self.pieces(word)
        if self.runner.kind is ShellKind.BASH and any(not p.quoted and _EXTENDED.search(p.text) for p in pieces):
            raise AtRunTimeError(f"line {word.line}: an extended pattern")
        return patterns.pattern_of((piece.text, not piece.quoted) for piece in pieces)

    # ------------------------------------------------------------ pieces

    def pieces(self, word: Word) -> list[Piece]:
        """The pieces of one word, with a ``BREAK`` where ``"$@"`` parts it."""
        kind = self.runner.kind
        if (word.bash and kind is not ShellKind.BASH) or (word.cuts and kind not in _CUTTING):
            why = f"line {word.line}: a word that only bash reads in this way"
            raise AtRunTimeError(why, is_faulty=kind is ShellKind.DASH and (word.cuts or is_bad_substitution(word)))
        made: list[Piece] = []
        for part in word.parts:
            made.extend(self._piece(part))
        return made

    def _piece(self, part: Part) -> list[Piece]:
        match part:
            case Literal():
                return [Piece(part.text, part.quoted)]
            case Glob():
                return [Piece(part.text, quoted=False)]
            case Tilde():
                return [Piece(self._home(part.user))]
            case ArithmeticPart():
                found = self.arithmetic(part.text)
                return [Piece(found, part.quoted, not part.quoted and is_known(found))]  # else digits, whichever
            case Substitution():
                text, behind = self.runner.printed_by(self.state, part.body, part.line)
                self.state = replace(behind, status=self.state.status)
                if part.process:
                    return [Piece(f"/dev/fd/{UNKNOWN}")]
                self.status = behind.status
                return [Piece(text, part.quoted, not part.quoted)]
            case Parameter():
                return self._parameter(part)
            case Opaque():
                return [Piece(UNKNOWN, quoted=False, split=True)]

    def _home(self, user: str) -> str:
        if user:
            return "/root" if user == "root" else UNKNOWN
        found = self.state.value("HOME")
        return UNKNOWN if found is None else found

    def arithmetic(self, text: str) -> str:
        """The value of an expression; what it assigns is not known any more."""
        text = self._with_specials(text)
        if arithmetic.assigns(text):
            steps = "++" in text or "--" in text
            if steps and self.runner.kind in {ShellKind.DASH, ShellKind.POSIX}:
                why = f"the arithmetic {text[:40]}, which not every shell knows"
                faulty = self.runner.kind is ShellKind.DASH and arithmetic.steps_behind(text)
                raise AtRunTimeError(why, is_faulty=faulty)
            done = arithmetic.assigned(text, self._number)
            if done is None or done.name in self.state.arrays:
                raise AtRunTimeError(f"the arithmetic {text[:40]} changes a variable")
            self.state = self.state.assigned(done.name, str(done.value))
            return str(done.result)
        found = arithmetic.value(text, self._number)
        if found is None and self.runner.kind is not ShellKind.BASH and self._is_all_known(text):
            raise AtRunTimeError(f"the arithmetic {text[:40]}, at which shells may give up", is_faulty=True)
        return UNKNOWN if found is None else str(found)

    def _is_all_known(self, text: str) -> bool:
        """Whether nothing in an expression waits for the run."""
        values = (self.state.value(name) for name in arithmetic.names(text))
        return "`" not in text and "$(" not in text and UNKNOWN not in "".join((text, *(each or "" for each in values)))

    def _with_specials(self, text: str) -> str:
        for name in ("#", "?", *"0123456789"):
            text = text.replace(f"${name}", self.plain(name) or "0")
        return text

    def index(self, subscript: str) -> int | None:
        """The number that a subscript of an array comes to, ``None`` where it is not known."""
        return arithmetic.value(self._with_specials(subscript), self._number)

    def _number(self, name: str) -> str | None:
        found = self.plain(name)
        if found is None and "u" in self.state.options and self.runner.kind is ShellKind.BASH:
            raise AtRunTimeError(f"the arithmetic reads {name}, which is not set (set -u)", is_faulty=True)
        return found if found is None or is_known(found) else "unknown"

    # ------------------------------------------------------------ parameters

    def plain(self, name: str) -> str | None:
        """The value of ``$name`` as one text, ``None`` where it is unset."""
        state = self.state
        if name.isdigit():
            number = int(name.lstrip("0")[:_MAX_DIGITS] or "0")
            return _nth(state.positional, number) if number else state.arg0
        match name:
            case "#":
                return str(len(state.positional)) if counted(state.positional) else UNKNOWN
            case "?":
                return UNKNOWN if state.status is None else str(state.status)
            case "@" | "*":
                return self._joined(state.positional) if state.positional else None
            case "$" | "!" | "-":
                return UNKNOWN
        found = state.value(name)
        return given.given(name, state, self.runner.kind) if found is None and name not in state.variables else found

    def _joined(self, words: tuple[str, ...]) -> str:
        separators = self.plain("IFS")
        return ((separators or "")[:1] if separators is not None else " ").join(words)

    def _parameter(self, part: Parameter) -> list[Piece]:
        name = part.name
        if part.subscript is not None:
            return self._array(part)
        if name in {"@", "*"} and part.operator in {"", ":"}:
            return self._positional(part, self._slice(part, self.state.positional))
        if part.operator == "names":
            return self._names(part)
        if part.indirect:
            target = self.plain(name)
            if target is None:
                raise AtRunTimeError(f"line {part.line}: {name}, which is to name a variable, is not set")
            if not re.fullmatch(r"[A-Za-z_]\w*|\d+", target, re.ASCII):
                return [Piece(UNKNOWN, part.quoted, not part.quoted)]
            return self._operated(replace(part, name=target, indirect=False), self.plain(target))
        if part.operator == "" and (name in _NUMBERS or given.is_number(name, self.state, self.runner.kind)):
            return [Piece(self.plain(name) or "")]
        return self._operated(part, self.plain(name))

    def _names(self, part: Parameter) -> list[Piece]:
        """``${!prefix@}``: the names of the variables that begin so."""
        if not self.state.env_known:
            return [Piece(UNKNOWN_WORDS, quoted=part.quoted)]
        found = sorted(n for n, value in self.state.variables.items() if n.startswith(part.name) and value is not None)
        return self._positional(part, tuple(found))

    def _operated(self, part: Parameter, found: str | None) -> list[Piece]:
        quoted = part.quoted
        if "u" in self.state.options and part.name not in {"@", "*"} and part.operator.lstrip(":") not in _ALTERNATIVES:
            if found is None:
                raise ShellEndsError(f"line {part.line}: {part.name} is not set, which ends the script (set -u)")
            if found == UNKNOWN and not counted(self.state.arrays.get(part.name, ())):
                raise AtRunTimeError(f"line {part.line}: whether {part.name} is set, else the script ends (set -u)")
        match part.operator:
            case "":
                return [Piece(found or "", quoted, not quoted)]
            case "length":
                size = len(found or "") if is_known(found) or found is None else None
                if part.name in {"@", "*"}:
                    return [Piece(self.plain("#") or "0")]
                return [Piece(UNKNOWN if size is None else str(size))]
            case ":-" | "-" | ":=" | "=" | ":?" | "?" | ":+" | "+":
                return self._alternative(part, found)
            case ":":
                return [Piece(self._substring(part, found or ""), quoted, not quoted)]
        return [Piece(self._changed(part, found or ""), quoted, not quoted)]

    def _alternative(self, part: Parameter, found: str | None) -> list[Piece]:  # noqa: C901 - POSIX' table of them
        operator, quoted = part.operator, part.quoted
        stands: bool | None = found is not None
        if operator[0] == ":" and found is not None:
            stands = bool(found.replace(UNKNOWN, "")) or (False if not found else None)
        elif found is not None and not found.replace(UNKNOWN, "") and found:
            stands = None
        if stands is None and operator[-1] != "+":
            kept = Piece(UNKNOWN, quoted, not quoted)
            if operator[-1] == "=":
                self.state = self.state.assigned(part.name, UNKNOWN)
            return [kept]
        if stands is None:
            return [Piece(UNKNOWN, quoted, not quoted)]
        if operator[-1] == "+":
            return self._operand(part) if stands else ([Piece("")] if quoted else [])
        if stands:
            return [Piece(found or "", quoted, not quoted)]
        if operator[-1] == "?":
            raise ShellEndsError(f"line {part.line}: {part.name} is not set, which ends the script")
        if operator[-1] == "=":
            value = self.text(part.word)
            if part.name in {"@", "*", "#"} or part.name.isdigit():
                raise AtRunTimeError(f"line {part.line}: an assignment to ${part.name}")
            self.state = self.state.assigned(part.name, value)
            return [Piece(value, quoted, not quoted)]
        return self._operand(part)

    def _operand(self, part: Parameter) -> list[Piece]:
        if part.word is None or not part.word.parts:
            return [Piece("")] if part.quoted else []
        made = []
        for piece in self.pieces(part.word):
            splits = not part.quoted and not piece.quoted and piece is not BREAK
            made.append(replace(piece, split=True) if splits else piece)
        return made

    def _changed(self, part: Parameter, found: str) -> str:
        """``#``, ``%``, ``/``, ``^``, ``,`` and what bash has beside them."""
        operator = part.operator
        if part.name in {"@", "*"} and found:
            return UNKNOWN_WORDS
        is_plain = is_known(found) and found.isascii()  # others by its locale
        if operator in {"^", ",", "^^", ",,"} and (part.word is None or not part.word.parts) and is_plain:
            first, rest = (found, "") if len(operator) > 1 else (found[:1], found[1:])
            return (first.upper() if operator[0] == "^" else first.lower()) + rest
        if part.word is None or operator[0] not in "#%/":
            return UNKNOWN
        pattern = self.pattern(part.word)
        changed: str | None = None
        if operator[0] == "#":
            changed = patterns.cut_prefix(found, pattern, longest=operator == "##")
        elif operator[0] == "%":
            changed = patterns.cut_suffix(found, pattern, longest=operator == "%%")
        elif operator in {"/", "//"}:
            by = self.text(part.replacement)
            plain = UNKNOWN not in by and "&" not in by and not self.state.folds
            changed = patterns.replaced(found, pattern, by, everywhere=operator == "//") if plain else None
        return UNKNOWN if changed is None else changed

    def _substring(self, part: Parameter, found: str) -> str:
        bounds = self._bounds(part)
        if bounds is None or not is_known(found):
            return UNKNOWN
        start, length = bounds
        start = max(len(found) + start, 0) if start < 0 else start
        if length is not None and length < 0:
            return UNKNOWN
        return found[start:] if length is None else found[start : start + length]

    def _bounds(self, part: Parameter) -> tuple[int, int | None] | None:
        first, colon, second = self.text(part.word).partition(":")
        start = arithmetic.value(first.strip(), self._number)
        length = arithmetic.value(second.strip(), self._number) if colon else None
        return None if start is None or (colon and length is None) else (start, length)

    def _slice(self, part: Parameter, words: tuple[str, ...]) -> tuple[str, ...]:
        if part.operator != ":":
            return words
        bounds = self._bounds(part)
        if bounds is None or not counted(words) or (bounds[1] or 0) < 0 or self.runner.kind is not ShellKind.BASH:
            return (UNKNOWN_WORDS,)
        start, length = bounds
        whole = (self.state.arg0, *words) if part.subscript is None else words
        start = max(len(whole) + start, -1) if start < 0 else start
        if start < 0 or (not start and part.subscript is None):
            return () if start < 0 else (UNKNOWN_WORDS,)
        return whole[start:] if length is None else whole[start : start + length]

    def _positional(self, part: Parameter, words: tuple[str, ...]) -> list[Piece]:
        if part.quoted and (part.name == "*" or part.subscript == "*"):
            return [Piece(self._joined(words))]
        pieces: list[Piece] = []
        if not part.quoted:
            words = tuple(word for word in words if word)  # an empty one makes no field where nothing quotes it
        for number, word in enumerate(words):
            if number:
                pieces.append(BREAK)
            pieces.append(Piece(word, quoted=part.quoted, split=not part.quoted and word != UNKNOWN_WORDS))
        return pieces

    def _elements(self, name: str) -> tuple[str, ...] | None:
        """The elements of an array, ``None`` where they are not known; a plain variable has one."""
        if name == "FUNCNAME":
            return called(self.state.stack)
        if name in self.state.arrays:
            return self.state.arrays[name]
        single = self.state.value(name)
        if name in _ARRAYS_OF_BASH or (single is not None and not is_known(single)):
            return None
        return () if single is None else (single,)

    def _array(self, part: Parameter) -> list[Piece]:
        state, subscript = self.state, part.subscript or ""
        if part.name == "BASH_SOURCE" and subscript == "0" and part.operator == "":
            return [Piece(state.file, part.quoted, not part.quoted)]
        table = state.arrays.get(part.name)
        if isinstance(table, Table) and subscript not in {"@", "*"} and not part.indirect:
            return self._operated(replace(part, subscript=None), associative.looked_up(self, table, subscript))
        if (known := associative.all_of(table, part)) is not None:
            return self._positional(part, known)
        return self._of_array(part, self._elements(part.name), subscript)

    def _of_array(self, part: Parameter, words: tuple[str, ...] | None, subscript: str) -> list[Piece]:
        if words is None or not counted(words):
            if subscript in {"@", "*"} or part.indirect:
                return [Piece(UNKNOWN_WORDS, quoted=part.quoted, split=False)]
            return self._operated(replace(part, subscript=None), UNKNOWN)
        if part.operator == "length":
            return [Piece(str(len(words)) if subscript in {"@", "*"} else UNKNOWN)]
        if part.indirect:
            if subscript not in {"@", "*"} or part.operator:
                raise AtRunTimeError(f"line {part.line}: an element of {part.name}, which is to name a variable")
            return self._positional(part, tuple(str(number) for number in range(len(words))))
        if subscript in {"@", "*"}:
            return self._all_elements(part, words)
        index = self.index(subscript)
        if index is None:
            return [Piece(UNKNOWN, part.quoted, not part.quoted)]
        found = words[index] if -len(words) <= index < len(words) else None
        return self._operated(replace(part, subscript=None), found)

    def _all_elements(self, part: Parameter, words: tuple[str, ...]) -> list[Piece]:
        if part.operator in {"", ":"}:
            return self._positional(part, self._slice(part, words))
        if part.operator in {"+", ":+", "-", ":-"}:
            stands = bool(words) and (part.operator[0] != ":" or any(words))
            if stands is (part.operator[-1] == "+"):
                return self._operand(part)
            return self._positional(part, words)
        return [Piece(UNKNOWN_WORDS, quoted=part.quoted)]


def _nth(words: tuple[str, ...], number: int) -> str | None:
    before = words[: number - 1]
    if not counted(before):
        return UNKNOWN
    if number > len(words):
        return None
    return unsplit(words[number - 1])
