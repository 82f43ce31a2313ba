"""Expands the words of a shell command: they are split, then patterns become file names."""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace
from itertools import product
from math import prod
from typing import TYPE_CHECKING

from scanner.binary.program.argv import UNKNOWN, UNKNOWN_WORDS, UnsplitWords, unsplit
from scanner.binary.program.shell.image_paths import PathKind
from scanner.binary.program.shell.piece import BREAK, Piece
from scanner.binary.program.shell.pieces import Pieces
from scanner.binary.program.shell.placing import Placement
from scanner.binary.program.shell.state import AtRunTimeError, ShellKind, is_known
from scanner.formats.parsing.patience import spend
from scanner.formats.shell import patterns
from scanner.formats.shell.regexes import regex_of
from scanner.formats.shell.simple_commands import DECLARING
from scanner.formats.shell.syntax import Literal, Opaque, Parameter

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scanner.binary.program.shell.state import State
    from scanner.formats.shell.patterns import Pattern
    from scanner.formats.shell.syntax import Word

MAX_FIELDS = 4096
"""Words that one word becomes."""

MAX_NAMES = 512
"""File names that one pattern becomes; a directory of init scripts has a dozen."""


_QUOTE = "'\\''"
"""A quote within quotes, as bash writes it."""


class Expander(Pieces):
    """Expands the words of one command; assignments on the way (``${x:=y}``) go into ``state``."""

    def fields(self, words: Iterable[Word]) -> tuple[str, ...]:
        """The arguments that words become."""
        made: list[str] = []
        braces = self.runner.kind is ShellKind.BASH and "+B" not in self.state.options
        for word in words:
            for each in _braced(word) if braces else (word,):
                made.extend(self._fields(each))
            if len(made) > MAX_FIELDS:
                raise AtRunTimeError(f"line {word.line}: words become more than {MAX_FIELDS} arguments")
        return tuple(made)

    def arguments(self, words: tuple[Word, ...]) -> tuple[str, ...]:
        """The arguments of a command; what a declaration assigns is not split."""
        if not words or words[0].literal not in DECLARING:
            return self.fields(words)
        made = list(self.fields(words[:1]))
        for word in words[1:]:
            fields = self.fields((word,))
            whole = self.runner.kind is not ShellKind.DASH or UNKNOWN_WORDS in fields
            made.extend((self.text(word),) if whole and _assigns(word) else fields)
        return tuple(made)

    def found(self, text: str, word: Word) -> bool | None:
        """Whether one word, as a regular expression, is found in a text; bash tells what of it, by ``BASH_REMATCH``."""
        runs = patterns.pattern_of((piece.text, not piece.quoted) for piece in self.pieces(word)).runs
        is_plain = is_known(text) and all(is_known(run) for run, _ in runs) and not self.state.folds
        regex = regex_of(runs) if is_plain else None
        answer = None if regex is None else regex.is_in(text)
        matched: tuple[str, ...] = () if answer is False else (UNKNOWN_WORDS,)
        if regex is not None and answer and (match := regex.match(text)) is not None:
            matched = (match[0], *(each or "" for each in match.groups()))
        self.state = replace(self.state, arrays={**self.state.arrays, "BASH_REMATCH": matched})
        return answer

    def _parameter(self, part: Parameter) -> list[Piece]:
        """As any other, but a variable that names another one stands for that."""
        named = self.state.led(part.name)
        if named == part.name:
            return super()._parameter(part)
        if part.indirect and part.subscript is None:
            return [Piece(named, part.quoted, not part.quoted)]
        return super()._parameter(replace(part, name=named))

    def _all_elements(self, part: Parameter, words: tuple[str, ...]) -> list[Piece]:
        if part.operator == "@" and part.word is not None and part.word.literal == "Q":
            written = (f"'{word.replace(chr(39), _QUOTE)}'" if UNKNOWN not in word else UNKNOWN for word in words)
            return self._positional(part, tuple(written))
        return super()._all_elements(part, words)

    # ------------------------------------------------------------ splitting

    def _fields(self, word: Word) -> list[str]:
        made: list[list[Piece]] = []
        current: list[Piece] | None = None
        for piece in self.pieces(word):
            if piece is BREAK:
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

    def _split(self, piece: Piece) -> list[list[Piece]]:
        """The runs between separators; an empty run at either end means that a separator stands there."""
        separators = self.state.value("IFS")
        if separators is None:
            separators = " \t\n"
        if UNKNOWN in piece.text and _is_whole(piece.text, separators):
            return [[Piece(UnsplitWords.of(piece.text), quoted=False)]]
        if UNKNOWN in f"{piece.text}{separators}" or _leaves_empty(piece.text, separators):
            return [[Piece(UNKNOWN_WORDS, quoted=False)]]
        runs: list[str] = [""]
        for char in piece.text:
            if char in separators:
                if runs[-1] or len(runs) == 1:
                    runs.append("")
            else:
                runs[-1] += char
        return [[Piece(run, quoted=False)] if run else [] for run in runs]

    def _named(self, pieces: list[Piece]) -> list[str]:
        text = pieces[0].text if len(pieces) == 1 else "".join(piece.text for piece in pieces)
        if text != UNKNOWN_WORDS and UNKNOWN_WORDS in text:
            if not all(piece.quoted or _is_whole(piece.text) for piece in pieces):
                return [UNKNOWN_WORDS]
            return [UnsplitWords.of("".join(unsplit(piece.text) for piece in pieces))]
        pattern = patterns.pattern_of((piece.text, not piece.quoted) for piece in pieces)
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
        put, gone = _put(self.state), Placement.by(self.state.written).gone
        found = [""]
        for number, part in enumerate(parts):
            piece = patterns.pattern_of(part)
            lead = "" if number == 0 else "/"
            if piece.is_plain:
                found = [f"{path}{lead}{piece.text}" for path in found]
                continue
            next_found: list[str] = []
            for path in found:
                directory = posixpath.normpath(self.state.absolute(f"{path}{lead}" or "."))
                names = self._names_in(directory, put, gone)
                if names is None or _may_differ(self.state, directory, names, piece):
                    return None
                hidden = piece.text.startswith(".") or "dotglob" in self.state.options
                if piece.text.startswith(".") and self.runner.kind in {ShellKind.DASH, ShellKind.ASH}:
                    names = (".", "..", *names)  # which newer releases of bash leave out
                visible = [n for n in names if hidden or not n.startswith(".")]
                next_found += [f"{path}{lead}{n}" for n in visible if patterns.matches(n, piece)]
                if len(next_found) > MAX_NAMES:
                    return None
            found = next_found
        return [path for path in found if self._is_there(path, put, gone)]

    def _names_in(self, directory: str, put: frozenset[str], gone: frozenset[str]) -> tuple[str, ...] | None:
        """The names in a directory, with the files that the script has surely put there, without those it took away."""
        if UNKNOWN in directory:
            return None
        names = self.runner.files.names(directory)
        more = (name for above, name in map(posixpath.split, put) if above == directory)
        left = (name for name in names or () if f"{directory.rstrip('/')}/{name}" not in gone)
        return None if names is None else tuple(sorted({*left, *more}))

    def _is_there(self, path: str, put: frozenset[str], gone: frozenset[str]) -> bool:
        absolute = self.state.absolute(path)
        if posixpath.normpath(absolute) in gone:
            return False
        return posixpath.normpath(absolute) in put or self.runner.files.stands(absolute).kind is not PathKind.MISSING


