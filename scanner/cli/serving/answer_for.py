"""``archscan waivers``, ``overrides``: who answers to a running service for what, until when."""

from __future__ import annotations

import json
import sys
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from scanner.cli import options, server_operations
from scanner.cli.command import ArchscanCommand, ArchscanGroup
from scanner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scanner.cli.operations import Operations
    from scanner.domain.override import Override
    from scanner.domain.waiver import Waiver

waivers_app = typer.Typer(cls=ArchscanGroup, no_args_is_help=True, help="Who answers for which findings, until when.")
overrides_app = typer.Typer(
    cls=ArchscanGroup, no_args_is_help=True, help="Who answers for which deployments against the gate, until when."
)

OwnerOption = Annotated[str, typer.Option("--owner", help="Who answers for it.")]
UntilOption = Annotated[
    str,
    typer.Option("--until", metavar="DAY", help="Its last day, 2027-01-31, or its end, 2027-01-31T18:00:00Z."),
]
ANY = "*"
"""What a pattern is that narrows nothing."""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(waivers_app, name="waivers")
    app.add_typer(overrides_app, name="overrides")


# ---------------------------------------------------------------- waivers


@waivers_app.command("list", cls=ArchscanCommand)
def list_waivers(
    context: typer.Context,
    form: options.PlainOption = options.PlainFormat.TABLE,
    server: server_operations.AskedServerOption = server_operations.DEFAULT_SERVER,
    token_file: server_operations.TokenFileOption = None,
) -> None:
    """Show every waiver in force.

    Example: archscan waivers list --format json
    """
    operations: Operations = context.obj()
    with operations.server(server, token_file) as there:
        _show(there.waivers(), form)


@waivers_app.command("add", cls=ArchscanCommand)
def add_waiver(
    context: typer.Context,
    owner: OwnerOption,
    reason: Annotated[str, typer.Option("--reason", help="Why it may stay.")],
    until: UntilOption,
    host: Annotated[str, typer.Option("--host", metavar="PATTERN", help="Hosts that it covers.")] = ANY,
    image: Annotated[str, typer.Option("--image", metavar="PATTERN", help="Images that it covers.")] = ANY,
    workload: Annotated[str, typer.Option("--workload", metavar="PATTERN", help="Workloads that it covers.")] = ANY,
    finding_reason: Annotated[
        str, typer.Option("--finding-reason", metavar="PATTERN", help="Reasons that it covers.")
    ] = ANY,
    server: server_operations.AskedServerOption = server_operations.DEFAULT_SERVER,
    token_file: server_operations.TokenFileOption = None,
) -> None:
    """Answer for findings until a day.

    Example: archscan waivers add --owner ada --reason "replaced next week" --until 2027-01-31 --image 'legacy/report:*'
    """
    wanted = {"owner": owner, "reason": reason, "until": _end(until)}
    wanted |= {"host": host, "image": image, "workload": workload, "finding_reason": finding_reason}
    operations: Operations = context.obj()
    with operations.server(server, token_file) as there:
        added, covered = there.add_waiver(wanted)
    print(_line(added))  # noqa: T201 -- data goes to stdout
    if covered == 0:
        print("archscan: it is for no finding of the last scan: are its patterns right?", file=sys.stderr)  # noqa: T201 -- talk goes to stderr


@waivers_app.command("delete", cls=ArchscanCommand)
def delete_waiver(
    context: typer.Context,
    waiver: Annotated[str, typer.Argument(metavar="ID", help="The first column of `archscan waivers list`.")],
    server: server_operations.AskedServerOption = server_operations.DEFAULT_SERVER,
    token_file: server_operations.TokenFileOption = None,
) -> None:
    """End a waiver that was added to the running service.

    Example: archscan waivers delete 5f1c
    """
    _refuse_nameless("waiver", waiver)
    operations: Operations = context.obj()
    with operations.server(server, token_file) as there:
        there.delete_waiver(waiver)


# ---------------------------------------------------------------- overrides


