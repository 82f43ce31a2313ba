"""As much of HCL as job files are made of: blocks, strings, lists; whatever else stands there is passed over."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from scanner.probe.planned.plans import UnclearError

MAX_DEPTH = 30
"""Jobs nest five blocks deep."""

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r]+|\#[^\n]*|//[^\n]*|/\*.*?\*/)
    |(?P<heredoc><<-?(?P<mark>[A-Za-z_]\w*)[ \t]*\n(?:.*?\n)??[ \t]*(?P=mark)(?=\n|$))
    |(?P<string>"(?:[^"\\\n]|\\.)*")
    |(?P<word>[A-Za-z_][\w.-]*)
    |(?P<number>-?[0-9][\w.]*)
    |(?P<newline>\n)
    |(?P<sign>.)""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)

_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}


@dataclass(slots=True)
class Block:
    """``type "label" { ... }``: attributes whose value is a string or a list of strings, and blocks within."""

    type: str
    labels: tuple[str, ...] = ()
    values: dict[str, str | list[str]] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)

    def all(self, type_: str) -> list[Block]:
        """The blocks of one type right within this one."""
        return [block for block in self.blocks if block.type == type_]

    def text(self, key: str) -> str:
        """A string attribute; empty where it is missing or something else."""
        value = self.values.get(key, "")
        return value if isinstance(value, str) else ""


def parse(text: str) -> Block:
    """The file as one block without a type.

    Raises:
        UnclearError: a brace that nothing closes or opens.
    """
    tokens = [
        (found.lastgroup or "", found.group())
        for found in _TOKEN.finditer(text)
        if found.lastgroup not in ("space", "heredoc", "mark")
    ]
    root = Block("")
    rest = _body(root, tokens, 0, 0)
    if rest < len(tokens):
        raise UnclearError("a brace that nothing opens")
    return root


def _body(block: Block, tokens: list[tuple[str, str]], at: int, depth: int) -> int:
    """Fill a block up to its closing brace; returns where that stands."""
    if depth > MAX_DEPTH:
        raise UnclearError(f"nested deeper than {MAX_DEPTH}")
    while at < len(tokens):
        kind, text = tokens[at]
        if text == "}" and kind == "sign":
            return at
        if kind not in ("word", "string"):
            at += 1
            continue
        at = _statement(block, tokens, at, depth)
    return at


def _statement(block: Block, tokens: list[tuple[str, str]], at: int, depth: int) -> int:
    name = _unquoted(tokens[at])
    at += 1
    labels = []
    while at < len(tokens) and tokens[at][0] in ("word", "string"):
        labels.append(_unquoted(tokens[at]))
        at += 1
    if at < len(tokens) and tokens[at][1] in ("=", ":"):
        return _value(block, name, tokens, at + 1, depth)
    if at >= len(tokens) or tokens[at] != ("sign", "{"):
        return at
    return _nested(block, Block(name, tuple(labels)), tokens, at, depth)


def _nested(block: Block, inner: Block, tokens: list[tuple[str, str]], at: int, depth: int) -> int:
    end = _body(inner, tokens, at + 1, depth + 1)
    if end >= len(tokens):
        raise UnclearError(f"nothing closes the block {inner.type}")
    block.blocks.append(inner)
    return end + 1


def _value(block: Block, name: str, tokens: list[tuple[str, str]], at: int, depth: int) -> int:
    if at >= len(tokens):
        return at
    kind, text = tokens[at]
    if (kind, text) == ("sign", "{"):
        return _nested(block, Block(name), tokens, at, depth)
    if (kind, text) == ("sign", "["):
        words = []
        while at < len(tokens) and tokens[at] != ("sign", "]"):
            if tokens[at][0] == "string":
                words.append(_unquoted(tokens[at]))
            at += 1
        block.values[name] = words
        return at + 1
    following = tokens[at + 1][0] if at + 1 < len(tokens) else "newline"
    if kind == "string" and (following == "newline" or tokens[at + 1][1] in ("}", ",")):
        block.values[name] = _unquoted(tokens[at])
        return at + 1
    block.values[name] = "${" + text + "}"  # an expression: somebody else's to evaluate
    while at < len(tokens) and tokens[at][0] != "newline" and tokens[at][1] != "}":
        at += 1
    return at


def _unquoted(token: tuple[str, str]) -> str:
    kind, text = token
    if kind != "string":
        return text
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), text[1:-1])
