"""A directory of this machine as the view of an image whose one layer it is."""

from __future__ import annotations

import stat
from pathlib import Path

from scanner.binary.layers.body import Body
from scanner.binary.layers.layers import Node, NodeKind
from scanner.binary.layers.view import Absence, Found
from scanner.binary.program.capture import Capture
from scanner.binary.program.content import examine

MAX_LINKS = 40


class DirectoryView:
    """Answers as ``layers.view.View`` does; what a file holds is kept as a layer's stream would keep it."""

    def __init__(self, root="/"):
        self.root = Path(root)
        self.contents = {}

    def lookup(self, path):
        todo, at, links = path.split("/"), [], 0
        while todo:
            part = todo.pop(0)
            if part in ("", "."):
                continue
            if part == "..":
                at = at[:-1]
                continue
            real = self.root.joinpath(*at, part)
            try:
                status = real.lstat()
            except FileNotFoundError:
                return Absence.MISSING
            except NotADirectoryError:
                return Absence.NOT_A_DIRECTORY
            if stat.S_ISLNK(status.st_mode):
                links += 1
                if links > MAX_LINKS:
                    return Absence.LOOP
                target = str(real.readlink())
                at = [] if target.startswith("/") else at
                todo = target.split("/") + todo
                continue
            at = [*at, part]
        status = self.root.joinpath(*at).stat()
        kinds = {stat.S_IFREG: NodeKind.FILE, stat.S_IFDIR: NodeKind.DIRECTORY}
        kind = kinds.get(stat.S_IFMT(status.st_mode), NodeKind.OTHER)
        return Found("/" + "/".join(at), 0, Node(kind, bool(status.st_mode & 0o111), size=status.st_size))

    def _bytes(self, found):
        return (self.root / found.path.lstrip("/")).read_bytes()

    def content(self, found):
        if found.path not in self.contents:
            raw = self._bytes(found)
            capture = Capture(len(raw))
            for at in range(0, len(raw), 128 * 1024):
                capture.feed(memoryview(raw)[at : at + 128 * 1024])
            self.contents[found.path] = examine(capture.body() if raw else Body.whole(b""))
        return self.contents[found.path]

    def text(self, found):
        return self._bytes(found)

    def names(self, path):
        found = self.lookup(path)
        return (
            None
            if isinstance(found, Absence)
            else tuple(sorted(each.name for each in (self.root / found.path.lstrip("/")).iterdir()))
        )
