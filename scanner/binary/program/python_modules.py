"""The native part that a program of Python's surely imports, where that is for another CPU.

Only import statements at the beginning of a module count: what stands behind any other statement may never run, or may
be looked for elsewhere. The rules are those of importlib's FileFinder: in one directory a package comes before an
extension, an extension before a source; the script's own directory is the first of sys.path.
"""

from __future__ import annotations

import posixpath
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.binary.program.module_files import Doubt, ForeignPart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from scanner.binary.program.module_files import ModuleFiles

MAX_DEPTH = 8
"""Modules that import each other on one way."""

_DOTTED = r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*+"
_AS = r"(?:[ \t]+as[ \t]+[A-Za-z_]\w*+)?"
_END = r"[ \t]*(?:#.*)?"
_IMPORT = re.compile(rf"import[ \t]+({_DOTTED}{_AS}(?:[ \t]*,[ \t]*{_DOTTED}{_AS})*+){_END}", re.ASCII)
_FROM = re.compile(rf"from[ \t]++(\.?)({_DOTTED}|)[ \t]++import[ \t]++(\(?)([^()#\\;]*+)(\)?){_END}", re.ASCII)
_LITERAL = re.compile(rf"[A-Za-z_]\w*[ \t]*=[ \t]*(?:\"[^\"\\]*\"|'[^'\\]*'|[\d.]+|None|True|False){_END}", re.ASCII)
_BLANK = re.compile(r"[ \t\f]*(?:#.*)?")
_DOCUMENTED = re.compile(r"(\"\"\"|''')")
_OWN = re.compile(r"from[ \t]+\.[ \t]+import\b(?!.*(?:\*|\bas\b))")
"""A package's import of what stands in it, by its own name."""

_TAGGED = re.compile(r"\.cpython-\w+-(\w+)-linux-\w+\.so")
"""An extension whose name says for which Python it is: no other looks at it."""

_PLAIN = (".abi3.so", ".so")
"""What any CPython on Linux takes for an extension."""

_SOURCE = re.compile(r"\.(?:c|cc|cpp|pyx|pxd|pyi|rs)")
"""What an extension is made from, which Python does not read."""

_ARCHITECTURES = {
    "x86_64": "amd64", "aarch64": "arm64", "i386": "386", "arm": "arm", "powerpc64le": "ppc64le", "s390x": "s390x",
    "riscv64": "riscv64", "loongarch64": "loong64",
}  # fmt: skip

_STANDARD = sys.stdlib_module_names | {"distutils", "imp", "asynchat", "asyncore", "smtpd", "tomllib", "zoneinfo"}
"""Modules of Python's own, of this version or others."""

_HOOKS = re.compile(r"import|hook|patch|setup|path|reload", re.IGNORECASE)
"""Names of modules that may change how others are found."""


