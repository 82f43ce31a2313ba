"""Shell scripts as a frozen syntax tree, read by tree-sitter's grammar."""

from __future__ import annotations

import bisect
from dataclasses import replace
from typing import TYPE_CHECKING

from scanner.formats.parsing.patience import spend
from scanner.formats.shell.lists import continued
from scanner.formats.shell.masking import masked, negates
from scanner.formats.shell.nodes import behind_here_document, here_document, leaves_first, rightmost
from scanner.formats.shell.simple_commands import CommandReader
from scanner.formats.shell.syntax import (
    AndOr,
    Arithmetic,
    Case,
    CaseItem,
    Conditional,
    For,
    Function,
    Group,
    If,
    Item,
    Loop,
    NotUnderstood,
    Pipeline,
    Redirected,
    Sequence,
    Statement,
    Subshell,
    Word,
)  # fmt: skip
from scanner.formats.shell.tree import tree_of
from scanner.formats.shell.words import Inner, NotAWordError

if TYPE_CHECKING:
    from tree_sitter import Node

MAX_BYTES = 64 * 1024
"""Of one script; public entrypoint scripts stay below 30 KiB."""

MAX_NODES = 24_000
"""Of one syntax tree: more than twice what the densest long script of a distribution has, which is 9,000 in 42 KiB."""

MAX_PIPES = 1000
"""``|`` of one script, those of patterns and lists included: at the end of a pipeline the grammar works as long as the square
of its length, and lets no other thread run meanwhile. Of the scripts of a distribution none has 500."""

NODE_WEIGHT = 8
"""Microseconds that reading one node takes, with the words in it."""

MAX_DEPTH = 200
"""Nodes inside each other; each ``&&`` of a list is one, hand-written scripts stay below 60."""

_SIMPLE = frozenset({
    "command", "declaration_command", "unset_command", "variable_assignment", "variable_assignments",
})  # fmt: skip
_ENDS = frozenset({";", "\n", "&", ";;", ";&", ";;&"})


def parse(raw: bytes) -> Sequence | NotUnderstood:
    """The statements of a script; where the grammar fails, that statement is a ``NotUnderstood``."""
    if len(raw) > MAX_BYTES:
        return NotUnderstood(1, f"the script is longer than {MAX_BYTES} bytes")
    if b"\0" in raw:
        return NotUnderstood(1, "the script holds a zero byte")
    if b"\r" in raw:
        line = raw.count(b"\n", 0, raw.index(b"\r")) + 1
        return NotUnderstood(line, "a line ends with CR LF, which shells take for text", is_faulty=True)
    if raw.count(b"|") > MAX_PIPES:
        return NotUnderstood(1, f"the script has more than {MAX_PIPES} pipes")
    tree = tree_of(masked(raw))
    if tree is None:
        return NotUnderstood(1, "the script takes too long to parse")
    if tree.root_node.descendant_count > MAX_NODES:
        return NotUnderstood(1, f"the script has more than {MAX_NODES} syntax nodes")
    return _Reader(raw).read(tree.root_node)


