"""Reads once what containers say alike, whose names or moments alone differ, however many hosts have them."""

from __future__ import annotations

import marshal
from typing import TYPE_CHECKING, Any

from scanner.domain import workload_pattern
from scanner.domain.facts import Source
from scanner.formats.parsing.offload_worker import pickled
from scanner.probe import answer_json
from scanner.probe.engines import container_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from scanner.domain.facts import LocalImage, Workload

MAX_KEPT = 4096
"""A fleet of ten thousand hosts runs some hundred images, each in a few ways."""

MAX_BYTES = 4096
"""Of what is said of such a one: most have a tenth. All of them take 16 MiB at most."""

MAX_MADE_BYTES = 8192
"""Of what it means, of its image, of all else that is looked at: a host may say megabytes in any of them, in each answer anew."""

_WITHOUT_REFERENCES = 2
"""The version of ``marshal`` in which the same is written as the same bytes, wherever it came from."""

_MOMENTS = ("started", "finished")

_Around = tuple[object, ...]


class AlikeContainers:
    """Keeps what a container's JSON says beside its own name and moments, with the workload that it means."""

    def __init__(self) -> None:
        self._kept: dict[tuple[_Around, bytes], tuple[LocalImage | None, Workload | None]] = {}

    def workload(
        self,
        container: dict[str, Any],
        host: str,
        around: _Around,
        image: LocalImage | None,
        read: Callable[[], Workload | None],
    ) -> Workload | None:
        """What ``read`` makes of a container of this ``image``; ``around`` is all else that it looks at.

        Raises:
            MalformedError: as ``read`` does.
        """
        said = _said(container)
        if not said or len(said) > MAX_BYTES:
            return read()
        key = around, said
        kept = self._kept.get(key)
        if kept is None or kept[0] is not image:  # one that is equal would do, and costs more to compare than to read
            made = read()
            if len(pickled((around, image, made))) <= MAX_MADE_BYTES:
                self._keep(key, image, made)
            return made
        like = kept[1]
        return None if like is None else _named(like, host, container)

    def _keep(self, key: tuple[_Around, bytes], image: LocalImage | None, made: Workload | None) -> None:
        if len(self._kept) >= MAX_KEPT:
            self._kept.clear()
        self._kept[key] = image, made


def _said(container: dict[str, Any]) -> bytes:
    """All but name and moments; empty where it has another shape."""
    state = container.get("state")
    if not isinstance(state, dict):
        return b""
    state = {key: each for key, each in state.items() if key not in _MOMENTS}
    rest = {key: each for key, each in container.items() if key != "name"} | {"state": state}
    try:
        return marshal.dumps(rest, _WITHOUT_REFERENCES)
    except ValueError:  # nested deeper than it writes
        return b""


def _named(like: Workload, host: str, container: dict[str, Any]) -> Workload:
    """The same workload under the names and moments of another container; that of a pod is called after its labels alone."""
    name, state = answer_json.name(container.get("name")).lstrip("/"), container["state"]
    return workload_pattern.workload(
        workload_pattern.pattern_of(like),
        host,
        like.name if like.source is Source.KUBERNETES else name,
        container_json.moment(state.get("started")),
        container_json.moment(state.get("finished")),
    )
