"""Who was to log in where, told beside why that came to nothing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from scanner.domain.failure import Reach
from scanner.hosts.ssh.jump import jump_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.domain.facts import HostFacts
    from scanner.domain.failure import Failure
    from scanner.domain.host import Host


@dataclass(frozen=True, slots=True)
class ProbeLogin:
    """``user`` logs in where a host names none; ``is_own`` tells that a person asks as their own ssh would.

    ``jump`` are the bastions that the settings name by patterns of hosts' names.
    """

    user: str = ""
    is_own: bool = False
    jump: Mapping[str, str] = field(default_factory=dict)


def of_login(failure: Failure, host: Host, login: ProbeLogin) -> Failure:
    """The failure with that, by which it is mended; what failed at another machine, a bastion, says so itself."""
    if host.local or host.pushed:
        return replace(failure, reach=Reach.HERE if host.local else Reach.PUSHES)
    if failure.host:
        return replace(failure, is_own=login.is_own)
    return replace(
        failure, host=host.address, user=host.user or login.user, port=host.port, is_own=login.is_own,
        jump=jump_of(host, login.jump),
    )  # fmt: skip


def with_login(facts: HostFacts, host: Host, login: ProbeLogin) -> HostFacts:
    """The facts in which an engine that did not answer is mended the very way on which it was asked."""
    engines = {engine.key for engine in facts.engines}
    if not engines & facts.gaps.keys():
        return facts
    gaps = {key: of_login(gap, host, login) if key in engines else gap for key, gap in facts.gaps.items()}
    return replace(facts, gaps=MappingProxyType(gaps))
