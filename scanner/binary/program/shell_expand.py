"""What the words of a shell script become: parameters, substitutions, splitting, file names."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from scanner.binary.program import shell_arithmetic, shell_patterns
from scanner.binary.program.argv import UNKNOWN, UNKNOWN_WORDS
from scanner.binary.program.shell_state import AtRunTimeError, PathKind, ShellKind, State, counted, is_known
from scanner.formats.shell_syntax import (
    ArithmeticPart,
    Glob,
    Literal,
    Opaque,
    Parameter,
    Substitution,
    Tilde,
    Word,
)  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scanner.binary.program.shell_patterns import Pattern
    from scanner.binary.program.shell_state import Files
    from scanner.formats.shell_syntax import Part, Sequence

MAX_FIELDS = 4096
"""Words that one word becomes."""

MAX_NAMES = 512
"""File names that one pattern becomes; a directory of init scripts has a dozen."""

_BASH = frozenset({ShellKind.BASH})
_GIVEN_BY_BASH = frozenset({
    "BASH", "BASH_VERSION", "HOSTNAME", "HOSTTYPE", "MACHTYPE", "OSTYPE", "RANDOM", "SECONDS", "SHLVL", "EPOCHSECONDS",
    "EPOCHREALTIME", "SHELLOPTS", "BASHOPTS", "BASHPID", "SRANDOM", "TERM", "COLUMNS", "LINES", "DIRSTACK",
})  # fmt: skip
_GIVEN_BY_ALL = frozenset({"PPID", "LINENO", "_", "PS1", "PS2", "PS4", "OPTARG"})


@dataclass(frozen=True, slots=True)
class _Piece:
    """Text of a word; ``split`` where blanks in it part words, ``active`` where ``*`` is a pattern."""

    text: str
    quoted: bool = True
    split: bool = False
    parts_words: bool = False


_BREAK = _Piece("", parts_words=True)


_DECLARING = frozenset({"export", "readonly", "local", "declare", "typeset"})
_NUMBERS = frozenset("#?$!")
"""Parameters that are digits, in which nothing can be split."""


class Runner(Protocol):
    """Whoever can run the commands of a substitution."""

    kind: ShellKind
    files: Files

    def printed_by(self, state: State, body: Sequence | None, line: int) -> tuple[str, int | None]:
        """What commands print without the last newlines, ``UNKNOWN`` in it where not known; their status."""


class Expander:
    """Expands the words of one command; assignments on the way (``${x:=y}``) go into ``state``."""

    def __init__(self, runner: Runner, state: State) -> None:
        self._runner = runner
        self.state = state
        self.status: int | None = 0

    def fields(self, words: Iterable[Word]) -> tuple[str, ...]:
        """The arguments that words become."""
        made: list[str] = []
        for word in words:
            made.extend(self._fields(word))
            if len(made) > MAX_FIELDS:
                raise AtRunTimeError(f"line {word.line}: words become more than {MAX_FIELDS} arguments")
        return tuple(made)

    def arguments(self, words: tuple[Word, ...]) -> tuple[str, ...]:
        """The arguments of a command; what a declaration assigns is not split."""
        if not words or words[0].literal not in _DECLARING:
            return self.fields(words)
        made = list(self.fields(words[:1]))
        for word in words[1:]:
            fields = self.fields((word,))
            whole = self._runner.kind is not ShellKind.DASH or UNKNOWN_WORDS in fields
            made.extend((self.text(word),) if whole and _assigns(word) else fields)
        return tuple(made)

    def text(self, word: Word | None) -> str:
        """One word without splitting, as on the right of ``=``."""
        if word is None:
            return ""
        return "".join(" " if piece is _BREAK else piece.text for piece in self._pieces(word))

    def pattern(self, word: Word) -> Pattern:
        """One word as a pattern."""
        return shell_patterns.pattern_of((piece.text, not piece.quoted) for piece in self._pieces(word))

    # ------------------------------------------------------------ splitting

    def _fields(self, word: Word) -> list[str]:
        made: list[list[_Piece]] = []
        current: list[_Piece] | None = None
        for piece in self._pieces(word):
            if piece is _BREAK:
                made.append(current or [])
                current = []
                continue
            if not piece.split:
                current = [*(current or []), piece]
                continue
            first, *rest = self._split(piece)
            if first or current is not None or not rest:
                current = [*(current or []), *first] if first or current is not None else current
            for each in rest:
                if current is not None:
                    made.append(current)
                current = each or None
        if current is not None:
            made.append(current)
        return [name for pieces in made for name in self._named(pieces)]

    def _split(self, piece: _Piece) -> list[list[_Piece]]:
        """The runs between separators; an empty run at either end means that a separator stands there."""
        if UNKNOWN in piece.text:
            return [[_Piece(UNKNOWN_WORDS, quoted=False)]]
        separators = self.state.value("IFS")
        if separators is None:
            separators = " \t\n"
        odd = any(char not in " \t\n" for char in separators) and any(char in piece.text for char in separators)
        if UNKNOWN in separators or odd:
            return [[_Piece(UNKNOWN_WORDS, quoted=False)]]
        runs: list[str] = [""]
        for char in piece.text:
            if char in separators:
                if runs[-1] or len(runs) == 1:
                    runs.append("")
            else:
                runs[-1] += char
        return [[_Piece(run, quoted=False)] if run else [] for run in runs]

    def _named(self, pieces: list[_Piece]) -> list[str]:
        text = "".join(piece.text for piece in pieces)
        if text != UNKNOWN_WORDS and UNKNOWN_WORDS in text:
            return [UNKNOWN_WORDS]
        pattern = shell_patterns.pattern_of((piece.text, not piece.quoted) for piece in pieces)
        if pattern.is_plain or "f" in self.state.options or text == UNKNOWN_WORDS:
            return [text]
        if UNKNOWN in text:
            return [UNKNOWN_WORDS]
        found = self._paths(pattern)
        if found is None:
            return [UNKNOWN_WORDS]
        return found or ([] if "nullglob" in self.state.options else [text])

    def _paths(self, pattern: Pattern) -> list[str] | None:
        """The file names that a pattern matches, ``None`` where the directory is not known."""
        made: list[tuple[str, bool]] = []
        for run, active in pattern.runs:
            made.extend((char, active) for char in run)
        parts: list[list[tuple[str, bool]]] = [[]]
        for char, active in made:
            if char == "/":
                parts.append([])
            else:
                parts[-1].append((char, active))
        found = [""]
        for number, part in enumerate(parts):
            piece = shell_patterns.pattern_of(part)
            lead = "" if number == 0 else "/"
            if piece.is_plain:
                found = [f"{path}{lead}{piece.text}" for path in found]
                continue
            next_found: list[str] = []
            for path in found:
                names = self._runner.files.names(self.state.absolute(f"{path}{lead}" or "."))
                if names is None:
                    return None
                visible = [n for n in names if piece.text.startswith(".") or not n.startswith(".")]
                next_found += [f"{path}{lead}{n}" for n in visible if shell_patterns.matches(n, piece)]
                if len(next_found) > MAX_NAMES:
                    return None
            found = next_found
        missing = [path for path in found if self._kind(path) is PathKind.MISSING]
        return [path for path in found if path not in missing]

    def _kind(self, path: str) -> PathKind:
        return self._runner.files.stands(self.state.absolute(path)).kind

    # ------------------------------------------------------------ pieces

    def _pieces(self, word: Word) -> list[_Piece]:
        if word.bash and self._runner.kind not in _BASH:
            raise AtRunTimeError(f"line {word.line}: a word that only bash reads in this way")
        made: list[_Piece] = []
        for part in word.parts:
            made.extend(self._piece(part))
        return made

    def _piece(self, part: Part) -> list[_Piece]:
        match part:
            case Literal():
                return [_Piece(part.text, part.quoted)]
            case Glob():
                return [_Piece(part.text, quoted=False)]
            case Tilde():
                return [_Piece(self._home(part.user))]
            case ArithmeticPart():
                return [_Piece(self.arithmetic(part.text), part.quoted, not part.quoted)]
            case Substitution():
                text, self.status = self._runner.printed_by(self.state, part.body, part.line)
                return [_Piece(text, part.quoted, not part.quoted)]
            case Parameter():
                return self._parameter(part)
            case Opaque():
                return [_Piece(UNKNOWN, quoted=False, split=True)]

    def _home(self, user: str) -> str:
        if user:
            return "/root" if user == "root" else UNKNOWN
        found = self.state.value("HOME")
        return UNKNOWN if found is None else found

    def arithmetic(self, text: str) -> str:
        """The value of an expression; what it assigns is not known any more."""
        text = self._with_specials(text)
        if shell_arithmetic.assigns(text):
            raise AtRunTimeError(f"the arithmetic {text[:40]} changes a variable")
        found = shell_arithmetic.value(text, self._number)
        return UNKNOWN if found is None else str(found)

    def _with_specials(self, text: str) -> str:
        for name in ("#", "?", *"0123456789"):
            if f"${name}" in text:
                text = text.replace(f"${name}", self.plain(name) or "0")
        return text

    def _number(self, name: str) -> str | None:
        found = self.plain(name)
        return found if found is None or is_known(found) else "unknown"

    # ------------------------------------------------------------ parameters

    def plain(self, name: str) -> str | None:
        """The value of ``$name`` as one text, ``None`` where it is unset."""
        state = self.state
        if name.isdigit():
            return state.arg0 if int(name) == 0 else _nth(state.positional, int(name))
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
        return self._given(name) if found is None and name not in state.variables else found

    def _given(self, name: str) -> str | None:
        """What shells set by themselves."""
        kind = self._runner.kind
        if name == "PWD":
            return self.state.cwd
        if name == "BASH_SOURCE" and kind is ShellKind.BASH:
            return self.state.file
        if name == "IFS":
            return " \t\n"
        if name == "OPTIND":
            return "1"
        if name in _GIVEN_BY_ALL:
            return UNKNOWN
        if name in _GIVEN_BY_BASH and kind in {
            ShellKind.BASH,
            ShellKind.KSH,
            ShellKind.POSIX,
            ShellKind.ZSH,
            ShellKind.ASH,
        }:
            return UNKNOWN
        if name in {"UID", "EUID"} and kind not in {ShellKind.DASH, ShellKind.ASH}:
            return UNKNOWN
        return None

    def _joined(self, words: tuple[str, ...]) -> str:
        separators = self.plain("IFS")
        return ((separators or "")[:1] if separators is not None else " ").join(words)

    def _parameter(self, part: Parameter) -> list[_Piece]:
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
                return [_Piece(UNKNOWN, part.quoted, not part.quoted)]
            return self._operated(replace(part, name=target, indirect=False), self.plain(target))
        if name in _NUMBERS and part.operator == "":
            return [_Piece(self.plain(name) or "")]
        return self._operated(part, self.plain(name))

    def _names(self, part: Parameter) -> list[_Piece]:
        """``${!prefix@}``: the names of the variables that begin so."""
        if not self.state.env_known:
            return [_Piece(UNKNOWN_WORDS, quoted=part.quoted)]
        found = sorted(n for n, value in self.state.variables.items() if n.startswith(part.name) and value is not None)
        return self._positional(part, tuple(found))

    def _operated(self, part: Parameter, found: str | None) -> list[_Piece]:
        quoted = part.quoted
        match part.operator:
            case "":
                if found is None and "u" in self.state.options and part.name not in {"@", "*"}:
                    raise AtRunTimeError(f"line {part.line}: {part.name} is not set, which ends the script (set -u)")
                return [_Piece(found or "", quoted, not quoted)]
            case "length":
                size = len(found or "") if is_known(found) or found is None else None
                if part.name in {"@", "*"}:
                    return [_Piece(self.plain("#") or "0")]
                return [_Piece(UNKNOWN if size is None else str(size))]
            case ":-" | "-" | ":=" | "=" | ":?" | "?" | ":+" | "+":
                return self._alternative(part, found)
            case ":":
                return [_Piece(self._substring(part, found or ""), quoted, not quoted)]
        return [_Piece(self._changed(part, found or ""), quoted, not quoted)]

    def _alternative(self, part: Parameter, found: str | None) -> list[_Piece]:  # noqa: C901 - POSIX' table of them
        operator, quoted = part.operator, part.quoted
        stands: bool | None = found is not None
        if operator[0] == ":" and found is not None:
            stands = bool(found.replace(UNKNOWN, "")) or (False if not found else None)
        elif found is not None and not found.replace(UNKNOWN, "") and found:
            stands = None
        if stands is None and operator[-1] != "+":
            kept = _Piece(UNKNOWN, quoted, not quoted)
            if operator[-1] == "=":
                self.state = self.state.assigned(part.name, UNKNOWN)
            return [kept]
        if stands is None:
            return [_Piece(UNKNOWN, quoted, not quoted)]
        if operator[-1] == "+":
            return self._operand(part) if stands else ([_Piece("")] if quoted else [])
        if stands:
            return [_Piece(found or "", quoted, not quoted)]
        if operator[-1] == "?":
            raise AtRunTimeError(f"line {part.line}: {part.name} is not set, which ends the script")
        if operator[-1] == "=":
            value = self.text(part.word)
            if part.name in {"@", "*", "#"} or part.name.isdigit():
                raise AtRunTimeError(f"line {part.line}: an assignment to ${part.name}")
            self.state = self.state.assigned(part.name, value)
            return [_Piece(value, quoted, not quoted)]
        return self._operand(part)

    def _operand(self, part: Parameter) -> list[_Piece]:
        if part.word is None or not part.word.parts:
            return [_Piece("")] if part.quoted else []
        made = []
        for piece in self._pieces(part.word):
            splits = not part.quoted and not piece.quoted and piece is not _BREAK
            made.append(replace(piece, split=True) if splits else piece)
        return made

    def _changed(self, part: Parameter, found: str) -> str:
        """``#``, ``%``, ``/``, ``^``, ``,`` and what bash has beside them."""
        operator = part.operator
        if part.name in {"@", "*"} and found:
            return UNKNOWN_WORDS
        if operator in {"^^", ",,"} and (part.word is None or not part.word.parts) and is_known(found):
            return found.upper() if operator == "^^" else found.lower()
        if part.word is None or operator[0] not in "#%/":
            return UNKNOWN
        pattern = self.pattern(part.word)
        changed: str | None
        if operator[0] == "#":
            changed = shell_patterns.cut_prefix(found, pattern, longest=operator == "##")
        elif operator[0] == "%":
            changed = shell_patterns.cut_suffix(found, pattern, longest=operator == "%%")
        elif operator in {"/", "//"}:
            by = self.text(part.replacement)
            plain = UNKNOWN not in by and "&" not in by
            changed = shell_patterns.replaced(found, pattern, by, everywhere=operator == "//") if plain else None
        else:
            changed = None
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
        start = shell_arithmetic.value(first.strip(), self._number)
        length = shell_arithmetic.value(second.strip(), self._number) if colon else None
        return None if start is None or (colon and length is None) else (start, length)

    def _slice(self, part: Parameter, words: tuple[str, ...]) -> tuple[str, ...]:
        if part.operator != ":":
            return words
        bounds = self._bounds(part)
        if bounds is None or not counted(words) or bounds[0] < 0 or (bounds[1] or 0) < 0:
            return (UNKNOWN_WORDS,)
        start, length = bounds
        whole = (self.state.arg0, *words) if part.subscript is None else words
        if part.subscript is None and start == 0:
            return (UNKNOWN_WORDS,)
        return whole[start:] if length is None else whole[start : start + length]

    def _positional(self, part: Parameter, words: tuple[str, ...]) -> list[_Piece]:
        if part.quoted and (part.name == "*" or part.subscript == "*"):
            return [_Piece(self._joined(words))]
        pieces: list[_Piece] = []
        for number, word in enumerate(words):
            if number:
                pieces.append(_BREAK)
            pieces.append(_Piece(word, quoted=part.quoted, split=not part.quoted and word != UNKNOWN_WORDS))
        return pieces

    def _array(self, part: Parameter) -> list[_Piece]:
        state, subscript = self.state, part.subscript or ""
        if part.name == "BASH_SOURCE" and subscript == "0" and part.operator == "":
            return [_Piece(state.file, part.quoted, not part.quoted)]
        if part.name in state.arrays:
            words: tuple[str, ...] | None = state.arrays[part.name]
        else:
            single = state.value(part.name)
            words = () if single is None else (single,) if is_known(single) else None
        if words is None or not counted(words):
            return [_Piece(UNKNOWN_WORDS, quoted=part.quoted, split=False)]
        if part.operator == "length":
            return [_Piece(str(len(words)) if subscript in {"@", "*"} else UNKNOWN)]
        if subscript in {"@", "*"}:
            if part.operator in {"", ":"}:
                return self._positional(part, self._slice(part, words))
            if part.operator in {"+", ":+", "-", ":-"}:
                return self._alternative(part, self._joined(words) if words else None)
            return [_Piece(UNKNOWN_WORDS, quoted=part.quoted)]
        index = shell_arithmetic.value(subscript, self._number)
        if index is None:
            return [_Piece(UNKNOWN, part.quoted, not part.quoted)]
        found = words[index] if -len(words) <= index < len(words) else None
        return self._operated(replace(part, subscript=None), found)


def _assigns(word: Word) -> bool:
    first = word.parts[0] if word.parts else None
    return isinstance(first, Literal) and re.match(r"[A-Za-z_]\w*\+?=", first.text, re.ASCII) is not None


def _nth(words: tuple[str, ...], number: int) -> str | None:
    before = words[: number - 1]
    if not counted(before):
        return UNKNOWN
    if number > len(words):
        return None
    return UNKNOWN if words[number - 1] == UNKNOWN_WORDS else words[number - 1]
