"""The files that lie beside units, looked up by the paths that units say."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.probe.planned.unknown_text import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MISSING = b"@missing"
"""What the probe answers for a file that a unit names, and which the host does not have."""


@dataclass(slots=True)
class Files:
    """Files beside units, by path; ``texts`` that are empty of meaning are known to be missing."""

    texts: Mapping[str, bytes]
    root: str = ""

    def read(self, path: str) -> bytes | None:
        """A file's bytes: none where nobody can tell, empty where the host says that there is none."""
        found = self.find(path)
        if found is None:
            return None
        return b"" if self.texts[found] == MISSING else self.texts[found]

    def listed(self, directory: str) -> Iterator[str]:
        """The names of the files that lie in a directory."""
        rooted = f"{self.root}{directory}" if directory.startswith("/") else directory
        for place in dict.fromkeys((directory, rooted, rooted.lstrip("/"))):
            for path in self.texts:
                name = path.removeprefix(f"{place}/")
                if name != path and "/" not in name:
                    yield name

    def alike(self, path: str) -> Iterator[str]:
        """Those that a path with unknown parts of the names in it may stand for, as whoever runs them names them."""
        wanted = path.lstrip("/").split("/")
        root = self.root.lstrip("/")
        for name in self.texts if path.startswith("/") else ():
            parts = name.removeprefix(root).lstrip("/").split("/")
            if len(parts) == len(wanted) and all(map(_may_be, parts, wanted)):
                yield f"/{'/'.join(parts)}"

    def find(self, path: str) -> str | None:
        """The name under which a file is there to be read."""
        path = posixpath.normpath(path)
        rooted = f"{self.root}{path}" if path.startswith("/") else path
        return next((each for each in (path, rooted, rooted.lstrip("/")) if each in self.texts), None)

    def folder(self, path: str) -> str:
        """The name under which a folder would be there: that of a file in it, else as whatever lies below the root is named."""
        path = posixpath.normpath(path)
        rooted = f"{self.root}{path}" if path.startswith("/") else path
        names = (path, rooted, rooted.lstrip("/"))
        there = (each for each in names if any(name.startswith(f"{each}/") for name in self.texts))
        return next(there, rooted.lstrip("/") if self.root and not self.root.startswith("/") else rooted)


def _may_be(name: str, wanted: str) -> bool:
    """Whether a name may be another one of which parts are not known, by how it begins and ends."""
    begin, unknown, rest = wanted.partition(UNKNOWN)
    return name == wanted if not unknown else name.startswith(begin) and name.endswith(rest.rpartition(UNKNOWN)[2])
