"""Small faults that a programmer could make, one at a time, in the syntax tree of a module."""

from __future__ import annotations

import ast
import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_COMPARISONS = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
_ARITHMETIC = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult, ast.Div: ast.Mult}
_CALLS = {"min": "max", "max": "min", "any": "all", "all": "any"}


@dataclass(frozen=True)
class Mutant:
    """The ``number``-th fault of a file, what it is, where."""

    file: Path
    number: int
    line: int
    what: str

    def __str__(self) -> str:
        """``file:line what``."""
        return f"{self.file}:{self.line} {self.what}"


Change = tuple[str, "Callable[[ast.AST], ast.AST]"]


def _changes(node: ast.AST) -> Iterator[Change]:
    match node:
        case ast.Compare(ops=[op]) if type(op) in _COMPARISONS:
            other = _COMPARISONS[type(op)]
            yield f"{type(op).__name__} is {other.__name__}", lambda n: _with(n, ops=[other()])
        case ast.BoolOp(op=op, values=values):
            swapped = ast.Or if isinstance(op, ast.And) else ast.And
            yield f"{type(op).__name__} is {swapped.__name__}", lambda n: _with(n, op=swapped())
            for place in range(len(values)):
                neutral = isinstance(op, ast.And)
                yield f"condition {place} is left out", lambda n, place=place, neutral=neutral: _with(n, values=[
                    ast.Constant(neutral) if at == place else one for at, one in enumerate(n.values)
                ])  # fmt: skip
        case ast.UnaryOp(op=ast.Not()):
            yield "not is left out", lambda n: n.operand
        case ast.If() | ast.IfExp():
            for value in (True, False):
                yield f"the condition is {value}", lambda n, value=value: _with(n, test=ast.Constant(value))
        case ast.BinOp(op=op) if type(op) in _ARITHMETIC:
            other = _ARITHMETIC[type(op)]
            yield f"{type(op).__name__} is {other.__name__}", lambda n: _with(n, op=other())
        case ast.Constant(value=bool() as value):
            yield f"{value} is {not value}", lambda n: ast.Constant(not n.value)
        case ast.Constant(value=int() as value):
            yield f"{value} is {value + 1}", lambda n: ast.Constant(n.value + 1)
        case ast.Call(func=ast.Name(id=name)) if name in _CALLS:
            yield f"{name} is {_CALLS[name]}", lambda n: _with(n, func=ast.Name(_CALLS[n.func.id], ast.Load()))
        case ast.Continue():
            yield "continue is break", lambda _: ast.Break()
        case ast.Break():
            yield "break is continue", lambda _: ast.Continue()
        case ast.Expr(value=ast.Call() | ast.Await()) | ast.AugAssign():
            yield "the statement is left out", lambda _: ast.Pass()
        case ast.Return(value=ast.expr() as value) if not (isinstance(value, ast.Constant) and value.value is None):
            yield "nothing is returned", lambda _: ast.Return(ast.Constant(None))


def _with(node: ast.AST, **changes: object) -> ast.AST:
    made = copy.copy(node)
    for name, value in changes.items():
        setattr(made, name, value)
    return made


class _Walk(ast.NodeTransformer):
    """Counts changes; makes the one that is ``wanted``."""

    def __init__(self, wanted: int | None = None) -> None:
        self.wanted, self.found = wanted, 0
        self.seen: list[tuple[int, str]] = []

    def visit(self, node: ast.AST) -> ast.AST:
        """Types are no code; neither is what only a type checker reads."""
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return node
        made = node
        for what, change in _changes(node):
            if self.found == self.wanted:
                made = ast.copy_location(change(node), node)
            self.seen.append((getattr(node, "lineno", 0), what))
            self.found += 1
        return made if made is not node else self.generic_visit(node)

    def generic_visit(self, node: ast.AST) -> ast.AST:
        """Annotations are left alone."""
        for name, value in ast.iter_fields(node):
            if name in {"annotation", "returns", "decorator_list"}:
                continue
            if isinstance(value, list):
                value[:] = [self.visit(one) if isinstance(one, ast.AST) else one for one in value]
            elif isinstance(value, ast.AST):
                setattr(node, name, self.visit(value))
        return node


def mutants(file: Path) -> list[Mutant]:
    """Every fault that can be put into a file."""
    walk = _Walk()
    walk.visit(ast.parse(file.read_text()))
    return [Mutant(file, number, line, what) for number, (line, what) in enumerate(walk.seen)]


def mutated(mutant: Mutant) -> ast.Module:
    """The module with its fault."""
    tree = ast.parse(mutant.file.read_text())
    made = _Walk(mutant.number).visit(tree)
    assert isinstance(made, ast.Module)
    return ast.fix_missing_locations(made)
