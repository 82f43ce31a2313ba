"""YAML read within bounds: what a document stands for is counted before any of it is made.

One pass over libyaml's events makes the values, without recursion. An alias counts as all that it stands for, a merge
key likewise, so that nine levels of ``<<: [*a, *a, ...]`` are refused at the first one beyond the limit. No tag makes
an object: what a tag of a stranger's own means is told by the caller, or the tag is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import yaml

from scanner.formats.documents import yaml_scalars

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_TAG_DIRECTIVES = 64
"""libyaml compares each ``%TAG`` line with all before it: 40,000 of them, 600 KiB, cost four seconds."""

MAX_KEY_INTEGER = 1 << 60
"""Greater numbers may share one hash: a mapping of them costs quadratic time."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_STANDARD = "tag:yaml.org,2002:"
_SEQUENCE_TAGS = frozenset({"seq", "omap", "pairs"})
_MAPPING_TAGS = frozenset({"map", "set"})

Place = tuple[str | int, ...]
"""Where a value stands: the keys and positions that lead to it."""


class YamlError(ValueError):
    """A document that is refused: ``problem`` in words, never of the document's own, its ``line``, its ``place``."""

    def __init__(self, problem: str, line: int = 0, place: Place = ()) -> None:
        self.problem = problem
        self.line = line
        self.place = place
        super().__init__(f"line {line}: {problem}" if line else problem)


@dataclass(frozen=True, slots=True)
class Rules:
    """How the files of one kind are read.

    Attributes:
        max_chars: the longest text.
        max_depth: collections within collections.
        max_nodes: keys, values and collections as written, aliases among them.
        max_aliased: what all aliases together stand for, in nodes.
        max_aliased_chars: the same in characters of scalars.
        max_documents: documents in one text.
        scalar: what a plain scalar means.
        tagged: the value of what carries a tag of its own, from the tag without its ``!`` and what it stands beside
            (a scalar's text); without it every tag is refused, the standard ones too.
        is_strict: no anchors, aliases, merge keys; keys are text, each written once; sequences become tuples.
        has_keys_once: a key that is written twice is refused in other texts, too; ``<<`` is such a key.
        merges_in_place: ``<<`` goes over the keys in front of it, as in Go's yaml.v2; elsewhere a mapping's own keys go first.
    """

    max_chars: int
    max_depth: int
    max_nodes: int
    max_aliased: int
    max_aliased_chars: int
    max_documents: int = 1
    scalar: Callable[[str], Any] = yaml_scalars.yaml11
    tagged: Callable[[str, Any], Any] | None = None
    is_strict: bool = False
    has_keys_once: bool = False
    merges_in_place: bool = False


def document(text: str, rules: Rules, lines: dict[Place, int] | None = None) -> Any:
    """The one document of a text, ``None`` where there is none; ``lines`` is told where each place stands.

    Raises:
        YamlError: not YAML, several documents, or a bound is reached.
    """
    found = documents(text, rules, lines)
    return found[0] if found else None


