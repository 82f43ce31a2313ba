"""HCL's native syntax as job files use it: blocks with attributes, whose values are literals or left to others."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from scanner.probe.planned.plans import UnclearError

MAX_DEPTH = 30
"""Jobs nest five blocks deep, values a few more."""

MAX_DIGITS = 18
"""Nothing in a job counts further."""

MAX_CODE = 0x10FFFF
SURROGATES = range(0xD800, 0xE000)
"""Unicode's bounds of what is a character."""

_BLANK = re.compile(r"(?:[ \t\r]+|\#[^\n]*|//[^\n]*|/\*[^*]*\*+(?:[^/*][^*]*\*+)*/)*")
_BLANK_LINES = re.compile(r"(?:[ \t\r\n]+|\#[^\n]*|//[^\n]*|/\*[^*]*\*+(?:[^/*][^*]*\*+)*/)*")
_NAME = re.compile(r"[^\W\d][\w-]*")
_TRAVERSAL = re.compile(r"[^\W\d][\w-]*(?:\.[\w-]+)*")
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?", re.ASCII)
_HEREDOC = re.compile(r"<<(-?)([^\W\d][\w-]*)[ \t\r]*\n")
_PLAIN = re.compile(r'[^"\\\n$%]+')
_PLAIN_HEREDOC = re.compile(r"[^$%]+")
_BORING = re.compile(r'[^"\[\](){}\n,#/<]+')
_OPERATORS = frozenset(".[(+-*/%<>=!&|?")
"""How what follows a value begins where both are one expression."""

_WORDS = {"true": True, "false": False, "null": None}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}
_CODES = {"u": 4, "U": 8}
_CLOSERS = {"[": "]", "(": ")", "{": "}"}


@dataclass(frozen=True, slots=True)
class Unknown:
    """An expression that is somebody else's to evaluate, as written."""

    text: str


@dataclass(frozen=True, slots=True)
class Reference:
    """``var.image``, ``attr.cpu.arch``: what stands somewhere else."""

    name: str


@dataclass(frozen=True, slots=True)
class Template:
    """Text with references and expressions in it."""

    parts: tuple[str | Reference | Unknown, ...]


Value = str | int | float | bool | None | list["Value"] | dict[str, "Value"] | Unknown | Reference | Template


@dataclass(slots=True)
class Block:
    """``type "label" { ... }``: attributes by name, and the blocks within."""

    type: str
    labels: tuple[str, ...] = ()
    values: dict[str, Value] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)

    def all(self, type_: str) -> list[Block]:
        """The blocks of one type right within this one."""
        return [block for block in self.blocks if block.type == type_]


def parse(text: str) -> Block:
    """The file as one block without a type.

    Raises:
        UnclearError: no HCL, with the line.
    """
    parser = _Parser(text)
    root = Block("")
    parser.body(root, 0)
    if parser.at < len(text):
        raise parser.error("a brace that nothing opens")
    return root


def template(text: str) -> str | Template:
    """Text as JSON has it, in which ``${}`` are expressions, too.

    Raises:
        UnclearError: an expression that nothing closes.
    """
    return _Parser(text).text_to_end()


