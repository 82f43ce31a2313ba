"""Opens the files of one image that a loader takes for a library's name."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scanner.binary.layers.layers import NodeKind
from scanner.binary.layers.view import Absence, Found
from scanner.binary.program.elf.dynamic import Dynamic
from scanner.binary.program.elf.elf import ET_DYN, ET_EXEC
from scanner.binary.program.image_files import is_mounted
from scanner.binary.program.libraries import ld_cache
from scanner.binary.program.libraries.paths import SearchDoubt
from scanner.binary.program.permission import Permissions, Wish
from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from scanner.binary.layers.view import View
    from scanner.binary.program.argv import Command
    from scanner.binary.program.content import Content
    from scanner.binary.program.elf.elf import Header
    from scanner.binary.program.libraries.ld_cache import LdCache
    from scanner.domain.image.offers import Elf

MAX_LOOKUPS = 50_000
"""Paths that are tried for one program; a ROS workspace of 300 libraries and 100 directories tries 30,000."""

_OSABIS = frozenset({0, 3})
"""ELFOSABI_SYSV, ELFOSABI_GNU: all that glibc takes (VALID_ELF_OSABI)."""

_CLASSES, _ORDERS = {1: 32, 2: 64}, {1: "little", 2: "big"}

_OWN_OSABIS = frozenset({8, 40})
"""Machines whose own ABI has numbers beside these: MIPS, ARM."""

_RUN_TIME = ("/proc", "/sys", "/dev")


@dataclass(frozen=True, slots=True)
class LoadableFile:
    """A file that a loader can map."""

    path: str
    dynamic: Dynamic


@dataclass(frozen=True, slots=True)
class Foreign:
    """A library for another CPU; some releases of glibc pass over one of the ``other_order`` of bytes, some stop there."""

    path: str
    why: str
    other_order: bool = False


@dataclass(frozen=True, slots=True)
class Unusable:
    """A file that no loader can map, and which ends its search all the same."""

    path: str
    why: str


Answer = LoadableFile | Foreign | Unusable | SearchDoubt | None
"""What stands at a path; ``None`` for nothing."""


@dataclass(slots=True)
class LibraryFiles:
    """The image as the loader of one process, glibc's or musl's, sees it; raises what the view raises.

    ``closed`` are the files that it would have read, if its user might.
    """

    view: View
    command: Command
    own: Elf
    is_musl: bool = False
    lookups: int = 0
    closed: set[str] = field(default_factory=set)
    _answers: dict[str, Answer] = field(default_factory=dict)
    _caches: dict[str, LdCache | SearchDoubt] = field(default_factory=dict)
    _directories: dict[str, bool] = field(default_factory=dict)

    def at(self, path: str) -> Answer:
        """What a loader makes of one path."""
        if path not in self._answers:
            self.lookups += 1
            if self.lookups > MAX_LOOKUPS:
                return SearchDoubt(f"the loader would try more than {MAX_LOOKUPS} paths")
            self._answers[path] = self._at(path)
        return self._answers[path]

    def is_directory(self, path: str) -> bool:
        """Whether a directory stands at a path."""
        if path not in self._directories:
            found = self.view.lookup(path)
            self._directories[path] = not isinstance(found, Absence) and found.node.kind is NodeKind.DIRECTORY
        return self._directories[path]

    def _standing(self, path: str) -> Found | SearchDoubt | None:
        """What the image holds at a path, unless something else may stand over it."""
        if is_mounted(path, (*self.command.mounts, *_RUN_TIME)):
            return SearchDoubt(f"{path} is on a mount, so it is not the image's")
        found = self.view.lookup(path)
        if isinstance(found, Absence):
            if is_mounted(path, self.command.volumes):
                return SearchDoubt(f"{path} is not in the image, but on a volume that may hold it")
            return SearchDoubt(f"{path}: {found.value}") if found is Absence.LOOP else None
        if is_mounted(found.path, (*self.command.mounts, *_RUN_TIME)):
            return SearchDoubt(f"{path} leads to a mount, so it is not the image's")
        return found

    def _at(self, path: str) -> Answer:
        found = self._standing(path)
        if found is None or isinstance(found, SearchDoubt):
            return found
        if found.node.kind is NodeKind.DIRECTORY:
            return Unusable(path, "is a directory")
        content = self.view.content(found)
        if found.node.kind is not NodeKind.FILE or content is None:
            return SearchDoubt(f"{path} was not read")
        header = content.header
        if header is None:
            return Unusable(path, "is no whole ELF file (file too short)" if content.size < _HEADER_BYTES else
                            "is no ELF file (invalid ELF header)")  # fmt: skip
        return self._foreign(path, header) or self._mapped(found.path, path, content, header)

    def _mapped(self, file: str, path: str, content: Content, header: Header) -> Answer:
        """What a loader makes of a file for its CPU."""
        if header.osabi not in _OSABIS and not self.is_musl:
            known = header.machine not in _OWN_OSABIS
            why = f"has OS ABI {header.osabi} (ELF file OS ABI invalid)"
            return Unusable(path, why) if known else SearchDoubt(f"{path} {why}, which some loaders take")
        if header.type not in (ET_DYN, ET_EXEC):
            return Unusable(path, "is neither a library nor a program (only ET_DYN and ET_EXEC can be loaded)")
        if header.type == ET_EXEC and not self.is_musl:
            return Unusable(path, "is a program (cannot dynamically load executable)")
        if header.type == ET_EXEC or (isinstance(content.dynamic, Dynamic) and content.dynamic.is_program):
            return SearchDoubt(f"{path} is a program, which not every loader takes for a library")
        if not isinstance(content.dynamic, Dynamic):
            why = content.dynamic.detail if isinstance(content.dynamic, Failure) else "it was not read"
            return SearchDoubt(f"{path}: {why}")
        return LoadableFile(file, content.dynamic)

    def _foreign(self, path: str, header: Header) -> Foreign | None:
        """The loader of glibc asks for class and byte order as they are written, that of musl for neither."""
        bits, order = header.bits, header.byte_order
        if not self.is_musl:
            bits, order = _CLASSES.get(header.ident[0], 0), _ORDERS.get(header.ident[1], "")
        if (bits, order, header.machine) == (self.own.bits, self.own.byte_order, self.own.machine):
            return None
        named = header.goarch or f"ELF machine {header.machine}"
        other_class = "" if bits == self.own.bits else f" (wrong ELF class: ELFCLASS{bits})"
        return Foreign(
            path, f"is for {named}{other_class}", other_order=not other_class and order != self.own.byte_order
        )

    # ------------------------------------------------------------ files that loaders read

    def text(self, path: str) -> str | SearchDoubt | None:
        """A text as it stands in the image, ``None`` where there is none."""
        raw = self._raw(path)
        return raw.decode("utf-8", "surrogateescape") if isinstance(raw, bytes) else raw

    def cache(self, path: str) -> LdCache | SearchDoubt:
        """An ld.so.cache; one that is not there is empty."""
        if path not in self._caches:
            raw = self._raw(path)
            known = raw if isinstance(raw, SearchDoubt) else ld_cache.parse(raw or b"", self.own.byte_order)
            self._caches[path] = SearchDoubt(f"{path} is damaged, or too large to be read") if known is None else known
        return self._caches[path]

    def musl_path(self, path: str) -> str | SearchDoubt | None:
        """Musl's list of directories; one that is there, but cannot be read, names none (load_library of ldso/dynlink.c)."""
        found = self._standing(path)
        if found is None or isinstance(found, SearchDoubt):
            return found
        text = self.text(path)
        return "" if text is None else text

    def _raw(self, path: str) -> bytes | SearchDoubt | None:
        """What a file holds, ``None`` for one that is not there, or that its user may not read."""
        found = self._standing(path)
        if found is None or isinstance(found, SearchDoubt):
            return found
        if found.node.kind is not NodeKind.FILE:
            return None
        of_user = Permissions.of(self.view, self.command)
        refused = None if of_user.are_roots else of_user.refusal(path, Wish.READ)
        if refused is not None and refused.reason is not Reason.PERMISSION_DENIED:
            return SearchDoubt(refused.detail)
        if refused is not None:
            self.closed.add(path)
            return None
        text = self.view.text(found)
        return SearchDoubt(f"{path} was not read") if text is None else text

    def named_by_configuration(self, name: str) -> str:
        """Where ld.so.conf's directories hold a library that no search finds, because ldconfig was not run."""
        texts = [self.text("/etc/ld.so.conf")]
        if isinstance(texts[0], str) and "include" in texts[0]:
            names = self.view.names("/etc/ld.so.conf.d") or ()
            texts += [self.text(f"/etc/ld.so.conf.d/{each}") for each in names if each.endswith(".conf")]
        for text in texts:
            for line in text.splitlines() if isinstance(text, str) else ():
                directory = re.sub(r"#.*|=libc\d+", "", line).strip()
                if directory.startswith("/") and isinstance(self.at(f"{directory}/{name}"), LoadableFile):
                    return f"{directory}/{name}"
        return ""


_HEADER_BYTES = 52
