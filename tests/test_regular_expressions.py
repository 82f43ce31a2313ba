"""Every regular expression of ours costs time in proportion to its text: a stranger wrote that."""

from __future__ import annotations

import ast
import importlib
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import scanner
from scanner.domain.verdict.error_phrases import PHRASES
from tests.ambiguity import doubt

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

SOURCE = Path(scanner.__file__).parent

SEEKING = frozenset({"search", "sub", "subn", "split", "finditer", "findall"})
READING = frozenset({"match", "fullmatch", *SEEKING})

NOT_IMPORTED = frozenset({"scanner.store.migrations.env"})
"""Runs in Alembic alone."""

ASKED = {
    "scanner.binary.program.launch.launchers:_LOADERS": "fullmatch",
    "scanner.binary.program.script_file:_KNOWN": "fullmatch",
    "scanner.formats.variables.dotenv:_IN_QUOTES": "match",
    "scanner.probe.planned.compose.shapes:_FORMS": "fullmatch",
    "scanner.probe.planned.kubernetes.pod_environment:_OF_SERVICES": "fullmatch",
    "scanner.probe.planned.nomad.hcl:_BLANK": "match",
    "scanner.probe.planned.nomad.hcl:_BLANK_LINES": "match",
}
"""How tables and choices of expressions are asked, where no name says it."""

LINEAR = {
    "scanner.binary.program.launch.commanding:_RUNS_IN_SED": "a text that its caller holds below MAX_TEXT_CHARS",
    "scanner.binary.program.shell.text_tools:_COMMAND": "no loop of it reads the character that parts a substitution",
    "scanner.domain.override:_WILD": "a pattern of an operator, bounded where it comes in",
    "scanner.inventory.reading.inventory_file:_JSON_STRING": "text that was read as JSON, so that each quote is closed",
    "scanner.probe.planned.commands.script_names:_SET": "a text that its caller holds below MAX_ARITHMETIC_CHARS",
}
"""What is doubted, and why it costs no more than time in proportion all the same."""


@cache
def modules() -> dict[str, tuple[ModuleType, ast.Module]]:
    """Every module of ours that has expressions, with its tree."""
    found = {}
    for path in sorted(SOURCE.rglob("*.py")):
        name = ".".join(("scanner", *path.relative_to(SOURCE).with_suffix("").parts)).removesuffix(".__init__")
        if name in NOT_IMPORTED or path.name == "__main__.py":
            continue
        module = importlib.import_module(name)
        if "re" in vars(module) or any(isinstance(value, re.Pattern) for value in vars(module).values()):
            found[name] = (module, ast.parse(path.read_bytes()))
    return found


def expressions() -> Iterator[tuple[str, re.Pattern[Any], frozenset[str]]]:
    """Each with where it stands, and the ways in which it is asked; all ways where nobody is seen to ask."""
    asked: dict[tuple[Any, int], set[str]] = {}
    where: dict[tuple[Any, int], tuple[str, re.Pattern[Any]]] = {}

    def note(pattern: re.Pattern[Any], place: str, *ways: str) -> None:
        key = (pattern.pattern, pattern.flags)
        where.setdefault(key, (place, pattern))
        asked.setdefault(key, set()).update(ways)

    for name, (module, tree) in modules().items():
        for label, value in vars(module).items():
            for pattern in _inside(value):
                note(pattern, f"{name}:{label}", *filter(None, [ASKED.get(f"{name}:{label}")]))
        for node in ast.walk(tree):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="re"), attr=way)) if way in READING | {"compile"}:
                    if (written := _written(node)) is not None:
                        note(written, f"{name}:{node.lineno}", *({way} & READING))
                case ast.Attribute(value=owner, attr=way) if way in READING:
                    if isinstance(named := _named(module, owner), re.Pattern):
                        note(named, name, way)
    for phrase in PHRASES:
        for text, way in ((phrase.line, "fullmatch"), (phrase.within, "search")):
            if text:
                note(re.compile(text, re.ASCII | re.IGNORECASE), f"phrase {phrase.says!r}", way)
    for key, (place, pattern) in where.items():
        ways = asked[key] or {"search", "fullmatch"}
        yield place, pattern, frozenset("search" if way in SEEKING else way for way in ways)


def _inside(value: Any, depth: int = 3) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif depth and isinstance(value, dict):
        for each in (*value, *value.values()):
            yield from _inside(each, depth - 1)
    elif depth and isinstance(value, list | tuple | set | frozenset):
        for each in value:
            yield from _inside(each, depth - 1)


def _written(call: ast.Call) -> re.Pattern[Any] | None:
    """An expression that stands in the call itself."""
    said = call.args[0] if call.args else None
    if not isinstance(said, ast.Constant):
        return None
    flags = re.NOFLAG
    for word in re.findall(r"re\.([A-Z]+)\b", " ".join(map(ast.unparse, [*call.args[1:], *call.keywords]))):
        flags |= re.RegexFlag[word]
    return re.compile(said.value, flags)


def _named(module: ModuleType, node: ast.expr) -> Any:
    match node:
        case ast.Name(id=name):
            return getattr(module, name, None)
        case ast.Attribute(value=owner, attr=name):
            return getattr(_named(module, owner), name, None)
    return None


def test_no_regular_expression_costs_more_than_time_in_proportion():
    doubted = {
        place: (pattern.pattern, words)
        for place, pattern, ways in expressions()
        for way in ways
        if (words := doubt(pattern, sought=way == "search", whole=way == "fullmatch"))
    }

    assert {place: why for place, why in doubted.items() if place not in LINEAR} == {}
    assert LINEAR.keys() <= doubted.keys(), "no longer doubted"


def test_no_possessive_loop_looks_around():
    """Python before 3.11.5 loses its place where what is looked for behind a turn's first letters is not there."""
    looking = (
        place
        for place, pattern, _ in expressions()
        if re.search(
            r"\(\?<?[!=][^()]*\)+[*+?]\+",
            pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1"),
        )
    )
    assert list(looking) == []


@pytest.mark.parametrize(
    ("pattern", "sought", "whole", "is_doubted"),
    [
        (r"\s*a", True, False, True),
        (r"\s*a", False, False, False),
        (r"(?<!\s)\s*a", True, False, False),
        (r"^\s*a", True, False, False),
        (r"(?m)^\s*a", True, False, True),
        (r"\s+$", True, False, True),
        (r"\w+\s*=", True, False, True),
        (r"(?<!\w)\w++\s*+=", True, False, False),
        (r"\bexec[ \t]*[({\[]*[ \t]*\"", True, False, True),
        (r"-[a-z]*c[a-z]*", False, True, True),
        (r"-[abd-z]*c[a-z]*", False, True, False),
        (r"a*a*b", False, False, True),
        (r"(?:a+)+b", False, False, True),
        (r"(?:a|a)*b", False, False, True),
        (r'"(?:[^"\\]|\\.)*"', False, True, False),
        (r'"(?:[^"\\]|\\.)*"', True, False, True),
        (r"(?s:.*x.*)", False, True, False),
        (r".*x.*", False, True, True),
        (r"\d+(?:\.\d+)*", False, True, False),
        (r"a{0,200}a{0,200}b", True, True, False),
    ],
)
def test_an_expression_is_doubted_where_two_loops_share_a_text(pattern, sought, whole, is_doubted):
    assert bool(doubt(re.compile(pattern), sought=sought, whole=whole)) is is_doubted
