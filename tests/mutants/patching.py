"""Puts a fault into a module that is imported already, so that nothing has to be imported for it again."""

from __future__ import annotations

import ast
import gc
from types import CodeType, FunctionType
from typing import TYPE_CHECKING

from tests.mutants.mutations import mutated

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tests.mutants.mutations import Mutant

_OPTIMIZED = 1
"""``CO_OPTIMIZED``: the code of a function, not of a class or a module."""


def living(files: Iterable[Path]) -> list[FunctionType]:
    """Every function of these files, whoever holds it; what the collector was told to spare is seen, too."""
    names = set(map(str, files))
    gc.unfreeze()
    found = [one for one in gc.get_objects() if isinstance(one, FunctionType) and one.__code__.co_filename in names]
    gc.freeze()
    return found


def patches(
    mutant: Mutant, root: Path, functions: Iterable[FunctionType]
) -> list[tuple[FunctionType, CodeType]] | None:
    """Functions as they live with the code that they get; ``None`` where a module's or a class's own body is at fault."""
    name = str(root / mutant.file)
    sound = compile(ast.parse((root / mutant.file).read_text()), name, "exec")
    faulty = compile(mutated(mutant), name, "exec")
    changed = list(_changed(sound, faulty))
    if not changed or None in changed:
        return None
    wanted = {before: after for before, after in changed if before != after}
    own = (one for one in functions if one.__code__.co_filename == name)
    found = [(one, wanted[one.__code__]) for one in own if one.__code__ in wanted]
    return found if len({one.__code__ for one, _ in found}) == len(wanted) else None


def put(found: list[tuple[FunctionType, CodeType]]) -> None:
    """Whoever holds one of these functions runs the fault from now on."""
    for function, code in found:
        function.__code__ = code


def _changed(sound: CodeType, faulty: CodeType) -> Iterator[tuple[CodeType, CodeType] | None]:
    """Functions that differ, from the outside in; ``None`` for a body that runs at import."""
    if sound.co_code != faulty.co_code or len(sound.co_consts) != len(faulty.co_consts):
        yield None
        return
    for before, after in zip(sound.co_consts, faulty.co_consts, strict=True):
        if not isinstance(before, CodeType):
            if repr(before) != repr(after):
                yield None
        elif before.co_flags & _OPTIMIZED:
            if before != after:
                yield before, after
        else:
            yield from _changed(before, after)
