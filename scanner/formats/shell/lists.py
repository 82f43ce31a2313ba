"""Puts commands of shell scripts together that one line joins."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from scanner.formats.shell.syntax import AndOr, Pipeline

if TYPE_CHECKING:
    from scanner.formats.shell.syntax import Statement


def continued(first: Statement, operator: str, behind: Statement) -> Statement | None:
    """A command with ``&& behind``, ``|| behind`` or the further parts of a ``pipeline``; ``None`` for an odd one."""
    if operator != "pipeline":
        head, rest = (first.first, first.rest) if isinstance(first, AndOr) else (first, ())
        if isinstance(behind, AndOr):
            return AndOr(head, (*rest, (operator, behind.first), *behind.rest))
        return AndOr(head, (*rest, (operator, behind)))
    if not isinstance(behind, Pipeline) or behind.negated:
        return None
    if isinstance(first, AndOr):
        before, last = first.rest[-1]
        return AndOr(first.first, (*first.rest[:-1], (before, _piped(last, behind))))
    return _piped(first, behind)


def _piped(first: Statement, behind: Pipeline) -> Pipeline:
    """One pipeline of a command, or of a pipeline, with more parts behind it."""
    if isinstance(first, Pipeline):
        return replace(first, parts=(*first.parts, *behind.parts), joins=first.joins or behind.joins)
    return replace(behind, parts=(first, *behind.parts))
