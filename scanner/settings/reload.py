"""Keeps the last good configuration when a new one is refused."""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from scanner.settings.problem import Problem, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

MIN_KEPT = 0.5
"""A fleet that loses more than half of its hosts at once is more likely a broken source than a decision."""

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class ReloadOutcome:
    """How the latest reload went; ``at`` is Unix time in seconds, ``problems`` is empty on success."""

    successful: bool
    at: float
    problems: tuple[Problem, ...] = ()


class Reloader(Generic[Value]):
    """Holds what ``read`` last returned without an error.

    ``read`` returns settings, inventory and all that must change together; ``hosts`` counts the hosts in it; ``clock``
    is Unix time in seconds. Readers take ``current`` once per scan: one scan never sees two configurations.
    """

    def __init__(
        self,
        read: Callable[[], Value],
        hosts: Callable[[Value], int],
        allows_shrink: Callable[[Value], bool],
        clock: Callable[[], float],
    ) -> None:
        """Reads for the first time.

        Raises:
            SettingsError: there is no good configuration to start with.
        """
        self._read, self._hosts, self._allows_shrink, self._clock = read, hosts, allows_shrink, clock
        self.current = read()
        self.outcome = ReloadOutcome(successful=True, at=clock())
        self._turn, self._asked, self._served = threading.Lock(), itertools.count(1), 0

    def reload(self) -> ReloadOutcome:
        """Reads again; a refused configuration changes nothing but ``outcome``. May be called from any thread.

        A hundred calls at once read at most twice: who waited while a reading began that had not begun when it asked
        takes its outcome.
        """
        mine = next(self._asked)
        with self._turn:
            if self._served < mine:
                self._served = next(self._asked)
                self.outcome = self._outcome()
            return self.outcome

    def _outcome(self) -> ReloadOutcome:
        try:
            fresh = self._read()
            self._refuse_shrinking(fresh)
        except SettingsError as error:
            return ReloadOutcome(successful=False, at=self._clock(), problems=error.problems)
        except Exception as bug:  # noqa: BLE001 -- nobody who asks for a reload by a signal would see it
            problem = Problem("configuration", 0, "", f"{type(bug).__name__}: {bug}")
            return ReloadOutcome(successful=False, at=self._clock(), problems=(problem,))
        self.current = fresh
        return ReloadOutcome(successful=True, at=self._clock())

    def _refuse_shrinking(self, fresh: Value) -> None:
        before, after = self._hosts(self.current), self._hosts(fresh)
        if before and after < before * MIN_KEPT and not self._allows_shrink(fresh):
            message = f"would leave {after} of {before} hosts; set scan.allow_shrink: true if that is meant"
            raise SettingsError([Problem("inventory", 0, "", message)])
