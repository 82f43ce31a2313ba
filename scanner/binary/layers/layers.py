"""The index of one layer by path: what stands there, what it deletes from the layers below."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING

from scanner.binary.layers import file_capabilities
from scanner.binary.layers.hard_links import HardLinks
from scanner.binary.layers.limits import disputed, limit_reached, unreadable
from scanner.binary.layers.usage import MODULE_BYTES
from scanner.binary.program.capture import SCRIPT_BYTES, Capture
from scanner.binary.program.content import Content, as_text, examine
from scanner.binary.program.libraries.ld_cache import MAX_CACHE_BYTES
from scanner.domain.failure import Failure
from scanner.domain.image.offers import FileKind
from scanner.domain.verdict.condition import Condition
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from scanner.binary.layers import tarstream
    from scanner.binary.layers.usage import Rights, Usage
    from scanner.domain.image.reference import Digest

MAX_SYMLINKS = 40
"""How many the kernel follows in one look-up (MAXSYMLINKS in include/linux/namei.h)."""

MAX_DEPTH = 128
"""Directories inside each other: node_modules reaches 60. Deeper trees make every look-up cost the square of it."""

_SOURCED = re.compile(
    r"\.(?:sh|bash|env|envsh|inc|subr)$|^etc/(?:passwd|group|profile)$|^etc/(?:default|profile\.d|init\.d|sysconfig)/"
    r"|(?:entrypoint|functions|envvars)[^/]{0,255}$"
)
"""Names of files without an execute bit that scripts commonly read; any other is read again once it is asked for."""

_INTERPRETED = re.compile(r"\.(?:py|pl|rb|[cm]?js|php|lua|tcl)$")
_OF_OTHERS = re.compile(
    r"(?:^|/)(?:site-packages|dist-packages|node_modules|gems|vendor|lib/(?:python|perl|ruby|node)[^/]*)/|^usr/(?:share|lib)/"
)
"""Texts that an interpreter is given, and where those stand that are nobody's own."""

_LIBRARY = re.compile(r"\.(?:so(?:\.[^/]{0,255})?|node)$")
"""Names of libraries, Node's among them, which loaders map without asking for an execute bit."""

_MOUNT_POINTS = frozenset({"dev", "proc", "sys", "run"})
_TAKEN_AS_LINKS = frozenset({"dev", "run"})
"""Where they are symbolic links runtimes were not seen to refuse them."""

_BUSYBOX = re.compile(r"(?:^|/)busybox[^/]*$")

_OF_LOADERS = re.compile(r"^etc/(?:ld\.so\.(?:cache|conf|preload)|ld\.so\.conf\.d/[^/]+\.conf|ld-musl-[^/]+\.path)$")
"""Files that loaders read beside libraries."""

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
AUFS_METADATA = ".wh..wh."

_TYPES = frozenset("0123456")
"""What engines unpack; Docker, Podman and containerd refuse a layer with any other (seen from 20.10 to 28.5)."""


class NodeKind(Enum):
    """What stands at a path."""

    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symlink"
    OTHER = "device, socket or pipe"


@dataclass(frozen=True, slots=True)
class Node:
    """One path of a layer.

    ``content`` is what an executable file or library holds; ``None`` where it was not read: another file, or one of a
    layer that is known by its table of contents only. ``extent`` is where such a table says its bytes are.
    ``born`` counts entries, so that what was below a path before it was replaced is known to be gone. ``rights`` are
    ``None`` for a directory that only the names below it imply. ``made_executable`` where only the container made it so.
    """

    kind: NodeKind
    executable: bool = False
    target: str = ""
    content: Content | None = None
    size: int = 0
    born: int = 0
    extent: Extent | None = None
    rights: Rights | None = None
    made_executable: bool = False


@dataclass(frozen=True, slots=True)
class Extent:
    """Where a table of contents says that a file's packed bytes lie: ``start`` to before ``end``, and their digest.

    ``digest`` is none where the table names none. ``text`` tells that it is read as a text, not as a program.
    """

    start: int
    end: int
    size: int
    digest: Digest | None = None
    text: bool = False


