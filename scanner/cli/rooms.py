"""Where each command stands, so that one that is asked for waits for no other."""

from __future__ import annotations

from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import typer

ROOMS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "findings.scan": ("scan",),
    "gate.check": ("check",),
    "gate.hooks": ("gate-snippet", "compose"),
    "findings.why": ("why",),
    "findings.image": ("image",),
    "findings.readiness": ("readiness",),
    "findings.explain": ("explain",),
    "setup.first_hour": ("setup",),
    "setup.trust": ("trust",),
    "serving.serve": ("serve", "demo"),
    "serving.worker": ("worker",),
    "serving.ask": ("findings", "top"),
    "serving.answer_for": ("waivers", "overrides"),
    "serving.trail": ("trail",),
    "serving.db": ("db",),
    "serving.rollback": ("rollback", "rollback-agent", "rollback-script"),
    "setup.preparation": ("inventory", "probe-script", "authorized-key", "config"),
})  # fmt: skip
"""Modules below ``scanner.cli`` with the names that they register, in the order of the help."""


def register(app: typer.Typer, arguments: Sequence[str]) -> None:
    """Add the command that the first argument names, else every one: for help, completion, a word that is none."""
    asked = arguments[0] if arguments else ""
    if asked == "--version":
        return  # it is answered before any command is looked for
    for room in [room for room, names in ROOMS.items() if asked in names] or ROOMS:
        import_module(f"scanner.cli.{room}").register(app)
    if asked in _HELP:
        for command in app.registered_commands:
            command.callback = _described(command.callback)


_HELP = frozenset({"--help", "-h"})
"""The list of all commands shows none of their options: nobody looks at those, which takes a tenth of a second."""


def _described(command: Callable[..., Any] | None) -> Callable[[], None]:
    """Something with the words of a command alone."""

    def described() -> None:
        """Stand for a command that is only listed."""

    described.__doc__ = command.__doc__
    return described
