"""Evaluates the words of a shell's script, as far as the script alone tells."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING

from scanner.formats.shell import patterns
from scanner.formats.shell.syntax import (
    ArithmeticPart,
    Glob,
    Literal,
    NotUnderstood,
    Opaque,
    Parameter,
    Simple,
    Substitution,
)
from scanner.probe.planned.commands import (
    script_builtins,
    script_lists,
    script_numbers,
    script_operators,
    script_paths,
    script_texts,
)
from scanner.probe.planned.commands.script_shell import MANY, MAX_WORDS, PLAIN_IFS, SOURCE, USER_NUMBER, may_be_several
from scanner.probe.planned.unknown_text import UNKNOWN, is_known

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scanner.formats.shell import syntax
    from scanner.formats.shell.patterns import Pattern
    from scanner.formats.shell.syntax import Assignment, Part, Word
    from scanner.probe.planned.commands.script_shell import Shell

_ANY_UNKNOWN = re.compile(f"{re.escape(UNKNOWN)}+")

MAX_WORD_CHARS = 1 << 17
"""Of one word: the kernel takes no longer argument (MAX_ARG_STRLEN)."""

_CHOOSING = frozenset({"-", ":-", "+", ":+"})
_OPERATORS = frozenset({"-", "+", "=", "?"})
_WHERE_IS = frozenset({("command", "-v"), ("which",), ("type", "-p"), ("type", "-P")})


@dataclass(slots=True)
class Expansion:
    """Puts words together; ``bodies`` are the commands whose output is a part of them."""

    shell: Shell
    bodies: list[syntax.Sequence] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    def assigned(self, one: Assignment) -> None:
        """Do what an assignment says."""
        shell = self.shell
        if one.subscript is not None:
            script_lists.put_element(shell, one, self.text(one.value) if one.value else "")
        elif one.elements is not None:
            before = shell.arrays.get(one.name, ()) if one.append else ()
            fields = (text for word in one.elements for text in self.fields(word))
            elements = (*before, *islice(fields, MAX_WORDS + 1))
            if any(map(script_lists.is_placed, one.elements)):
                shell.put(one.name, UNKNOWN)
            else:
                shell.put_array(one.name, elements)
        else:
            text = self.text(one.value) if one.value else ""
            if one.append:
                known = shell.texts.get(one.name)
                text = f"{'' if known is None and shell.is_unset(one.name) else known or UNKNOWN if known is None else known}{text}"
            shell.put(one.name, text if len(text) <= MAX_WORD_CHARS else UNKNOWN)

    def text(self, word: Word) -> str:
        """A word that is not split, as in an assignment."""
        texts = self._texts(word.parts)
        return UNKNOWN if texts is None else "".join(texts)

    def fields(self, word: Word) -> list[str]:
        """The words that one becomes: unquoted variables are split at blanks, ``"$@"`` is as many as there are."""
        only = word.parts[0] if len(word.parts) == 1 else None
        if isinstance(only, Parameter | Opaque) and (listed := self._listed(only)) is not None:
            return (
                listed if getattr(only, "quoted", True) else [piece for text in listed for piece in self._split(text)]
            )
        parts, are_split = self._with_operands(word)
        if parts != word.parts and len(parts) == 1:
            return self.fields(replace(word, parts=parts))  # ${1+"$@"}
        texts = self._texts(parts)
        if texts is None:
            return [MANY]
        listed = self._separated(texts[0]) if are_split == [True] else None
        return self._joined(texts, are_split) if listed is None else listed

    def _joined(self, texts: list[str], are_split: list[bool]) -> list[str]:
        """The fields of a word's texts, beside each other as they stand there."""
        separators = self.shell.texts.get("IFS", PLAIN_IFS).replace(UNKNOWN, "")
        fields: list[str] = []
        current: str | None = None
        for is_split, text in zip(are_split, texts, strict=True):
            if not is_split:
                current = (current or "") + text
                continue
            pieces = self._split(text)
            if text and text[0] in separators and current is not None:
                fields.append(current)
                current = None
            for number, piece in enumerate(pieces):
                current = piece if number or current is None else current + piece
                if number < len(pieces) - 1:
                    fields.append(current)
                    current = None
            if text and text[-1] in separators and current is not None:
                fields.append(current)
                current = None
        return fields if current is None else [*fields, current]

    def _split(self, text: str) -> list[str]:
        """At blanks; where the script splits at something else, nobody knows here where."""
        separators = self.shell.texts.get("IFS", PLAIN_IFS)
        if separators == PLAIN_IFS or UNKNOWN in text:
            return _ANY_UNKNOWN.sub(MANY, text).split()
        return (
            [MANY] if not is_known(separators) or any(sign in text for sign in separators) else [text] if text else []
        )

    def _separated(self, text: str) -> list[str] | None:
        """The fields of a word that is all known, at separators of the script's own; none where it has none."""
        separators = self.shell.texts.get("IFS", PLAIN_IFS)
        if separators == PLAIN_IFS or not is_known(text) or not is_known(separators):
            return None
        blanks = "".join(sign for sign in separators if sign in PLAIN_IFS)
        others = "".join(sign for sign in separators if sign not in PLAIN_IFS)
        text = text.strip(blanks) if blanks else text
        ends = [f"[{re.escape(blanks)}]+"] if blanks else []
        if others:
            around = f"[{re.escape(blanks)}]*" if blanks else ""
            ends.insert(0, f"{around}[{re.escape(others)}]{around}")
        found = re.split("|".join(ends), text) if ends and text else [text]
        return found if found[-1] else found[:-1]

    def _listed(self, part: Parameter | Opaque) -> list[str] | None:
        """The words of ``$@``, of all elements of an array, of bash's braces; none where a part is none of these."""
        if isinstance(part, Opaque):
            return list(part.choices) if part.choices and self.shell.is_bash else None
        found = script_lists.elements(part, self.shell)
        if found is None or not part.operator:
            return found
        if part.operator == "length" or part.operator.removeprefix(":") in _OPERATORS:
            return None
        made = script_lists.changed(part, found, self.shell, self)
        is_open = made is None or (UNKNOWN in made and not part.quoted and all(map(is_known, found)))
        return self._doubted(part) if made is None or is_open else made

    def _doubted(self, part: Parameter) -> list[str]:
        """Any words, or none: of a command no word behind them is known to be where it seems to be."""
        doubt = f"line {part.line} of its script has an expansion that is not understood"
        self.doubts += [] if doubt in self.doubts else [doubt]
        return [*script_lists.OPEN_LIST]

    def _with_operands(self, word: Word) -> tuple[tuple[Part, ...], list[bool]]:
        """The parts of a word, with whether each is split; ``${name+word}`` stands for the parts of a word with quotes."""
        parts: list[Part] = []
        are_split: list[bool] = []
        for part in word.parts:
            operand = self._operand_parts(part)
            parts += operand or (part,)
            are_split += (not getattr(one, "quoted", False) for one in operand) if operand else (_is_split(part),)
        return tuple(parts), are_split

    def _operand_parts(self, part: Part) -> tuple[Part, ...]:
        """What an expansion without quotes stands for, where that is its own word and has quotes; none for any other."""
        if not isinstance(part, Parameter) or part.operator not in _CHOOSING or part.quoted or part.word is None:
            return ()
        if part.indirect or not any(getattr(one, "quoted", False) for one in part.word.parts):
            return ()
        if part.subscript is not None and part.subscript != "@":
            return ()
        elements = script_lists.elements(part, self.shell) if part.subscript else None
        value = self._value(part.name) if elements is None else " ".join(elements) if elements else None
        is_unset = elements == [] or self.shell.is_unset(part.name)
        if (value is None and not is_unset) or (value is not None and UNKNOWN in value):
            return ()
        is_set = value is not None and (value != "" or not part.operator.startswith(":"))
        if is_set != part.operator.endswith("+"):
            return ()
        return tuple(
            Opaque("an expansion within one") if isinstance(one, Parameter) and one.operator else one
            for one in part.word.parts
        )

    def _texts(self, parts: Iterable[Part]) -> list[str] | None:
        """The texts of a word's parts; none where they are longer than any argument."""
        found: list[str] = []
        size = 0
        for part in parts:
            text = self._text(part)
            size += len(text)
            if size > MAX_WORD_CHARS:
                return None
            found.append(text)
        return found

    def _text(self, part: Part) -> str:
        match part:
            case Literal(text=text) | Glob(text=text):
                return text
            case Parameter():
                return self._parameter(part)
            case Substitution():
                return self._substituted(part)
            case ArithmeticPart(text=text):
                self.bodies += script_numbers.commands_in(text)
                return script_numbers.calculated(self.shell, text)
        return UNKNOWN

    def _substituted(self, part: Substitution) -> str:
        if part.body is None:
            self.doubts.append(f"line {part.line} of its script has a substitution that is not understood")
            return UNKNOWN
        if program := _looked_up(part.body):
            return program
        place = self.shell.texts.get("PWD", "")
        if not part.process and (path := script_paths.told(part.body, self._plain, place)) is not None:
            return path
        if not part.process and (said := self._said(part.body)) is not None:
            return said
        if not _is_a_file(part.body):
            self.bodies.append(part.body)
        return UNKNOWN

    def _said(self, body: syntax.Sequence) -> str | None:
        """What one command writes that only says its own words, without the last newlines; none for any others."""
        only = body.items[0].statement if len(body.items) == 1 else None
        if not isinstance(only, Simple) or only.assignments or body.items[0].background:
            return None
        if only.redirects:
            is_cat = [word.literal for word in only.words] == ["cat"] and "cat" not in self.shell.functions
            is_read = is_cat and len(only.redirects) == 1 and only.redirects[0].fd in {"", "0"}
            return script_texts.fed_by(only.redirects, Expansion(self.shell.copy())).rstrip("\n") if is_read else None
        if not only.words or only.words[0].literal not in {"cat", *script_builtins.SAYING}:
            return None
        words = self._plain(only)
        if words[0] == "cat":
            said = (
                script_texts.of_files(self.shell, words[1:])
                if words[1:] and "cat" not in self.shell.functions
                else None
            )
            return None if said is None or any(map(self._may_be_files, only.words)) else said.rstrip("\n")
        if words == ("id", "-u"):
            return self.shell.texts.get(USER_NUMBER)
        said = None if words[0] in self.shell.functions else script_builtins.written(words)
        if said is not None and any(map(self._may_be_files, only.words)):
            return UNKNOWN
        return None if said is None else said.rstrip("\n")

    def _may_be_files(self, word: Word) -> bool:
        """Whether a word is a pattern that stands for names of files."""
        is_open = any(isinstance(part, Glob) for part in word.parts)
        if not is_open and all(isinstance(part, Literal) or getattr(part, "quoted", False) for part in word.parts):
            return False
        own = Expansion(self.shell.copy())
        return is_open or any(sign in text for text in own.fields(word) for sign in "*?[")

    def _plain(self, simple: Simple) -> tuple[str, ...]:
        """The words of a command that runs no others; one that is not known for any other."""
        own = Expansion(self.shell.copy())
        words = script_texts.all_fields(own, simple.words)
        return (UNKNOWN,) if words is None or own.bodies or own.doubts else words

    def _parameter(self, part: Parameter) -> str:
        if part.word is not None:
            self.bodies += [one.body for one in part.word.parts if isinstance(one, Substitution) and one.body]
        listed = self._listed(part)
        if listed is not None:
            return " ".join(listed) if len(listed) <= 1 or not part.quoted else MANY
        if part.operator == "length" and (found := script_lists.elements(part, self.shell)) is not None:
            return UNKNOWN if any(map(may_be_several, found)) else str(len(found))
        if part.indirect and not part.operator and part.subscript is None:
            return self._referred(part)
        if part.indirect and not part.quoted:
            self._doubted(part)
        if part.operator in {"+", ":+"} and script_lists.elements(part, self.shell) == []:
            return ""
        value = self._element(part)
        is_unset = value is None and (
            self.shell.is_unset(part.name) if part.subscript is None else script_lists.element(part, self.shell)[1]
        )
        if part.indirect or part.subscript in {"@", "*"}:
            return UNKNOWN
        if not part.operator:
            return UNKNOWN if value is None and not is_unset else value or ""
        return self._operated(part, value, is_unset=is_unset)

    def _referred(self, part: Parameter) -> str:
        """What ``${!name}`` stands for: the variable that another one names."""
        name = self._value(part.name) or UNKNOWN
        return self._operand_value(name) if name.isidentifier() else UNKNOWN

    def _operated(self, part: Parameter, value: str | None, *, is_unset: bool) -> str:
        operator = part.operator.removeprefix(":")
        size = len(value or "")
        self.shell.effort.steps += size // 256 + (
            size**2 // 1024 if operator[:1] == "/" and size <= patterns.MAX_SEARCHED else 0
        )
        if operator not in _OPERATORS or (value is None and not is_unset):
            return self._changed(part, value, is_unset=is_unset)
        may_be_unset = value == UNKNOWN and part.name not in self.shell.own
        if value is not None and UNKNOWN in value and (part.operator.startswith(":") or may_be_unset):
            return UNKNOWN
        is_set = value is not None and (value != "" or not part.operator.startswith(":"))
        if operator == "+":
            return self.operand(part.word) if is_set else ""
        if not is_set and (operator == "?" or (operator == "=" and not part.name.isidentifier())):
            return UNKNOWN  # the shell ends here
        found = value if is_set and value is not None else self.operand(part.word)
        if operator == "=" and part.name.isidentifier():
            self.shell.put(part.name, found)
        return found

    def _changed(self, part: Parameter, value: str | None, *, is_unset: bool) -> str:
        """A text behind an operator; of one that is known nobody may know here whether anything is left."""
        if is_unset and part.operator != "length":
            return ""
        if value is None and not is_unset:
            return UNKNOWN
        made = script_operators.changed(part, value or "", self)
        if made == UNKNOWN and is_known(value or "") and not part.quoted:
            self._doubted(part)
        return made

    def _element(self, part: Parameter) -> str | None:
        if part.subscript is None:
            return self._value(part.name)
        if (part.name, part.subscript) == ("BASH_SOURCE", "0"):
            return self.shell.texts.get(SOURCE)
        return script_lists.element(part, self.shell)[0]

    def operand(self, word: Word | None) -> str:
        """The word of an expansion; what would nest further is not followed."""
        return "".join(map(self._operand_text, word.parts if word else ()))

    def pattern(self, word: Word) -> Pattern:
        """A word as a pattern."""
        made = patterns.pattern_of(
            (self._operand_text(part), not getattr(part, "quoted", False)) for part in word.parts
        )
        self.shell.effort.steps += len(made.text) // 8
        return made

    def _operand_text(self, part: Part) -> str:
        match part:
            case Literal(text=text) | Glob(text=text):
                return text
            case Parameter(operator="", indirect=False, subscript=None, replacement=None):
                return self._operand_value(part.name)
        return UNKNOWN

    def _operand_value(self, name: str) -> str:
        value = self._value(name)
        return value if value is not None else "" if self.shell.is_unset(name) else UNKNOWN

    def _value(self, name: str) -> str | None:
        parameters = self.shell.parameters
        if name in {"@", "*"}:
            is_plain = name == "@" or self.shell.texts.get("IFS", PLAIN_IFS) == PLAIN_IFS
            return UNKNOWN if parameters is None or not is_plain else " ".join(parameters[1:])
        if name == "#":
            return self.shell.count
        return self.shell.positional(name) if name.isdigit() else self.shell.texts.get(name)


def _is_split(part: Part) -> bool:
    return not isinstance(part, Literal | Glob) and not getattr(part, "quoted", False)


def _is_a_file(body: syntax.Sequence) -> bool:
    """Whether a substitution is what a file holds, ``$(<file)``, of which the grammar makes no command."""
    only = body.items[0].statement if len(body.items) == 1 else None
    return isinstance(only, NotUnderstood) and "file_redirect" in only.why


def _looked_up(body: syntax.Sequence) -> str:
    """The program whose place ``$(command -v …)`` looks up; empty for any other commands."""
    only = body.items[0].statement if len(body.items) == 1 else None
    if not isinstance(only, Simple) or only.assignments:
        return ""
    words = tuple(word.literal or "" for word in only.words)
    return words[-1] if words[:-1] in _WHERE_IS else ""
