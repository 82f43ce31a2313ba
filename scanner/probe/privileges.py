"""Reads a container's further groups, with its capabilities as somebody wrote them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.domain.facts import ALL_CAPABILITIES, Privileges

if TYPE_CHECKING:
    from collections.abc import Iterable

_ALL = frozenset({ALL_CAPABILITIES})


def by_engine(
    groups: Iterable[str] = (), *, added: Iterable[str] = (), dropped: Iterable[str] = (), is_privileged: bool = False
) -> Privileges:
    """As Docker (TweakCapabilities of moby's oci/caps) and Podman read it.

    ``ALL`` that is added counts before ``ALL`` that is dropped; one that is named in both is added, unless it was taken
    from all. Podman refuses to start what names one in both.
    """
    more, less = _names(added), _names(dropped)
    if is_privileged:
        more, less = _ALL, frozenset()
    elif more & _ALL:
        more, less = _ALL, less - _ALL
    return Privileges(tuple(groups), tuple(sorted(more)), tuple(sorted(less - more)))


def by_kubelet(
    groups: Iterable[str] = (), *, added: Iterable[str] = (), dropped: Iterable[str] = (), is_privileged: bool = False
) -> Privileges:
    """As the runtimes of Kubernetes read it (WithCapabilities of containerd's CRI): what is dropped by its name stays so."""
    more, less = _names(added), _names(dropped)
    if is_privileged:
        more, less = _ALL, frozenset()
    return Privileges(tuple(groups), tuple(sorted(more - less)), tuple(sorted(less)))


def _names(words: Iterable[str]) -> frozenset[str]:
    return frozenset(word.strip().upper().removeprefix("CAP_") for word in words)
