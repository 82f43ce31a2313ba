"""What a script for Node requires, imports, calls, in its order, each with what stands around it.

The parts of a text are those of ECMAScript (its section 12): texts, templates, regular expressions, comments, brackets.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache

from scanner.binary.program.module_files import Doubt

MAX_NESTING = 256
"""Brackets in each other; a bundle nests some thirty."""

MAX_DEEDS = 20_000
"""Of one script; a bundle of its longest size makes half of them. Each takes some 100 bytes."""

MAX_TRIES = 16
"""Blocks in each other whose failing may be forgiven; nobody writes more than three."""

KEPT_OUTLINES = 64
"""Scripts whose outline is kept while the same image is asked about again."""

_PART = re.compile(
    r"//[^\n]*|/\*|[\"'`(){};,\n\[\]]|=>|&&|\|\||\?\?|\?\.?|[A-Za-z_$][\w$]*|\d[\w.]*|[ \t\r\f\v]+|\.+|[^\s\w$\"'`(){};,\[\]/?&|=.]+|.",
    re.DOTALL,
)
_COMMENT_END = re.compile(r"\*/")
_TEXT = {'"': re.compile(r"\\.|\"|\n", re.DOTALL), "'": re.compile(r"\\.|'|\n", re.DOTALL)}
_TEMPLATE = re.compile(r"\\.|`|\$\{", re.DOTALL)
_PATTERN = re.compile(r"\\.|[\[\]/\n]", re.DOTALL)
_BEFORE_PATTERN = frozenset({
    "", "(", ",", "[", "{", "}", ";", "=>", "&&", "||", "??", "?", "return", "typeof", "case", "in", "of", "delete", "void",
    "throw", "new", "else", "do", "await", "yield", "instanceof",
})  # fmt: skip
"""Behind these a slash begins a regular expression."""

_HEADS = frozenset({"if", "for", "while", "switch", "with"})
_CHOOSING = frozenset({"&&", "||", "??", "?"})
_WORDS = frozenset({
    "if", "for", "while", "switch", "with", "catch", "function", "return", "typeof", "await", "in", "of", "case", "new",
    "void", "delete", "throw", "else", "do", "yield", "instanceof", "super", "async", "import", "require",
})  # fmt: skip


class Guard(IntEnum):
    """Whether something is done: surely, where the run decides, or once a function of it is called."""

    SURE = 0
    PERHAPS = 1
    LATER = 2


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that a script does; ``what`` is ``require``, ``import``, ``call`` or ``throw``.

    ``name`` is the module, empty where only the run knows it, or what is called. ``tries`` are the numbers of the
    blocks that may forgive its failing, ``is_called`` tells that what is required is called at once.
    """

    what: str
    name: str
    guard: Guard
    tries: tuple[int, ...] = ()
    is_called: bool = False


@dataclass(frozen=True, slots=True)
class Script:
    """``forgiving`` are the blocks whose failing a handler takes, ``rethrowing`` those of which it throws it on."""

    deeds: tuple[Deed, ...]
    forgiving: frozenset[int]
    unclear: frozenset[int]


@dataclass(slots=True)
class _Frame:
    """What an open bracket holds."""

    opened: str
    guard: Guard = Guard.SURE
    number: int = 0
    is_catch: bool = False
    head: str = ""
    chooses: bool = False
    is_arrow: bool = False


