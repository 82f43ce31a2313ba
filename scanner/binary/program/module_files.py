"""The files of an image as an interpreter that looks for modules sees them."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scanner.binary.layers.layers import NodeKind
from scanner.binary.program.elf.dynamic import Dynamic
from scanner.binary.program.shell.image_paths import PathKind
from scanner.domain.verdict.survey_ways import cpu_words, is_aside, key_of
from scanner.formats.parsing.patience import spend

if TYPE_CHECKING:
    from scanner.binary.layers.layers import Node
    from scanner.binary.program.content import Content
    from scanner.binary.program.image_files import ImageFiles
    from scanner.domain.image.offers import Elf

MAX_MODULES = 400
"""Modules of one program that are read for what they load in turn; a web framework with all that it imports has 250."""

MAX_CHARS = 4 * 1024 * 1024
"""Of all their texts together: half a second's work."""

CHARS_A_MICROSECOND = 3

PART_WEIGHT = 5
"""Microseconds that it takes to look at the path of a native part."""

_NATIVE = re.compile(r"\.(?:so(?:\.[0-9.]+)?|node)$")
_OF_LOADERS = re.compile(r"/(?:usr/(?:local/)?)?(?:lib|lib32|lib64|libx32)/")
"""Where libraries are that a loader looks for, beside packages."""

_NO_LIBRARIES = re.compile(r"\.libs/|/lib-dynload/")
"""Libraries that parts of packages bring along, and parts of an interpreter's own."""


PACKAGES = {
    "python": re.compile(r"/(?:site|dist)-packages/"),
    "node": re.compile(r"/node_modules/"),
    "ruby": re.compile(r"/(?:gems|extensions|vendor_ruby|site_ruby|bundler?)/"),
    "perl": re.compile(r"/(?:perl5?|site_perl|vendor_perl)/"),
    "php": re.compile(r"/(?:no-debug-[\w-]+|php/20\d{6}(?:-zts)?|php\d+/modules)/"),
    "lua": re.compile(r"/lib/(?:[\w-]+/)?lua/"),
}
"""Where the native parts of packages are, by language."""


class Doubt(Exception):  # noqa: N818 - an answer, not an error
    """What a module does, or where it stands, is known at run time only."""


class FoundError(Exception):
    """A part for another CPU is surely loaded, so that the search is over."""

    def __init__(self, part: ForeignPart) -> None:
        super().__init__(part.path)
        self.part = part


@dataclass(frozen=True, slots=True)
class ForeignPart:
    """A native part that is loaded and is for another CPU than the interpreter; ``why`` says so."""

    path: str
    why: str


@dataclass(slots=True)
class Loaded:
    """What a program imports that is for another CPU: ``surely``, or where the run decides, ``perhaps``.

    ``whole`` tells that all was followed that it imports at its start, ``read`` are the texts of what was. ``calls`` tells
    that functions of packages may be carried out, ``without`` are parts that it tried, and does without.
    """

    surely: ForeignPart | None = None
    perhaps: ForeignPart | None = None
    whole: bool = True
    read: tuple[str, ...] = ()
    calls: bool = False
    without: set[str] = field(default_factory=set)


