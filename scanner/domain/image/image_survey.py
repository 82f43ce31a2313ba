"""Surveys, by layer or of the whole image: frozen values that reading every file once has shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.domain.image.offers import Elf
    from scanner.domain.platform.platform import Platform


WITHIN = "!/"
"""Between an archive and its member, as Java writes it (java.net.JarURLConnection)."""


class SurveyedKind(StrEnum):
    """What a surveyed file is by its first bytes."""

    ELF = "elf"
    SCRIPT = "script"
    UNIT = "unit"
    PE = "pe"
    MACHO = "macho"
    ARCHIVE = "archive"


@dataclass(frozen=True, slots=True)
class SurveyedFile:
    """One file that some system could execute or load; ``mode`` are the permission bits.

    ``elf`` is what an ELF file's headers prove. ``problem`` says why they prove nothing (an object file, a damaged one).
    ``shebang`` is a script's interpreter line without ``#!``; ``names`` are the paths that a shell script or unit
    mentions, ``None`` where it is too long to be read. ``members`` are the ELF files in an archive of Java or Python,
    by their paths within; ``problem`` says why not all of it was read. One that begins with a script has that one's
    ``shebang`` and ``names``, too.
    """

    path: str
    kind: SurveyedKind
    mode: int
    elf: Elf | None = None
    problem: str = ""
    shebang: str = ""
    names: tuple[str, ...] | None = ()
    members: tuple[SurveyedFile, ...] = ()

    @property
    def is_script(self) -> bool:
        """Whether it is one, or begins like one, as an executable JAR does."""
        return self.kind is SurveyedKind.SCRIPT or bool(self.shebang)

    @property
    def is_executable(self) -> bool:
        """Whether anybody may execute it."""
        return bool(self.mode & 0o111)


@dataclass(frozen=True, slots=True)
class LayerSurvey:
    """All that one layer's bytes say of what can be executed or loaded; true of its digest for ever.

    Paths are relative to the image's root, without ``.``, ``..`` or double slashes. ``links`` are symbolic links,
    ``hard_links`` those whose file is not among ``files``. ``whiteouts`` and ``opaques`` (directories) delete what layers
    below hold. ``covered`` are 8-byte fingerprints of the paths at which anything else stands that is no directory,
    ``directories`` those of directories, each sorted: they replace what layers below hold there. ``searched`` are the
    directories that files of ld.so.conf add, by file.
    """

    files: tuple[SurveyedFile, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    hard_links: Mapping[str, str] = field(default_factory=dict)
    whiteouts: frozenset[str] = frozenset()
    opaques: frozenset[str] = frozenset()
    covered: bytes = b""
    directories: bytes = b""
    searched: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ImageSurvey:
    """The files of an image, or of some of its layers, as its layers make them together, by absolute path."""

    files: Mapping[str, SurveyedFile] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    searched: tuple[str, ...] = ()


class ReachedBy(StrEnum):
    """What could take a file: the shell by PATH, the dynamic loader, a script or check that names it, an interpreter.

    ``JAVA`` is a library in an archive, which a Java machine unpacks and loads.
    ``APPLICATION`` is an executable that only whoever knows it starts; ``NONE`` what nothing takes (test data, a
    debugger's helper, a cross compiler's library).
    """

    PATH = "PATH"
    LOADER = "loader"
    NAMED = "named"
    MODULE = "module"
    JAVA = "java"
    APPLICATION = "application"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class AlikeFiles:
    """ELF files that are alike to a judgement: the CPU they are for, the way they lie on, the CPUs of their twins.

    ``program`` tells an executable from a library. ``twins`` are the architectures for which the image holds the same
    file beside it. ``examples`` are the first paths of ``count``.
    """

    needs: Platform | None
    machine: int
    way: ReachedBy
    program: bool
    twins: tuple[str, ...]
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LocatedFile:
    """One file of an image with the way that takes it; ``twins`` are the architectures for which it stands beside it."""

    path: str
    kind: SurveyedKind
    is_executable: bool
    needs: Platform | None
    machine: int
    way: ReachedBy
    twins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Survey:
    """What the files of one image come to for one process; ``whole`` tells that every layer was read, not only some.

    ``elves`` and ``scripts`` count files, ``unread`` archives of which not all was read.
    """

    groups: tuple[AlikeFiles, ...] = ()
    elves: int = 0
    scripts: int = 0
    whole: bool = True
    unread: int = 0
