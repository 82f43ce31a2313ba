"""Which bastion stands in front of a host."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from scanner.domain.host import Host, parse_endpoint, written
from scanner.hosts.ssh.algorithms import Profile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_HOPS = 4
"""More bastions in a row than anybody has; a longer chain is a mistake or a loop."""


NO_JUMP = "none"
"""What stands in the place of bastions where there are none, whatever a pattern says: as ssh's ProxyJump calls it."""


@dataclass(frozen=True, slots=True)
class JumpTarget:
    """Where to connect, as whom, with which keys and algorithms; ``name`` is what the inventory calls it.

    ``family`` is that of ``Host``, where the connection goes there directly.
    """

    name: str
    address: str
    port: int
    user: str
    identity: str = ""
    profile: Profile = Profile.STRICT
    family: str = ""


@dataclass(frozen=True, slots=True)
class Route:
    """The bastions in front of a host, in the order they are passed."""

    hops: tuple[JumpTarget, ...] = ()

    @classmethod
    def parse(cls, text: str, user: str) -> Route:
        """The route of ``[user@]host[:port]``, several separated by commas.

        Raises:
            ValueError: text of another form, or outside the grammar of hosts.
        """
        parts = [part.strip() for part in text.split(",")] if text else []
        if len(parts) > MAX_HOPS:
            raise ValueError(f"jump {text!r} has more than {MAX_HOPS} hops")
        return cls(tuple(_hop(part, user) for part in parts))

    def with_identities(self, identity_of: Callable[[int, str], str], profile_of: Callable[[str], Profile]) -> Route:
        """The same route; ``identity_of`` tells by a hop's number and address which keys log in there.

        ``profile_of`` tells by its address which algorithms are spoken.
        """
        return Route(
            tuple(
                replace(hop, identity=identity_of(number, hop.address), profile=profile_of(hop.address))
                for number, hop in enumerate(self.hops)
            )
        )

    def by_family(self, family: str) -> Route:
        """The same route, whose first hop is reached by addresses of this IP version."""
        first, rest = self.hops[:1], self.hops[1:]
        return Route((*(replace(hop, family=family) for hop in first), *rest))

    @property
    def before(self) -> Route:
        """The route to the last bastion."""
        return Route(self.hops[:-1])

    def __str__(self) -> str:
        """``user@host:port`` of each hop."""
        return ",".join(f"{hop.user}@{written(hop.address, hop.port)}" for hop in self.hops)


def _hop(text: str, user: str) -> JumpTarget:
    found = parse_endpoint(text)
    if found is None:
        raise ValueError(f"jump {text!r} must read [user@]host[:port]")
    checked = Host(found.address, found.address, 22 if found.port is None else found.port, found.user or user)
    return JumpTarget(checked.name, checked.address, checked.port, checked.user)


def jump_of(host: Host, patterns: Mapping[str, str]) -> str:
    """The host's own jump, else that of the first pattern that fits its name; ``none`` means without any."""
    found = host.jump or next((jump for p, jump in patterns.items() if fnmatch.fnmatchcase(host.name, p)), "")
    return "" if found == NO_JUMP else found


def bastions_of(host: Host, patterns: Mapping[str, str], user: str) -> tuple[Host, ...]:
    """The bastions in front of a host, each as a host that is reached through those before it.

    Raises:
        ValueError: what names them is outside the grammar of hosts.
    """
    named = host.jump_identity_files if host.jump else ()
    hops = Route.parse(jump_of(host, patterns), user).hops
    return tuple(
        Host(
            hop.address,
            hop.address,
            hop.port,
            hop.user,
            jump=str(Route(hops[:number])) or NO_JUMP,
            identity_files=tuple(filter(None, named[number : number + 1])),
            jump_identity_files=named[:number],
            family=host.family if host.jump else "",
        )
        for number, hop in enumerate(hops)
    )
