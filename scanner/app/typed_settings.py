"""Settings that were typed as options of a command: what is wrong with one is told of the option."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from scanner.settings.problem import Problem, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Typed:
    """An option with its value, ``None`` where it was not typed; ``variable`` is what would set the same."""

    option: str
    value: str | None
    variable: str


class TypedSettings:
    """What the command line says; it holds over the file, the environment and reloads."""

    def __init__(self, *typed: Typed) -> None:
        self._by_variable = {one.variable: one for one in typed if one.value}

    @property
    def environ(self) -> dict[str, str]:
        """The environment with what was typed."""
        return {**os.environ, **{name: one.value for name, one in self._by_variable.items() if one.value}}

    @contextmanager
    def blamed(self) -> Iterator[None]:
        """Who typed an option set no variable, nor knows the setting that it stands for.

        Raises:
            SettingsError: as it was, with what was typed in front.
        """
        try:
            yield
        except SettingsError as error:
            raise SettingsError(map(self._of_option, error.problems)) from None

    def _of_option(self, problem: Problem) -> Problem:
        typed = self._by_variable.get(problem.file)
        if typed is None:
            return problem
        shown = "" if "@" in (typed.value or "") else f" {typed.value}"  # an address may hold a password
        return replace(problem, file=f"{typed.option}{shown}", path="")
