"""In which order a loader looks into directories for a library, by the rules of glibc beside those of musl."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from scanner.binary.program.argv import UNKNOWN, Command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from scanner.binary.program.elf.dynamic import Dynamic
    from scanner.binary.program.libraries.ld_cache import LdCache
    from scanner.binary.program.libraries.loader_build import LoaderBuild

MAX_DIRECTORIES = 512
"""Of one search path; ROS workspaces reach 150."""

_TOKEN = re.compile(r"\$(?:\{(ORIGIN|LIB|PLATFORM)\}|(ORIGIN|LIB|PLATFORM))")

_OF_CPU: Mapping[int, tuple[str, ...]] = MappingProxyType({
    62: ("x86-64-v4", "x86-64-v3", "x86-64-v2"),
    21: ("power11", "power10", "power9"),
    22: ("z17", "z16", "z15", "z14", "z13"),
})  # fmt: skip
"""Subdirectories of glibc-hwcaps by ELF machine (dl-hwcaps_subdirs.c of each port)."""

_OLD_OF_CPU: Mapping[int, tuple[str, ...]] = MappingProxyType({
    62: ("tls", "haswell", "xeon_phi", "x86_64"),
    3: ("tls", "i686", "i586", "sse2"),
    183: ("tls", "aarch64", "atomics"),
    40: ("tls", "v7l", "v6l", "neon", "vfp"),
    22: ("tls", "z900", "z990", "z9-109", "z10", "z196", "zEC12", "z13", "z14"),
    21: ("tls", "power7", "power8", "power9"),
})  # fmt: skip
"""Subdirectories of a search directory that glibc before 2.37 looked into as well."""


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """A program or library in the loader's list: ``path`` as it was opened, ``by`` which it was needed."""

    path: str
    dynamic: Dynamic
    by: Loaded | None = None


