"""The questions that commands ask of the program behind them; the composition root answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from scanner.cli.server_operations import RemoteService
    from scanner.domain.facts import Workload
    from scanner.domain.host import Host
    from scanner.domain.readiness import Readiness
    from scanner.domain.release import Release
    from scanner.domain.report import Report
    from scanner.domain.rollback_record import Rollback
    from scanner.domain.verdict.verdict import Depth
    from scanner.hosts.ssh.host_keys import ShownKey
    from scanner.scan.ports import ScanListener
    from scanner.service.answers import Checked, Refusal
    from scanner.service.image import InspectedImage
    from scanner.service.trusting import Shown
    from scanner.settings.ssh_section import Ssh
    from scanner.trail.audit import Audit
    from scanner.trail.checkpoint import Checkpoint
    from scanner.trail.leaf import Leaf


@dataclass(frozen=True, slots=True)
class Common:
    """What every command needs to know: where the configuration is, how to log."""

    config: Path | None
    log_format: str | None
    log_level: str | None


@dataclass(frozen=True, slots=True)
class ConfigChecked:
    """What a configuration holds, in lines; ``is_complete`` is false where a host in it cannot be understood.

    ``problems`` are what is to be mended, in the plan directory and beside it, ``plan_files`` what each file in there is.
    """

    text: str
    is_complete: bool = True
    problems: tuple[str, ...] = ()
    plan_files: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """What ``check`` is asked: images as they were written, files that plan some, against which hosts or platforms.

    ``compose`` are the files of one Compose project, or the folder where it would be started; ``manifests`` any other
    plans, as files or folders. ``entrypoint`` and ``command`` stand beside the one image (``None``: its own). ``is_here``:
    on this machine. ``profiles``, ``env_files``, ``project_directory`` are what docker compose would be told.
    """

    images: tuple[str, ...] = ()
    compose: tuple[Path, ...] = ()
    manifests: tuple[Path, ...] = ()
    hosts: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    depth: Depth | None = None
    is_here: bool = False
    profiles: tuple[str, ...] = ()
    env_files: tuple[Path, ...] = ()
    project_directory: str = ""


class TrailOperations(Protocol):
    """What can be asked of a stored trail."""

    def verify(
        self,
        *,
        log_key: str | None,
        since: Sequence[Path],
        prometheus: str | None,
        window_s: float,
        witness_keys: Sequence[str],
    ) -> Audit:
        """Everything that is stored, compared with whoever is named."""
        ...

    def verify_proof(
        self, path: Path, log_key: str | None, witness_keys: Sequence[str]
    ) -> tuple[Checkpoint, Leaf | None]:
        """What a proof proves, without the store; raises ``NoteError`` where it proves nothing."""
        ...

    def entries(self, last: int | None = None, event: str | None = None) -> Iterator[tuple[int, bytes]]:
        """The entries with their index, all or the last ones, of all kinds or of one."""
        ...

    def exported(self) -> AbstractContextManager[tuple[str, Iterator[bytes]]]:
        """The newest signed head, empty without any, beside every entry: both as they are at one moment."""
        ...

    def checkpoint(self) -> str:
        """The newest signed head."""
        ...

    def prove(self, wanted: str) -> str:
        """The proof of an entry by its index, or of the first whose id is this one."""
        ...


class StoreOperations(Protocol):
    """What can be done with a store that nobody runs on."""

    def migrate(self, to: str | None, to_file: Path | None) -> Iterator[str]:
        """Copy it to this address, or the one in the file; what was copied, in lines.

        Raises ``StoreError`` where nothing was.
        """
        ...


class RollbackOperations(Protocol):
    """The way back; everything raises ``UsageError`` for what the operator has to change, or the service refuses."""

    def plan(self, host: str, workload: str, to: str) -> dict[str, Any]:
        """A plan, by the running service, that waits for its confirmation."""
        ...

    def confirm(self, rollback_id: str, *, accept_cautions: bool) -> dict[str, Any]:
        """Have a plan carried out."""
        ...

    def find(self, rollback_id: str) -> dict[str, Any]:
        """How far a rollback is."""
        ...

    async def dry_run(self, host_name: str, workload: str, to: str) -> tuple[Sequence[Release], Rollback | Refusal]:
        """Releases with a plan, without the service."""
        ...

    async def agent(self) -> None:
        """Carry out what is confirmed until a signal."""
        ...


class Operations(Protocol):
    """The program without its commands. Every method raises ``UsageError`` for what the operator has to change."""

    async def scan(
        self,
        common: Common,
        patterns: Sequence[str],
        depth: Depth | None,
        progress: ScanListener,
        words: Sequence[str] = (),
        tell: Callable[[str], None] = lambda _text: None,
        only: Callable[[Workload], bool] | None = None,
    ) -> Report:
        """Read and judge the hosts that match or are named, all of the inventory without either; ``tell`` says how.

        With ``only`` nothing is judged but workloads of which it is true, and those that may tell how they start.
        """
        ...

    async def check_hosts(
        self, common: Common, patterns: Sequence[str], progress: ScanListener, words: Sequence[str] = ()
    ) -> Report:
        """Read hosts without judging anything."""
        ...

    async def shown_keys(self, common: Common, words: Sequence[str]) -> tuple[Path, Sequence[Shown]]:
        """The keys that hosts show, with the file that is to believe them."""
        ...

    def believe(self, file: Path, chosen: Sequence[tuple[Host, Sequence[ShownKey]]]) -> None:
        """Write keys into known_hosts, in the place of what it has for these hosts."""
        ...

    async def check(self, common: Common, asked: CheckOptions, progress: ScanListener) -> Checked:
        """Judge what is about to be deployed against hosts or plain platforms."""
        ...

    async def image(self, common: Common, reference: str, *, all_binaries: bool) -> InspectedImage:
        """What an image offers, down to the binary."""
        ...

    def server(self, url: str, token_file: Path | None) -> RemoteService:
        """A running service."""
        ...

    def last_report(self, common: Common, file: Path | None) -> Report:
        """What was found before: in a JSON report, else in the configured store."""
        ...

    def known_images(self, common: Common) -> Collection[str]:
        """The images of the last scan in the configured store."""
        ...

    async def readiness(
        self, common: Common, to: str, patterns: Sequence[str], team_label: str, progress: ScanListener
    ) -> Readiness:
        """Scan the hosts that match, then open their images for another platform."""
        ...

    def readiness_there(
        self, url: str, token_file: Path | None, to: str, patterns: Sequence[str], team_label: str
    ) -> Readiness:
        """What would run on another platform, of the hosts that match, as a running service knows it."""
        ...

    async def serve(self, common: Common, listen: str | None = None, web_config: str | None = None) -> None:
        """Run the service until a signal stops it."""
        ...

    async def worker(
        self, common: Common, scheduler: str | None, zones: tuple[str, ...], listen: str, name: str
    ) -> None:
        """Read hosts for a scanner elsewhere until a signal stops it."""
        ...

    async def demo(self, common: Common, port: int, progress: ScanListener) -> None:
        """Serve the demonstration fleet until interrupted."""
        ...

    async def demo_once(self, common: Common, progress: ScanListener) -> Report:
        """Scan the demonstration fleet once."""
        ...

    def trail(self, common: Common) -> TrailOperations:
        """The trail of the configured store."""
        ...

    def store(self, common: Common) -> StoreOperations:
        """The configured store, at rest."""
        ...

    def rollback(
        self, common: Common, server: str | None = None, token_file: Path | None = None, *, need_hosts: bool = False
    ) -> RollbackOperations:
        """The way back; ``server`` and ``token_file`` go before what the settings name."""
        ...

    def hosts(self, common: Common, patterns: Sequence[str]) -> Sequence[Host]:
        """The inventory."""
        ...

    def login(self, common: Common) -> Ssh:
        """How the configuration has archscan log in."""
        ...

    def check_config(self, common: Common) -> ConfigChecked:
        """Read configuration, inventory, keys, plans; say what was found."""
        ...

    def config_schema(self) -> str:
        """The configuration file's JSON schema."""
        ...

    def rollback_script(self) -> str:
        """The script of the way back, as hosts have it installed."""
        ...

    def rollback_preparation(self, key: Path, addresses: Sequence[str], user: str, path: str) -> str:
        """The script that prepares a host for the agent's public key in this file."""
        ...

    def probe_script(self) -> str:
        """The script that hosts run."""
        ...

    def sudoers(self, user: str, path: str) -> str:
        """The sudo rule for the script at ``path``."""
        ...

    def authorized_key(self, common: Common, addresses: Sequence[str], path: str | None) -> str:
        """The line for a host's authorized_keys; for a bastion's, where no ``path`` of a probe is."""
        ...

    def key_installation(self, user: str, line: str) -> str:
        """The script that puts a line among the keys of an account."""
        ...