def documents(text: str, rules: Rules, lines: dict[Place, int] | None = None) -> list[Any]:
    """All documents of a text; what several aliases stand for is one shared object.

    Raises:
        YamlError: not YAML, or a bound is reached.
    """
    if len(text) > rules.max_chars:
        raise YamlError(f"is longer than {rules.max_chars} characters")
    if text.count("%TAG") > MAX_TAG_DIRECTIVES:
        raise YamlError(f"has more than {MAX_TAG_DIRECTIVES} %TAG directives")
    try:
        return _Reading(rules, lines).documents(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        last_line = text.rstrip("\n").count("\n") + 1
        line = min(error.problem_mark.line + 1, last_line) if error.problem_mark else 0
        raise YamlError(f"is not YAML: {error.problem}", line) from None
    except (yaml.YAMLError, UnicodeError) as error:
        raise YamlError(f"is not YAML: {getattr(error, 'reason', None) or 'unreadable character'}") from None


class _Anchored(NamedTuple):
    """What an alias stands for, with its expanded size."""

    value: Any
    nodes: int
    chars: int


class _Frame:
    """A collection that is not closed yet, with what was counted before it."""

    __slots__ = ("anchor", "chars", "has_key", "items", "key", "merges", "nodes", "pairs", "place", "tag")

    def __init__(self, event: Any, nodes: int, chars: int, place: Place, *, is_mapping: bool) -> None:
        self.anchor, self.tag, self.nodes, self.chars, self.place = event.anchor, event.tag, nodes, chars, place
        self.items: list[Any] = []
        self.pairs: dict[Any, Any] | None = {} if is_mapping else None
        self.merges: list[Any] | None = None
        self.key: Any = None
        self.has_key = False


_VERSIONS = (None, (1, 1))
"""What yaml.v3, which takes a key once alone, reads behind ``%YAML``."""

_MERGE: Any = object()
"""Stands for the key ``<<``."""


class _Reading:
    """One pass over the events of a text."""

    def __init__(self, rules: Rules, lines: dict[Place, int] | None) -> None:
        self._rules = rules
        self._lines = lines
        self._written = self._aliased = self._chars = self._aliased_chars = 0
        self._frames: list[_Frame] = []
        self._anchors: dict[str, _Anchored] = {}
        self._found: list[Any] = []

    def documents(self, events: Iterator[Any]) -> list[Any]:
        for event in events:
            kind = type(event)
            if kind is yaml.ScalarEvent:
                self._scalar(event)
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                self._open(event, is_mapping=kind is yaml.MappingStartEvent)
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                self._close(_line(event))
            elif kind is yaml.AliasEvent:
                self._alias(event)
            elif kind is yaml.DocumentStartEvent:
                self._begin(event, _line(event))
        return self._found

    def _begin(self, event: Any, line: int) -> None:
        self._anchors.clear()
        if self._rules.has_keys_once and event.version not in _VERSIONS:
            raise YamlError("is not YAML: another version is asked for than yaml.v3 reads", line)
        if len(self._found) < self._rules.max_documents:
            return
        if self._rules.max_documents == 1:
            raise YamlError("is not YAML: but found another document", line)
        raise YamlError(f"has more than {self._rules.max_documents} documents", line)

    # ---- what stands in a document

    def _scalar(self, event: Any) -> None:
        text, tag = event.value, event.tag
        self._count(event)
        self._chars += len(text)
        if self._is_at_key():
            if self._rules.is_strict:
                return self._put(text, event)
            if text == "<<" and tag is None and event.implicit[0]:
                return self._put(_MERGE, event)
        if tag is not None and tag != "!":
            value = self._tagged_scalar(tag, text, _line(event))
        elif event.implicit[0]:
            value = self._plain(text, _line(event))
        else:
            value = text
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchored(value, 1, len(text))
        return self._put(value, event)

    def _open(self, event: Any, *, is_mapping: bool) -> None:
        nodes, chars = self._written + self._aliased, self._chars + self._aliased_chars
        self._count(event)
        if len(self._frames) >= self._rules.max_depth:
            raise YamlError(f"is nested deeper than {self._rules.max_depth} levels", _line(event))
        if self._is_at_key():
            self._refuse_key(_line(event))
        place = self._place()
        if self._lines is not None:
            self._lines.setdefault(place, _line(event))
        if event.anchor is not None:
            self._anchors.pop(event.anchor, None)  # within itself it stands for nothing
        self._frames.append(_Frame(event, nodes, chars, place, is_mapping=is_mapping))

    def _close(self, line: int) -> None:
        frame = self._frames.pop()
        value: Any
        if frame.pairs is not None:
            value = _merged(frame.merges, frame.pairs) if frame.merges else frame.pairs
        else:
            value = tuple(frame.items) if self._rules.is_strict else frame.items
        if frame.tag is not None and frame.tag != "!":
            value = self._tagged_collection(frame, value, line)
        if frame.anchor is not None:
            nodes = self._written + self._aliased - frame.nodes
            chars = self._chars + self._aliased_chars - frame.chars
            self._anchors[frame.anchor] = _Anchored(value, nodes, chars)
        self._put(value, None, line)

    def _alias(self, event: Any) -> None:
        self._count(event)
        anchored = self._anchors.get(event.anchor)
        if anchored is None:
            within = any(frame.anchor == event.anchor for frame in self._frames)
            raise YamlError(
                "has an alias within what it stands for" if within else "is not YAML: found undefined alias",
                _line(event),
            )
        self._aliased += anchored.nodes - 1  # the alias itself is counted as written
        self._aliased_chars += anchored.chars
        if self._aliased > self._rules.max_aliased or self._aliased_chars > self._rules.max_aliased_chars:
            raise YamlError(f"has aliases that stand for more than {self._rules.max_aliased} parts", _line(event))
        self._put(anchored.value, event)

    # ---- where it goes

    def _put(self, value: Any, event: Any, line: int = 0) -> None:
        if not self._frames:
            if self._lines is not None and event is not None:
                self._lines.setdefault((), _line(event))
            self._found.append(value)
            return
        frame = self._frames[-1]
        if self._lines is not None and event is not None and (frame.pairs is None or frame.has_key):
            self._lines.setdefault(self._place(), _line(event))
        if frame.pairs is None:
            frame.items.append(value)
        elif not frame.has_key:
            self._take_key(frame, value, _line(event))
        elif frame.key is _MERGE:
            self._merge(frame, _mappings(value, line or _line(event)))
            frame.has_key = False
        else:
            frame.pairs[frame.key] = value
            frame.has_key = False

    def _merge(self, frame: _Frame, mappings: list[dict[Any, Any]]) -> None:
        if self._rules.merges_in_place:
            for one in mappings:
                frame.pairs.update(one)  # type: ignore[union-attr]  # only a mapping takes keys
            return
        frame.merges = [*(frame.merges or ()), *mappings]

    def _take_key(self, frame: _Frame, key: Any, line: int) -> None:
        if isinstance(key, list | dict):
            self._refuse_key(line)
        if isinstance(key, int) and abs(key) > MAX_KEY_INTEGER:
            raise YamlError("has a number as a key that is too long", line)
        is_merge_twice = key is _MERGE and frame.merges is not None and self._rules.has_keys_once
        if is_merge_twice or (
            (self._rules.is_strict or self._rules.has_keys_once) and key in frame.pairs  # type: ignore[operator]  # only a mapping takes keys
        ):
            first = self._lines.get((*frame.place, key), 0) if self._lines is not None else 0
            raise YamlError(
                f"written twice, first in line {first}" if first else "written twice", line, (*frame.place, key)
            )
        if self._lines is not None:
            self._lines[(*frame.place, key)] = line
        frame.key, frame.has_key = key, True

    def _place(self) -> Place:
        if self._lines is None or not self._frames:
            return ()
        frame = self._frames[-1]
        return (*frame.place, len(frame.items) if frame.pairs is None else frame.key)

    def _is_at_key(self) -> bool:
        return bool(self._frames) and self._frames[-1].pairs is not None and not self._frames[-1].has_key

    # ---- bounds, tags

    def _count(self, event: Any) -> None:
        self._written += 1
        if self._written > self._rules.max_nodes:
            raise YamlError(f"has more than {self._rules.max_nodes} parts", _line(event))
        if not self._rules.is_strict:
            return
        if event.anchor is not None:
            raise YamlError("anchors and aliases are not accepted; use the source's defaults", _line(event))
        if event.tag:
            raise YamlError(f"tags such as {event.tag} are not accepted", _line(event))

    def _plain(self, text: str, line: int) -> Any:
        try:
            return self._rules.scalar(text)
        except ValueError as error:
            raise YamlError(str(error), line) from None

    def _tagged_scalar(self, tag: str, text: str, line: int) -> Any:
        if tag.startswith(_STANDARD) and self._rules.tagged:
            try:
                return yaml_scalars.tagged(tag.removeprefix(_STANDARD), text)
            except ValueError as error:
                raise YamlError(str(error), line) from None
        return self._own(tag, text, line)

    def _tagged_collection(self, frame: _Frame, value: Any, line: int) -> Any:
        fitting = _SEQUENCE_TAGS if frame.pairs is None else _MAPPING_TAGS
        if frame.tag.removeprefix(_STANDARD) in fitting and self._rules.tagged:
            return value
        return self._own(frame.tag, value, line)

    def _own(self, tag: str, value: Any, line: int) -> Any:
        if self._rules.tagged is None or not tag.startswith("!"):
            raise YamlError("has a tag that is not read here", line)
        return self._rules.tagged(tag[1:], value)

    def _refuse_key(self, line: int) -> NoReturn:
        if not self._rules.is_strict:
            raise YamlError("is not YAML that can be read: a key is a collection", line)
        raise YamlError("a key must be text", line, self._frames[-1].place)


def _line(event: Any) -> int:
    return event.start_mark.line + 1 if event.start_mark else 0


def _mappings(value: Any, line: int) -> list[dict[Any, Any]]:
    """What a merge key takes, in the order in which it is laid over each other: of a list the first wins."""
    found = value[::-1] if isinstance(value, list) else [value]
    if not all(isinstance(one, dict) for one in found):
        raise YamlError("has a << that names neither a mapping nor a list of mappings", line)
    return found


def _merged(merges: list[dict[Any, Any]], own: dict[Any, Any]) -> dict[Any, Any]:
    merged: dict[Any, Any] = {}
    for one in merges:
        merged.update(one)
    return merged | own