@dataclass(slots=True)
class _Reader:
    text: str
    at: int = 0
    frames: list[_Frame] = field(default_factory=lambda: [_Frame("")])
    deeds: list[Deed] = field(default_factory=list)
    before: str = ""
    earlier: str = ""
    closed: _Frame | None = None
    tries: int = 0
    last_try: int = 0
    handled: dict[int, str] = field(default_factory=dict)
    clause_end: int = -1
    clause_name: str = ""

    def read(self) -> Script:
        while self.at < len(self.text):
            match = _PART.match(self.text, self.at)
            part = match[0] if match else self.text[self.at]
            self.at += len(part)
            self._part(part)
        if len(self.frames) > 1:
            raise Doubt
        forgiving = {number for number, how in self.handled.items() if how != "throws"}
        unclear = {number for number, how in self.handled.items() if how == "may throw"}
        return Script(tuple(self.deeds), frozenset(forgiving), frozenset(unclear))

    def _part(self, part: str) -> None:
        if part.startswith("//") or (part.isspace() and part != "\n"):
            return
        match part:
            case "/*":
                end = _COMMENT_END.search(self.text, self.at)
                if end is None:
                    raise Doubt
                self.at = end.end()
            case '"' | "'":
                self._to(self._quoted(part))
            case "`":
                self._template()
            case "/" if self._begins_pattern():
                self._pattern()
            case "\n":
                self._line()
            case "(" | "[" | "{":
                self._open(part)
            case ")" | "]" | "}":
                self._close(part)
            case _:
                self._word(part)

    def _to(self, part: str) -> None:
        self.earlier, self.before, self.closed = self.before, part, None

    def _quoted(self, quote: str) -> str:
        for match in _TEXT[quote].finditer(self.text, self.at):
            if match[0] == quote:
                said, self.at = self.text[self.at : match.start()], match.end()
                return f'"{said}'
            if match[0] == "\n":
                break
        raise Doubt

    def _template(self) -> None:
        for match in _TEMPLATE.finditer(self.text, self.at):
            if match[0] == "`":
                self.at = match.end()
                self._to("`")
                return
            if match[0] == "${":
                self.at = match.end()
                self._push(_Frame("`"))
                self._to("(")
                return
        raise Doubt

    def _begins_pattern(self) -> bool:
        if self.before == ")" and self.closed is not None:
            return self.closed.head in _HEADS
        return self.before in _BEFORE_PATTERN or re.fullmatch(r"[^\w$)\]}\"'`.]+", self.before) is not None

    def _pattern(self) -> None:
        within = False
        for match in _PATTERN.finditer(self.text, self.at):
            if match[0] == "\n":
                break
            if match[0] in "[]" and len(match[0]) == 1:
                within = match[0] == "["
            elif match[0] == "/" and not within:
                self.at = match.end()
                self._to("1")
                return
        raise Doubt

    def _line(self) -> None:
        """A statement may end here."""
        top = self.frames[-1]
        waits = self.before in {"else", ",", "(", "=", ":", "=>", *_CHOOSING} or (
            self.closed is not None and self.closed.head in _HEADS
        )
        if top.opened != "(" and not waits:
            top.chooses = top.is_arrow = False

    def _push(self, frame: _Frame) -> None:
        if len(self.frames) >= MAX_NESTING:
            raise Doubt
        self.frames.append(frame)

    def _open(self, part: str) -> None:
        frame = _Frame(part)
        if part == "(":
            frame.head = self.before
            self._call()
        elif part == "{":
            self._block(frame)
        self._push(frame)
        self._to(part)

    def _block(self, frame: _Frame) -> None:
        """What the block that opens here is to."""
        head = self.closed.head if self.before == ")" and self.closed is not None else ""
        if self.before == "try":
            self.tries += 1
            frame.number = self.tries
        elif self.before == "catch" or head == "catch":
            frame.is_catch, frame.number, frame.guard = True, self.last_try, Guard.PERHAPS
            self.handled[frame.number] = "goes on"
        elif self.before == "=>" or (self.before == ")" and head not in _HEADS):
            inner = self.frames[-1]
            is_now = inner.opened == "(" and inner.head in {"", ";", "!", "await", "=", "}", "void", "\n"}
            frame.guard = Guard.PERHAPS if is_now else Guard.LATER
            inner.is_arrow = False
        elif self.before in {"else", "do"} or head in _HEADS:
            frame.guard = Guard.PERHAPS

    def _close(self, part: str) -> None:
        if len(self.frames) < 2:  # noqa: PLR2004 - the text itself is the first
            raise Doubt
        frame = self.frames.pop()
        if frame.opened == "`":
            if part != "}":
                raise Doubt
            self._template()
            return
        if frame.number and not frame.is_catch:
            self.last_try = frame.number
        self._to(part)
        self.closed = frame
        if part == ")" and frame.head in _HEADS:
            self.frames[-1].chooses = True
        elif part == "}" and frame.opened == "{":
            self.frames[-1].chooses = False

    def _word(self, part: str) -> None:
        top = self.frames[-1]
        if part == ";" or (part == "," and top.opened in {"(", "["}):
            top.chooses = top.is_arrow = False
        elif part in _CHOOSING or part == "else":
            top.chooses = True
        elif part == "=>":
            top.is_arrow = True
        elif part == "throw":
            self._deed("throw", "")
            catch = next((each for each in reversed(self.frames) if each.is_catch), None)
            if catch is not None:
                is_sure = top is catch and not top.chooses
                self.handled[catch.number] = "throws" if is_sure else "may throw"
        elif part in {"import", "export"} and len(self.frames) == 1 and self.before != ".":
            self._static()
        self._to(part)

    def _static(self) -> None:
        """An import or export of a module that is written out, which is done before anything else."""
        if self.at > self.clause_end:  # words behind each other have the same end
            match = _CLAUSE.match(self.text, self.at)
            self.clause_end = match.end() if match else self.at
            named = _NAMED.match(self.text, self.clause_end)
            self.clause_name = (named[1] or named[2] or "") if named else ""
        before = self.text[max(self.at, self.clause_end - MAX_BLANKS) : self.clause_end].rstrip()
        if self.clause_name and (not before or _FROM.search(before)):
            self._done(Deed("import", self.clause_name, Guard.SURE))

    def _call(self) -> None:
        if self.before == ")" and self.closed is not None and self.closed.head == "require" and self.deeds:
            last = self.deeds[-1]
            self.deeds[-1] = Deed(last.what, last.name, last.guard, last.tries, is_called=True)
        elif self.before in {"require", "import"} and self.earlier not in {".", "?."}:
            match = _WRITTEN.match(self.text, self.at)
            name = (match[1] or match[2]) if match is not None else ""
            self._deed("require" if self.before == "require" else "dynamic", name)
        elif (
            re.fullmatch(r"[A-Za-z_$][\w$]*", self.before) and self.before not in _WORDS and self.earlier != "function"
        ):
            self._deed("call", self.before)

    def _deed(self, what: str, name: str) -> None:
        guard = max(each.guard for each in self.frames)
        if any(each.is_arrow for each in self.frames):
            guard = Guard.LATER
        elif any(each.chooses for each in self.frames):
            guard = max(guard, Guard.PERHAPS)
        tries = tuple(each.number for each in self.frames if each.number and not each.is_catch)
        self._done(Deed(what, name, guard, tries))

    def _done(self, deed: Deed) -> None:
        if len(self.deeds) >= MAX_DEEDS or len(deed.tries) > MAX_TRIES:
            raise Doubt
        self.deeds.append(deed)


_WRITTEN = re.compile(r"\s*(?:\"([^\"\\\n]*)\"|'([^'\\\n]*)')\s*\)")
_CLAUSE = re.compile(r"(?:[\s\w$*,{}]++|//[^\n]*+\n|/\*[^*]*+\*++(?:[^/*][^*]*+\*++)*+/)*+")
_NAMED = re.compile(r"\"([^\"\\\n]*+)\"|'([^'\\\n]*+)'")
_FROM = re.compile(r"\bfrom$")
MAX_BLANKS = 64
"""Between ``from`` and its module."""


@lru_cache(maxsize=KEPT_OUTLINES)
def outline(text: str) -> Script:
    """What a script does; raises ``Doubt`` for what is no JavaScript, or cannot be told from it."""
    text = text.removeprefix("\ufeff")
    return _Reader(text if not text.startswith("#!") else f"//{text}").read()
