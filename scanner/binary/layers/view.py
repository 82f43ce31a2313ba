"""The file system that the layers of an image make together, as far as they have been read.

A look-up goes from the top layer down, component by component, as the kernel's does on an overlay. Where it needs a
layer that has not been read far enough it raises ``Unread``: whoever reads layers reads on, then asks again.
"""

from __future__ import annotations

from collections import deque
from copy import copy
from dataclasses import dataclass, replace
from enum import Enum
from itertools import takewhile
from typing import TYPE_CHECKING

from scanner.binary.layers.body import Body
from scanner.binary.layers.layers import MAX_DEPTH, MAX_SYMLINKS, Node, NodeKind, made_executable
from scanner.binary.layers.limits import LayerError, disputed
from scanner.binary.layers.unanswered import Unfetched, Unkept, Unread
from scanner.binary.program.capture import SCRIPT_BYTES
from scanner.binary.program.content import as_text, examine
from scanner.formats.parsing.patience import spend

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from scanner.binary.layers.layers import Extent, LayerIndex
    from scanner.binary.layers.usage import Rights
    from scanner.binary.program.content import Content
    from scanner.domain.failure import Failure

MAX_LOOKUP_PARTS = 8192
"""Components of one look-up, those of its symlinks included: 40 links of PATH_MAX could spell many more."""

NAMES_A_MICROSECOND = 8
"""Names of a layer that are looked through in that time."""


class Absence(Enum):
    """Why a look-up found nothing."""

    MISSING = "no such file or directory"
    NOT_A_DIRECTORY = "not a directory"
    LOOP = "too many levels of symbolic links"


@dataclass(frozen=True, slots=True)
class Found:
    """Where a look-up ended, all links followed."""

    path: str
    layer: int
    node: Node


