"""Which files of an image lie on a way that something takes, seen from one process that starts in it."""

from __future__ import annotations

import posixpath
import re
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scanner.domain.image.image_survey import WITHIN, AlikeFiles, LocatedFile, ReachedBy, Survey, SurveyedKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scanner.domain.image.image_survey import ImageSurvey, SurveyedFile
    from scanner.domain.image.offers import Elf
    from scanner.domain.platform.platform import Platform

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""What the engines set where an image sets no PATH (moby's oci.DefaultPathEnv)."""

INTERPRETERS = re.compile(r"python|pypy|node|deno|bun|ruby|perl|php|lua|tclsh|java|beam|erlexec|dotnet", re.ASCII)
"""How programs are called that load machine code wherever the program that they read says; nobody follows what."""

EXAMPLES = 3
"""Paths that a finding names; the others are in ``archscan image --all-binaries``."""

MAX_LINKS = 40
"""Symbolic links that the kernel follows in one look-up (MAXSYMLINKS in include/linux/namei.h)."""

ET_EXEC, ET_DYN = 2, 3

_ARCHITECTURE = (
    r"x86[_-]64|amd64|x64|arm64|aarch64|armv?[5-8][a-z]*|armhf|armel|arm|ia32|i[3-6]86|x86|386|"
    r"aarch_64|x86_32|ppcle_64|s390_64|"
    r"ppc64(?:le|el)?|powerpc64(?:le)?|s390x|riscv64(?:gc)?|loong(?:arch)?64|mips(?:64)?(?:el|le)?|"
    r"linux(?:32|64)|win(?:32|64)"
)
_WORDS = re.compile(
    rf"(?<![A-Za-z0-9])(?:{_ARCHITECTURE}|(?:many|musl)?linux[0-9_]*|linuxmusl|android|glibc|musl|gnu(?:eabi(?:hf)?)?|"
    r"eabi(?:hf)?|r6)(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_LIB = re.compile(r"(?<=/)libx?(?:32|64)(?=/)")
_SEPARATORS = re.compile(r"[-_.]+")
_TRIPLET = re.compile(rf"^(?:{_ARCHITECTURE})-linux-(?:gnu|musl)[a-z0-9_]*$")

_ASIDE = re.compile(
    r"/(?:tests?|testdata|test-data|__tests__|testing|fixtures?|docs?|examples?|sysroots?)/"
    r"|^/usr/(?:share/(?:doc|qemu|seabios|gdb|valgrind|ovmf|openbios)|src|lib/debug|lib/gcc-cross)/"
    r"|^(?:/usr)?/lib/(?:firmware|modules|grub|klibc)/|^/boot/"
    r"|/(?:valgrind|gdb|lldb|perf-core|crash|syslinux|qemu)/"
    r"|/(?:qemu|box(?:64|86)|rosetta|FEX)[^/]*$|/glibc-hwcaps/",
)
"""Where files for other CPUs lie by right: tests and documentation; firmware, boot loaders, kernels' modules; debuggers'
and emulators' own parts; libraries that the loader takes on better CPUs alone."""

_CROSS = re.compile(rf"^/usr/(?:local/)?(?:{_ARCHITECTURE})-[a-z0-9_]+(?:-[a-z0-9_]+)?/")
"""A cross compiler's own tree, such as /usr/aarch64-linux-gnu."""

_MODULES = re.compile(r"/(?:site-packages|dist-packages|lib-dynload|node_modules)/")
"""Where Python and Node look for modules."""

_JAVA_ARCHIVE = re.compile(r"\.(?:jar|war|ear|nar|hpi|jpi)$", re.IGNORECASE)
_FOR_ONE_CPU = re.compile(
    rf"(?<![A-Za-z0-9])(?:{_ARCHITECTURE})(?![A-Za-z0-9])[^/]{{0,255}}\.(?:jar|nar)!/", re.IGNORECASE
)
"""An archive that names its CPU holds nothing else: whoever uses it asks first which one fits (Maven's classifiers)."""
_ASKED_FIRST = re.compile(r"!/META-INF/native/lib\w{0,255}netty_\w{1,255}\.so$")
"""Netty asks whether its libraries load, and goes on without (io.netty.channel.epoll.Epoll.isAvailable)."""

_LOADER_DIRECTORIES = (
    "/lib", "/usr/lib", "/usr/local/lib", "/lib64", "/usr/lib64", "/usr/local/lib64", "/lib32", "/usr/lib32",
)  # fmt: skip
"""Where glibc's and musl's loaders look by themselves, on whatever distribution."""

_NO_CPU = frozenset({247, 190, 224, 94, 106})
"""ELF machines that are no CPU that containers start on: BPF, CUDA, AMD's GPUs, Xtensa, Blackfin."""


@dataclass(frozen=True, slots=True)
class SurveyedProcess:
    """The process from which the image is looked at.

    ``path`` is PATH as it is set, ``named`` are the paths on its way: argv, the files that were followed, what a health
    check runs. ``loads`` tells that an interpreter is among them, whose program says from where it loads libraries.
    """

    path: str | None = None
    cwd: str = "/"
    named: tuple[str, ...] = ()
    starts_units: bool = False
    loads: bool = False


def survey_of(image: ImageSurvey, asked: SurveyedProcess, *, whole: bool = True) -> Survey:
    """The files of an image in groups that are alike to a judgement."""
    found: dict[tuple[Platform | None, int, ReachedBy, bool, tuple[str, ...]], list[str]] = {}
    elves = scripts = unread = 0
    for file in image.files.values():
        scripts += file.is_script and file.is_executable
        unread += file.kind is SurveyedKind.ARCHIVE and bool(file.problem)
    for each in located(image, asked):
        if each.kind is SurveyedKind.ELF:
            elves += 1
            program = each.path in image.files and is_program(each.path, image.files[each.path])
            found.setdefault((each.needs, each.machine, each.way, program, each.twins), []).append(each.path)
    groups = (AlikeFiles(*key, len(paths), tuple(paths[:EXAMPLES])) for key, paths in found.items())
    return Survey(tuple(groups), elves, scripts, whole, unread)


def located(image: ImageSurvey, asked: SurveyedProcess) -> Iterator[LocatedFile]:
    """Every program and library of the image, by path; those for Windows and macOS lie on no way."""
    ways = _Ways(image, asked)
    twins = _twins(image)
    for path, file in image.files.items():
        if file.kind in {SurveyedKind.PE, SurveyedKind.MACHO}:
            yield LocatedFile(path, file.kind, file.is_executable, None, 0, ReachedBy.NONE)
        for at, each in _elves(path, file):
            alike = tuple(sorted(twins[key_of(at)] - {_architecture(each.elf)}))
            machine, needs = (each.elf.machine, each.elf.needs) if each.elf else (0, None)
            way = ways.of(path, file) if each is file else ways.within(path, at)
            yield LocatedFile(at, each.kind, each.is_executable, needs, machine, way, alike)


def _elves(path: str, file: SurveyedFile) -> Iterator[tuple[str, SurveyedFile]]:
    """A file, or the members of an archive, that are code for a CPU, each with its whole path."""
    inside = ((f"{path}{WITHIN}{member.path}", member) for member in file.members)
    for at, each in ((path, file), *inside):
        if each.kind is SurveyedKind.ELF and _counts(each):
            yield at, each


def _counts(file: SurveyedFile) -> bool:
    """Whether it is code for a CPU: object files, core dumps and GPU code are not; a damaged executable may be."""
    if file.elf is None:
        return file.is_executable
    return file.elf.type in {ET_EXEC, ET_DYN} and file.elf.machine not in _NO_CPU


def is_program(path: str, file: SurveyedFile) -> bool:
    """Whether somebody may start it: it has an execute bit, and is no library by its loader or its name."""
    if not file.is_executable:
        return False
    if file.elf is None or file.elf.type == ET_EXEC or file.elf.interpreter:
        return True
    return not re.search(r"\.(?:so(?:\.[0-9.]+)?|node|jnilib|dylib)$", path)


def is_aside(path: str) -> bool:
    """Whether files for other CPUs lie there by right."""
    return bool(_ASIDE.search(path) or _CROSS.search(path))


def _architecture(elf: Elf | None) -> str:
    return elf.needs.architecture if elf and elf.needs else ""


# ---------------------------------------------------------------- twins


def key_of(path: str) -> str:
    """A path without the words that name a CPU, a C library or Linux: twins have the same."""
    return _SEPARATORS.sub("-", _WORDS.sub("", _LIB.sub("lib", path.lower()))).replace("-/", "/").replace("/-", "/")


def cpu_words(path: str) -> tuple[str, ...]:
    """The words of a path that ``key_of`` leaves out."""
    return tuple(_WORDS.findall(path.lower()))


def _twins(image: ImageSurvey) -> Mapping[str, set[str]]:
    found: dict[str, set[str]] = {}
    for path, file in image.files.items():
        for at, each in _elves(path, file):
            found.setdefault(key_of(at), set()).add(_architecture(each.elf))
    return found


# ---------------------------------------------------------------- ways


@dataclass(slots=True)
class _Ways:
    """The ways through one image."""

    image: ImageSurvey
    asked: SurveyedProcess
    _in_path: set[str] = field(init=False)
    _path_targets: set[str] = field(init=False)
    _loader: set[str] = field(init=False)
    _named: set[str] = field(init=False)
    _suffixes: set[str] = field(init=False)

    def __post_init__(self) -> None:
        words = (self.asked.path if self.asked.path is not None else DEFAULT_PATH).split(":")
        directories = [posixpath.join(self.asked.cwd, word) for word in words]
        self._in_path = {real for word in directories if (real := self._real(word))}
        self._loader = {real for word in self._loader_directories() if (real := self._real(word))}
        self._path_targets = {
            real for link in self.image.links if posixpath.dirname(link) in self._in_path and (real := self._real(link))
        }
        self._named, self._suffixes = set(), set()
        self._follow_names()

    def of(self, path: str, file: SurveyedFile) -> ReachedBy:
        """The first way that takes a file."""
        directory = posixpath.dirname(path)
        program = is_program(path, file)
        if path in self._named or directory in self._named or self._is_mentioned(path):
            return ReachedBy.NAMED
        if is_aside(path):
            return ReachedBy.NONE
        if program and (directory in self._in_path or path in self._path_targets):
            return ReachedBy.PATH
        if not program and directory in self._loader and not _TRIPLET.match(posixpath.basename(directory)):
            return ReachedBy.LOADER
        if (self.asked.loads and not program) or (_MODULES.search(path) and (self.asked.loads or not program)):
            return ReachedBy.MODULE
        return ReachedBy.APPLICATION if program else ReachedBy.NONE

    def within(self, archive: str, path: str) -> ReachedBy:
        """What takes a member of an archive, by its whole ``path``: nobody takes what is to be installed first."""
        if _ASIDE.search(path):
            return ReachedBy.NONE
        if _JAVA_ARCHIVE.search(archive):
            return ReachedBy.NONE if _FOR_ONE_CPU.search(path) or _ASKED_FIRST.search(path) else ReachedBy.JAVA
        if archive in self._named:
            return ReachedBy.NAMED
        return ReachedBy.MODULE if archive.endswith(".egg") and _MODULES.search(archive) else ReachedBy.NONE

    def _is_mentioned(self, path: str) -> bool:
        """Whether a script names its end, such as ``$HOME/bin/server`` or ``./bin/server``."""
        parts = path.split("/")
        return any("/".join(parts[at:]) in self._suffixes for at in range(1, len(parts)))

    def _loader_directories(self) -> Iterator[str]:
        yield from _LOADER_DIRECTORIES
        yield from self.image.searched
        seen = {posixpath.dirname(path) for path in self.image.files}
        yield from (each for each in seen if _TRIPLET.match(posixpath.basename(each)) and each.count("/") <= 4)  # noqa: PLR2004 -- /usr/local/lib/TRIPLET

    # ------------------------------------------------------------ what scripts name

    def _follow_names(self) -> None:
        """What the process's way names, what the scripts among that name in turn, until nothing new comes."""
        todo = deque(self.asked.named)
        scripts = self._scripts_by_directory()
        if self.asked.starts_units:
            todo.extend(p for p, file in self.image.files.items() if file.kind is SurveyedKind.UNIT)
        read: set[str] = set()
        while todo:
            word = todo.popleft()
            if not word.startswith("/"):
                self._suffixes.add(word.removeprefix("*/"))
            if word.startswith("*/"):
                continue
            real = self._real(posixpath.join(self.asked.cwd, word))
            if not real or real in {"/", *self._in_path, *self._loader}:
                continue
            self._named.add(real)
            for path in (real, *scripts.get(real, ())):
                file = self.image.files.get(path)
                if file is not None and path not in read:
                    read.add(path)
                    todo.extend(file.names or ())

    def _scripts_by_directory(self) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path, file in self.image.files.items():
            if file.is_script:
                found.setdefault(posixpath.dirname(path), []).append(path)
        return found

    def _real(self, path: str) -> str:
        """Where a path leads through the image's links; empty where it leads nowhere."""
        todo = deque(path.split("/"))
        at: list[str] = []
        links = 0
        while todo:
            part = todo.popleft()
            if part in {"", "."}:
                continue
            if part == "..":
                at = at[:-1]
                continue
            target = self.image.links.get("/" + "/".join([*at, part]))
            if target is None:
                at.append(part)
                continue
            links += 1
            if links > MAX_LINKS:
                return ""
            at = [] if target.startswith("/") else at
            todo.extendleft(reversed(target.split("/")))
        return "/" + "/".join(at)
