"""Tells which libraries stand in an archive of Java or Python, out of which they are loaded."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from scanner.binary.layers.body import Body
from scanner.binary.program.capture import HEAD_BYTES
from scanner.binary.program.elf import elf
from scanner.binary.program.survey import zipstream
from scanner.binary.program.survey.zipstream import Allowance, NotFollowedError, ZipReader
from scanner.domain.failure import Failure
from scanner.domain.image.image_survey import WITHIN, SurveyedFile, SurveyedKind
from scanner.domain.platform.elf_machine import MAGIC

if TYPE_CHECKING:
    from scanner.binary.program.survey.zipstream import Member

ARCHIVES = re.compile(r"\.(?:jar|war|ear|nar|hpi|jpi|whl|egg)$", re.IGNORECASE)
"""Archives out of which libraries are loaded, or installed; whatever else is a ZIP file, nobody runs as it lies."""

MAX_DEPTH = 3
"""Archives in archives that are read: a JAR in a WAR in an EAR; Spring's own hold theirs one deep."""

MAX_MEMBERS = 4096
"""Programs and libraries of one archive: the largest public ones (JavaCPP's) hold a few hundred."""

_NO_NATIVE = re.compile(r"\.(?:class|java|kt|scala|clj|html?|css|js|json|xml|properties|txt|md|png|gif|svg|py)$")
"""Members of which not even the first bytes are unpacked."""

_SUFFIX_CHARS = 16
"""Of a name's end, which are looked at: more than any of these suffixes has."""


class ArchiveReader:
    """Takes the bytes of one archive, or of one within another (a ``zipstream.Member``).

    ``found`` collects the ELF files of all of them, by their paths within the outermost. What stands before the first
    member is passed over, as Java does, which begins at the end: an executable JAR begins with a script.
    """

    def __init__(self, allowance: Allowance, found: Found | None = None, prefix: str = "", depth: int = 1) -> None:
        self.found = Found() if found is None else found
        self._allowance, self._prefix, self._depth = allowance, prefix, depth
        self._reader = ZipReader(self._begin, allowance)
        self._before: bytes | None = b""
        self.enough = False

    def feed(self, piece: memoryview) -> None:
        """Take the next bytes; behind what cannot be followed nothing is read."""
        if self.enough:
            return
        try:
            self._reader.feed(piece if self._before is None else self._sought(self._before, piece))
        except NotFollowedError as error:
            self._give_up(str(error))

    def _sought(self, before: bytes, piece: memoryview) -> memoryview:
        """The archive from its first member on, nothing before that; the last bytes may be half a mark."""
        seen = before + piece
        at = seen.find(zipstream.MAGIC)
        self._before = seen[1 - len(zipstream.MAGIC) :] if at < 0 else None
        return memoryview(seen)[at:] if at >= 0 else memoryview(b"")

    def end(self, _size: int = 0) -> None:
        """The archive is over."""
        if not self.enough and not self._reader.ended:
            self._give_up("it ends inside a member")

    def _give_up(self, why: str) -> None:
        self.enough = True
        if self._reader.is_archive:
            self.found.problem = self.found.problem or f"{self._prefix.removesuffix(WITHIN)}: {why}".removeprefix(": ")

    def _begin(self, name: str) -> Member | None:
        path = self._prefix + name
        suffix = name[-_SUFFIX_CHARS:]
        if name.endswith("/") or _NO_NATIVE.search(suffix):
            return None
        if not ARCHIVES.search(suffix):
            return _Head(path, self.found)
        if self._depth == MAX_DEPTH:
            raise NotFollowedError(f"archives in it nest more than {MAX_DEPTH} deep")
        return ArchiveReader(self._allowance, self.found, path + WITHIN, self._depth + 1)


@dataclass(slots=True)
class Found:
    """What an archive holds, and why that may not be all."""

    files: list[SurveyedFile] = field(default_factory=list)
    problem: str = ""


class _Head:
    """Keeps the first page of a member that is an ELF file; a ``zipstream.Member``."""

    def __init__(self, path: str, found: Found) -> None:
        self._path, self._found = path, found
        self._head = bytearray()

    @property
    def enough(self) -> bool:
        return len(self._head) >= HEAD_BYTES or (len(self._head) >= len(MAGIC) and not self._head.startswith(MAGIC))

    def feed(self, piece: memoryview) -> None:
        self._head += piece[: HEAD_BYTES - len(self._head)]

    def end(self, size: int) -> None:
        if not self._head.startswith(MAGIC):
            return
        if len(self._found.files) == MAX_MEMBERS:
            raise NotFollowedError(f"it holds more than {MAX_MEMBERS} programs and libraries")
        described = elf.describe(Body(size, ((0, bytes(self._head)),)))
        made = SurveyedFile(self._path, SurveyedKind.ELF, 0)
        if isinstance(described, Failure):
            self._found.files.append(replace(made, problem=described.detail))
        else:
            self._found.files.append(replace(made, elf=described))