class View:
    """The layers of one image, top first; ``unreadable`` names those that cannot be read, with the reason.

    ``reads_again`` tells that a layer can be read once more for a file that was not kept.

    ``worth_stopping_bytes`` is what leaving layers unread has to save, ``None`` where none may be left unread.
    ``passed_over`` are the layers that the last answer left unread.
    """

    def __init__(
        self,
        layers: Sequence[LayerIndex],
        unreadable: Mapping[int, Failure],
        sizes: Sequence[int],
        worth_stopping_bytes: int | None = None,
    ) -> None:
        self._layers = list(layers)
        self._unreadable = unreadable
        self._sizes = sizes
        self._worth_stopping_bytes = worth_stopping_bytes
        self.passed_over: set[int] = set()
        self.fetched: dict[tuple[int, Extent], Content] = {}
        self.asked: set[str] = set()
        self.unkept: set[str] = set()
        self.wished: set[tuple[int, str]] = set()
        self.reads_again = False
        self._links: Mapping[str, str] = {}
        self._copies: Mapping[str, str] = {}
        self._gone: frozenset[str] = frozenset()
        self._runs: frozenset[str] = frozenset()
        self._made: Mapping[str, Node] = {}
        self._plain: frozenset[str] = frozenset()
        self._called: dict[str, frozenset[str]] = {}

    def placing(
        self,
        links: Iterable[tuple[str, str]],
        copies: Iterable[tuple[str, str]],
        gone: Iterable[str],
        runs: Iterable[str],
    ) -> View:
        """The same layers once a container has put links, copies in place, taken files away, or made them executable.

        All by absolute paths; of a copy, and of what is gone, all that is below it too.
        """
        placed = copy(self)
        placed._links = {path.lstrip("/"): target for path, target in links}  # noqa: SLF001 - its own copy
        placed._copies = {path.lstrip("/"): source.lstrip("/") for path, source in copies}  # noqa: SLF001 - its own copy
        placed._gone = frozenset(path.lstrip("/") for path in gone)  # noqa: SLF001 - its own copy
        placed._runs = frozenset(path.lstrip("/") for path in runs)  # noqa: SLF001 - its own copy
        return placed

    def making(self, texts: Iterable[tuple[str, str]], folders: Iterable[str], plain: Iterable[str]) -> View:
        """The same once a container has also made files, which hold these texts, and directories.

        ``plain`` are copies that were made without the right to execute them.
        """
        made = copy(self)
        bodies = {path.lstrip("/"): text.encode("utf-8", "surrogateescape") for path, text in texts}
        files = {
            path: Node(NodeKind.FILE, content=as_text(Body.whole(body)), size=len(body))
            for path, body in bodies.items()
        }
        directories = {path.lstrip("/"): Node(NodeKind.DIRECTORY, executable=True) for path in folders}
        made._made = {**directories, **files}  # noqa: SLF001 - its own copy
        made._plain = frozenset(path.lstrip("/") for path in plain)  # noqa: SLF001 - its own copy
        return made

    def is_placed_in(self, directory: str, *, deeply: bool = False) -> bool:
        """Whether a container has put something into a directory, or taken something out, ``deeply`` below it too."""
        changed, at = (*self._links, *self._copies, *self._gone, *self._made), directory.strip("/")
        return any(path.rpartition("/")[0] == at or (deeply and path.startswith(f"{at}/")) for path in changed)

    def _stored(self, path: str) -> str | None:
        """Under which path the layers hold what stands at one, ``None`` where it was taken away."""
        for place, source in self._copies.items():
            if path == place or path.startswith(f"{place}/"):
                return source + path[len(place) :]
        is_gone = any(path == each or path.startswith(f"{each}/") for each in self._gone)
        return None if is_gone else path

    def replace(self, number: int, layer: LayerIndex) -> None:
        """Look at a layer through another index from now on."""
        self._layers[number] = layer

    def passes_over(self, unread: Unread, found: Found) -> bool:
        """Whether what was found stands although an unread layer below may hold a better answer."""
        if self._worth_stopping_bytes is None or not self._layers[found.layer].complete:
            return False
        rest = [number for number in range(unread.layer, len(self._layers)) if not self._layers[number].complete]
        if sum(self._sizes[number] for number in rest) < self._worth_stopping_bytes:
            return False
        self.passed_over.update(rest)
        return True

    def content(self, found: Found) -> Content | None:
        """What a file holds, ``None`` where it has no execute bit; raises ``Unfetched``."""
        if found.path.lstrip("/") in self._runs and found.node.made_executable:
            return self._program(found)
        if found.node.content is not None or found.node.extent is None:
            return found.node.content
        key = (found.layer, found.node.extent)
        if key not in self.fetched:
            raise Unfetched(*key)
        return self.fetched[key]

    def _program(self, found: Found) -> Content | None:
        """What a file that had no execute bit holds."""
        known = found.node.content
        if known is not None and known.text is not None and known.shebang is None:
            return examine(Body.whole(known.text))
        path = self._stored(found.path.lstrip("/")) or ""
        if known is not None or not self.reads_again or f"{path}*" in self.unkept:
            return known
        self.unkept.add(f"{path}*")
        raise Unkept(found.layer, path, runs=True)

    def text(self, found: Found) -> bytes | None:
        """All of a small file that shells read, ``None`` where it cannot be had; raises ``Unfetched``, ``Unkept``."""
        content = self.content(found)
        if content is not None:
            return content.text
        if found.node.kind is not NodeKind.FILE or found.node.size > SCRIPT_BYTES:
            return None
        path = self._stored(found.path.lstrip("/")) or ""
        if not self.reads_again or path in self.unkept:
            return None
        self.unkept.add(path)
        raise Unkept(found.layer, path)

    def module(self, found: Found, directories: Iterable[str]) -> bytes | None:
        """The text of a package's module, ``None`` where it cannot be had; what is in ``directories`` is read along.

        Raises ``Unfetched``, ``Unkept``.
        """
        content = self.content(found)
        if content is not None and content.text is not None:
            return content.text
        wished = tuple(each for each in directories if (found.layer, each) not in self.wished)
        if not self.reads_again or not wished:
            return None
        self.wished |= {(found.layer, each) for each in wished}
        raise Unkept(found.layer, found.path, below=wished)

    def names(self, path: str) -> tuple[str, ...] | None:
        """The names in a directory, sorted; ``None`` where there is no such directory. Reads every layer."""
        directory = self.lookup(path)
        if isinstance(directory, Absence) or directory.node.kind is not NodeKind.DIRECTORY:
            return None
        lead = f"{self._stored(directory.path.strip('/')) or ''}/".lstrip("/")
        found: set[str] = set()
        for number, layer in enumerate(self._layers):
            self._read_names(number, layer)
            below = {
                each[len(lead) :] for each in layer.nodes if each.startswith(lead) and "/" not in each[len(lead) :]
            }
            above = self._layers[:number]
            found |= {
                name
                for name in below - {""}
                if layer.get(lead + name) and not any(upper.hides(lead + name) for upper in above)
            }
        return tuple(sorted(found))

    def called(self, name: str) -> frozenset[str]:
        """The relative paths of all that any layer holds of this name. Reads every layer."""
        if name in self._called:
            return self._called[name]
        for number, layer in enumerate(self._layers):
            self._read_names(number, layer)
        paths = (each for layer in self._layers for each in layer.nodes)
        self._called[name] = frozenset(each for each in paths if each.rpartition("/")[2] == name)
        return self._called[name]

    def names_with(self, part: str) -> frozenset[str]:
        """The last parts of all paths of any layer that hold a text. Reads every layer."""
        for number, layer in enumerate(self._layers):
            self._read_names(number, layer)
        last = (each.rpartition("/")[2] for layer in self._layers for each in layer.nodes if part in each)
        return frozenset(each for each in last if part in each)

    def placed_so_far(
        self, is_meant: Callable[[str], bool], kind: NodeKind = NodeKind.FILE
    ) -> Iterator[tuple[str, Node]]:
        """What stands at such a relative path, the uppermost of each, as far as layers were read; none is read for it."""
        seen: set[str] = set()
        for layer in self._layers:
            spend(1 + len(layer.nodes) // NAMES_A_MICROSECOND)
            for path, node in layer.nodes.items():
                if node.kind is kind and path not in seen and is_meant(path):
                    seen.add(path)
                    yield path, node

    def named_so_far(self, is_meant: Callable[[str], bool]) -> Iterator[Node]:
        """What stands under such a last part of its path in any layer, as far as that was read; none is read for it."""
        for layer in self._layers:
            spend(1 + len(layer.nodes) // NAMES_A_MICROSECOND)
            yield from (node for path, node in layer.nodes.items() if is_meant(path.rpartition("/")[2]))

    def _read_names(self, number: int, layer: LayerIndex) -> None:
        """Account for a look at all names of a layer. Raises ``Unread``, ``LayerError``."""
        if number in self._unreadable:
            raise LayerError(self._unreadable[number])
        if not layer.complete:
            raise Unread(number)
        spend(len(layer.nodes) // NAMES_A_MICROSECOND)

    def is_symlink(self, path: str) -> bool:
        """Whether a symbolic link stands at the path itself. Raises ``Unread``, ``LayerError``."""
        head, _, name = path.rstrip("/").rpartition("/")
        directory = self.lookup(head or "/")
        if isinstance(directory, Absence) or name in {"", ".", ".."}:
            return False
        reached = self._node(f"{directory.path.strip('/')}/{name}".lstrip("/"))
        return reached is not None and reached[1].kind is NodeKind.SYMLINK

    def lookup(self, path: str) -> Found | Absence:
        """Follow ``path`` from the image's root; absolute links restart there. Raises ``Unread``, ``LayerError``."""
        return self._walk(path, {})

    def missed(self, path: str) -> str:
        """Where a path leads at which nothing stands, its links followed as far as they go."""
        ends: list[str] = []
        self._walk(path, {}, ends=ends)
        return ends[0] if ends else path

    def searched(self, path: str, start: str = "/") -> tuple[str, ...]:
        """The directories that whoever follows ``path`` has to search, each once, from the root ("") on.

        One that is relative begins in the directory ``start``, and those that lead there are not searched.
        """
        passed: dict[str, None] = {}
        here = self.lookup(start) if not path.startswith("/") else Absence.MISSING
        if isinstance(here, Absence):
            self._walk(f"{start}/{path}" if not path.startswith("/") else path, passed)
            return tuple(passed)
        real = here.path.rstrip("/")
        self._walk(f"{real}/{path}", passed, begun=len(real.split("/")))
        return tuple(passed)

    def directory_rights(self, path: str) -> tuple[Rights | None, bool]:
        """Those of a directory, and whether engines may give it others.

        A layer that only implies a directory leaves it as below, or makes it anew with the usual rights: overlay and
        native storage drivers differ.
        """
        implied = False
        if path in self._made:
            return None, False
        path = self._stored(path) or ""
        for number, layer in enumerate(self._layers):
            node = layer.get(path)
            if node is not None and node.kind is not NodeKind.DIRECTORY:
                break
            if node is not None and node.rights is not None:
                return node.rights, implied
            implied = implied or node is not None
            if number in self._unreadable:
                raise LayerError(self._unreadable[number])
            if not layer.complete:
                self.asked.add(path)
                raise Unread(number)
            if layer.hides(path):
                break
        return None, False

    def _walk(  # noqa: C901 - one branch for each rule of the kernel's
        self, path: str, passed: dict[str, None], *, begun: int = 0, ends: list[str] | None = None
    ) -> Found | Absence:
        """One look-up; ``passed`` takes the directories that are searched on the way, behind the parts that have ``begun`` it.

        ``ends`` takes the path of what is missing, with what was to follow up to ``..``.
        """
        todo = deque(path.split("/"))
        at: list[str] = []
        here = Found("/", 0, Node(NodeKind.DIRECTORY, executable=True))
        links = parts = 0
        while todo:
            part = todo.popleft()
            parts += 1
            spend()
            if here.node.kind is not NodeKind.DIRECTORY:
                return Absence.NOT_A_DIRECTORY
            if part in ("", "."):
                continue
            if parts > begun:
                passed["/".join(at)] = None
            if len(at) > MAX_DEPTH:
                return Absence.MISSING  # no index holds anything deeper
            if part == "..":
                at = at[:-1]
                here = Found("/" + "/".join(at), 0, Node(NodeKind.DIRECTORY, executable=True))
                continue
            reached = self._node("/".join([*at, part]))
            if reached is None:
                if ends is not None:
                    ends.append("/" + "/".join([*at, part, *takewhile(lambda each: each != "..", todo)]))
                return Absence.MISSING
            layer, node = reached
            if node.kind is NodeKind.SYMLINK:
                links += 1
                if links > MAX_SYMLINKS or parts > MAX_LOOKUP_PARTS:
                    return Absence.LOOP
                at = [] if node.target.startswith("/") else at
                todo.extendleft(reversed(node.target.split("/")))
                here = Found("/" + "/".join(at), 0, Node(NodeKind.DIRECTORY, executable=True))
                if not node.target:
                    return Absence.MISSING
                continue
            at = [*at, part]
            here = Found("/" + "/".join(at), layer, node)
        return here

    def _node(self, path: str) -> tuple[int, Node] | None:
        """What stands at a path itself, in which layer."""
        if path in self._links:
            return 0, Node(NodeKind.SYMLINK, target=self._links[path])
        if path in self._made:
            found: tuple[int, Node] | None = 0, self._made[path]
        else:
            stored = self._stored(path)
            found = None if stored is None else self._in_layers(stored)
        if found is not None and path in self._plain:
            found = found[0], replace(found[1], executable=False)
        if found is None or path not in self._runs or found[1].executable or found[1].kind is not NodeKind.FILE:
            return found
        return found[0], made_executable(found[1])

    def _in_layers(self, path: str) -> tuple[int, Node] | None:
        spend(1 + len(self._layers))
        for number, layer in enumerate(self._layers):
            node = layer.get(path)
            if node is not None:
                return number, node
            if number in self._unreadable:
                raise LayerError(self._unreadable[number])
            if not layer.complete:
                self.asked.add(path)
                raise Unread(number)
            if "" in layer.opaques and number + 1 < len(self._layers):
                raise disputed("a layer hides everything below it, which engines treat differently")
            if layer.hides(path):
                return None
        return None
