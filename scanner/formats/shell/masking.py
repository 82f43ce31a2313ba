"""Puts a shell script into a form in which the grammar reads it as shells do, each byte in its place."""

from __future__ import annotations

import re

_BRACKETS = re.compile(rb"(?:(?<=[\s;!])|^)\[ [^\n;&|\[\]]* \]", re.MULTILINE)
_PARENTHESIS = re.compile(rb"(?<!\\)\\[()]")
_BOTH_WAYS = re.compile(rb"(?<=\d)<>(?=\s*[/$\w\"])")
_ENDED = re.compile(
    rb"([;\n][ \t]*(?:fi|done|esac|\}))[ \t](?=[ \t]*(?:\}|(?:fi|done|esac|else|elif)(?=[\s;]|\Z)))"
    rb"|((?:(?<![^\s;])(?:if|elif|while|until|!)|&&|\|\|)[ \t]*\([^()]*\))[ \t](?=[ \t]*(?:then|do)[\s;])"
    rb"|((?<![^\s;])(?:if|elif|while|until)[ \t]+\{[ \t\n][^{}]*[;\n][ \t]*\})[ \t](?=[ \t]*(?:then|do)[\s;])"
)
_SINGLE = re.compile(rb"(?<== )'([\w./-]+)'(?= (?:&&|\|\||\]\]))")


def masked(raw: bytes) -> bytes:
    """The script as the grammar can read it, each byte in its place; words are read from the text as it stands.

    The grammar knows no escaped parentheses between brackets, no ``3<>file``, misses a semicolon in ``fi }``, ``(a) then``, and takes
    some quoted words behind ``=`` for the beginning of a pattern.
    """
    raw = _ENDED.sub(lambda found: (found[1] or found[2] or found[3]) + b";", raw)
    raw = _BRACKETS.sub(lambda found: _PARENTHESIS.sub(b"  ", found[0]), raw)
    return _SINGLE.sub(rb'"\1"', _BOTH_WAYS.sub(b"> ", _PARENTHESIS.sub(b"__", raw)))
