"""Runs tests over small faults: ``python -m tests.mutants.running domain --sample 60 --seed 1``; prints what no test finds.

mutmut rewrites each function into a dispatcher, which slotted values and modules that are compared by their text do not
bear; cosmic-ray starts an interpreter and imports everything anew for each fault. Here one process imports everything
once, sees which tests reach which lines, then forks for each fault; one in what runs at import is imported anew.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import random
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.mutants.forking import Forking
from tests.mutants.mutations import Mutant, mutants, mutated

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

ROOT = Path(__file__).parents[2]
WITHIN_S = 240
"""A fault that never ends is found, too; a busy machine takes its time for the sound tests."""


_FAST = "not bench and not engines and not system"


@dataclass(frozen=True)
class Part:
    """Files with the tests that must find their faults."""

    files: tuple[str, ...]
    tests: tuple[str, ...]

    def sources(self) -> list[Path]:
        """The files, relative to the root."""
        return sorted(path.relative_to(ROOT) for pattern in self.files for path in ROOT.glob(pattern))


PARTS = {
    "domain": Part(("scanner/domain/**/*.py",), ("tests/domain",)),
    "judge": Part(
        ("scanner/domain/verdict/judge.py",),
        tuple(
            f"tests/domain/verdict/test_{name}.py"
            for name in (
                "judge",
                "judge_conditions",
                "rare_cases",
                "at_run_time",
                "made_from",
                "whose_engine",
                "evidence_layers",
            )
        ),
    ),
    "decision": Part(
        ("scanner/domain/decision.py", "scanner/service/gate/policy.py"),
        ("tests/domain/test_decision.py", "tests/service/gate"),
    ),
    "access": Part(("scanner/web/http/access.py",), ("tests/web/http/test_access.py", "tests/web/http")),
    "documents": Part(("scanner/registry/documents/*.py",), ("tests/registry/documents", "tests/registry/client")),
    "trust": Part(
        ("scanner/hosts/ssh/trust.py", "scanner/hosts/ssh/host_keys.py"),
        ("tests/hosts/ssh/test_trust.py", "tests/hosts/ssh/test_faults.py"),
    ),
    "store": Part(("scanner/store/*.py",), ("tests/store", "tests/service")),
}


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


def imported_anew(mutant: Mutant, tests: Iterable[str]) -> bool:
    """Whether all these tests pass over the fault, in a process of its own that imports everything again."""
    code = (
        f"from tests.mutants import running; running.run_anew({str(mutant.file)!r}, {mutant.number}, {list(tests)!r})"
    )
    command = [sys.executable, "-c", code]
    with contextlib.suppress(subprocess.TimeoutExpired):
        return subprocess.run(command, cwd=ROOT, capture_output=True, timeout=WITHIN_S, check=False).returncode == 0
    return False


def run_anew(file: str, number: int, tests: list[str]) -> None:
    """What such a process does."""
    sys.meta_path.insert(0, _Finder(mutants(Path(file))[number]))
    sys.exit(pytest.main(["-x", *_options(), *tests]))


def _options() -> tuple[str, ...]:
    return ("-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-m", _FAST)


@dataclass
class Faults:
    """Those that are put in, and what became of them."""

    chosen: list[Mutant]
    part: Part
    left: list[Mutant] = field(default_factory=list)

    def try_all(self, forking: Forking) -> None:
        """One after the other."""
        for number, one in enumerate(self.chosen, 1):
            passes = forking.passes(one)
            if passes is None:
                passes = imported_anew(one, self.part.tests)
            if passes:
                self.left.append(one)
                print(f"  survives: {one} ({number} tried, {len(self.left)} left)", file=sys.stderr, flush=True)


def main() -> int:
    """Put faults in, tell which ones nobody found."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("part", choices=PARTS)
    words.add_argument("--sample", type=int, default=60, help="faults of the part, 0 for all")
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--only", default="", help="files whose path contains this")
    said = words.parse_args()
    os.chdir(ROOT)
    part = PARTS[said.part]
    sources = [file for file in part.sources() if said.only in str(file)]
    every = [one for file in sources for one in mutants(file)]
    chosen = random.Random(said.seed).sample(every, min(said.sample or len(every), len(every)))
    faults = Faults(chosen, part)
    ended = pytest.main(["-s", *_options(), *part.tests], plugins=[Forking(ROOT, sources, faults.try_all)])
    if ended not in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}:
        return int(ended)
    killed = len(chosen) - len(faults.left)
    print(f"{said.part}: {killed} of {len(chosen)} found ({100 * killed / max(1, len(chosen)):.0f} %), "
          f"of {len(every)} there could be; seed {said.seed}", flush=True)  # fmt: skip
    return int(bool(faults.left))


if __name__ == "__main__":
    sys.exit(main())
