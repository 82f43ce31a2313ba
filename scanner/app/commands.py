"""Answers each command by the adapters that its configuration asks for."""

from __future__ import annotations

import importlib
import json
import os
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scanner import inventory
from scanner.app import authorized_keys, config_report, fetching, logs, wiring
from scanner.app.late_imports import late_imports
from scanner.app.typed_settings import Typed, TypedSettings
from scanner.app.version import VERSION
from scanner.cli.operations import ConfigChecked
from scanner.domain.verdict.verdict import Depth
from scanner.errors import UsageError
from scanner.formats import files
from scanner.formats.files import FileError
from scanner.formats.parsing.offload import Parsers
from scanner.hosts.least_privilege import sudoers_rule
from scanner.hosts.rollback_script import rollback_preparation, rollback_script
from scanner.probe.script import script
from scanner.service import fleet_of_person
from scanner.settings.json_schema import schema_of
from scanner.settings.load import load
from scanner.settings.schema import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
    from types import ModuleType

    from scanner.app.adapters import Adapters
    from scanner.app.rollback_operations import RollbackOperations
    from scanner.app.store_operations import StoreOperations
    from scanner.app.trail_operations import TrailOperations
    from scanner.cli.operations import CheckOptions, Common
    from scanner.client import Client
    from scanner.domain.facts import Workload
    from scanner.domain.host import Host
    from scanner.domain.readiness import Readiness
    from scanner.domain.report import Report
    from scanner.hosts.ssh.config import SshConfig
    from scanner.hosts.ssh.host_keys import ShownKey
    from scanner.scan.ports import ScanListener
    from scanner.scan.scan import Scanner
    from scanner.service.answers import Checked
    from scanner.service.fleet_of_person import NamedHosts
    from scanner.service.image import InspectedImage
    from scanner.service.trusting import Shown
    from scanner.settings.ssh_section import Ssh

CONFIG_FILES = (Path("archscan.yml"), Path("/etc/archscan/archscan.yml"))
"""Where the configuration is looked for when nobody names it."""


