"""Puts a shell script into a form in which the grammar reads it as shells do, each byte in its place."""

from __future__ import annotations

import re

_BRACKETS = re.compile(rb"(?:(?<=[\s;!])|^)\[ [^\n;&|\[\]]* \]", re.MULTILINE)
_OPERATOR = re.compile(rb"(?P<sum>\$\(\([^()]*(?:\([^()]*\)[^()]*)*\)\))|(?<= )(?:--|\+\+|[-+/~])(?= )")
_DOUBLE = re.compile(rb"(?<=\[\[ -[a-z] )/(?= \]\])")
_PARENTHESIS = re.compile(rb"(?<!\\)\\[()]")
_BOTH_WAYS = re.compile(rb"(?<=\d)<>(?=\s*[/$\w\"])")
_ENDED = re.compile(
    rb"([;\n][ \t]*(?:fi|done|esac|\}))[ \t](?=[ \t]*(?:\}|(?:fi|done|esac|else|elif)(?=[\s;]|\Z)))"
    rb"|((?:(?<![^\s;])(?:if|elif|while|until|!)|&&|\|\|)[ \t]*\([^()]*\))[ \t](?=[ \t]*(?:then|do)[\s;])"
    rb"|((?<![^\s;])(?:if|elif|while|until)[ \t]+\{[ \t\n][^{}]*[;\n][ \t]*\})[ \t](?=[ \t]*(?:then|do)[\s;])"
)
_SINGLE = re.compile(rb"(?<== )'([\w./-]+)'(?= (?:&&|\|\||\]\]))")
_BRACED = re.compile(rb"^([ \t]{0,60}[\w*?./|-]{0,60})(\$\{\w{1,60}\}=)(?=[\w*?./|-]{0,60}\))", re.MULTILINE)
_REMARK = re.compile(rb"(?P<alone>(?:(?<=\s)|\A))?(?<!\\)`[ \t]{0,8}#[^`\\\n]{0,400}`(?P<ends>(?=\s|\Z))?")

MAX_BLANKS = 60
"""Between ``!`` and its group; nobody writes more than one."""

_NEGATED = re.compile(rb"(?<![^\s;&|(])!(?=[ \t]{1,%d}\{\s)" % MAX_BLANKS)
_A_REMARK = re.compile(r"`[ \t]{0,8}#[^`\\\n]{0,400}`")
_BEFORE = re.compile(r"(?:^|[\s;&|(])![ \t]+$")


def negates(text: str, at: int) -> bool:
    """Whether a group that begins at a place is negated, of which the masked script says nothing."""
    return _BEFORE.search(text[max(0, at - MAX_BLANKS - 2) : at]) is not None


def behind_remark(text: str, at: int) -> int | None:
    """Where a remark between backquotes ends that begins at a place, of which the masked script says nothing."""
    found = _A_REMARK.match(text, at)
    return found.end() if found else None


def _blank(found: re.Match[bytes]) -> bytes:
    """A remark that stands alone as blanks, one that is part of a word as a part of it."""
    return (b" " if found["alone"] is not None and found["ends"] is not None else b"_") * len(found[0])


def _plain(found: re.Match[bytes]) -> bytes:
    """What stands between brackets, as words alone."""
    return _OPERATOR.sub(lambda word: word["sum"] or b"_" * len(word[0]), _PARENTHESIS.sub(b"  ", found[0]))


def masked(raw: bytes) -> bytes:
    """The script as the grammar can read it, each byte in its place; words are read from the text as it stands.

    The grammar knows no escaped parentheses between brackets, takes ``/``, ``-``, ``+`` there for operators where they are
    words (in ``$((a - b))`` they are none), knows no ``3<>file``, misses a semicolon in ``fi }``, ``(a) then``, takes
    some quoted words behind ``=`` for the beginning of a pattern, ``${x}=*)`` of a case for an assignment, a group behind ``!``
    for a program called so, a remark between backquotes, which expands to nothing, for a command without its end.
    """
    raw = _REMARK.sub(_blank, raw)
    raw = _ENDED.sub(lambda found: (found[1] or found[2] or found[3]) + b";", raw)
    raw = _NEGATED.sub(b" ", raw)
    raw = _BRACED.sub(lambda found: found[1] + b"_" * len(found[2]), raw)
    raw = _BRACKETS.sub(_plain, _DOUBLE.sub(b"_", raw))
    return _SINGLE.sub(rb'"\1"', _BOTH_WAYS.sub(b"> ", _PARENTHESIS.sub(b"__", raw)))
