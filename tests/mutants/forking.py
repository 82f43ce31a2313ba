"""Runs the tests that reach a fault, the quickest first, in a process of their own, forked when all is imported."""

from __future__ import annotations

import json
import os
import signal
import time
from collections import defaultdict
from typing import TYPE_CHECKING

import coverage
import pytest
from _pytest.runner import runtestprotocol

from tests.mutants.patching import living, patches, put

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import FunctionType

    from tests.mutants.mutations import Mutant

BEYOND = 20
"""Times as long as the sound tests took: a fault that never ends is found, too."""

AT_LEAST_S = 60.0
"""A busy machine takes its time."""


class Sound:
    """Which tests reach which lines, how long each takes (seconds)."""

    def __init__(self, said: dict) -> None:
        self.took_s: dict[str, float] = said["took_s"]
        self._reach: dict[str, dict[int, list[str]]] = {
            file: {int(line): tests for line, tests in lines.items()} for file, lines in said["reach"].items()
        }

    def reaching(self, file: Path, first: int, last: int) -> list[str]:
        """Tests that run any of these lines, the quickest first; a line that only imports run is every test's."""
        lines = self._reach.get(str(file), {})
        found = {test for line in range(first, last + 1) for test in lines.get(line, ())}
        return sorted((test for test in found if test), key=lambda test: (self.took_s[test], test))


class Forking:
    """A plugin of pytest: instead of running what was collected it gives ``each`` the means to run parts of it."""

    def __init__(self, root: Path, sources: Sequence[Path], each: Callable[[Forking], None]) -> None:
        self._root, self._sources, self._each = root, sources, each
        self._items: dict[str, pytest.Item] = {}
        self._functions: list[FunctionType] = []
        self.sound: Sound | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run nothing by itself."""
        self._items = {item.nodeid: item for item in session.items}
        told, write = os.pipe()
        child = os.fork()
        if not child:
            os.close(told)
            _leave(lambda: self._run_sound(write), is_heard=True)
        os.close(write)
        with os.fdopen(told, encoding="utf-8") as stream:
            text = stream.read()
        os.waitpid(child, 0)
        if not text:
            raise pytest.UsageError("the tests fail without any fault, so that they would find everything")
        self.sound = Sound(json.loads(text))
        self._functions = living(self._root / one for one in self._sources)
        self._each(self)
        return True

    def passes(self, mutant: Mutant) -> bool | None:
        """Whether all tests that reach the fault pass over it; ``None`` where it can only be made by importing anew."""
        found = patches(mutant, self._root, self._functions)
        if found is None:
            return None
        lines = [line for one, _ in found for _, _, line in one.__code__.co_lines() if line]
        tests = self.sound.reaching(mutant.file, min(lines), max(*lines, mutant.line))
        child = os.fork()
        if not child:
            put(found)
            _leave(lambda: self._run([self._items[test] for test in tests]))
        allowed_s = AT_LEAST_S + BEYOND * sum(self.sound.took_s[test] for test in tests)
        return _ended(child, allowed_s)

    def _run(self, items: Sequence[pytest.Item]) -> bool:
        for item, after in zip(items, (*items[1:], None), strict=True):
            if any(report.failed for report in runtestprotocol(item, nextitem=after, log=False)):
                return False
        return True

    def _run_sound(self, write: int) -> bool:
        items, took_s = list(self._items.values()), {}
        measured = coverage.Coverage(
            config_file=False, data_file=None, include=[str(self._root / one) for one in self._sources]
        )
        measured.start()
        for item, after in zip(items, (*items[1:], None), strict=True):
            measured.switch_context(item.nodeid)
            began = time.monotonic()
            if any(report.failed for report in runtestprotocol(item, nextitem=after, log=False)):
                os.write(2, f"{item.nodeid} fails without any fault\n".encode())
                return False
            took_s[item.nodeid] = time.monotonic() - began
        measured.stop()
        found = measured.get_data()
        reach: dict[str, dict[int, list[str]]] = defaultdict(dict)
        for file in found.measured_files():
            reach[os.path.relpath(file, self._root)] = found.contexts_by_lineno(file)
        with os.fdopen(write, "w", encoding="utf-8") as stream:
            json.dump({"took_s": took_s, "reach": reach}, stream)
        return True


def _leave(work: Callable[[], bool], *, is_heard: bool = False) -> None:
    """What a forked process does before it ends, its words swallowed; where it is heard its complaints are not."""
    os.setpgid(0, 0)
    ended = False
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        if not is_heard:
            os.dup2(nowhere, 2)
        ended = work()
    except BaseException as error:  # whatever it is, nothing may go on behind the fork
        os.write(2, f"{error!r}\n".encode())
    finally:
        os._exit(0 if ended else 1)


def _ended(child: int, within_s: float) -> bool:
    over = time.monotonic() + within_s
    while time.monotonic() < over:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status == 0
        time.sleep(0.01)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False
