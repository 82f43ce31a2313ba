"""``archscan config``, ``inventory``, ``probe-script``, ``authorized-key``: set up a fleet with least privilege."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from scanner.cli import options
from scanner.cli.command import ArchscanCommand, ArchscanGroup
from scanner.cli.outcome import Exit
from scanner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scanner.cli.operations import Common, Operations
    from scanner.domain.host import Host

PROBE_PATH = "/usr/local/libexec/archscan-probe"
"""Where the documentation installs the probe on a host."""

PathOption = Annotated[str, typer.Option("--path", help="Where the probe is installed on the hosts.")]

config_app = typer.Typer(cls=ArchscanGroup, no_args_is_help=True, help="Look after the configuration file.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(config_app, name="config")
    app.command("inventory", cls=ArchscanCommand)(inventory)
    app.command("probe-script", cls=ArchscanCommand)(probe_script)
    app.command("authorized-key", cls=ArchscanCommand)(authorized_key)


@config_app.command("check", cls=ArchscanCommand)
def config_check(
    context: typer.Context,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="List every file of the plan directory: planned, gap or no plan.")
    ] = False,
    config: options.ConfigOption = None,
    log_format: options.LogFormatOption = None,
    log_level: options.LogLevelOption = None,
) -> None:
    """Read configuration, inventory, key and known_hosts as serve would; say what is wrong, by file and line.

    Exit code: 0 good, 2 wrong, 3 good but for hosts that cannot be understood. Skipped hosts (Windows, switches) are listed,
    so is what holds for nothing (a rule for no host, a waiver that has ended).

    Example: archscan config check --config archscan.yml
    """
    from scanner.cli.output import output

    operations: Operations = context.obj()
    checked = operations.check_config(options.common(config, log_format, log_level))
    if not checked.problems:
        output.console().print(checked.text, soft_wrap=True, markup=False)
    is_read = bool(checked.plan_files) or not checked.problems
    if checked.plan_files is not None and is_read:
        typer.echo(_counted(checked.plan_files))
        for path, outcome in checked.plan_files.items() if verbose else ():
            typer.echo(f"{outcome:8} {path}")
    elif verbose and is_read:
        raise UsageError(
            "--verbose lists the files of plans.directory, which the configuration does not name: set it first"
        )
    if checked.problems:
        raise UsageError(*checked.problems)
    if not checked.is_complete:
        raise typer.Exit(Exit.INCOMPLETE)


def _counted(files: Mapping[str, str]) -> str:
    """How many files plan containers, may plan what is not known, plan nothing."""
    counts = Counter(files.values())
    return f"Plan files: {counts['planned']} planned, {counts['gap']} with gaps, {counts['no plan']} no plan."


@config_app.command("schema", cls=ArchscanCommand)
def config_schema(context: typer.Context) -> None:
    """Print the JSON schema of the configuration file, by which editors complete and check it.

    Example: archscan config schema > archscan.schema.json
    """
    operations: Operations = context.obj()
    print(operations.config_schema())  # noqa: T201 -- data goes to stdout


def inventory(
    context: typer.Context,
    host: options.HostOption = None,
    form: options.PlainOption = options.PlainFormat.TABLE,
    check: Annotated[
        bool, typer.Option("--check", help="Log in to each host, and print what is missing there with its exact cure.")
    ] = False,
    config: options.ConfigOption = None,
    log_format: options.LogFormatOption = None,
    log_level: options.LogLevelOption = None,
) -> None:
    """The hosts of the inventory, as all sources together say; no host is contacted without --check.

    Example: archscan inventory --host team=web; archscan inventory --check
    """
    operations: Operations = context.obj()
    if check:
        _check_hosts(operations, options.common(config, log_format, log_level), host or ())
    hosts = operations.hosts(options.common(config, log_format, log_level), host or ())
    if form is options.PlainFormat.JSON:
        import json

        from scanner.domain.report_json import plain

        print(json.dumps(plain(tuple(hosts)), indent=2, ensure_ascii=False))  # noqa: T201 -- data goes to stdout
        return
    from scanner.cli.output import output, table

    table.show(output.console(), ("HOST", "ADDRESS", "USER", "LABELS", "PLANNED"), list(map(_row, hosts)))
    if any(one.problem for one in hosts):
        typer.echo("archscan: why a host is not understood, by file and line: archscan config check", err=True)


def _row(host: Host) -> tuple[str, ...]:
    address = _instead_of_address(host) or host.endpoint
    labels = ",".join(f"{key}={value}" for key, value in host.labels.items())
    return (host.name, address, host.user, labels, "\n".join(plan.image for plan in host.planned))


def _instead_of_address(host: Host) -> str:
    """How a host is read that has none; empty where it has."""
    if host.problem:
        return "(not understood)"
    return "(this machine)" if host.local else "(pushes)" if host.pushed else ""


def _check_hosts(operations: Operations, common: Common, patterns: Sequence[str]) -> NoReturn:
    """Read every host, show what each lacks."""
    from scanner.cli.output import progress
    from scanner.cli.setup import host_check
    from scanner.hosts import names

    with progress.shown() as listen:
        report = names.run(operations.check_hosts(common, patterns, listen))
    host_check.show(report)
    raise typer.Exit(host_check.exit_code(report))


def probe_script(
    context: typer.Context,
    sudoers: Annotated[
        bool, typer.Option("--sudoers", help="Print the sudo rule for the installed probe instead.")
    ] = False,
    user: Annotated[str, typer.Option("--user", help="The account that logs in.")] = "archscan",
    path: PathOption = PROBE_PATH,
) -> None:
    """Print the script that hosts run: read-only, POSIX sh, for reading or for installing.

    Example: archscan probe-script | ssh root@web-1 'install -D -m 755 /dev/stdin /usr/local/libexec/archscan-probe'
    """
    operations: Operations = context.obj()
    print(operations.sudoers(user, path) if sudoers else operations.probe_script(), end="")  # noqa: T201 -- data goes to stdout


def authorized_key(
    context: typer.Context,
    address: Annotated[
        list[str] | None, typer.Option("--from", metavar="ADDRESS", help="Accept logins from here only. Repeatable.")
    ] = None,
    path: PathOption = PROBE_PATH,
    bastion: Annotated[
        bool, typer.Option("--bastion", help="The line for a bastion: the key passes through, and runs nothing.")
    ] = False,
    install: Annotated[
        str | None,
        typer.Option(
            "--install",
            metavar="USER",
            help="A script instead, for root or USER on the host: it puts the line among USER's keys; others stay.",
        ),
    ] = None,
    line: Annotated[
        str | None, typer.Option("--line", help="Beside --install: this line, not one of the configured key.")
    ] = None,
    config: options.ConfigOption = None,
    log_format: options.LogFormatOption = None,
    log_level: options.LogLevelOption = None,
) -> None:
    """Print the authorized_keys line that lets the scanner's key run the probe and nothing else.

    Example: archscan authorized-key --from 10.0.0.5; archscan authorized-key --install archscan | ssh root@web-1 sh
    """
    operations: Operations = context.obj()
    if line is not None and (install is None or bastion or address):
        raise UsageError("--line is the whole line: it goes with --install USER, without --bastion or --from")
    if line is None:
        common = options.common(config, log_format, log_level)
        line = operations.authorized_key(common, address or (), None if bastion else path)
    print(line if install is None else operations.key_installation(install, line).rstrip("\n"))  # noqa: T201 -- data goes to stdout