@dataclass(slots=True)
class LayerIndex:
    """What has been read of one layer; a ``tarstream.Sink``.

    Paths are relative, without ``.``, ``..`` and double slashes; the root is the empty string. ``complete`` tells that
    there is nothing more to come. ``implied`` are directories that no entry of theirs came before. ``fresh`` collects the paths that were decided since it was last emptied, ``notes``
    what some engines refuse such a layer for, of each kind the first.
    """

    usage: Usage
    nodes: dict[str, Node] = field(default_factory=dict)
    whiteouts: set[str] = field(default_factory=set)
    opaques: set[str] = field(default_factory=set)
    complete: bool = False
    fresh: set[str] = field(default_factory=set)
    notes: dict[Condition, str] = field(default_factory=dict)
    implied: set[str] = field(default_factory=set)
    _above_hidden: set[str] = field(default_factory=set)
    _last_directory: tuple[str, str] = ("", "")
    _links: HardLinks = field(default_factory=HardLinks)

    def begin(self, entry: tarstream.TarEntry) -> Capture | None:
        """Keep parts of executables and libraries, which kernel and loader look at, besides texts that shells read."""
        if not entry.is_regular or entry.sparse:
            return None
        path = clean(entry.name) or ""
        if entry.size <= MAX_CACHE_BYTES and _OF_LOADERS.search(path):
            return Capture(entry.size, text=True, text_bytes=MAX_CACHE_BYTES)
        if entry.mode & 0o111 or _LIBRARY.search(path) or path in self.usage.runs:
            return Capture(entry.size, applets=bool(_BUSYBOX.search(path)))
        if self.usage.wants_module(path, entry.size):
            return Capture(entry.size, text=True, text_bytes=MODULE_BYTES, module=True)
        if entry.size <= SCRIPT_BYTES and (_SOURCED.search(path) or path in self.usage.wanted):
            return Capture(entry.size, text=True)
        if entry.size <= SCRIPT_BYTES and is_interpreted(path) and self.usage.has_room_for(entry.size):
            return Capture(entry.size, text=True)
        return None

    def end(self, entry: tarstream.TarEntry, content: tarstream.EntryContent | None) -> None:
        """Remember an entry."""
        examined = None
        if isinstance(content, Capture):
            is_other = content.text and is_interpreted(entry.name)
            examined = self.usage.within(interpret(content), is_other=is_other, is_module=content.module)
        if entry.sparse:
            unread = Failure(Reason.BINARY_UNKNOWN, "the file is stored as a sparse file")
            examined = Content(FileKind.OTHER, problem=unread)
        self.add(entry, examined)

    def add(self, entry: tarstream.TarEntry, content: Content | None, extent: Extent | None = None) -> None:
        """Remember an entry, in the order of the archive; the last one of a name wins.

        Raises ``LayerError`` for what makes engines refuse a layer, or unpack it differently.
        """
        path = self._named(entry)
        file_capabilities.demanded(entry.capability)  # of whatever it is, even of a link
        if not path:
            return  # the root itself
        if path.count("/") > MAX_DEPTH:
            raise limit_reached(f"a layer nests more than {MAX_DEPTH} directories")
        directory, _, base = path.rpartition("/")
        if f"/{WHITEOUT}" in f"/{directory}":
            return  # aufs kept its own records in such directories
        if base.startswith(WHITEOUT):
            self._add_whiteout(directory, base)
            return
        if directory != self._last_directory[0]:  # most entries follow one of the same directory
            moved = self._through_symlinks(directory)
            if moved != directory and moved and moved not in self.nodes:
                raise disputed(f"an entry below a link to /{moved}, which its layer lacks: some engines refuse it")
            self._note_below_whiteout(moved)
            self._add_parents(moved)
            self._last_directory = (directory, moved)
        directory = self._last_directory[1]
        named, path = path, f"{directory}/{base}" if directory else base
        if named == path and self._is_listed(path):
            self.notes.setdefault(Condition.NAMED_TWICE, f"a layer names /{path} twice")
        if entry.flag == "1":
            self._put_link(entry, path)
        else:
            self._put(path, self._node_of(entry, content, extent))

    def _note_below_whiteout(self, directory: str) -> None:
        """Below a whiteout of its own layer nothing can be made where that is a device node, unless a directory followed it."""
        at = directory if self.whiteouts else ""
        while at:
            if at in self.whiteouts and not self._is_listed(at):
                self.notes.setdefault(Condition.BELOW_WHITEOUT, f"a layer has entries below /{at}, which it whites out")
            at = at.rpartition("/")[0]

    def _named(self, entry: tarstream.TarEntry) -> str:
        """An entry's own path, empty for the root."""
        path = clean(entry.name)
        if path is None:
            self.notes.setdefault(Condition.NAME_ABOVE_ROOT, f"{entry.name!a} in a layer leads above the root")
            path = clean(f"/{entry.name}") or ""
        if entry.flag not in _TYPES:
            raise unreadable(f"an entry of the tar type {entry.flag!a}, which no engine unpacks")
        if not path and entry.flag != "5":
            self.notes.setdefault(Condition.ROOT_REPLACED, f"{entry.name!a} in a layer replaces the root")
        return path

    def _is_listed(self, path: str) -> bool:
        """Whether an entry of this name came by; a directory without rights is only implied by what lies in it."""
        known = self.nodes.get(path)
        return known is not None and (known.kind is not NodeKind.DIRECTORY or known.rights is not None)

    def _add_whiteout(self, directory: str, base: str) -> None:
        self.usage.count_entry(directory + base)
        hidden = f"{directory}/{base[len(WHITEOUT) :]}".lstrip("/")
        self._above_hidden.update(ancestors_and_self(directory))
        again = f"a layer names the whiteout /{f'{directory}/{base}'.lstrip('/')} twice"
        if base == OPAQUE and directory in self.opaques:
            self.notes.setdefault(Condition.NAMED_TWICE, again)
        elif hidden in self.whiteouts:
            self.notes.setdefault(Condition.WHITEOUT_TWICE, again)
        if base == OPAQUE:
            self.opaques.add(directory)
            self.fresh.add(directory)
        elif not base.startswith(AUFS_METADATA):
            name = base[len(WHITEOUT) :]
            path = f"{directory}/{name}".lstrip("/")
            if name in {"", ".", ".."}:
                condition = Condition.WHITEOUT_OF_ITSELF if name == "." else Condition.LAYER_DAMAGED
                raise unreadable(f"the whiteout {directory}/{base} names nothing", condition)
            if self.get(path) is not None:
                raise unreadable(f"a whiteout of {path} behind {path} in one layer, which engines refuse")
            self.whiteouts.add(path)
            self.fresh.add(path)

    def _node_of(self, entry: tarstream.TarEntry, content: Content | None, extent: Extent | None) -> Node:
        born = self.usage.entries
        match entry.flag:
            case "0":
                runs = bool(entry.mode & 0o111)
                rights = self.usage.rights_of(entry)
                return Node(
                    NodeKind.FILE, runs, content=content, size=entry.size, born=born, extent=extent, rights=rights
                )
            case "2":
                return Node(NodeKind.SYMLINK, target=entry.target, born=born)
            case "5":
                return Node(NodeKind.DIRECTORY, executable=True, born=born, rights=self.usage.rights_of(entry))
            case _:
                return Node(NodeKind.OTHER, born=born)

    def _put_link(self, entry: tarstream.TarEntry, named: str) -> None:
        """Put what stands at the target, which has to be in this layer already, at a further path.

        Engines set owners and mode anew, by which the kernel takes a file's capabilities away, then what the entry itself
        has: of all names of the file. On Podman it was seen to have kept them (4.3, 5.4).
        No engine links to what is not there or to a directory; to a file of a lower layer Docker does not, Podman and
        containerd do (seen with Docker 20.10 to 28.5, Podman 5.4, containerd 1.7).
        """
        target = entry.target
        if f"/{AUFS_METADATA}" in f"/{target}":
            self._put(named, Node(NodeKind.OTHER, born=self.usage.entries))  # aufs kept what its hard links named apart
            return
        path = clean(target)
        if path is None:
            self.notes.setdefault(Condition.NAME_ABOVE_ROOT, f"a hard link to {target!a} in a layer, above the root")
            path = clean(f"/{target}") or ""
        directory, _, base = path.rpartition("/")
        moved = self._through_symlinks(directory)
        at = f"{moved}/{base}" if moved else base
        known = self.get(at)
        if known is None or known.kind is NodeKind.DIRECTORY:
            condition = Condition.HARD_LINK_OUTSIDE if known is None else Condition.LAYER_DAMAGED
            raise unreadable(f"a hard link to /{path}, which is no file that its layer holds before it", condition)
        anew = self._owned_anew(known, entry) if known.kind is NodeKind.FILE else known
        for each in self._links.names(at) if anew != known else ():
            self.usage.count_entry("")  # each link may change all that were before it
            self.nodes[each] = replace(anew, born=self.nodes[each].born)
        self._put(named, replace(anew, born=self.usage.entries))
        self._links.join(at, named)

    def _owned_anew(self, known: Node, entry: tarstream.TarEntry) -> Node:
        """A file with the owners and the mode of a hard link to it: of what was no program nobody kept what it holds."""
        runs = bool(entry.mode & 0o111)
        content = known.content
        if runs and not known.executable and content is None:
            unread = Failure(Reason.BINARY_UNKNOWN, "only a hard link to the file gives it an execute bit")
            content = Content(FileKind.OTHER, problem=unread)
        had = known.rights
        lost = tuple(dict.fromkeys((*had.demands, *had.lost))) if had is not None else ()
        return replace(known, executable=runs, content=content, rights=self.usage.rights_of(entry, lost))

    def _through_symlinks(self, directory: str) -> str:
        """Where a directory leads in this layer alone: an entry below a symlink is unpacked where that points."""
        for _ in range(MAX_SYMLINKS):
            moved = self._first_symlink(directory)
            if moved is None:
                return directory
            if moved.count("/") > MAX_DEPTH:
                raise limit_reached(f"the symlinks of a layer nest more than {MAX_DEPTH} directories")
            directory = moved
        return directory

    def _first_symlink(self, directory: str) -> str | None:
        for ancestor in ancestors_and_self(directory):
            node = self.nodes.get(ancestor)
            if node is not None and node.kind is NodeKind.SYMLINK:
                above = "" if node.target.startswith("/") else ancestor.rpartition("/")[0]
                return clean(f"{above}/{node.target}/{directory[len(ancestor) :]}") or ""
        return None

    def _add_parents(self, directory: str) -> None:
        """A file implies its directories; one that was something else before is replaced."""
        for ancestor in ancestors_and_self(directory):
            if ancestor not in self.nodes:
                self.implied.add(ancestor)
            self._put(ancestor, Node(NodeKind.DIRECTORY, executable=True, born=self.usage.entries))

    def _put(self, path: str, node: Node) -> None:
        before = self.nodes.get(path)
        if before is not None and before.kind is node.kind is NodeKind.DIRECTORY and self.visible(path):
            if node.rights is not None:
                self.nodes[path] = replace(before, rights=node.rights)
            return  # listed again, its content stays
        if path in _MOUNT_POINTS and (
            node.kind is NodeKind.FILE or (node.kind is NodeKind.SYMLINK and path not in _TAKEN_AS_LINKS)
        ):
            self.notes.setdefault(Condition.MOUNT_POINT_ODD, f"/{path} is no directory")
        self.usage.count_entry(path)
        self._links.forget(path)
        self.nodes[path] = node
        self.fresh.add(path)

    def visible(self, path: str) -> bool:
        """Whether the node at ``path`` still stands: no parent was replaced after it was unpacked."""
        node = self.nodes[path]
        parents = (self.nodes.get(ancestor) for ancestor in ancestors_and_self(path) if ancestor != path)
        return all(p is None or (p.kind is NodeKind.DIRECTORY and p.born <= node.born) for p in parents)

    def get(self, path: str) -> Node | None:
        """What this layer itself holds at ``path``."""
        node = self.nodes.get(path)
        return node if node is not None and self.visible(path) else None

    def hides_below(self, path: str) -> bool:
        """Whether this layer, as far as it was read, deletes something in a directory that it calls so."""
        return path in self._above_hidden

    def hides(self, path: str) -> bool:
        """Whether this (complete) layer deletes ``path`` from the layers below."""
        if path in self.whiteouts or "" in self.opaques:
            return True
        for ancestor in ancestors_and_self(path)[:-1]:
            if ancestor in self.whiteouts or ancestor in self.opaques:
                return True
            if (node := self.nodes.get(ancestor)) is not None and node.kind is not NodeKind.DIRECTORY:
                return True
        return False


def is_interpreted(path: str) -> bool:
    """Whether a file is an application's own text for Python, Node or their like, as far as its path tells."""
    return _INTERPRETED.search(path) is not None and _OF_OTHERS.search(path) is None


def made_executable(node: Node) -> Node:
    """A file once everybody was given the right to execute it."""
    rights = node.rights and replace(node.rights, mode=node.rights.mode | 0o111)
    return replace(node, executable=True, made_executable=True, rights=rights)


def interpret(capture: Capture) -> Content:
    """What a file holds, of which this was kept."""
    return as_text(capture.body()) if capture.text else examine(capture.body())


def ancestors_and_self(path: str) -> list[str]:
    """``a``, ``a/b``, ``a/b/c``: every directory above a relative path, without the root, then the path itself."""
    if not path:
        return []
    parts = path.split("/")
    return ["/".join(parts[: count + 1]) for count in range(len(parts))]


def clean(name: str) -> str | None:
    """A name as a path relative to the image's root, or ``None`` where it points out of it."""
    parts: list[str] = []
    for part in name.split("/"):
        if part == "..":
            if not parts:
                if name.startswith("/"):
                    continue
                return None
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)
