"""Reads from tree-sitter's tree of a shell script what its nodes tell by their place."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

INNER = frozenset({"list", "pipeline", "negated_command", "redirected_statement"})
"""Kinds of node that have statements within them, none of which is one of its own."""


def here_document(text: str, redirect: Node) -> tuple[int, int, str] | None:
    """Where the text of a here-document begins, where it ends, the word behind ``<<``."""
    parts = {part.type: part for part in redirect.children}
    if "heredoc_start" not in parts or "heredoc_end" not in parts:
        return None
    start = text.find("\n", parts["heredoc_start"].end_byte) + 1
    word = text[parts["heredoc_start"].start_byte : parts["heredoc_start"].end_byte]
    return start, parts["heredoc_end"].start_byte, word


def behind_here_document(redirect: Node) -> Node | None:
    """What stands behind ``<<WORD`` in its line and is no redirection: ``|``, ``&&``, ``||`` with all that follows."""
    return next((child for child in redirect.children if child.type in {"pipeline", "&&", "||"}), None)


def leaves_first(root: Node) -> Iterator[tuple[Node, int]]:
    """Every node behind all of its children, with its depth.

    What a redirection is made of stands before its command, whose words go on behind it.
    """
    todo: list[tuple[Node, int, bool]] = [(root, 0, False)]
    while todo:
        node, depth, seen = todo.pop()
        if seen or not (children := node.children):
            yield node, depth
            continue
        todo.append((node, depth, True))
        in_turn = children if node.type == "redirected_statement" else reversed(children)
        todo.extend((child, depth + 1, False) for child in in_turn)


def rightmost(node: Node) -> Node | None:
    """The last command of lists and pipelines, to which a redirection behind them belongs."""
    while node.type in INNER:
        body = node.child_by_field_name("body") if node.type == "redirected_statement" else node.children[-1]
        if body is None:
            return None
        node = body
    return node
