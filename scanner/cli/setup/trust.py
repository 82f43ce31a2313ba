"""``archscan trust``: believe host keys after a person compared them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from scanner.cli import options
from scanner.cli.command import Command
from scanner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scanner.cli.operations import Operations
    from scanner.domain.host import Host
    from scanner.hosts.ssh.host_keys import ShownKey
    from scanner.service.trusting import Shown

CONSOLE = "for key in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf $key; done"
"""What shows the same fingerprints where nobody can stand in between."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("trust", cls=Command)(trust)


def trust(
    context: typer.Context,
    hosts: Annotated[
        list[str], typer.Argument(metavar="HOST...", help="Hosts of the inventory, or [user@]host[:port].")
    ],
    fingerprint: Annotated[
        list[str] | None,
        typer.Option("--fingerprint", metavar="SHA256:...", help="Believe only a key of this fingerprint. Repeatable."),
    ] = None,
    yes: Annotated[
        bool,
        typer.Option("--yes", "-y", help="Believe what is shown, without asking: only on a network that you trust."),
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Believe it in the place of another key that was believed before.")
    ] = False,
    config: options.ConfigOption = None,
    log_format: options.LogFormatOption = None,
    log_level: options.LogLevelOption = None,
) -> None:
    """Collect the host keys of hosts, show their fingerprints, write those into known_hosts that you say are right.

    Compare each with what the host's own console prints: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub

    Example: archscan trust web-1 web-2
    """
    import asyncio

    operations: Operations = context.obj()
    common = options.common(config, log_format, log_level)
    file, found = asyncio.run(operations.shown_keys(common, hosts))
    chosen = choose(found, _decider(fingerprint or (), yes=yes), replace=replace, wanted=fingerprint or ())
    if chosen:
        operations.believe(file, chosen)
        typer.echo(f"{file} now has the keys of {', '.join(one.name for one, _ in chosen)}.", err=True)
    if len(chosen) < sum(not one.is_trusted for one in found):
        raise typer.Exit(3)


def choose(
    found: Sequence[Shown], decide: Callable[[Shown], bool], *, replace: bool = False, wanted: Sequence[str] = ()
) -> list[tuple[Host, list[ShownKey]]]:
    """The hosts with the keys that are to be believed; each is shown, then decided."""
    chosen: list[tuple[Host, list[ShownKey]]] = []
    for one in found:
        if show(one) and not one.is_trusted:
            if one.is_changed and not replace:
                typer.echo(
                    "  It shows ANOTHER key than known_hosts has. Find out why; only then: archscan trust --replace",
                    err=True,
                )
                continue
            keys = [key for key in one.keys if not wanted or key.fingerprint in wanted]  # type: ignore[union-attr] # show tells that it has keys
            if keys and decide(one):
                chosen.append((one.host, keys))
            elif wanted and not keys:
                typer.echo("  None of its keys has the fingerprint that you gave.", err=True)
    return chosen


def show(one: Shown) -> bool:
    """Print what a host shows; whether there is anything to decide."""
    from scanner.domain.facts import Failure

    host = one.host
    typer.echo(f"{host.name} ({host.endpoint})", err=True)
    if isinstance(one.keys, Failure):
        typer.echo(f"  shows no key: {one.keys.reason}: {one.keys.detail}", err=True)
        return False
    for key in one.keys:
        typer.echo(f"  {key.kind:<22} {key.fingerprint}", err=True)
    if one.is_trusted:
        typer.echo("  believed already", err=True)
    return True


def _decider(fingerprints: Sequence[str], *, yes: bool) -> Callable[[Shown], bool]:
    if yes or fingerprints:
        return lambda _one: True
    if not sys.stdin.isatty():
        return _refuse
    typer.echo(f"Compare with what each host's own console prints:\n  {CONSOLE}\n", err=True)
    return lambda one: typer.confirm(f"  Are these the keys of {one.host.name}?", default=False, err=True)


def _refuse(one: Shown) -> bool:
    raise UsageError(
        f"nobody is there to compare the fingerprints of {one.host.name}: give the right one with --fingerprint, "
        "or --yes on a network that you trust"
    )
