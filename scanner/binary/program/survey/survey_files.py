"""Tells what each file of a layer is by its first bytes, while it streams past."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from scanner.binary.program import script
from scanner.binary.program.capture import HEAD_BYTES, SCRIPT_BYTES, Capture
from scanner.binary.program.elf import elf
from scanner.binary.program.survey import zipstream
from scanner.binary.program.survey.archived import ARCHIVES, ArchiveReader
from scanner.domain.failure import Failure
from scanner.domain.image.image_survey import SurveyedFile, SurveyedKind
from scanner.domain.platform.elf_machine import MAGIC

if TYPE_CHECKING:
    from scanner.binary.layers.tarstream import TarEntry

MAX_NAMES = 512
"""Paths that one script may mention; configure scripts, which are longer than any that is read, mention more."""

_FIRST_BYTES = 4
"""The longest magic that is looked for."""

_MACHO = (b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xfe\xed\xfa\xcf", b"\xfe\xed\xfa\xce")
_MACHO_UNIVERSAL = b"\xca\xfe\xba\xbe"
_OLDEST_JAVA_CLASS = 45
"""Where a universal binary counts its architectures, a Java class has its version, which begins here."""

_SHELLS = re.compile(rb"^#![ \t]*\S*?(?:/|\benv[ \t]+(?:-S[ \t]*)?)(?:ba|da|a|k|z|mk)?sh\b")
_UNIT = re.compile(r"(?:^|/)(?:lib|etc)/systemd/(?:system|user)/[^/]+\.service$")
_SOURCED = re.compile(r"\.(?:sh|bash|envsh)$")
_LD_SO_CONF = re.compile(r"^etc/ld\.so\.conf(?:\.d/[^/]+\.conf)?$")

_VARIABLE = re.compile(r"\$\{[A-Za-z_]\w*\}|\$[A-Za-z_]\w*")
_PATH = re.compile(r"(?<![\w./@+~\0-])\0?[\w.@+~-]*(?:/[\w.@+~-]+)+")


class FileReader:
    """Takes the bytes of one file; keeps those that tell what it is."""

    def __init__(self, path: str, entry: TarEntry, allowance: zipstream.Allowance) -> None:
        self._path, self._size, self._mode = path, entry.size, entry.mode
        self._allowance = allowance
        self._archive: ArchiveReader | None = None
        self._first = bytearray()
        self._capture: Capture | None = None
        self._text: bytearray | None = None
        self._decided = False
        self._is_conf = bool(_LD_SO_CONF.search(path))
        self._reads_text = self._is_conf or bool(_SOURCED.search(path) or _UNIT.search(path))

    def feed(self, piece: memoryview) -> None:
        """Take the next bytes of the file."""
        if self._decided:
            if self._capture is not None:
                self._capture.feed(piece)
            if self._archive is not None:
                self._archive.feed(piece)
            if self._text is not None and len(self._text) < SCRIPT_BYTES:
                self._text += piece[: SCRIPT_BYTES - len(self._text)]
            return
        if not self._first and len(piece) >= min(self._size, HEAD_BYTES):
            self._decide(bytes(piece[:_FIRST_BYTES]), piece)
            return
        self._first += piece  # at most one page: pieces are larger, so that this ends with the next one
        if len(self._first) >= min(self._size, HEAD_BYTES):
            self._decide(bytes(self._first[:_FIRST_BYTES]), memoryview(bytes(self._first)))

    def _decide(self, magic: bytes, so_far: memoryview) -> None:
        self._decided = True
        if magic == MAGIC:
            self._capture = Capture(self._size)
            self._capture.feed(so_far)
            return
        if ARCHIVES.search(self._path):
            self._archive = ArchiveReader(self._allowance)
            self._archive.feed(so_far)
        if magic.startswith(b"#!") or self._reads_text:
            self._text = bytearray(so_far[:SCRIPT_BYTES])
        else:
            self._first = bytearray(so_far[:8])

    @property
    def searched(self) -> tuple[str, ...]:
        """The directories that a file of ld.so.conf adds to the loader's search."""
        if not self._is_conf or self._text is None:
            return ()
        lines = (line.partition("#")[0].strip() for line in self._text.decode("utf-8", "replace").splitlines())
        return tuple(line for line in lines if line.startswith("/"))

    def file(self) -> SurveyedFile | None:
        """What was read, ``None`` for what nobody executes or loads."""
        if self._capture is not None:
            return self._elf(self._capture)
        script = None if self._text is None or self._is_conf else self._script(bytes(self._text))
        archived = None if self._archive is None else self._archived(self._archive, script)
        if archived or self._text is not None:
            return archived or script
        kind = _other(bytes(self._first))
        return None if kind is None else SurveyedFile(self._path, kind, self._mode)

    def _elf(self, capture: Capture) -> SurveyedFile:
        found = elf.describe(capture.body())
        if isinstance(found, Failure):
            return SurveyedFile(self._path, SurveyedKind.ELF, self._mode, problem=found.detail)
        return SurveyedFile(self._path, SurveyedKind.ELF, self._mode, found)

    def _archived(self, archive: ArchiveReader, script: SurveyedFile | None) -> SurveyedFile | None:
        """With what the script before its first member says, where there is one."""
        archive.end()
        members, problem = tuple(archive.found.files), archive.found.problem
        if not members and not problem:
            return None
        kept = script or SurveyedFile(self._path, SurveyedKind.ARCHIVE, self._mode)
        return replace(kept, kind=SurveyedKind.ARCHIVE, problem=problem, members=members)

    def _script(self, text: bytes) -> SurveyedFile | None:
        if _UNIT.search(self._path):
            return SurveyedFile(self._path, SurveyedKind.UNIT, self._mode, names=self._named(text))
        if not text.startswith(b"#!"):
            return SurveyedFile(self._path, SurveyedKind.SCRIPT, self._mode, names=self._named(text))
        shebang = script.parse(text)
        if isinstance(shebang, Failure):
            return SurveyedFile(self._path, SurveyedKind.SCRIPT, self._mode, problem=shebang.detail)
        names = self._named(text) if _SHELLS.match(text) else ()
        return SurveyedFile(self._path, SurveyedKind.SCRIPT, self._mode, shebang=str(shebang), names=names)

    def _named(self, text: bytes) -> tuple[str, ...] | None:
        if self._archive is not None and zipstream.MAGIC in text:
            return names_in(text.partition(zipstream.MAGIC)[0])
        return names_in(text) if self._size <= SCRIPT_BYTES else None


def names_in(text: bytes) -> tuple[str, ...] | None:
    """The paths that a shell's text mentions, each once; ``None`` for more than ``MAX_NAMES``.

    What begins with a variable, or in the working directory of that moment, is only known by its end: ``*/bin/server``.
    """
    plain = _VARIABLE.sub("\0", text.decode("utf-8", "replace").replace("\0", " "))
    found = dict.fromkeys(_by_its_end(match[0]) for match in _PATH.finditer(plain))
    return tuple(found) if len(found) <= MAX_NAMES else None


def _by_its_end(word: str) -> str:
    if word.startswith("\0"):
        return f"*/{word.partition('/')[2]}"
    return f"*/{word[2:]}" if word.startswith("./") else word


def _other(first: bytes) -> SurveyedKind | None:
    if first.startswith(b"MZ"):
        return SurveyedKind.PE
    universal = first.startswith(_MACHO_UNIVERSAL) and 0 < int.from_bytes(first[4:8], "big") < _OLDEST_JAVA_CLASS
    return SurveyedKind.MACHO if universal or first.startswith(_MACHO) else None