def _put(state: State) -> frozenset[str]:
    """The paths at which a script has surely put a file."""
    placed = Placement.by(state.written)
    return frozenset(path for path, _ in (*placed.texts, *placed.copies))


def _may_differ(state: State, directory: str, names: tuple[str, ...], pattern: Pattern) -> bool:
    """Whether a script may have put names that fit a pattern into a directory, or taken them out of it."""
    lead, sure = f"{directory.rstrip('/')}/", Placement.by(state.written).writes
    spend(len(state.written))
    for each in state.written:
        if each in sure or each.path.startswith(UNKNOWN):
            continue
        if each.below and each.changes(directory):
            return True
        name = each.path[len(lead) :].partition("/")[0] if each.path.startswith(lead) else ""
        if not name or patterns.matches(name, pattern) is False:
            continue
        if name not in names or (each.below and not each.makes and each.path == f"{lead}{name}"):
            return True
    return False


def _is_whole(text: str, separators: str = "") -> bool:
    """Whether what is known of an unquoted text surely lies in one word, as it is written."""
    known = unsplit(text)
    return (text != UNKNOWN_WORDS or isinstance(text, UnsplitWords)) and not set(known) & {*separators, *"*?["}


def _braced(word: Word) -> Iterable[Word]:
    """The words that the braces of one make of it, those left out that become nothing."""
    choices = [part.choices if isinstance(part, Opaque) and part.choices else (part,) for part in word.parts]
    if not any(isinstance(part, Opaque) and part.choices for part in word.parts):
        return (word,)
    if prod(map(len, choices)) > MAX_FIELDS:
        raise AtRunTimeError(f"line {word.line}: braces become more than {MAX_FIELDS} words")
    made = (tuple(Literal(p) if isinstance(p, str) else p for p in parts) for parts in product(*choices))
    return (replace(word, parts=parts) for parts in made if any(part != Literal("") for part in parts))


def _leaves_empty(text: str, separators: str) -> bool:
    """Whether separators that are no blanks may part off an empty word: at either end, or beside another one."""
    others = {char for char in separators if char not in " \t\n"}
    blanks = {char for char in separators if char in " \t\n"}
    bare = "".join(char for char in text if char not in blanks) if others else ""
    return any(char in others and (at in {0, len(bare) - 1} or bare[at + 1] in others) for at, char in enumerate(bare))


def _assigns(word: Word) -> bool:
    first = word.parts[0] if word.parts else None
    return isinstance(first, Literal) and re.match(r"[A-Za-z_]\w*\+?=", first.text, re.ASCII) is not None