class _Reader:
    """Turns tree-sitter's nodes into ours from the leaves up, so that nothing recurses."""

    def __init__(self, raw: bytes) -> None:
        self._text = raw.decode("latin-1")
        self._newlines = [at for at, byte in enumerate(raw) if byte == ord("\n")]
        self._made: dict[int, Statement | Sequence] = {}
        self._ends: dict[int, int] = {}
        self._starts: dict[int, int] = {}
        self._heredocs: dict[int, tuple[int, int, str]] = {}
        self._inside: dict[int, Inner] = {}
        self._refused: NotUnderstood | None = None

    def read(self, root: Node) -> Sequence | NotUnderstood:
        nodes = []
        for node, depth in leaves_first(root):
            if depth > MAX_DEPTH:
                return NotUnderstood(self._line(node), f"it nests more than {MAX_DEPTH} levels")
            nodes.append(node)
            spend(NODE_WEIGHT)
            if node.type == "redirected_statement":
                self._reach(node)
        for node in nodes:
            self._one(node)
        return self._refused or Sequence(self._items(root.children))

    def _one(self, node: Node) -> None:
        if node.type in {"command_substitution", "arithmetic_expansion", "process_substitution"}:
            start = self._start(node)
            self._inside[start] = self._inner(node, start)
        elif node.type in _STATEMENTS:
            self._made[node.id] = self._statement(node)

    def _statement(self, node: Node) -> Statement:
        try:
            return _STATEMENTS[node.type](self, node)
        except NotAWordError as error:
            return NotUnderstood(self._line(node), str(error), bash=error.bash)

    def _start(self, node: Node) -> int:
        """Where an expansion begins: the grammar gives it blanks that stand in front of it within quotes."""
        at = node.start_byte
        while self._text[at].isspace():
            at += 1
        return at

    def _inner(self, node: Node, start: int) -> Inner:
        text = self._text[start : node.end_byte]
        if node.type == "arithmetic_expansion":
            return Inner(node.end_byte, None, text)
        quoted_twice = text[0] == "`" and "\\" in text
        if node.has_error or quoted_twice:
            return Inner(node.end_byte, None, "")
        return Inner(node.end_byte, Sequence(self._items(node.children[1:-1])), "")

    def _line(self, node: Node) -> int:
        return bisect.bisect_left(self._newlines, node.start_byte) + 1

    def _scan(self, start: int, end: int, heredoc: tuple[int, int, str] | None = None) -> CommandReader:
        return CommandReader(self._text, start, end, self._inside, self._newlines, heredoc)

    def _items(self, nodes: list[Node]) -> tuple[Item, ...]:
        """The statements among some siblings, each with whether ``&`` follows it."""
        items: list[Item] = []
        for node in nodes:
            if node.type in {"comment", "heredoc_body"}:
                continue
            if node.type in _ENDS:
                if node.type == "&" and items:
                    items[-1] = Item(items[-1].statement, background=True)
                continue
            items.append(Item(self._of(node)))
        return tuple(items)

    def _of(self, node: Node) -> Statement:
        made = self._made.get(node.id)
        if node.has_error:
            return NotUnderstood(self._line(node), "its syntax is not understood", is_faulty=True)
        if made is None or isinstance(made, Sequence):
            return NotUnderstood(self._line(node), f"a {node.type} stands where a statement should")
        return made

    # ------------------------------------------------------------ simple commands

    def simple(self, node: Node) -> Statement:
        end = self._ends.get(node.id, node.end_byte)
        heredoc = self._heredocs.get(node.id)
        return self._scan(self._starts.get(node.id, node.start_byte), end, heredoc).command()

    def test(self, node: Node) -> Statement:
        if node.children[0].type == "[":
            return self.simple(node)
        end = self._ends.get(node.id, node.end_byte)
        if node.children[0].type == "[[":
            last = node.children[-1]
            tokens = self._scan(node.children[0].end_byte, last.start_byte).condition()
            redirects = self._scan(last.end_byte, end).redirects()
            found: Statement = Conditional(tokens, self._line(node))
            return Redirected(found, redirects, self._line(node)) if redirects else found
        return Arithmetic(self._text[node.start_byte + 2 : node.end_byte - 2], self._line(node))

    def redirected(self, node: Node) -> Statement:
        body = node.child_by_field_name("body")
        line = self._line(node)
        if body is None:
            return self._scan(node.start_byte, node.end_byte).command()
        made = self._made.get(body.id)
        last = rightmost(body)
        if last is not None and (last.type in _SIMPLE or last.type == "test_command"):
            if made is None or isinstance(made, Sequence):
                return NotUnderstood(line, "a redirection")
            return self._continued(made, node)
        heredocs = [child for child in node.children if child.type == "heredoc_redirect"]
        if made is None or isinstance(made, Sequence):
            return NotUnderstood(line, "a redirection of what is not understood")
        here = here_document(self._text, heredocs[0]) if heredocs else None
        if heredocs and (here is None or len(heredocs) > 1):
            return NotUnderstood(line, "several here-documents of a compound command")
        end = node.end_byte if here is None else here[0] - 1
        return Redirected(made, self._scan(body.end_byte, end, here).redirects(), line)

    def _continued(self, made: Statement, node: Node) -> Statement:
        """A command with a here-document, with what stands behind that in the same line."""
        redirect = next((child for child in node.children if child.type == "heredoc_redirect"), None)
        further = None if redirect is None else behind_here_document(redirect)
        if redirect is None or further is None:
            return made
        right = further if further.type == "pipeline" else redirect.child_by_field_name("right")
        if right is None:
            return NotUnderstood(self._line(node), "a list of commands")
        return continued(made, further.type, self._of(right)) or NotUnderstood(
            self._line(node), "what stands behind a here-document"
        )

    def _reach(self, node: Node) -> None:
        """Before anything is made: the words of a command go on behind redirections that the grammar cuts off."""
        body = node.child_by_field_name("body")
        last = rightmost(body) if body is not None else None
        if last is None or (last.type not in _SIMPLE and last.type != "test_command"):
            return
        end = node.end_byte
        for child in node.children:
            if child.type == "heredoc_redirect":
                here = here_document(self._text, child)
                if here is None:
                    return
                self._heredocs[last.id] = here
                further = behind_here_document(child)
                end = here[0] - 1 if further is None else further.start_byte
                break
        self._ends[last.id] = max(end, self._ends.get(last.id, 0))

    # ------------------------------------------------------------ lists

    def list_of(self, node: Node) -> Statement:
        left, operator, right = node.children[0], node.children[1].type, node.children[-1]
        first, second = self._of(left), self._of(right)
        if operator not in {"&&", "||"} or isinstance(second, AndOr):
            return NotUnderstood(self._line(node), "a list of commands")
        if isinstance(first, AndOr):
            return AndOr(first.first, (*first.rest, (operator, second)))
        return AndOr(first, ((operator, second),))

    def pipeline(self, node: Node) -> Statement:
        parts = [self._of(child) for child in node.children if child.is_named and child.type != "comment"]
        negated = False
        flat: list[Statement] = []
        for number, part in enumerate(parts):
            if isinstance(part, Pipeline):
                if part.negated and number:
                    self._refused = NotUnderstood(self._line(node), "shells refuse ! behind a pipe", is_faulty=True)
                    return self._refused
                negated = negated or part.negated
                flat.extend(part.parts)
            else:
                flat.append(part)
        if any(isinstance(part, AndOr) for part in flat):
            return NotUnderstood(self._line(node), "a pipeline of lists")
        joins = any(child.type == "|&" for child in node.children)
        joins = joins or any(isinstance(part, Pipeline) and part.joins for part in parts)
        return Pipeline(tuple(flat), negated, self._line(node), joins)

    def negated(self, node: Node) -> Statement:
        inner = self._of(node.children[-1])
        if isinstance(inner, Pipeline):
            return replace(inner, negated=not inner.negated)
        if isinstance(inner, AndOr):
            return NotUnderstood(self._line(node), "a negated list")
        return Pipeline((inner,), negated=True, line=self._line(node))

    # ------------------------------------------------------------ compound commands

    def group(self, node: Node) -> Statement:
        if node.children[0].type == "((":
            return Arithmetic(self._text[node.start_byte + 2 : node.end_byte - 2], self._line(node))
        made = Group(Sequence(self._items(node.children[1:-1])), self._line(node))
        return Pipeline((made,), negated=True, line=made.line) if negates(self._text, node.start_byte) else made

    def subshell(self, node: Node) -> Statement:
        return Subshell(Sequence(self._items(node.children[1:-1])), self._line(node))

    def conditional(self, node: Node) -> Statement:
        branches: list[tuple[Sequence, Sequence]] = []
        otherwise: Sequence | None = None
        head = [child for child in node.children if child.type not in {"elif_clause", "else_clause"}]
        branches.append(self._branch(head))
        for child in node.children:
            if child.type == "elif_clause":
                branches.append(self._branch(child.children))
            elif child.type == "else_clause":
                otherwise = Sequence(self._items(child.children[1:]))
        return If(tuple(branches), otherwise, self._line(node))

    def _branch(self, nodes: list[Node]) -> tuple[Sequence, Sequence]:
        at = next((n for n, node in enumerate(nodes) if node.type == "then"), len(nodes))
        body = [node for node in nodes[at + 1 :] if node.type != "fi"]
        return Sequence(self._items(nodes[1:at])), Sequence(self._items(body))

    def case(self, node: Node) -> Statement:
        kids = node.children
        inside = next((child for child in kids if child.type == "in"), None)
        if inside is None:
            return NotUnderstood(self._line(node), "a case without in")
        subject = self._scan(kids[0].end_byte, inside.start_byte).words()
        items = [self._case_item(child) for child in kids if child.type == "case_item"]
        if len(subject) != 1:
            return NotUnderstood(self._line(node), "a case of several words")
        return Case(subject[0], tuple(items), self._line(node))

    def _case_item(self, node: Node) -> CaseItem:
        kids = [child for child in node.children if child.type != "comment"]
        at = next((n for n, child in enumerate(kids) if child.type == ")"), None)
        if at is None:
            raise NotAWordError("a case pattern without )")
        first = 1 if kids[0].type == "(" else 0
        patterns = self._scan(kids[first].start_byte, kids[at].start_byte).patterns()
        ends = kids[-1].type if kids[-1].type in {";;", ";&", ";;&"} else ";;"
        return CaseItem(patterns, Sequence(self._items(kids[at + 1 :])), ends)

    def loop(self, node: Node) -> Statement:
        body = node.children[-1]
        if body.type != "do_group":
            return NotUnderstood(self._line(node), "a loop without do")
        condition = Sequence(self._items(node.children[1:-1]))
        return Loop(node.children[0].type, condition, Sequence(self._items(body.children[1:-1])), self._line(node))

    def for_in(self, node: Node) -> Statement:
        body, name = node.children[-1], node.child_by_field_name("variable")
        if body.type != "do_group" or name is None or node.children[0].type != "for":
            return NotUnderstood(self._line(node), f"a {node.children[0].type} loop")
        inside = next((child for child in node.children if child.type == "in"), None)
        words: tuple[Word, ...] | None = None
        if inside is not None:
            text = self._text[inside.end_byte : body.start_byte]
            cut = inside.end_byte + len(text.rstrip().removesuffix(";").rstrip())
            words = self._scan(inside.end_byte, cut).words()
        variable = self._text[name.start_byte : name.end_byte]
        return For(variable, words, Sequence(self._items(body.children[1:-1])), self._line(node))

    def for_count(self, node: Node) -> Statement:
        """``for ((a; b; c))`` is ``((a)); while ((b)); do …; ((c)); done`` unless a ``continue`` skips the last."""
        body, line = node.children[-1], self._line(node)
        opens = next((child for child in node.children if child.type == "(("), None)
        closes = next((child for child in node.children if child.type == "))"), None)
        if body.type not in {"do_group", "compound_statement"} or opens is None or closes is None:
            return NotUnderstood(line, "a counting for loop")
        inside = self._text[opens.end_byte : closes.start_byte].split(";")
        if len(inside) != 3 or "continue" in self._text[body.start_byte : body.end_byte]:  # noqa: PLR2004 - a; b; c
            return NotUnderstood(line, "a counting for loop that goes on in its middle")
        first, condition, step = (Item(Arithmetic(text if text.strip() else "1", line)) for text in inside)
        items = (*self._items(body.children[1:-1]), step)
        loop = Loop("while", Sequence((condition,)), Sequence(items), line)
        return Group(Sequence((first, Item(loop))), line)

    def function(self, node: Node) -> Statement:
        name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
        if name is None or body is None:
            return NotUnderstood(self._line(node), "a function without a body")
        bash = node.children[0].type == "function"
        return Function(self._text[name.start_byte : name.end_byte], self._of(body), self._line(node), bash=bash)


_STATEMENTS = {
    **dict.fromkeys((*_SIMPLE, "file_redirect"), _Reader.simple),
    "test_command": _Reader.test,
    "redirected_statement": _Reader.redirected,
    "list": _Reader.list_of,
    "pipeline": _Reader.pipeline,
    "negated_command": _Reader.negated,
    "compound_statement": _Reader.group,
    "subshell": _Reader.subshell,
    "if_statement": _Reader.conditional,
    "case_statement": _Reader.case,
    "while_statement": _Reader.loop,
    "for_statement": _Reader.for_in,
    "c_style_for_statement": _Reader.for_count,
    "function_definition": _Reader.function,
}
