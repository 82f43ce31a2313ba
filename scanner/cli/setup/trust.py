"""``archscan trust``: believe host keys after a person compared them."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from scanner.cli import completion, options
from scanner.cli.command import ArchscanCommand
from scanner.domain.host import parse_endpoint
from scanner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scanner.cli.operations import Common, Operations
    from scanner.domain.failure import Failure as Failed
    from scanner.domain.host import Host
    from scanner.hosts.ssh.host_keys import ShownKey
    from scanner.service.trusting import Shown

CONSOLE = "for key in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf $key; done"
"""What shows the same fingerprints where nobody can stand in between."""

_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{1,43}=?")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("trust", cls=ArchscanCommand)(trust)


def trust(
    context: typer.Context,
    hosts: Annotated[
        list[str],
        typer.Argument(
            metavar="HOST...", help="Hosts of the inventory, or [user@]host[:port].", autocompletion=completion.hosts
        ),
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
    operations: Operations = context.obj()
    common = options.common(config, log_format, log_level)
    wanted = fingerprint or ()
    for one in wanted:
        if not _FINGERPRINT.fullmatch(one):
            raise UsageError(f"--fingerprint {one}: write SHA256: and what ssh-keygen -lf shows behind it")
    decide = _decider(wanted, yes=yes)
    left = believe(operations, common, hosts, lambda found: choose(found, decide, replace=replace, wanted=wanted))
    if left:
        raise typer.Exit(3)


def believe(
    operations: Operations,
    common: Common,
    words: Sequence[str],
    choice: Callable[[Sequence[Shown]], Sequence[tuple[Host, Sequence[ShownKey]]]],
) -> list[Host]:
    """Have the keys of hosts shown, those of their bastions first; write what is chosen; return who is left untrusted."""
    from scanner.hosts import names

    left: list[Host] = []
    while words:
        file, found = names.run(operations.shown_keys(common, words))
        chosen = choice(found)
        if chosen:
            operations.believe(file, chosen)
            typer.echo(f"{file} now has the keys of {', '.join(host.name for host, _ in chosen)}.", err=True)
        believed = {host.name for host, _ in chosen}
        refused = [one for one in found if not one.is_trusted and one.host.name not in believed]
        left += [host for one in refused for host in (*((one.host,) if one.is_wanted else ()), *one.behind)]
        words = [_word(host, words) for one in found if one.host.name in believed for host in one.behind]
    return left


def _word(host: Host, words: Sequence[str]) -> str:
    """What a host is asked for by once more: the word that the person wrote, where it was this one."""
    return next((word for word in words if _means(word, host)), host.name)


def _means(word: str, host: Host) -> bool:
    endpoint = parse_endpoint(word)
    if endpoint is None or endpoint.address not in {host.name, host.address, *host.aliases}:
        return False
    return endpoint.port in {None, host.port} and endpoint.user in {"", host.user}


def choose(
    found: Sequence[Shown], decide: Callable[[Shown], bool], *, replace: bool = False, wanted: Sequence[str] = ()
) -> list[tuple[Host, list[ShownKey]]]:
    """The hosts with the keys that are to be believed; each is shown, then decided."""
    chosen: list[tuple[Host, list[ShownKey]]] = []
    told: set[str] = set()
    for one in found:
        if show(one, told) and not one.is_trusted:
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


def show(one: Shown, told: set[str]) -> bool:
    """Print what a host shows; whether there is anything to decide. The cure of a bastion is ``told`` once."""
    from scanner.domain.failure import Failure
    from scanner.domain.verdict.reason import Reason

    host = one.host
    before = f", the bastion in front of {_named(one.behind)}" if one.behind else ""
    typer.echo(f"{host.name} ({host.endpoint}{before})", err=True)
    if isinstance(one.keys, Failure):
        typer.echo(f"  shows no key: {one.keys.reason}: {one.keys.detail}", err=True)
        if one.keys.host not in told:
            _show_cure(host, one.keys)
        if one.keys.reason is Reason.HOST_BASTION:
            told.add(one.keys.host)
        return False
    for key in one.keys:
        typer.echo(f"  {key.kind:<22} {key.fingerprint}", err=True)
    if one.is_trusted:
        typer.echo("  believed already", err=True)
    return True


def _named(hosts: Sequence[Host]) -> str:
    """The first of them, with how many more there are."""
    more = f" and {len(hosts) - 1} more" if len(hosts) > 1 else ""
    return f"{hosts[0].name}{more}"


def _show_cure(host: Host, failure: Failed) -> None:
    """What mends it; a host that shows no key lacks no key of ours."""
    from scanner.domain.verdict import remedy

    fix = remedy.fix(failure.reason, remedy.Trouble(host.name, "", failure=failure))
    typer.echo(f"  {fix.summary}", err=True)
    for command in fix.commands:
        typer.echo(f"  $ {command}", err=True)


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
