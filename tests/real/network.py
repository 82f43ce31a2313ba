"""Two network namespaces with wires between them: whoever is at one end sees what a real network does to its packets."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from tests.real.process import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@dataclass
class Network:
    """The ends ``near`` and ``far``, each a namespace; nothing of either is seen outside of them."""

    ip: Path
    iptables: Path
    name: str = field(default_factory=lambda: f"archscan-{secrets.token_hex(4)}")
    wires: int = 0

    @property
    def ends(self) -> tuple[str, str]:
        """Their names."""
        return f"{self.name}-near", f"{self.name}-far"

    def near(self, *argv: object) -> list[str]:
        """A command line that runs at the near end."""
        return [str(word) for word in (self.ip, "netns", "exec", self.ends[0], *argv)]

    def far(self, *argv: object) -> list[str]:
        """A command line that runs at the far end."""
        return [str(word) for word in (self.ip, "netns", "exec", self.ends[1], *argv)]

    def wire(self, near: str, *far: str, rate: str = "") -> None:
        """One more wire, with these addresses at its ends (``10.0.1.1/24``), the far one sending at most at ``rate``."""
        self.wires += 1
        device, (here, there) = f"w{self.wires}", self.ends
        run(self.ip, "-n", here, "link", "add", device, "type", "veth", "peer", "name", device, "netns", there)
        for end, addresses in ((here, (near,)), (there, far)):
            for address in addresses:
                run(self.ip, "-n", end, "address", "add", address, "dev", device)
            run(self.ip, "-n", end, "link", "set", device, "up")
        if rate:
            bucket = ("rate", rate, "burst", "4kb", "latency", "20s")
            run(*self.far("tc", "qdisc", "add", "dev", device, "root", "tbf", *bucket))

    def rule(self, *words: str) -> None:
        """What the far end does with packets that come in."""
        run(*self.far(self.iptables, "-w", "-A", "INPUT", *words))


@pytest.fixture(scope="session")
def start_network(require: Callable[[str, str], Path], require_root: None) -> Iterator[Callable[[], Network]]:
    """``start_network()``: one with two ends and no wire."""
    ip, iptables = require("ip", "iproute2"), require("iptables", "iptables")
    made: list[Network] = []

    def start() -> Network:
        network = Network(ip, iptables)
        made.append(network)
        for end in network.ends:
            run(ip, "netns", "add", end)
            run(ip, "-n", end, "link", "set", "lo", "up")
        return network

    yield start
    for network in made:
        for end in network.ends:
            run(ip, "netns", "delete", end, check=False)