@dataclass(frozen=True, slots=True)
class SearchDoubt:
    """Why nobody knows where the loader looks next."""

    why: str


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory in which a name is looked for; ``special`` are those in it that some CPUs take first."""

    path: str
    special: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Listed:
    """A file that the cache names for a library; ``special`` are those that it names for some CPUs."""

    path: str | None
    special: tuple[str, ...] = ()


Place = Directory | Listed | SearchDoubt


@dataclass(frozen=True, slots=True)
class Paths:
    """Where the loader of one process looks; ``cache`` and ``path_file`` read what the image holds of them.

    ``loader`` is the loader's path as the program names it (PT_INTERP). ``is_secure`` tells that the program changes its
    user (AT_SECURE), where loaders pass over LD_LIBRARY_PATH and do not trust ``$ORIGIN``, unless the container has
    no_new_privileges.
    """

    command: Command
    build: LoaderBuild
    program: Loaded
    loader: str
    cache: Callable[[], LdCache | SearchDoubt]
    path_file: Callable[[str], str | SearchDoubt | None]
    is_secure: bool = False

    def of(self, name: str, by: Loaded) -> Iterator[Place]:
        """Where a name without a slash is looked for that ``by`` needs, first place first."""
        yield from self._musl(by) if self.build.libc == "musl" else self._glibc(name, by)
        if self.is_secure and self.command.env.get("LD_LIBRARY_PATH", "") != "":
            yield SearchDoubt(f"loaders pass over LD_LIBRARY_PATH for {self.program.path}, which changes its user")

    def expanded(self, text: str, of: Loaded) -> str | SearchDoubt:
        """A name or directory of a file with glibc's tokens replaced."""
        values = {"ORIGIN": posixpath.dirname(of.path) or "/", "LIB": self.build.lib}
        tokens = {match[1] or match[2] for match in _TOKEN.finditer(text)}
        unknown = next((token for token in sorted(tokens) if values.get(token) is None), None)
        if unknown is not None:
            return SearchDoubt(f"{of.path} names a directory by ${unknown}, which the host's CPU or loader decides")
        found = _TOKEN.sub(lambda match: str(values[match[1] or match[2]]), text)
        if (
            self.is_secure
            and "ORIGIN" in tokens
            and f"/{posixpath.normpath(found).lstrip('/')}" not in self.build.directories
        ):
            return SearchDoubt(f"a loader does not trust $ORIGIN in {of.path}, whose program changes its user")
        return found

    # ------------------------------------------------------------ glibc

    def _glibc(self, name: str, by: Loaded) -> Iterator[Place]:
        """_dl_map_object of elf/dl-load.c."""
        if by.dynamic.runpath is None:
            at: Loaded | None = by
            while at is not None:
                if at.dynamic.runpath is None:
                    yield from self._listed(at.dynamic.rpath, at, ":")
                at = at.by
        yield from self._variable()
        yield from self._listed(by.dynamic.runpath, by, ":")
        yield from self._cached(name, by)
        if not by.dynamic.no_default_libraries:
            yield from map(self._directory, self.build.directories)

    def _variable(self) -> Iterator[Place]:
        said = "" if self.is_secure else self.command.env.get("LD_LIBRARY_PATH", "")
        if said is None or UNKNOWN in said:
            yield SearchDoubt("the value of LD_LIBRARY_PATH is known at run time only")
        elif self.build.libc == "musl":
            yield from self._plain(said)
        else:
            yield from self._listed(said, self.program, ":;")

    def _listed(self, path: str | None, of: Loaded, separators: str) -> Iterator[Place]:
        """The directories of a search path; an empty one is the working directory, an empty path none."""
        if not path:
            return
        directories = re.split(f"[{separators}]", path)
        if len(directories) > MAX_DIRECTORIES:
            yield SearchDoubt(f"a search path has more than {MAX_DIRECTORIES} directories")
            return
        for each in directories:
            known = self.expanded(each, of)
            yield known if isinstance(known, SearchDoubt) else self._directory(known or ".")

    def _directory(self, path: str) -> Directory | SearchDoubt:
        path = self.command.absolute(path)
        if UNKNOWN in path:
            return SearchDoubt("a directory of libraries is relative to one that is known at run time only")
        machine = self.program.dynamic.elf.machine
        new = tuple(f"{path}/glibc-hwcaps/{each}" for each in _OF_CPU.get(machine, ()) if self.build.has_hwcaps)
        return Directory(path, (*new, *(f"{path}/{each}" for each in _OLD_OF_CPU.get(machine, ("tls",)))))

    def _cached(self, name: str, by: Loaded) -> Iterator[Place]:
        cache = self.cache()
        if isinstance(cache, SearchDoubt):
            yield cache
            return
        entries = cache.named(name, self.program.dynamic.elf)
        if entries is None:
            yield SearchDoubt(f"how {self.build.cache} marks libraries of this CPU is not known")
            return
        if by.dynamic.no_default_libraries:
            entries = tuple(e for e in entries if not e.path.startswith(tuple(f"{d}/" for d in self.build.directories)))
        plain = next((entry.path for entry in entries if not entry.depends_on_cpu), None)
        special = tuple(entry.path for entry in entries if entry.depends_on_cpu)
        if plain is not None or special:
            yield Listed(plain, special)

    # ------------------------------------------------------------ musl

    def _musl(self, by: Loaded) -> Iterator[Place]:
        """load_library of ldso/dynlink.c: DT_RUNPATH, else DT_RPATH, of whoever needs it, of who needs that one."""
        yield from self._variable()
        at: Loaded | None = by
        while at is not None:
            yield from self._of_musl_object(at)
            at = at.by
        read = self.path_file(self._musl_prefix() + self.build.path_file)
        if isinstance(read, SearchDoubt):
            yield read
            return
        yield from self._plain(":".join(self.build.directories) if read is None else read)

    def _musl_prefix(self) -> str:
        """The directory above the loader's own: ``/opt/x`` of ``/opt/x/lib/ld-musl-x86_64.so.1``."""
        return posixpath.dirname(posixpath.dirname(self.loader)).rstrip("/") if self.loader.startswith("/") else ""

    def _of_musl_object(self, at: Loaded) -> Iterator[Place]:
        path = at.dynamic.rpath if at.dynamic.runpath is None else at.dynamic.runpath
        if not path:
            return
        if any(not path.startswith(("$ORIGIN", "${ORIGIN}"), sign.start()) for sign in re.finditer(r"\$", path)):
            return  # fixup_rpath drops all of a path with a token that it does not know
        origin = posixpath.dirname(at.path) or "/"
        yield from self._plain(path.replace("${ORIGIN}", origin).replace("$ORIGIN", origin))

    def _plain(self, path: str) -> Iterator[Place]:
        directories = [each for each in re.split("[:\n]", path.partition("\0")[0]) if each]
        if len(directories) > MAX_DIRECTORIES:
            yield SearchDoubt(f"a search path has more than {MAX_DIRECTORIES} directories")
            return
        places = [self.command.absolute(each) for each in directories]
        if any(UNKNOWN in each for each in places):
            yield SearchDoubt("a directory of libraries is relative to one that is known at run time only")
            return
        yield from map(Directory, places)