@overrides_app.command("list", cls=ArchscanCommand)
def list_overrides(
    context: typer.Context,
    form: options.PlainOption = options.PlainFormat.TABLE,
    server: server_operations.AskedServerOption = server_operations.DEFAULT_SERVER,
    token_file: server_operations.TokenFileOption = None,
) -> None:
    """Show every override of the gate in force.

    Example: archscan overrides list --format json
    """
    operations: Operations = context.obj()
    with operations.server(server, token_file) as there:
        _show(there.overrides(), form)


@overrides_app.command("add", cls=ArchscanCommand)
def add_override(
    context: typer.Context,
    image: Annotated[
        str,
        typer.Argument(metavar="IMAGE", help="The image as it is written, a pattern, or the digest that was judged."),
    ],
    owner: OwnerOption,
    reason: Annotated[str, typer.Option("--reason", help="Why it must go.")],
    until: UntilOption,
    host: Annotated[str, typer.Option("--host", metavar="PATTERN", help="Hosts that it may go to.")] = ANY,
    server: server_operations.AskedServerOption = server_operations.DEFAULT_SERVER,
    token_file: server_operations.TokenFileOption = None,
) -> None:
    """Have the gate warn of an image where it would deny or hold it, for 30 days at most.

    Example: archscan overrides add r.example/shop/api:1.4 --owner ada --reason "needed tonight" --until 2027-01-31
    """
    wanted = {"owner": owner, "reason": reason, "until": _end(until), "image": image, "host": host}
    operations: Operations = context.obj()
    with operations.server(server, token_file) as there:
        print(_line(there.add_override(wanted)))  # noqa: T201 -- data goes to stdout


@overrides_app.command("delete", cls=ArchscanCommand)
def delete_override(
    context: typer.Context,
    override: Annotated[str, typer.Argument(metavar="ID", help="The first column of `archscan overrides list`.")],
    server: server_operations.AskedServerOption = server_operations.DEFAULT_SERVER,
    token_file: server_operations.TokenFileOption = None,
) -> None:
    """End an override at once.

    Example: archscan overrides delete 5f1c
    """
    _refuse_nameless("override", override)
    operations: Operations = context.obj()
    with operations.server(server, token_file) as there:
        there.delete_override(override)


# ---------------------------------------------------------------- both


def _end(until: str) -> str:
    """The moment that ``--until`` means: of a day its last second in UTC.

    Raises:
        UsageError: it is neither a day nor a moment with its zone.
    """
    try:
        return f"{date.fromisoformat(until)}T23:59:59Z"
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(until)
    except ValueError:
        raise UsageError(
            f"--until {until}: write a day, such as 2027-01-31, or a moment, 2027-01-31T18:00:00Z"
        ) from None
    if moment.tzinfo is None:
        raise UsageError(f"--until {until}: write its zone too, such as {until}Z")
    return moment.isoformat()


def _refuse_nameless(kind: str, name: str) -> None:
    if not name.strip():
        raise UsageError(
            f"name {'an' if kind[0] in 'aeiou' else 'a'} {kind} by its id, the first column of `archscan {kind}s list`"
        )


def _show(known: Sequence[Waiver] | Sequence[Override], form: options.PlainFormat) -> None:
    from scanner.domain.report_json import moment, plain

    if form is options.PlainFormat.JSON:
        rows = [plain(one) | {"until": moment(one.until)} for one in known]
        print(json.dumps(rows, indent=2, ensure_ascii=False))  # noqa: T201 -- data goes to stdout
        return
    for one in known:
        print(_line(one))  # noqa: T201 -- data goes to stdout


def _line(one: Waiver | Override) -> str:
    """Its id, its end, who answers, for what, why, apart by tabs; an end within a day has its time."""
    from scanner.domain.report_json import moment
    from scanner.domain.text import printable

    narrow = " ".join(f"{name}={pattern}" for name, pattern in _covers(one).items() if pattern != ANY)
    end = moment(one.until) or ""
    shown = end[:10] if end[11:19] == "23:59:59" else end
    return "\t".join(map(printable, (one.id, shown, one.owner, narrow, one.reason)))


def _covers(one: Waiver | Override) -> Mapping[str, str]:
    from scanner.domain.override import Override

    both = {"host": one.host, "image": one.image}
    return both if isinstance(one, Override) else both | {"workload": one.workload, "reason": one.finding_reason}
