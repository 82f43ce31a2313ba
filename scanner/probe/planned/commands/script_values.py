"""Evaluates the words of a shell's script, as far as the script alone tells."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from scanner.formats.shell.syntax import Glob, Literal, NotUnderstood, Opaque, Parameter, Simple, Substitution
from scanner.probe.planned.commands import script_paths
from scanner.probe.planned.unknown_text import UNKNOWN, is_known

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from scanner.formats.shell import syntax
    from scanner.formats.shell.syntax import Assignment, Part, Statement, Word

MAX_WORD_CHARS = 1 << 17
"""Of one word: the kernel takes no longer argument (MAX_ARG_STRLEN)."""

OPEN = "archscan_open"
"""A variable that stands in a script for what is not known of its text."""

OPEN_TEXT = f"${{{OPEN}}}"
"""How it stands there; within single quotes it stays as it is, until the text is a word of a command."""

SOURCE = "BASH_SOURCE[0]"
"""Stands among variables for the file whose commands are run; shells other than bash have no such array."""

SET_BY_OTHERS = frozenset({
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "PWD", "OLDPWD", "HOSTNAME", "UID", "EUID", "PPID", "RANDOM", "SECONDS",
    "LANG", "INVOCATION_ID", "JOURNAL_STREAM", "MAINPID", "SYSTEMD_EXEC_PID", "RUNTIME_DIRECTORY", "STATE_DIRECTORY",
    "CACHE_DIRECTORY", "LOGS_DIRECTORY", "CONFIGURATION_DIRECTORY", "CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET", "XDG_RUNTIME_DIR",
    "IFS", "LISTEN_FDS", "EXIT_CODE", "EXIT_STATUS", "SERVICE_RESULT", "TERM", "MONITOR_UNIT", "BASH_SOURCE",
})  # fmt: skip
"""Variables that systemd or the shell sets by itself."""

_PLAIN_IFS = " \t\n"
_CHOOSING = frozenset({"-", ":-", "+", ":+"})
_OPERATORS = frozenset({"-", "+", "=", "?"})
_WHERE_IS = frozenset({("command", "-v"), ("which",), ("type", "-p"), ("type", "-P")})


@dataclass(slots=True)
class Shell:
    """What a shell knows at one point of its script.

    ``parameters`` are the positional ones, ``$0`` first, none where nobody knows how many there are. Of what is
    ``exported`` the programs that it starts know, too. ``is_whole`` tells that a variable which is not here is not set.
    ``altered`` are variables that hold something else than what they are given.
    """

    texts: dict[str, str]
    exported: set[str]
    parameters: tuple[str, ...] | None = ()
    is_whole: bool = True
    exports_all: bool = False
    arrays: dict[str, tuple[str, ...]] = field(default_factory=dict)
    functions: dict[str, Statement] = field(default_factory=dict)
    altered: set[str] = field(default_factory=set)

    def copy(self) -> Shell:
        """The same, to change on its own."""
        return replace(
            self,
            texts=dict(self.texts),
            exported=set(self.exported),
            arrays=dict(self.arrays),
            functions=dict(self.functions),
            altered=set(self.altered),
        )

    def put(self, name: str, text: str) -> None:
        """Set a variable."""
        self.texts[name] = UNKNOWN if name in self.altered else text.replace(OPEN_TEXT, UNKNOWN)
        self.arrays.pop(name, None)
        if self.exports_all:
            self.exported.add(name)

    def put_array(self, name: str, elements: tuple[str, ...]) -> None:
        """Set an array; its name alone is its first element."""
        self.put(name, elements[0] if elements else "")
        if name not in self.altered:
            self.arrays[name] = elements

    def forget(self, names: Iterable[str]) -> None:
        """From here on nobody knows what they hold."""
        for name in names:
            self.put(name, UNKNOWN)

    def drop(self, name: str) -> None:
        """Unset a variable."""
        self.texts.pop(name, None)
        self.arrays.pop(name, None)
        self.exported.discard(name)

    def positional(self, number: str) -> str | None:
        """A positional parameter; none where there are not as many."""
        parameters = self.parameters
        if parameters is None:
            return UNKNOWN
        if len(number) < len("1000") and int(number) < len(parameters):
            return parameters[int(number)]
        is_open = number == "0" or any(UNKNOWN in word for word in parameters[1:])  # such a word may be several
        return UNKNOWN if is_open else None

    @property
    def environment(self) -> dict[str, str]:
        """What a program that it starts finds."""
        return {name: text for name, text in self.texts.items() if name in self.exported and name != OPEN}

    def is_unset(self, name: str) -> bool:
        """Whether nothing sets a variable, as far as all that may set one is known."""
        if name.isdigit():
            return self.parameters is not None and self.positional(name) is None
        return self.is_whole and name.isidentifier() and name not in SET_BY_OTHERS


def joined(ends: Sequence[Shell]) -> Shell:
    """What holds whichever of several ways was taken."""
    first, *others = ends
    made = first.copy()
    for other in others:
        for name in {*made.texts, *other.texts}:
            if made.texts.get(name) != other.texts.get(name) or made.arrays.get(name) != other.arrays.get(name):
                made.texts[name] = UNKNOWN
                made.arrays.pop(name, None)
        made.exported |= other.exported
        made.functions |= other.functions
        made.is_whole = made.is_whole and other.is_whole
        made.exports_all = made.exports_all or other.exports_all
        if made.parameters != other.parameters:
            made.parameters = None
    return made


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
            self._texts(one.value.parts) if one.value else None
            shell.put(one.name, UNKNOWN)
        elif one.elements is not None:
            before = shell.arrays.get(one.name, ()) if one.append else ()
            shell.put_array(one.name, (*before, *(text for word in one.elements for text in self.fields(word))))
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
        if isinstance(only, Parameter) and (listed := self._listed(only)) is not None:
            return listed if only.quoted else [piece for text in listed for piece in self._split(text)]
        parts, are_split = self._with_operands(word)
        if parts != word.parts and len(parts) == 1:
            return self.fields(replace(word, parts=parts))  # ${1+"$@"}
        texts = self._texts(parts)
        if texts is None:
            return [UNKNOWN]
        fields: list[str] = []
        current: str | None = None
        for is_split, text in zip(are_split, texts, strict=True):
            if not is_split:
                current = (current or "") + text
                continue
            pieces = self._split(text)
            if text[:1].isspace() and current is not None:
                fields.append(current)
                current = None
            for number, piece in enumerate(pieces):
                current = piece if number or current is None else current + piece
                if number < len(pieces) - 1:
                    fields.append(current)
                    current = None
            if text[-1:].isspace() and current is not None:
                fields.append(current)
                current = None
        return fields if current is None else [*fields, current]

    def _split(self, text: str) -> list[str]:
        """At blanks; where the script splits at something else, nobody knows here where."""
        separators = self.shell.texts.get("IFS", _PLAIN_IFS)
        if separators == _PLAIN_IFS or UNKNOWN in text:
            return text.split()
        return (
            [UNKNOWN]
            if not is_known(separators) or any(sign in text for sign in separators)
            else [text]
            if text
            else []
        )

    def _listed(self, part: Parameter) -> list[str] | None:
        """The words of ``$@`` or of all elements of an array; none where a part is neither."""
        if part.operator or part.indirect or part.replacement is not None:
            return None
        if part.name == "@" and part.subscript is None:
            return [UNKNOWN] if self.shell.parameters is None else list(self.shell.parameters[1:])
        if part.subscript != "@":
            return None
        if part.name in self.shell.arrays:
            return list(self.shell.arrays[part.name])
        text = self._value(part.name)
        return [text] if text is not None else [] if self.shell.is_unset(part.name) else [UNKNOWN]

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
        if (
            part.indirect
            or part.subscript is not None
            or not any(getattr(one, "quoted", False) for one in part.word.parts)
        ):
            return ()
        value = self._value(part.name)
        if (value is None and not self.shell.is_unset(part.name)) or (value is not None and UNKNOWN in value):
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
        if not _is_a_file(part.body):
            self.bodies.append(part.body)
        return UNKNOWN

    def _plain(self, simple: Simple) -> tuple[str, ...]:
        """The words of a command that runs no others; one that is not known for any other."""
        own = Expansion(self.shell.copy())
        words = [field for word in simple.words for field in own.fields(word)]
        return (UNKNOWN,) if own.bodies or own.doubts else tuple(words)

    def _parameter(self, part: Parameter) -> str:
        if part.word is not None:
            self.bodies += [one.body for one in part.word.parts if isinstance(one, Substitution) and one.body]
        listed = self._listed(part)
        if listed is not None:
            return " ".join(listed) if len(listed) <= 1 or not part.quoted else UNKNOWN
        value = self._element(part)
        is_unset = value is None and part.subscript is None and self.shell.is_unset(part.name)
        if part.indirect or part.replacement is not None or part.subscript in {"@", "*"}:
            return UNKNOWN
        if not part.operator:
            return UNKNOWN if value is None and not is_unset else value or ""
        return self._operated(part, value, is_unset=is_unset)

    def _operated(self, part: Parameter, value: str | None, *, is_unset: bool) -> str:
        operator = part.operator.removeprefix(":")
        if operator not in _OPERATORS or (value is None and not is_unset):
            return UNKNOWN if value is None else script_paths.cut(operator, part.word, value)
        if value is not None and UNKNOWN in value and part.operator.startswith(":"):
            return UNKNOWN
        is_set = value is not None and (value != "" or not part.operator.startswith(":"))
        if operator == "+":
            return self._operand(part) if is_set else ""
        if not is_set and (operator == "?" or (operator == "=" and not part.name.isidentifier())):
            return UNKNOWN  # the shell ends here
        found = value if is_set and value is not None else self._operand(part)
        if operator == "=" and part.name.isidentifier():
            self.shell.put(part.name, found)
        return found

    def _element(self, part: Parameter) -> str | None:
        if part.subscript is None:
            return self._value(part.name)
        if (part.name, part.subscript) == ("BASH_SOURCE", "0"):
            return self.shell.texts.get(SOURCE)
        elements = self.shell.arrays.get(part.name)
        if elements is None or not part.subscript.isdigit():
            return None
        at = int(part.subscript)
        return elements[at] if at < len(elements) else ""

    def _operand(self, part: Parameter) -> str:
        """The word of an expansion; what would nest further is not followed."""
        parts = part.word.parts if part.word else ()
        return "".join(
            one.text if isinstance(one, Literal | Glob)
            else self._operand_value(one.name) if isinstance(one, Parameter) and not one.operator
            else UNKNOWN
            for one in parts
        )  # fmt: skip

    def _operand_value(self, name: str) -> str:
        value = self._value(name)
        return value if value is not None else "" if self.shell.is_unset(name) else UNKNOWN

    def _value(self, name: str) -> str | None:
        parameters = self.shell.parameters
        if name in {"@", "*"}:
            return UNKNOWN if parameters is None else " ".join(parameters[1:])
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