@dataclass(slots=True)
class ModuleFiles:
    """What stands where a module is looked for; ``own`` is the interpreter's own header."""

    files: ImageFiles
    own: Elf
    packages: set[str] = field(default_factory=set)
    _read: dict[str, str] = field(default_factory=dict)
    _chars: int = 0
    _named: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)
    _parts: dict[str, Node] | None = None
    _foreign: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _firsts: dict[tuple[str, ...], str] = field(default_factory=dict)

    def holds_foreign(self, language: str) -> bool:
        """Whether a part that the language may load is for another CPU alone, as far as layers were read.

        For healthy images, and those that carry a twin for this CPU, nothing more is read.
        """
        return language in PACKAGES and bool(self._untwinned(language))

    def foreign_below(self, language: str) -> tuple[str, ...]:
        """Those where a language's packages are, for another CPU, whose place no twin takes that is the interpreter's."""
        directories = PACKAGES.get(language)
        if directories is None:
            return ()
        return tuple(
            path
            for path in self._untwinned(language)
            if directories.search(path) and not _NO_LIBRARIES.search(path) and self.stands_file(path)
        )

    def _untwinned(self, language: str) -> tuple[str, ...]:
        """Those for another CPU that lie nowhere by right, and beside no twin of theirs that is the interpreter's."""
        if language not in self._foreign:
            packages = PACKAGES[language]
            parts = {
                path: node
                for path, node in self._native_parts().items()
                if packages.search(path) or not _OF_LOADERS.match(path)
            }
            spend(1 + PART_WEIGHT * len(parts))
            foreign = [path for path, node in parts.items() if self._is_foreign(path, node) and not is_aside(path)]
            twins = {key_of(path) for path, node in parts.items() if self._is_own(path, node)} if foreign else set()
            self._foreign[language] = tuple(sorted(path for path in foreign if key_of(path) not in twins))
        return self._foreign[language]

    def native_below(self, directory: str) -> tuple[tuple[str, bool], ...]:
        """The native parts in a directory and all below it, as far as layers were read; whether each is the interpreter's."""
        lead = f"{directory.rstrip('/')}/"
        parts = self._native_parts()
        spend(1 + len(parts) // PART_WEIGHT)
        return tuple((path, self._is_own(path, node)) for path, node in parts.items() if path.startswith(lead))

    def _native_parts(self) -> dict[str, Node]:
        if self._parts is None:
            found = self.files.view.placed_so_far(_is_native_part)
            self._parts = {f"/{path}": node for path, node in found}
        return self._parts

    def _is_foreign(self, path: str, node: Node) -> bool:
        elf = _library(self._held(path, node))
        return elf is not None and not self._is_native(elf)

    def _is_own(self, path: str, node: Node) -> bool:
        elf = _library(self._held(path, node))
        return elf is not None and self._is_native(elf)

    def _held(self, path: str, node: Node) -> Content | None:
        """What a part holds; of those that only a table of contents tells, what the first of its package does.

        Packages are built for one CPU, and each that is fetched costs a request.
        """
        if node.content is not None or node.extent is None:
            return node.content
        kind = (package_of(path), *cpu_words(path))
        return self.files.content(self._firsts.setdefault(kind, path))

    def _is_native(self, part: Elf) -> bool:
        own = self.own
        return (part.machine, part.bits, part.byte_order) == (own.machine, own.bits, own.byte_order)

    def stands_file(self, path: str) -> bool:
        """Whether a file surely stands there in what all layers make together."""
        return self.files.stands(path).kind is PathKind.FILE

    def is_file(self, path: str) -> bool:
        """Whether a file stands there; raises ``Doubt`` where nobody can tell."""
        return self._kind(path) is PathKind.FILE

    def is_directory(self, path: str) -> bool:
        """Whether a directory stands there; raises ``Doubt`` where nobody can tell."""
        return self._kind(path) is PathKind.DIRECTORY

    def _kind(self, path: str) -> PathKind:
        kind = self.files.stands(path).kind
        if kind in {PathKind.UNKNOWN, PathKind.OTHER}:
            raise Doubt
        return kind

    def real(self, path: str) -> str:
        """Where a path leads, all links followed."""
        return self.files.stands(path).path or path

    def named(self, directory: str, module: str) -> tuple[str, ...]:
        """The names in a directory that a module may be found by; raises ``Doubt`` where they are not known."""
        spend()
        if directory not in self._named:
            names = self.files.names(directory)
            if names is None:
                raise Doubt
            of_module: dict[str, list[str]] = {}
            for name in names:
                of_module.setdefault(name.partition(".")[0], []).append(name)
            self._named[directory] = {module: tuple(each) for module, each in of_module.items()}
        return self._named[directory].get(module, ())

    def below(self, directory: str, end: str) -> tuple[str, ...]:
        """The files in a directory and all below it whose names end so, as far as layers were read."""
        lead = f"{directory.strip('/')}/"
        found = self.files.view.placed_so_far(lambda path: path.startswith(lead) and path.endswith(end))
        return tuple(sorted(f"/{path}" for path, _ in found))

    def directories(self, is_meant: re.Pattern[str]) -> tuple[str, ...]:
        """The directories of such a path that layers hold, as far as they were read."""
        found = self.files.view.placed_so_far(lambda path: is_meant.search(path) is not None, NodeKind.DIRECTORY)
        return tuple(sorted(f"/{path}" for path, _ in found))

    def text(self, path: str) -> str:
        """The text of a module, counted each time; raises ``Doubt`` where it cannot be had.

        ``packages`` are read along where it was not kept.
        """
        text = self._read.get(path)
        if text is None:
            raw = self.files.module_text(path, self._along(path))
            if raw is None or len(self._read) >= MAX_MODULES:
                raise Doubt
            text = self._read[path] = raw.decode("utf-8", "replace")
        self._chars += len(text)
        if self._chars > MAX_CHARS:
            raise Doubt
        spend(1 + len(text) // CHARS_A_MICROSECOND)
        return text

    def _along(self, path: str) -> tuple[str, ...]:
        """What is read along with a text; where one of another package than was thought of is missing, all of them."""
        within = re.match(r".*/(?:site-packages|dist-packages|node_modules)(?=/)", path)
        is_thought_of = any(path.startswith(f"{each}/") for each in self.packages)
        more = () if within is None or is_thought_of else (within[0],)
        return tuple(sorted(each.lstrip("/") for each in (*self.packages, *more)))

    def again(self, path: str) -> str:
        """The text of a module that was read."""
        return self._read.get(path, "")

    def is_package(self, path: str) -> bool:
        """Whether a directory says itself that it is a package."""
        ends = (".py", ".pyc")
        return any(self.files.stands(f"{path}/__init__{end}").kind is not PathKind.MISSING for end in ends)

    def foreign(self, path: str) -> ForeignPart | None:
        """A native part that the interpreter cannot load for its CPU; raises ``Doubt`` where it was not read."""
        part = _library(self.files.content(path))
        if part is None or part.needs is None or self.own.needs is None:
            raise Doubt
        if self._is_native(part):
            return None
        return self.part(path, part)

    def part(self, path: str, part: Elf | None = None) -> ForeignPart:
        """A part that is known to be for another CPU."""
        if part is None:
            part = _library(self.files.content(path))
        other = part.needs.architecture if part is not None and part.needs is not None else "another CPU"
        mine = self.own.needs.architecture if self.own.needs is not None else "this one"
        return ForeignPart(posixpath.normpath(path), f"is for {other}, its interpreter for {mine}")


def package_of(path: str) -> str:
    """The directory of the package that a path is in, where packages are installed; else its own directory."""
    match = _IN_PACKAGE.match(path)
    return match[0] if match else posixpath.dirname(path)


_IN_PACKAGE = re.compile(r".*/(?:site-packages|dist-packages|node_modules(?:/@[^/]+)?)/[^/]+")


def _is_native_part(path: str) -> bool:
    return (".so" in path or path.endswith(".node")) and _NATIVE.search(path) is not None


def _library(content: Content | None) -> Elf | None:
    """The header of a library: most have no entry point, so that as programs they are none."""
    if content is None:
        return None
    return content.dynamic.elf if isinstance(content.dynamic, Dynamic) else content.elf
