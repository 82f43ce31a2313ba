"""What the commands ask of the program behind them; the composition root answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scanner.domain.facts import Executable, Failure, ImageFacts
    from scanner.domain.host import Host
    from scanner.domain.report import HostReading, Report
    from scanner.domain.verdict.verdict import Depth


@dataclass(frozen=True, slots=True)
class Common:
    """What every command is told: where the configuration is, how to log."""

    config: Path | None
    log_format: str | None
    log_level: str | None


class Progress(Protocol):
    """Is told of every host that has its reading."""

    def __call__(self, done: int, total: int, reading: HostReading) -> None:
        """One more."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An image with everything found in it; ``binaries`` by manifest digest, empty unless asked for."""

    facts: ImageFacts | Failure
    binaries: Mapping[str, tuple[Executable, ...] | Failure]


class Operations(Protocol):
    """The program without its commands. Every method raises ``UsageError`` for what the operator has to change."""

    async def scan(self, common: Common, patterns: Sequence[str], depth: Depth | None, progress: Progress) -> Report:
        """Read and judge the hosts that match, all of them without patterns."""
        ...

    async def check(
        self,
        common: Common,
        images: Sequence[str],
        patterns: Sequence[str],
        platforms: Sequence[str],
        depth: Depth | None,
        progress: Progress,
    ) -> tuple[Report, str]:
        """Judge images against hosts or plain platforms; also the decision."""
        ...

    async def image(self, common: Common, reference: str, *, all_binaries: bool) -> Opened:
        """What an image offers, down to the binary."""
        ...

    async def serve(self, common: Common) -> None:
        """Run the service until it is told to stop."""
        ...

    async def demo(self, common: Common, port: int, progress: Progress) -> None:
        """Serve the demonstration fleet until interrupted."""
        ...

    async def demo_once(self, common: Common, progress: Progress) -> Report:
        """Scan the demonstration fleet once."""
        ...

    def hosts(self, common: Common, patterns: Sequence[str]) -> Sequence[Host]:
        """The inventory."""
        ...

    def check_config(self, common: Common) -> str:
        """Read configuration, inventory, keys; a sentence on what was found."""
        ...

    def config_schema(self) -> str:
        """The configuration file's JSON schema."""
        ...

    def probe_script(self) -> str:
        """The script that hosts run."""
        ...

    def sudoers(self, user: str, path: str) -> str:
        """The sudo rule for the script at ``path``."""
        ...

    def authorized_key(self, common: Common, addresses: Sequence[str], path: str) -> str:
        """The line for a host's authorized_keys."""
        ...
