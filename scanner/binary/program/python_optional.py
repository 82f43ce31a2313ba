"""Whether a package of Python's does without a native part of its own, because each import of it is forgiven."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from scanner.binary.program import python_statements as statements
from scanner.binary.program.module_files import Doubt
from scanner.binary.program.python_outline import outline

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from scanner.binary.program.module_files import ModuleFiles
    from scanner.binary.program.python_outline import Statement

_SITE = re.compile(r".*/(?:site|dist)-packages")
_TESTS = re.compile(r"/(?:tests?|testing|docs?|examples?)/")


def is_forgiven(modules: ModuleFiles, path: str) -> bool:
    """Whether each import of it among the modules of its package is tried; False where nobody can tell."""
    site = _SITE.match(path)
    inner = path[site.end() + 1 :] if site else ""
    package, parts, _ = inner.partition("/")
    if not site or not parts:
        return False
    name = posixpath.basename(path).partition(".")[0]
    root = f"{site[0]}/{package}"
    modules.packages.add(root)
    found: list[bool] = []
    try:
        for each in modules.below(root, ".py"):
            if not _TESTS.search(each) and name in (text := modules.text(each)):
                found += _guarded(outline(text), name)
    except Doubt:
        return False
    return bool(found) and all(found)


def _guarded(body: Sequence[Statement], name: str, *, guarded: bool = False) -> Iterator[bool]:
    """For each import of a name whether it is guarded."""
    for at, statement in enumerate(body):
        if any(name in {*each.name.split("."), *each.inner} for each in statements.imported(statement.text)):
            yield guarded
        is_tried = statement.text.startswith("try") and _forgiven(body[at + 1 :])
        is_suppressed = statement.text.startswith("with") and statements.forgives(statement.text)
        if statement.body:
            yield from _guarded(statement.body, name, guarded=guarded or is_tried or is_suppressed)


def _forgiven(rest: Sequence[Statement]) -> bool:
    """Whether a handler among what follows a block takes a failing import without an exception of its own."""
    for each in rest:
        if not each.text.startswith(("except", "else", "finally")):
            return False
        if each.text.startswith("except") and statements.forgives(each.text):
            return statements.rethrows(each.body) is False
    return False