class Application:
    """The operations behind the commands."""

    def _settings(self, common: Common, *, need_hosts: bool, environ: Mapping[str, str] = os.environ) -> Settings:
        """The settings of the file that is named or found; none is needed where no host is."""
        path = _file(common)
        if path is None and need_hosts:
            raise UsageError(
                "no configuration: name one with --config FILE (or ARCHSCAN_CONFIG), or put archscan.yml here; "
                "`archscan setup` makes one, `archscan scan USER@HOST` and `archscan demo` need none"
            )
        settings = load(path, environ, need_hosts=need_hosts)
        _log(common, settings, _level(settings, need_hosts))
        return settings

    def hosts(self, common: Common, patterns: Sequence[str]) -> Sequence[Host]:
        """The inventory."""
        return inventory.match(wiring.hosts(self._settings(common, need_hosts=True)).hosts, patterns)

    def login(self, common: Common) -> Ssh:
        """How the configuration has archscan log in."""
        return self._settings(common, need_hosts=True).ssh

    def check_config(self, common: Common) -> ConfigChecked:
        """Read everything that serve would, and say what was found."""
        with late_imports():
            from scanner.app.adapters import LOOKS, AdapterContext  # noqa: PLC0415 -- takes most of a second, which no other command should pay
            from scanner.scan.plans.plans import PlanDirectory  # noqa: PLC0415 -- the same

        settings, checks, context = self._settings(common, need_hosts=True), _checks(), AdapterContext(VERSION)
        found: list[inventory.Inventory] = []
        refused = checks.refusals(
            lambda: found.append(wiring.hosts(settings)),
            *(partial(look, settings, context) for look in LOOKS),
            lambda: checks.check_service(settings),
        )
        if not found:
            return ConfigChecked("", is_complete=False, problems=refused)
        known = found[0]
        text = "\n".join((*config_report.found_good(settings, known), *config_report.inventory_lines(known)))
        is_complete = not known.not_understood
        if not settings.plans.directory:
            return ConfigChecked(text, is_complete, refused)
        with closing(Parsers(1)) as parsers:
            plans = PlanDirectory(settings.plans.directory, parsers).read(known.hosts)
        return ConfigChecked(text, is_complete, (*refused, *plans.problems), plans.files)

    def config_schema(self) -> str:
        """The configuration file's JSON schema."""
        return json.dumps(schema_of(Settings), indent=2, ensure_ascii=False)

    # ---------------------------------------------------------------- scans

    @asynccontextmanager
    async def _scanner(
        self,
        settings: Settings,
        depth: Depth | None,
        inventory_hosts: Sequence[Host] = (),
        *,
        asked: Sequence[Host] = (),
        ssh: SshConfig | None = None,
        **more: Any,
    ) -> AsyncIterator[tuple[Scanner, Adapters]]:
        """``scanning.open_scanner``; many hosts that are to be ``asked`` are so by a process that starts before that is imported."""
        fetcher = fetching.fetcher_for(settings, ssh, asked)
        try:
            from scanner.app import scanning  # noqa: PLC0415 -- takes most of a second, in which the process that asks starts

            opened = scanning.open_scanner(settings, depth, inventory_hosts, ssh=ssh, fetcher=fetcher, **more)
            async with opened as found:
                yield found
        finally:
            if fetcher is not None:
                await fetcher.close()

    async def scan(  # noqa: PLR0913, PLR0917 -- one for each option of the command
        self,
        common: Common,
        patterns: Sequence[str],
        depth: Depth | None,
        progress: ScanListener,
        words: Sequence[str] = (),
        tell: Callable[[str], None] = lambda _text: None,
        only: Callable[[Workload], bool] | None = None,
    ) -> Report:
        """Read and judge the hosts that are meant; who answers for what by the settings is told."""
        settings, found = self._named(common, words, patterns)
        if way := fleet_of_person.way(found):
            tell(way)
        async with self._scanner(settings, depth, found.known, ssh=found.ssh, asked=found.hosts) as (scanner, _):
            report = await replace(scanner, only=only).scan(found.hosts, listen=progress)
        from scanner.app import scanning  # noqa: PLC0415 -- the same

        return scanning.marked(report, settings)

    async def check_hosts(
        self, common: Common, patterns: Sequence[str], progress: ScanListener, words: Sequence[str] = ()
    ) -> Report:
        """Read the hosts that are meant, and judge nothing."""
        settings, found = self._named(common, words, patterns)
        bare = [replace(host, planned=()) for host in found.hosts]
        async with self._scanner(settings, Depth.INDEX, ssh=found.ssh, asked=found.hosts) as (scanner, _):
            return await scanner.scan(bare, listen=progress, only_plans=True)

    def _named(self, common: Common, words: Sequence[str], patterns: Sequence[str]) -> tuple[Settings, NamedHosts]:
        has_file = _file(common) is not None
        settings = self._settings(common, need_hosts=has_file or not words)
        return settings, fleet_of_person.named(
            lambda: wiring.hosts(settings).hosts, words, patterns, has_inventory=has_file
        )

    async def check(self, common: Common, asked: CheckOptions, progress: ScanListener) -> Checked:
        """Judge what is about to be deployed against hosts or plain platforms."""
        settings = self._settings(common, need_hosts=bool(asked.hosts))
        from scanner.app import gate_command  # noqa: PLC0415 -- the same
        from scanner.app.scanning import own_context  # noqa: PLC0415 -- the same

        return await gate_command.check(settings, asked, own_context(), progress)

    async def image(self, common: Common, reference_text: str, *, all_binaries: bool) -> InspectedImage:
        """What an image offers, down to the binary of each platform."""
        from scanner.app import gate_command, scanning  # noqa: PLC0415 -- the same

        async with gate_command.named(reference_text) as (wanted, archives):
            settings = self._settings(common, need_hosts=False)
            async with self._scanner(settings, None, archives=archives) as (_, adapters):
                return await scanning.inspected(wanted, adapters, all_binaries=all_binaries)

    async def readiness(
        self, common: Common, to: str, patterns: Sequence[str], team_label: str, progress: ScanListener
    ) -> Readiness:
        """Scan the hosts that match, then open their images for a plain host of ``to``."""
        from scanner.app import gate_command, scanning  # noqa: PLC0415 -- the same

        (target,) = gate_command.platforms([to], "--to")
        settings, found = self._named(common, (), patterns)
        async with self._scanner(settings, None, found.known, ssh=found.ssh, asked=found.hosts) as (scanner, _):
            report = await scanner.scan(found.hosts, listen=progress)
            return await scanning.ready_for(target, report, scanner, team_label)

    def readiness_there(
        self, url: str, token_file: Path | None, to: str, patterns: Sequence[str], team_label: str
    ) -> Readiness:
        """What would run on another platform, of the hosts that match, as a running service knows it."""
        with late_imports():
            from scanner.app import gate_command, other_reports  # noqa: PLC0415 -- the same

        (target,) = gate_command.platforms([to], "--to")
        return other_reports.readiness_there(url, token_file, target, patterns, team_label)

    def server(self, url: str, token_file: Path | None) -> Client:
        """A running service."""
        with late_imports():
            from scanner.app import other_reports  # noqa: PLC0415 -- the same

        return other_reports.server(url, token_file)

    def last_report(self, common: Common, file: Path | None) -> Report:
        """What was found before."""
        with late_imports():
            from scanner.app import other_reports  # noqa: PLC0415 -- the same

        if file is not None:
            return other_reports.report_in(file)
        return other_reports.stored_report(self._settings(common, need_hosts=False))

    def known_images(self, common: Common) -> Collection[str]:
        """The images of the last scan."""
        with late_imports():
            from scanner.app import other_reports  # noqa: PLC0415 -- the same

        return other_reports.stored_images(self._settings(common, need_hosts=False))

    # ---------------------------------------------------------------- first contact

    async def shown_keys(self, common: Common, words: Sequence[str]) -> tuple[Path, Sequence[Shown]]:
        """What hosts show as their keys, with the file that is to believe them."""
        from scanner.service import trusting  # noqa: PLC0415 -- asyncssh takes half a second, which no other command should pay

        settings, found = self._named(common, words, ())
        file = trusting.known_hosts_of(settings, found)
        return file, await trusting.shown(settings, found, wiring.ssh(settings), file)

    def believe(self, file: Path, chosen: Sequence[tuple[Host, Sequence[ShownKey]]]) -> None:
        """Write keys into known_hosts."""
        from scanner.service import trusting  # noqa: PLC0415 -- the same

        trusting.believe(file, chosen)

    # ---------------------------------------------------------------- services

    async def serve(self, common: Common, listen: str | None = None, web_config: str | None = None) -> None:
        """Run the service until SIGTERM or SIGINT; what the command line says holds over reloads, too."""
        from scanner.service.configuration import Configuration  # noqa: PLC0415 -- the same

        typed = TypedSettings(
            Typed("--web.listen-address", listen, "ARCHSCAN_WEB__LISTEN"),
            Typed("--web.config.file", web_config and str(Path.cwd() / web_config), "ARCHSCAN_WEB__CONFIG_FILE"),
        )

        def read() -> Configuration:
            with typed.blamed():
                settings = load(_path(common), typed.environ)
            found = wiring.hosts(settings)
            return Configuration(settings, found.hosts, found.skipped, found.notes)

        with typed.blamed():
            settings = self._settings(common, need_hosts=True, environ=typed.environ)
        await _late("serve").run(
            read,
            settings,
            VERSION,
            configure_log=lambda now: _log(common, now, _level(now, need_hosts=True)),
            listen_named="--web.listen-address" if listen else "web.listen",
        )

    async def worker(
        self, common: Common, scheduler: str | None, zones: tuple[str, ...], listen: str, name: str
    ) -> None:
        """Read hosts for a scanner elsewhere until SIGTERM or SIGINT."""
        with (typed := TypedSettings(Typed("--scheduler", scheduler, "ARCHSCAN_CLUSTER__SCHEDULER"))).blamed():
            settings = self._settings(common, need_hosts=False, environ=typed.environ)
        _log(common, settings, settings.log.level)
        await _late("cluster_worker").run_worker(settings, VERSION, zones, listen, name)

    async def demo(self, common: Common, port: int, progress: ScanListener) -> None:
        """Serve the demonstration fleet."""
        del progress
        run = _late("serve").run  # before there is a folder that an interrupt would leave behind
        async with _late("demonstration").demonstration(common, port) as configuration:

            def ready(taken: int) -> None:
                print(  # noqa: T201 -- what the newcomer came for
                    f"\n  archscan is watching a fleet of {len(configuration.hosts)} made-up hosts:\n"
                    f"    page     http://127.0.0.1:{taken}/\n"
                    f"    metrics  http://127.0.0.1:{taken}/metrics\n"
                    "  Ctrl-C ends it.\n",
                    flush=True,
                )

            await run(lambda: configuration, configuration.settings, VERSION, ready, listen_named="--port")

    async def demo_once(self, common: Common, progress: ScanListener) -> Report:
        """Scan the demonstration fleet once."""
        async with (
            _late("demonstration").demonstration(common) as configuration,
            self._scanner(configuration.settings, None) as (scanner, _),
        ):
            return await scanner.scan(configuration.hosts, listen=progress)

    def trail(self, common: Common) -> TrailOperations:
        """The trail of the configured store."""
        made: TrailOperations = _late("trail_operations").TrailOperations(self._settings(common, need_hosts=False))
        return made

    def store(self, common: Common) -> StoreOperations:
        """The configured store, at rest."""
        made: StoreOperations = _late("store_operations").StoreOperations(self._settings(common, need_hosts=False))
        return made

    def rollback(
        self, common: Common, server: str | None = None, token_file: Path | None = None, *, need_hosts: bool = False
    ) -> RollbackOperations:
        """The way back."""
        made: RollbackOperations = _late("rollback_operations").RollbackOperations(
            self._settings(common, need_hosts=need_hosts), self._scanner, server, token_file
        )
        return made

    # ---------------------------------------------------------------- set-up of hosts

    def rollback_script(self) -> str:
        """The script of the way back, as hosts have it installed."""
        return rollback_script().decode()

    def rollback_preparation(self, key: Path, addresses: Sequence[str], user: str, path: str) -> str:
        """The script that prepares a host for the agent, whose public key is in this file."""
        try:
            return rollback_preparation(files.read_text(key, files.MAX_SECRET_BYTES), addresses, user, path)
        except (FileError, ValueError) as error:
            raise UsageError(str(error)) from None

    def probe_script(self) -> str:
        """The script that hosts run."""
        return script().decode()

    def sudoers(self, user: str, path: str) -> str:
        """The sudo rule."""
        try:
            return sudoers_rule(user, path)
        except ValueError as error:
            raise UsageError(str(error)) from None

    def authorized_key(self, common: Common, addresses: Sequence[str], path: str | None) -> str:
        """The line for authorized_keys, from the public half of the configured key; a bastion's where no path is given."""
        return authorized_keys.line(self._settings(common, need_hosts=False), addresses, path, _file(common))

    def key_installation(self, user: str, line: str) -> str:
        """The script that puts a line among an account's keys."""
        return authorized_keys.installation(user, line)


# ---------------------------------------------------------------- parts of operations


def _file(common: Common) -> Path | None:
    """The file that is named, else whatever has its name where it is looked for: a folder or a lost link is told of.

    A folder that may not be looked into, as a person is not to look into the service's, holds nothing for who asks.
    """
    return common.config or next((path for path in CONFIG_FILES if os.path.lexists(path)), None)


def _path(common: Common) -> Path:
    return _file(common) or CONFIG_FILES[0]


def _log(common: Common, settings: Settings, level: str) -> None:
    """The log as the settings want it; the command's own options outrank them."""
    logs.configure(common.log_format or settings.log.format, common.log_level or level)


def _level(settings: Settings, need_hosts: bool) -> str:  # noqa: FBT001 -- whether a fleet is spoken of
    """One-off commands on images talk only of trouble, unless they are asked to say more."""
    return settings.log.level if need_hosts else "warning"


def _checks() -> ModuleType:
    """What is checked beside the settings; it needs the service's libraries."""
    return _late("service_checks")


def _late(name: str) -> ModuleType:
    """A module of this room whose libraries take up to a second to import, which no other command should pay."""
    with late_imports():
        return importlib.import_module(f"scanner.app.{name}")