class _Parser:
    """One pass over the text; ``at`` is where it stands."""

    def __init__(self, text: str, within: int = 0) -> None:
        """``within`` so many expressions of templates this text stands."""
        self.text = text
        self.at = 0
        self._within = within

    def error(self, problem: str) -> UnclearError:
        return UnclearError(f"not HCL: {problem} in line {self._line()}")

    def _line(self) -> int:
        return self.text.count("\n", 0, self.at) + 1

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def _skip(self, *, lines: bool) -> None:
        found = (_BLANK_LINES if lines else _BLANK).match(self.text, self.at)
        self.at = found.end() if found else self.at
        if self.text.startswith("/*", self.at):
            raise self.error("a comment that nothing closes")

    # ---- bodies

    def body(self, block: Block, depth: int) -> None:
        """Fill a block up to its closing brace, or the end of the text."""
        if depth > MAX_DEPTH:
            raise self.error(f"nested deeper than {MAX_DEPTH}")
        while True:
            self._skip(lines=True)
            if self._peek() in ("", "}"):
                return
            self._statement(block, depth)

    def _statement(self, block: Block, depth: int) -> None:
        name = self._label()
        labels = []
        self._skip(lines=False)
        while self._peek() not in ("=", "{", ":"):
            labels.append(self._label())
            self._skip(lines=False)
        if self._peek() == "{":
            self.at += 1
            inner = Block(name, tuple(labels))
            self.body(inner, depth + 1)
            self._close("}", f"the block {name}")
            block.blocks.append(inner)
        elif labels:
            raise self.error("an attribute with labels")
        elif name in block.values:
            raise self.error(f"{name} is set twice")
        else:
            self.at += 1
            block.values[name] = self._expression(depth, ends="\n}")

    def _label(self) -> str:
        if self._peek() == '"':
            value = self._string()
            if not isinstance(value, str):
                raise self.error("a name with an expression in it")
            return value
        found = _NAME.match(self.text, self.at)
        if not found:
            raise self.error("a name is missing")
        self.at = found.end()
        return found[0]

    def _close(self, sign: str, what: str) -> None:
        if self._peek() != sign:
            raise self.error(f"nothing closes {what}")
        self.at += 1

    # ---- expressions

    def _expression(self, depth: int, ends: str) -> Value:
        """The value up to one of the signs that end it; what is more than a literal is left as written."""
        lines = "\n" not in ends
        self._skip(lines=lines)
        start = self.at
        value = self._primary(depth + 1)
        self._skip(lines=lines)
        sign = self._peek()
        if sign in ("", *ends):
            return value
        if value is not None and sign not in _OPERATORS:
            raise self.error("two values without anything between them")
        self._skip_to(ends)
        return Unknown(self.text[start : self.at].strip())

    def _primary(self, depth: int) -> Value:
        if depth > MAX_DEPTH:
            raise self.error(f"nested deeper than {MAX_DEPTH}")
        sign = self._peek()
        if sign == '"':
            return self._string()
        if sign == "<":
            return self._heredoc()
        if sign == "[":
            return self._tuple(depth)
        if sign == "{":
            return self._object(depth)
        if found := _NUMBER.match(self.text, self.at):
            self.at = found.end()
            return _number(found[0])
        if found := _TRAVERSAL.match(self.text, self.at):
            self.at = found.end()
            return _WORDS[found[0]] if found[0] in _WORDS else Reference(found[0])
        return None  # an operator or a parenthesis: the caller leaves the whole expression as written

    def _tuple(self, depth: int) -> Value:
        start = self.at
        self.at += 1
        found: list[Value] = []
        while True:
            self._skip(lines=True)
            if self._peek() == "]":
                self.at += 1
                return found
            if not found and self._is_for():
                return self._left(start, "]")
            found.append(self._expression(depth, ends=",]"))
            if self._peek() == ",":
                self.at += 1
            elif self._peek() != "]":
                raise self.error("nothing closes a list")

    def _object(self, depth: int) -> Value:
        start = self.at
        self.at += 1
        found: dict[str, Value] = {}
        while True:
            self._skip(lines=True)
            if self._peek() == "}":
                self.at += 1
                return found
            if self._peek() == "(" or (not found and self._is_for()):
                return self._left(start, "}")
            key = self._key()
            if key is None:
                return self._left(start, "}")
            found[key] = self._expression(depth, ends="\n,}")
            self._skip(lines=False)
            if self._peek() == ",":
                self.at += 1
            elif self._peek() not in ("\n", "}"):
                raise self.error("nothing closes an object")

    def _key(self) -> str | None:
        """The key of an object's item, none where only an expression tells it."""
        if self._peek() == '"':
            value = self._string()
        elif found := _TRAVERSAL.match(self.text, self.at) or _NUMBER.match(self.text, self.at):
            self.at = found.end()
            value = found[0]
        else:
            raise self.error("a key is missing")
        self._skip(lines=False)
        if self._peek() not in ("=", ":"):
            raise self.error("a key without a value")
        self.at += 1
        return value if isinstance(value, str) else None

    def _is_for(self) -> bool:
        found = _NAME.match(self.text, self.at)
        return found is not None and found[0] == "for"

    def _left(self, start: int, closer: str) -> Unknown:
        """The whole of what opened at ``start``, as written."""
        self._skip_to(closer)
        self._close(closer, "an expression")
        return Unknown(self.text[start : self.at])

    def _skip_to(self, ends: str) -> None:
        """Go to the sign that ends an expression, over whatever is nested in it."""
        open_signs: list[str] = []
        while sign := self._peek():
            if not open_signs and sign in ends:
                return
            if sign in _CLOSERS:
                open_signs.append(_CLOSERS[sign])
            elif sign in "])}" and (not open_signs or sign != open_signs.pop()):
                raise self.error("a bracket that nothing opens")
            self._step(sign)
        if open_signs:
            raise self.error("a bracket that nothing closes")

    def _step(self, sign: str) -> None:
        if sign == '"':
            self._string()
        elif sign == "<" and _HEREDOC.match(self.text, self.at):
            self._heredoc()
        elif sign == "#" or self.text.startswith(("//", "/*"), self.at):
            self._skip(lines=False)
        else:
            found = _BORING.match(self.text, self.at)
            self.at = found.end() if found else self.at + 1

    # ---- text

    def _string(self) -> str | Template:
        self.at += 1
        parts: list[str | Reference | Unknown] = []
        while True:
            sign = self._peek()
            if sign == '"':
                self.at += 1
                return _template(parts)
            if sign in ("", "\n"):
                raise self.error("a string that nothing closes")
            if sign == "\\":
                parts.append(self._escape())
            else:
                parts.append(self._piece(_PLAIN))

    def _escape(self) -> str:
        sign = self.text[self.at + 1 : self.at + 2]
        if sign in _ESCAPES:
            self.at += 2
            return _ESCAPES[sign]
        digits = self.text[self.at + 2 : self.at + 2 + _CODES.get(sign, 0)]
        if not re.fullmatch(r"[0-9A-Fa-f]+", digits) or len(digits) != _CODES.get(sign):
            raise self.error("an escape that HCL does not have")
        code = int(digits, 16)
        if code > MAX_CODE or code in SURROGATES:
            raise self.error("an escape that is no character")
        self.at += 2 + len(digits)
        return chr(code)

    def _piece(self, plain: re.Pattern[str]) -> str | Reference | Unknown:
        """Plain text, or what stands within ``${}`` or ``%{}``."""
        if found := plain.match(self.text, self.at):
            self.at = found.end()
            return found[0]
        for escaped in ("$${", "%%{"):
            if self.text.startswith(escaped, self.at):
                self.at += len(escaped)
                return escaped[1:]
        if not self.text.startswith(("${", "%{"), self.at):
            self.at += 1
            return self.text[self.at - 1]
        is_directive = self._peek() == "%"
        if self._within == MAX_DEPTH:
            raise self.error(f"templates nested deeper than {MAX_DEPTH}")
        start = self.at + 2
        self.at = start
        self._within += 1
        self._skip_to("}")
        self._within -= 1
        self._close("}", "an expression")
        inner = self.text[start : self.at - 1].strip("~").strip()
        if not is_directive and _TRAVERSAL.fullmatch(inner) and inner not in _WORDS:
            return Reference(inner)
        return Unknown(inner)

    def _heredoc(self) -> Value:
        begun = _HEREDOC.match(self.text, self.at)
        if not begun:
            raise self.error("an operator without a value")
        end = re.compile(rf"^[ \t]*{re.escape(begun[2])}[ \t\r]*$", re.MULTILINE).search(self.text, begun.end())
        if not end:
            raise self.error(f"nothing ends the text that begins with <<{begun[2]}")
        inner = _Parser(self.text[begun.end() : end.start()], self._within)
        self.at = end.end()
        if begun[1]:
            inner.text = _flush(inner.text)
        return inner.text_to_end()

    def text_to_end(self) -> str | Template:
        """All of the text as one template without escapes."""
        parts: list[str | Reference | Unknown] = []
        while self.at < len(self.text):
            parts.append(self._piece(_PLAIN_HEREDOC))
        return _template(parts)


def _flush(text: str) -> str:
    """``<<-``: without the indentation that all lines share."""
    lines = text.split("\n")
    shared = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return "\n".join(line[shared:] for line in lines)


def _template(parts: list[str | Reference | Unknown]) -> str | Template:
    if all(isinstance(part, str) for part in parts):
        return "".join(part for part in parts if isinstance(part, str))
    return Template(tuple(parts))


def _number(text: str) -> int | float | Unknown:
    if not text.removeprefix("-").isdigit():
        return float(text)
    return int(text) if len(text) <= MAX_DIGITS else Unknown(text)
