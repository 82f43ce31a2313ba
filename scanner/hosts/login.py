"""Who was to log in where, told beside why that came to nothing."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scanner.domain.facts import Failure, HostFacts
    from scanner.domain.host import Host


def of_login(failure: Failure, host: Host, user: str, setting: str = "") -> Failure:
    """The failure with that, by which it is mended.

    ``user`` logs in where the host names none, ``setting`` counts where the failure names none. What failed at another
    machine, a bastion, says so itself.
    """
    if failure.host:
        return replace(failure, setting=setting or failure.setting)
    setting = failure.setting or setting
    return replace(failure, host=host.address, user=host.user or user, port=host.port, setting=setting)


def with_login(facts: HostFacts, host: Host, user: str, setting: str = "") -> HostFacts:
    """The facts in which an engine that did not answer is mended over the very login that asked it."""
    engines = {engine.key for engine in facts.engines}
    if host.local or not engines & facts.gaps.keys():
        return facts
    gaps = {key: of_login(gap, host, user, setting) if key in engines else gap for key, gap in facts.gaps.items()}
    return replace(facts, gaps=MappingProxyType(gaps))
