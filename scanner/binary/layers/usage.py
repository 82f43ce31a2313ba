"""Counts what the layers of one image have cost so far, within its limits."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from scanner.binary.layers import file_capabilities
from scanner.binary.layers.limits import limit_reached
from scanner.binary.program import script
from scanner.binary.program.elf.dynamic import Dynamic
from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from scanner.binary.layers import tarstream
    from scanner.binary.layers.limits import LayerLimits
    from scanner.binary.program.content import Content

MAX_TEXT_BYTES = 16 * 1024 * 1024
"""Texts of shells' scripts kept in memory of all layers together; a desktop distribution has 8 MiB of them."""

MAX_OTHER_BYTES = 4 * 1024 * 1024
"""Texts of scripts that no shell reads, likewise; those on the way are mostly small, and in the upper layers."""

MAX_MODULE_BYTES = 12 * 1024 * 1024
"""Texts of packages' modules that are asked for, likewise: a web framework with all that it imports takes three."""

MODULE_BYTES = 256 * 1024
"""Of one such text; the longest that programs load at their start (pandas, Pillow) have half of it or are not followed."""

_MODULE = re.compile(r"(?:\.(?:py|[cm]?js|rb|pm|php|lua)|(?:^|/)package\.json)$")
_TESTS = re.compile(r"/(?:tests?|testing|docs?|examples?)/")

MAX_DYNAMIC_BYTES = 64 * 1024 * 1024
"""What the dynamic sections of all files together may cost in memory; 20,000 libraries of a conda tree take a third."""

MAX_SYMBOLS_BYTES = 48 * 1024 * 1024
"""What the tables of dynamic symbols of all files together may cost; all 1,200 programs and libraries of a developer's
Debian take 35 MiB. Those of further files are not compared."""


@dataclass(frozen=True, slots=True)
class Rights:
    """Who may do what with a path: its permission bits and its owners, ``None`` where they are not known.

    ``demands`` are the capabilities without which the kernel does not execute it, ``lost`` those that a hard link took
    away, where the engine sets owners anew for one.
    """

    mode: int
    uid: int | None = 0
    gid: int | None = 0
    demands: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()


@dataclass(slots=True)
class Usage:
    """What the layers of one image have cost so far; shared by their indexes.

    ``wanted`` are paths of files whose text is asked for although they are no programs, ``runs`` those that become some,
    ``below`` directories of packages whose modules' texts are.
    """

    limits: LayerLimits
    entries: int = 0
    name_bytes: int = 0
    unpacked_bytes: int = 0
    text_bytes: int = 0
    other_bytes: int = 0
    dynamic_bytes: int = 0
    symbols_bytes: int = 0
    wanted: set[str] = field(default_factory=set)
    below: set[str] = field(default_factory=set)
    module_bytes: int = 0
    runs: set[str] = field(default_factory=set)
    rights: dict[tuple[int, int | None, int | None, bytes, tuple[str, ...]], Rights] = field(default_factory=dict)

    def rights_of(self, entry: tarstream.TarEntry, lost: tuple[str, ...] = ()) -> Rights:
        """Those of an entry; the same few stand in most of an image, so each is kept once."""
        key = (entry.mode, entry.uid, entry.gid, entry.capability, lost)
        known = self.rights.get(key)
        if known is None:
            known = self.rights[key] = Rights(*key[:3], file_capabilities.demanded(entry.capability), lost)
        return known

    def wants_module(self, path: str, size: int) -> bool:
        """Whether a text of this size is one of the packages' modules that are asked for, while there is room for it."""
        if not self.below or size > MODULE_BYTES or not _MODULE.search(path) or not self._is_below(path):
            return False
        self.module_bytes += size
        return self.module_bytes <= MAX_MODULE_BYTES

    def _is_below(self, path: str) -> bool:
        directory = path.rpartition("/")[0]
        found = path in self.below
        while directory and not found:
            found = directory in self.below
            directory = directory.rpartition("/")[0]
        return found and not _TESTS.search(path)

    def has_room_for(self, size: int) -> bool:
        """Whether a text of this size that no shell reads would be kept."""
        return self.other_bytes + size <= MAX_OTHER_BYTES

    def within(self, content: Content | None, *, is_other: bool = False, is_module: bool = False) -> Content | None:
        """A file's content, its text or dynamic section only while there is room for it.

        ``is_other`` tells of a text without ``#!`` that no shell reads, ``is_module`` of one that was counted before.
        """
        if content is not None and isinstance(content.dynamic, Dynamic):
            self.dynamic_bytes += content.dynamic.kept_bytes
            if self.dynamic_bytes > MAX_DYNAMIC_BYTES:
                refused = Failure(Reason.LAYER_LIMIT, "the image has more libraries than are kept in memory")
                return replace(content, dynamic=refused)
            content = replace(content, dynamic=self._with_symbols(content.dynamic))
        if content is None or content.text is None or is_module:
            return content
        if is_other or (content.shebang is not None and not script.is_shell(content.shebang)):
            self.other_bytes += len(content.text)
            return content if self.other_bytes <= MAX_OTHER_BYTES else replace(content, text=None)
        self.text_bytes += len(content.text)
        return content if self.text_bytes <= MAX_TEXT_BYTES else replace(content, text=None)

    def _with_symbols(self, dynamic: Dynamic) -> Dynamic:
        """The same section, its symbols only while there is room for them."""
        kept_bytes = dynamic.symbols.kept_bytes if dynamic.symbols is not None else 0
        if self.symbols_bytes + kept_bytes > MAX_SYMBOLS_BYTES:
            return replace(dynamic, symbols=None)
        self.symbols_bytes += kept_bytes
        return dynamic

    def count_entry(self, name: str) -> None:
        """One more entry, directory or whiteout is kept."""
        self.entries += 1
        self.name_bytes += len(name)
        if self.entries > self.limits.entries:
            raise limit_reached(f"the layers hold more than {self.limits.entries} entries")
        if self.name_bytes > self.limits.name_bytes:
            raise limit_reached(f"the names in the layers add up to more than {self.limits.name_bytes} bytes")
