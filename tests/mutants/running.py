"""Runs tests over small faults: ``python -m tests.mutants.running domain --sample 60 --seed 1``; prints what no test finds.

mutmut rewrites each function into a dispatcher, which slotted values and modules that are compared by their text do not
bear; cosmic-ray starts an interpreter and imports everything anew for each fault. Here one process imports what is not
ours once, then forks for each fault.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.abc
import importlib.machinery
import importlib.util
import io
import os
import random
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.mutants.mutations import Mutant, mutants, mutated

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

ROOT = Path(__file__).parents[2]
WITHIN_S = 240
"""A fault that never ends is found, too; a busy machine takes its time for the sound tests."""


_FAST = "not bench and not engines and not system"


_QUIET = ("-W", "ignore::pytest.PytestAssertRewriteWarning")
"""A library that was imported before the fork brings a plugin of pytest's along."""


@dataclass(frozen=True)
class Part:
    """Files with the tests that must find their faults: the near ones first, then all."""

    files: tuple[str, ...]
    tests: tuple[str, ...]
    near: tuple[str, ...] = ()

    def sources(self) -> list[Path]:
        """The files, relative to the root."""
        return sorted(path.relative_to(ROOT) for pattern in self.files for path in ROOT.glob(pattern))

    def nearest(self, file: Path) -> list[str]:
        """Tests that bear the file's name, with those that are always near."""
        named = [
            str(path.relative_to(ROOT)) for top in self.tests for path in (ROOT / top).rglob(f"test_{file.stem}.py")
        ]
        return list(dict.fromkeys((*named, *self.near)))


PARTS = {
    "domain": Part(("scanner/domain/**/*.py",), ("tests/domain",), ("tests/domain/verdict/test_rare_cases.py",)),
    "judge": Part(("scanner/domain/verdict/judge.py",), ("tests/domain/verdict",), ("tests/domain/verdict/test_judge.py",)),
    "access": Part(
        ("scanner/web/http/access.py", "scanner/service/gate/*.py"),
        ("tests/service/gate", "tests/web/http", "tests/service"), ("tests/service/gate",),
    ),
    "store": Part(("scanner/store/*.py",), ("tests/store", "tests/service"), ("tests/store",)),
}  # fmt: skip


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module with its fault."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant
        parts = mutant.file.with_suffix("").parts
        self._name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def find_spec(
        self, fullname: str, path: object = None, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Only the one."""
        if fullname != self._name:
            return None
        folder = [str((ROOT / self._mutant.file).parent)] if self._mutant.file.name == "__init__.py" else None
        return importlib.util.spec_from_file_location(
            fullname, ROOT / self._mutant.file, loader=self, submodule_search_locations=folder
        )

    def exec_module(self, module: ModuleType) -> None:
        """As if it stood in the file."""
        exec(compile(mutated(self._mutant), str(ROOT / self._mutant.file), "exec"), module.__dict__)


def passes(mutant: Mutant | None, tests: Iterable[str]) -> bool:
    """Whether all these tests pass over the fault, in a process of its own."""
    child = os.fork()
    if not child:
        _run(mutant, list(tests))
    over = time.monotonic() + WITHIN_S
    while time.monotonic() < over:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status == 0
        time.sleep(0.05)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def _run(mutant: Mutant | None, tests: list[str]) -> None:
    import pytest  # noqa: PLC0415 -- imported by the parent, before it forks

    os.setpgid(0, 0)
    code = pytest.ExitCode.INTERNAL_ERROR
    try:
        if mutant is not None:
            sys.meta_path.insert(0, _Finder(mutant))
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            code = pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *_QUIET, "-m", _FAST, *tests])
    finally:
        os._exit(int(code))


def survives(mutant: Mutant, part: Part) -> bool:
    """Whether no test finds it."""
    near = part.nearest(mutant.file)
    return (not near or passes(mutant, near)) and passes(mutant, part.tests)


def main() -> int:
    """Put faults in, tell which ones nobody found."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("parts", nargs="+", choices=PARTS)
    words.add_argument("--sample", type=int, default=60, help="faults of each part, 0 for all")
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--only", default="", help="files whose path contains this")
    words.add_argument("--near", action="store_true", help="ask the near tests alone, which tells less and sooner")
    said = words.parse_args()
    os.chdir(ROOT)
    for each in ("pytest", "sqlalchemy", "alembic", "fastapi", "asyncssh", "httpx", "structlog"):
        importlib.import_module(each)
    bad = 0
    for name in said.parts:
        part = PARTS[name]
        every = [one for file in part.sources() if said.only in str(file) for one in mutants(file)]
        chosen = random.Random(said.seed).sample(every, min(said.sample or len(every), len(every)))
        left = []
        if not passes(None, part.near if said.near else part.tests):
            words.error(f"{name}: its tests fail without any fault, so that they would find everything")
        for number, one in enumerate(chosen, 1):
            near = part.nearest(one.file) or list(part.tests)
            if passes(one, near) if said.near else survives(one, part):
                left.append(one)
                print(f"  survives: {one} ({number} tried, {len(left)} left)", flush=True)
        bad += len(left)
        killed = len(chosen) - len(left)
        print(f"{name}: {killed} of {len(chosen)} found ({100 * killed / max(1, len(chosen)):.0f} %), "
              f"of {len(every)} there could be; seed {said.seed}", flush=True)  # fmt: skip
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