@dataclass(frozen=True, slots=True)
class Imported:
    """One imported module, by its dotted name; ``inner`` are names that are taken from it."""

    name: str
    is_relative: bool = False
    inner: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PythonImports:
    """One look at what a program imports first; ``top`` is the first directory of sys.path.

    ``is_open`` tells whether modules may also come from what nobody can look into.
    """

    files: ModuleFiles
    top: str
    is_open: Callable[[], bool]

    def of_script(self, path: str) -> ForeignPart | None:
        """What the program in a file imports."""
        try:
            self._follow(self.files.text(path), self.top, MAX_DEPTH)
        except Doubt:
            return None
        except _FoundError as found:
            return found.part
        return None

    def of_module(self, name: str, *, is_run: bool = True) -> ForeignPart | None:
        """What a module of the first directory imports; ``is_run`` by ``python -m``, which runs of a package its ``__main__``."""
        try:
            main = f"{name}.__main__" if is_run and self._is_package(name) else name
            self._import(Imported(main), self.top, MAX_DEPTH)
        except Doubt:
            return None
        except _FoundError as found:
            return found.part
        return None

    def _is_package(self, name: str) -> bool:
        return self.files.is_directory(posixpath.join(self.top, *name.split(".")))

    def _follow(self, text: str, package: str, depth: int) -> None:
        """Each import in turn; raises ``Doubt`` as soon as what follows is not sure."""
        for imported in imports(text):
            self._import(imported, package, depth)

    def _import(self, imported: Imported, package: str, depth: int) -> None:
        if depth <= 0:
            raise Doubt
        if imported.is_relative and package == self.top:
            raise Doubt
        at = package if imported.is_relative else self.top
        names = imported.name.split(".") if imported.name else []
        if names and not imported.is_relative and not self._stands(at, names[0]):
            if names[0] not in _STANDARD and _HOOKS.search(imported.name):
                raise Doubt
            return  # of Python's own, or of others, who change nothing of what stands here
        if names and not imported.is_relative and names[0] in _STANDARD:
            raise Doubt  # whether it is loaded already is not known
        for name in names:
            if not at:
                raise Doubt
            at = self._load(at, name, depth)
        if at:
            self._take(imported, at, depth)

    def _take(self, imported: Imported, package: str, depth: int) -> None:
        """Load what is taken from a package; raises ``Doubt`` where that may have something else of the name."""
        for name in imported.inner:
            if self._stands(package, name):
                if not all(map(_OWN.match, self.files.lines_with(f"{package}/__init__.py", name))):
                    raise Doubt
                self._load(package, name, depth)

    def _stands(self, directory: str, name: str) -> bool:
        """Whether anything in a directory may be the module of that name."""
        return bool(self.files.named(directory, name))

    def _load(self, directory: str, name: str, depth: int) -> str:
        """Load one module from a directory; where a package stands, empty for what is none."""
        named = [each for each in self.files.named(directory, name) if each != name]
        here = posixpath.join(directory, name)
        if self.files.is_directory(here):
            if self.files.named(here, "__init__"):
                if not self.files.is_file(f"{here}/__init__.py") or self._extensions(here, "__init__"):
                    raise Doubt
                self._follow(self.files.text(f"{here}/__init__.py"), here, depth - 1)
                return here
            if not named:
                return self._namespace(name, here)
        extensions = self._extensions(directory, name)
        if extensions:
            if (part := self.files.foreign(extensions[0])) is not None:
                raise _FoundError(part)
            return ""
        if f"{name}.py" in named and self.files.is_file(f"{here}.py"):
            self._follow(self.files.text(f"{here}.py"), directory, depth - 1)
            return ""
        if not self.files.is_directory(here) and self._is_nowhere(name):
            tagged = next((each for each in named if _TAGGED.fullmatch(each[len(name) :])), "")
            if tagged:
                why = "is for another CPU, so that its interpreter does not look at it"
                raise _FoundError(ForeignPart(posixpath.join(directory, tagged), why))
        raise Doubt

    @staticmethod
    def _are_foreign(name: str, named: Iterable[str]) -> bool:
        """Whether all that is called so in a directory are extensions for other CPUs, with what they were made from."""
        return all(_TAGGED.fullmatch(each[len(name) :]) or _SOURCE.fullmatch(each[len(name) :]) for each in named)

    def _is_nowhere(self, name: str) -> bool:
        """Whether nothing of the image may be the module, in whatever directory."""
        called = self.files.files.called(name)
        return name not in called and self._are_foreign(name, called) and not self.is_open()

    def _namespace(self, name: str, here: str) -> str:
        """A directory that is no package; raises ``Doubt`` where a module may stand in a later one of sys.path."""
        if posixpath.dirname(here) == self.top:
            called = self.files.files.called(name) - {name}
            others = self.files.files.view.called(name) - {here.lstrip("/")}
            found = any(each.endswith((".py", ".pyc", ".so")) for each in called)
            if found or any(self.files.is_package(f"/{each}") for each in others) or self.is_open():
                raise Doubt
        return here

    def _extensions(self, directory: str, name: str) -> tuple[str, ...]:
        """The extensions of a name that the interpreter looks at, the first one first."""
        named = [each for each in self.files.named(directory, name) if each != name]
        own = self.files.own.needs
        tagged = {each: match[1] for each in named if (match := _TAGGED.fullmatch(each[len(name) :]))}
        ours = [each for each, cpu in tagged.items() if own and _ARCHITECTURES.get(cpu) in {None, own.architecture}]
        if ours and (part := self._mistaken(directory, name, ours)) is not None:
            raise _FoundError(part)
        if own is None or ours:
            raise Doubt  # whether it is for this version of Python is not known
        return tuple(f"{directory.rstrip('/')}/{name}{end}" for end in _PLAIN if f"{name}{end}" in named)

    def _mistaken(self, directory: str, name: str, ours: Iterable[str]) -> ForeignPart | None:
        """One of the extensions that are called like the interpreter's own, and are all for another CPU.

        Whatever its version is: it loads one of them, or finds no module of the name, for no other is in the image.
        """
        here = directory.strip("/")
        places = {place for each in self.files.files.called(name) for place in self.files.files.view.called(each)}
        if any(posixpath.dirname(place) != here for place in places) or not self._is_nowhere(name):
            return None
        parts = [self.files.foreign(f"/{posixpath.join(here, each)}") for each in ours]
        return parts[0] if None not in parts else None


class _FoundError(Exception):
    """The search is over."""

    def __init__(self, part: ForeignPart) -> None:
        super().__init__(part.path)
        self.part = part


def _behind(line: str, quotes: str, lines: Iterator[str]) -> str:
    """What stands behind a text of several lines."""
    while "\\" not in line:
        _, end, rest = line.partition(quotes)
        if end:
            return rest
        line = next(lines, "\\")
    raise Doubt


def imports(text: str) -> Iterator[Imported]:
    """The imports at the beginning of a module; raises ``Doubt`` at the first statement that is something else."""
    lines = iter(text.removeprefix("\ufeff").splitlines())
    for line in lines:
        if _BLANK.fullmatch(line) or _LITERAL.fullmatch(line):
            continue
        if match := _DOCUMENTED.match(line):
            if not _BLANK.fullmatch(_behind(line[3:], match[1], lines)):
                raise Doubt
            continue
        if match := _IMPORT.fullmatch(line):
            yield from (Imported(each.split()[0]) for each in match[1].split(","))
        elif match := _FROM.fullmatch(line):
            if bool(match[3]) != bool(match[5]):
                raise Doubt
            inner = tuple(each.split()[0] for each in match[4].split(",") if each.strip())
            yield Imported(match[2], is_relative=bool(match[1]), inner=inner)
        else:
            raise Doubt
