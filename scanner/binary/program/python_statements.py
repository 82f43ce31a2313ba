"""What a statement of Python's does to the modules that are loaded: imports some, ends the program, or nobody can tell."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from scanner.binary.program.python_outline import Statement

_DOTTED = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*+")
_NAME = re.compile(r"[^\W\d]\w*")
_IMPORT = re.compile(r"\bimport\b")
_CALLED = re.compile(r"(?<![\w.])([^\W\d][\w.]*+)[ \t]*+\(|[)\]}\"][ \t]*+\(")
_NOT_CALLED = frozenset({
    "and", "or", "not", "in", "is", "if", "else", "for", "lambda", "return", "yield", "await", "del", "assert", "class",
})  # fmt: skip

_HARMLESS = frozenset({
    "bool", "bytes", "dict", "float", "frozenset", "getattr", "hasattr", "int", "isinstance", "len", "list", "max", "min",
    "object", "print", "range", "set", "sorted", "str", "sum", "tuple", "type", "NewType", "Path", "TypeVar", "cast",
    "collections.namedtuple", "namedtuple", "logging.getLogger", "logging.NullHandler", "os.environ.get", "os.getenv",
    "os.path.abspath", "os.path.dirname", "os.path.exists", "os.path.join", "os.path.realpath", "re.compile",
    "typing.TypeVar", "typing.cast", "warnings.filterwarnings", "warnings.simplefilter", "warnings.warn",
})  # fmt: skip
"""What may be called without ending the program, or having modules found elsewhere."""

_OPENING = re.compile(
    r"\bsys[ ]?\.[ ]?(?:path|modules(?!\[__name__\])|meta_path|path_hooks)\b|\b(?:__path__|__import__|importlib|pkgutil|pkg_resources|runpy|site|imp)\."
    r"|(?<![\w.])(?:exec|eval|compile|__import__|import_module|addsitedir|extend_path)[ \t]*+\(|\b__path__\b",
)
"""By this other modules may be found than those that stand there, or some whose name only the run can tell."""

_ENDING = re.compile(r"raise\b|(?:sys\.exit|os\._exit|os\.abort|os\.exec\w*+|exit|quit)[ \t]*+\(")

_NEVER = frozenset({"TYPE_CHECKING", "typing.TYPE_CHECKING", "t.TYPE_CHECKING", "False", "0"})
_ALWAYS = frozenset({"True", "1", "not TYPE_CHECKING", "not typing.TYPE_CHECKING", "not t.TYPE_CHECKING"})

_SYSTEM = {"sys.platform": "linux", "os.name": "posix", "platform.system()": "Linux"}
_OF_SYSTEM = re.compile(r"(sys\.platform|os\.name|platform\.system\(\))[ ]?(==|!=|\.startswith)[ ]?\(?\"\"\)?")
"""What programs ask for where they may run: containers of Linux answer so."""

_CATCHING = re.compile(r"\b(?:ImportError|ModuleNotFoundError|Exception|BaseException)\b")


@dataclass(frozen=True, slots=True)
class Imported:
    """One imported module, by its dotted name behind ``dots``; ``inner`` are names that are taken from it."""

    name: str
    dots: int = 0
    inner: tuple[str, ...] = ()


def imported(text: str) -> tuple[Imported, ...]:
    """What an import statement imports; nothing for another."""
    if text.startswith(("import ", "import\t")):
        names = [each.split() for each in text[len("import") :].split(",")]
        return tuple(Imported(each[0]) for each in names if each and _DOTTED.fullmatch(each[0]))
    match = _IMPORT.search(text) if re.match(r"from\b", text) else None
    if match is None:
        return ()
    source = "".join(text[len("from") : match.start()].split())
    name = source.lstrip(".")
    words = [each.split() for each in text[match.end() :].strip().strip("()").split(",")]
    inner = tuple(each[0] for each in words if each and (_NAME.fullmatch(each[0]) or each[0] == "*"))
    if name and not _DOTTED.fullmatch(name):
        return ()
    return (Imported(name, len(source) - len(name), inner),) if inner else ()


def is_open(text: str) -> bool:
    """Whether modules may be found otherwise behind a statement."""
    return _OPENING.search(text) is not None


def is_end(text: str) -> bool:
    """Whether a statement ends the program, unless somebody catches that."""
    return _ENDING.match(text) is not None


def is_plain(text: str) -> bool:
    """Whether a statement surely neither ends the program nor changes how modules are found."""
    calls = (match[1] for match in _CALLED.finditer(text))
    return not is_open(text) and all(name in _HARMLESS or name in _NOT_CALLED for name in calls)


def condition(statement: Statement, *, is_main: bool) -> bool | None:
    """Whether the block of an ``if`` is entered, ``None`` where the run decides."""
    said = statement.text.partition(" ")[2].rstrip(":").strip()
    if (of_system := _OF_SYSTEM.fullmatch(said)) is not None and len(statement.texts) == 1:
        own = _SYSTEM[of_system[1]]
        is_it = own.startswith(statement.texts[0]) if of_system[2][0] == "." else own == statement.texts[0]
        return is_it is (of_system[2] != "!=")
    if re.fullmatch(r"__name__[ ]*==[ ]*\"\"", said):
        return is_main
    return True if said in _ALWAYS else False if said in _NEVER else None


def forgives(text: str) -> bool:
    """Whether a handler of exceptions, or a context, takes one of an import."""
    if text.startswith("with"):
        return "suppress" in text and _CATCHING.search(text) is not None
    return text.rstrip(":").strip() == "except" or _CATCHING.search(text) is not None


def rethrows(body: Sequence[Statement]) -> bool | None:
    """Whether a handler surely ends in an exception, ``None`` where it may."""
    if body and is_end(body[-1].text):
        return True
    return None if any(is_end(each.text) for each in within(body)) else False


def taken(rest: list[Statement], words: tuple[str, ...]) -> list[Statement]:
    """The parts of a statement that follow its first, taken from what is left."""
    found = []
    while rest and rest[0].body and rest[0].text.startswith(words):
        found.append(rest.pop(0))
    return found


def within(body: Sequence[Statement]) -> Iterator[Statement]:
    """Each statement of a block, with all that they hold."""
    todo = list(reversed(body))
    while todo:
        each = todo.pop()
        yield each
        todo += reversed(each.body)
