"""What stands for a module of Python's in a directory, as importlib's FileFinder sees it.

A package comes before an extension, an extension before a source.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.binary.program.module_files import Doubt, ForeignPart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from scanner.binary.program.module_files import ModuleFiles

_TAGGED = re.compile(r"\.cpython-\w+-(\w+)-linux-\w+\.so")
"""An extension whose name says for which Python it is: no other looks at it."""

_PLAIN = (".abi3.so", ".so")
"""What any CPython on Linux takes for an extension."""

_SOURCE = re.compile(r"\.(?:c|cc|cpp|h|hpp|pyx|pxd|pxi|pyi|rs)")
"""What an extension is made from, or described by, which Python does not read."""

_ARCHITECTURES = {
    "x86_64": "amd64", "aarch64": "arm64", "i386": "386", "arm": "arm", "powerpc64le": "ppc64le", "s390x": "s390x",
    "riscv64": "riscv64", "loongarch64": "loong64",
}  # fmt: skip


NOWHERE = "//"
"""In the place of a first directory of sys.path where there is none (``python -I``)."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a name leads to: a ``source`` to carry out, a ``package`` to look further in, or a ``part`` for another CPU.

    None of them for what ends the way: a native part that can be loaded, or nothing. Beside a ``part`` a ``package`` is a
    bare directory, which stands in for it, but has nothing of what that has.
    """

    source: str = ""
    package: str = ""
    part: ForeignPart | None = None


@dataclass(frozen=True, slots=True)
class PythonFinder:
    """``top`` is the first directory of sys.path; ``is_open`` tells whether modules may come from what nobody looks into."""

    files: ModuleFiles
    top: str
    is_open: Callable[[], bool]

    def stands(self, directory: str, name: str) -> bool:
        """Whether anything in a directory may be the module of that name."""
        return directory != NOWHERE and bool(self.files.named(directory, name))

    def find(self, directory: str, name: str) -> Standing:
        """What a directory has of a name; raises ``Doubt`` where nobody can tell."""
        named = [each for each in self.files.named(directory, name) if each != name]
        here = posixpath.join(directory, name)
        is_directory = self.files.is_directory(here)
        if is_directory:
            if any(not _SOURCE.fullmatch(each[len("__init__") :]) for each in self.files.named(here, "__init__")):
                if not self.files.is_file(f"{here}/__init__.py") or self._extension(here, "__init__"):
                    raise Doubt
                return Standing(f"{here}/__init__.py", here)
            if not named:
                return Standing(package=self._namespace(name, here))
        if extension := self._extension(directory, name):
            return Standing(part=self.files.foreign(extension))
        if f"{name}.py" in named and self.files.is_file(f"{here}.py"):
            return Standing(f"{here}.py")
        tagged = next((each for each in named if _TAGGED.fullmatch(each[len(name) :])), "")
        if tagged and self._is_only(directory, name, named):
            why = "is for another CPU, so that its interpreter does not look at it"
            part = ForeignPart(posixpath.join(directory, tagged), why)
            return Standing(package=here if is_directory else "", part=part)
        if not named and not is_directory and directory != self.top:
            return Standing()
        raise Doubt

    def _is_only(self, directory: str, name: str, named: Iterable[str]) -> bool:
        """Whether nothing else may be found by the name where only extensions for other CPUs are called so."""
        return self._is_nowhere(name) if directory == self.top else self._are_foreign(name, named)

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

    def _extension(self, directory: str, name: str) -> str:
        """The extension of a name that the interpreter looks at first; raises ``Doubt`` where nobody knows which."""
        named = [each for each in self.files.named(directory, name) if each != name]
        own = self.files.own.needs
        tagged = {each: match[1] for each in named if (match := _TAGGED.fullmatch(each[len(name) :]))}
        ours = [each for each, cpu in tagged.items() if own and _ARCHITECTURES.get(cpu) in {None, own.architecture}]
        plain = [f"{name}{end}" for end in _PLAIN if f"{name}{end}" in named]
        if tagged and own is None:
            raise Doubt
        if not ours:
            return posixpath.join(directory, plain[0]) if plain else ""
        parts = [self.files.foreign(posixpath.join(directory, each)) for each in (*ours, *plain)]
        is_foreign = None not in parts
        others = f"{name}.py" in named or (directory == self.top and self._stands_elsewhere(directory, name))
        if (is_foreign and others) or (not is_foreign and any(parts)):
            raise Doubt  # whether one of them is for this version of Python is not known
        return posixpath.join(directory, ours[0])

    def _stands_elsewhere(self, directory: str, name: str) -> bool:
        """Whether another directory of the image has a module of that name, found where this one is not of its version."""
        here = directory.strip("/")
        places = {place for each in self.files.files.called(name) for place in self.files.files.view.called(each)}
        return any(posixpath.dirname(place) != here for place in places) or self.is_open()
