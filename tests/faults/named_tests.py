"""Which tests there are, by the text of their files."""

from __future__ import annotations

import ast
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).parents[2]


@lru_cache
def tests_of(path: str) -> frozenset[str]:
    """The names of the tests in a file; none where there is no such file."""
    file = ROOT / path
    if not file.is_file():
        return frozenset()
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    found = (node.name for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, functions))
    return frozenset(name for name in found if name.startswith("test_"))


def exists(name: str) -> bool:
    """Whether ``path::test``, or a path with any test in it, is there."""
    path, _, test = name.partition("::")
    return test in tests_of(path) if test else bool(tests_of(path))
