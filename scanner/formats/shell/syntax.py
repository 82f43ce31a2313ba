"""The syntax tree of a shell script: words with their parts, commands, lists."""

from __future__ import annotations

from dataclasses import dataclass

# ---------------------------------------------------------------- words


@dataclass(frozen=True, slots=True)
class Literal:
    """Text as it stands; ``quoted`` text is neither split nor a pattern."""

    text: str
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Glob:
    """An unquoted ``*``, ``?``, ``[`` or ``]``: a pattern where words are patterns, else that character."""

    text: str


@dataclass(frozen=True, slots=True)
class Tilde:
    """``~`` or ``~user`` at a word's beginning."""

    user: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """``$name`` or ``${name operator word}``.

    ``operator`` is as written (``:-``, ``##``, ``//``, ``:`` for a substring), ``length`` for ``${#name}``, ``names`` for
    ``${!prefix@}``; ``indirect`` tells of ``${!name…}``. ``replacement`` is the part behind the second slash. ``subscript`` is what stands in brackets.
    """

    name: str
    operator: str = ""
    word: Word | None = None
    replacement: Word | None = None
    subscript: str | None = None
    quoted: bool = False
    line: int = 0
    indirect: bool = False


@dataclass(frozen=True, slots=True)
class Substitution:
    """``$(commands)``; ``body`` is ``None`` where they are not understood.

    ``process`` tells of ``<(commands)``, which becomes the path of a pipe.
    """

    body: Sequence | None
    quoted: bool = False
    line: int = 0
    process: bool = False


@dataclass(frozen=True, slots=True)
class ArithmeticPart:
    """``$((expression))``, the expression as written."""

    text: str
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Opaque:
    """A part whose value nobody can tell before the script runs, ``why`` in words; ``choices`` are those of bash's braces."""

    why: str
    choices: tuple[str, ...] = ()


Part = Literal | Glob | Tilde | Parameter | Substitution | ArithmeticPart | Opaque


@dataclass(frozen=True, slots=True)
class Word:
    """One word; ``bash`` tells that it uses what other shells take for other text, ``cuts`` what busybox shares."""

    parts: tuple[Part, ...]
    line: int = 0
    bash: bool = False
    cuts: bool = False

    @property
    def literal(self) -> str | None:
        """The text of a word that is always the same, quotes removed; ``None`` for any other."""
        if all(isinstance(part, Literal | Glob) for part in self.parts):
            return "".join(part.text for part in self.parts if isinstance(part, Literal | Glob))
        return None


# ---------------------------------------------------------------- commands


@dataclass(frozen=True, slots=True)
class Assignment:
    """``name=value``; ``elements`` are those of an array, ``append`` tells of ``+=``."""

    name: str
    value: Word | None
    append: bool = False
    elements: tuple[Word, ...] | None = None
    subscript: str | None = None


@dataclass(frozen=True, slots=True)
class Redirect:
    """``[fd]operator target``; ``here`` is the text of a here-document or here-string.

    ``fd`` is ``{name}`` where bash puts a number of its own into a variable, which to other shells is a word.
    """

    operator: str
    fd: str
    target: Word | None
    here: Word | None = None


@dataclass(frozen=True, slots=True)
class Simple:
    """Assignments, words, redirections: any of them may be none."""

    assignments: tuple[Assignment, ...]
    words: tuple[Word, ...]
    redirects: tuple[Redirect, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Conditional:
    """``[[ … ]]``: words and the operators ``&& || ( ) < >`` as texts."""

    tokens: tuple[Word | str, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """``((expression))``, the expression as written."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """What the grammar, or we, make nothing of; ``is_faulty`` where shells may make nothing of it either, ``bash`` where others do not."""

    line: int
    why: str
    is_faulty: bool = False
    bash: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """A statement of a sequence; ``background`` where ``&`` follows it."""

    statement: Statement
    background: bool = False


@dataclass(frozen=True, slots=True)
class Sequence:
    """Statements one after the other."""

    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Pipeline:
    """``[!] a | b``; a single negated command too. ``joins`` where it pipes errors too, by ``|&``."""

    parts: tuple[Statement, ...]
    negated: bool
    line: int
    joins: bool = False


@dataclass(frozen=True, slots=True)
class AndOr:
    """``first`` and what follows it by ``&&`` or ``||``, from left to right."""

    first: Statement
    rest: tuple[tuple[str, Statement], ...]


@dataclass(frozen=True, slots=True)
class Redirected:
    """A compound command with redirections behind it."""

    body: Statement
    redirects: tuple[Redirect, ...]
    line: int


@dataclass(frozen=True, slots=True)
class If:
    """Conditions with what they lead to, then ``else``."""

    branches: tuple[tuple[Sequence, Sequence], ...]
    otherwise: Sequence | None
    line: int


@dataclass(frozen=True, slots=True)
class CaseItem:
    """Patterns with what they lead to; ``ends`` is ``;;``, ``;&`` or ``;;&``."""

    patterns: tuple[Word, ...]
    body: Sequence
    ends: str


@dataclass(frozen=True, slots=True)
class Case:
    """``case word in … esac``."""

    subject: Word
    items: tuple[CaseItem, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Loop:
    """``while`` or ``until``, by ``kind``."""

    kind: str
    condition: Sequence
    body: Sequence
    line: int


@dataclass(frozen=True, slots=True)
class For:
    """``for name in words``; ``words`` is ``None`` where it goes over the positional parameters."""

    name: str
    words: tuple[Word, ...] | None
    body: Sequence
    line: int


@dataclass(frozen=True, slots=True)
class Group:
    """``{ …; }``."""

    body: Sequence
    line: int


@dataclass(frozen=True, slots=True)
class Subshell:
    """``( … )``."""

    body: Sequence
    line: int


@dataclass(frozen=True, slots=True)
class Function:
    """A function's definition; ``bash`` where it is written with ``function``."""

    name: str
    body: Statement
    line: int
    bash: bool = False


Statement = (
    Simple | Conditional | Arithmetic | NotUnderstood | Pipeline | AndOr | Redirected | If | Case | Loop | For | Group
    | Subshell | Function
)  # fmt: skip
