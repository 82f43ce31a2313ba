"""``archscan rollback``: the last release that really started on this hardware, one step away."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scanner.cli import completion, options
from scanner.cli.command import ArchscanCommand
from scanner.cli.outcome import Exit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from scanner.cli.operations import Operations, RollbackOperations
    from scanner.domain.release import Release

ROLLBACK_PATH = "/usr/local/libexec/archscan-rollback"
ROLLBACK_USER = "archscan-rollback"

POLL_S = 2.0
"""Between two looks at a rollback that is under way."""

MAX_LINE_CHARS = 4096
"""A command has two references and a handful of names."""

_ENDS = {"done": Exit.OK, "undone": Exit.FINDINGS, "refused": Exit.FINDINGS, "unproved": Exit.FINDINGS}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("rollback", cls=ArchscanCommand)(rollback)
    app.command("rollback-agent", cls=ArchscanCommand)(agent)
    app.command("rollback-script", cls=ArchscanCommand)(script)


def rollback(
    context: typer.Context,
    host: Annotated[
        str, typer.Argument(metavar="[HOST]", help="A host of the inventory.", autocompletion=completion.hosts)
    ] = "",
    workload: Annotated[
        str, typer.Argument(metavar="[WORKLOAD]", help="The name of a container, or of a Swarm service.")
    ] = "",
    to: Annotated[
        str,
        typer.Option("--to", metavar="DIGEST", help="This release (sha256:…); the last one that started without it."),
    ] = "",
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Only show releases and plan, from a scan of this moment; asks no service."),
    ] = False,
    confirm: Annotated[
        str, typer.Option("--confirm", metavar="ID", help="Carry out the plan with this id, within ten minutes.")
    ] = "",
    accept_cautions: Annotated[
        bool, typer.Option("--accept-cautions", help="Go on although something speaks against it: data, a schema.")
    ] = False,
    server: Annotated[
        str | None,
        typer.Option(
            "--server",
            envvar="ARCHSCAN_SERVER",
            metavar="URL",
            help="The running service (default: rollback.server).",
        ),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(
            "--token-file",
            envvar="ARCHSCAN_TOKEN_FILE",
            metavar="FILE",
            help="File with a token of the scope rollback (default: rollback.token_file).",
        ),
    ] = None,
    output_format: options.PlainOption = options.PlainFormat.TABLE,
    config: options.ConfigOption = None,
    log_format: options.LogFormatOption = None,
    log_level: options.LogLevelOption = None,
) -> None:
    """Plan the way back for a workload, or confirm a plan. Exit code 1: put back as it was, or refused.

    Example: archscan rollback web-1 api --dry-run
    """
    from scanner.errors import UsageError

    operations: Operations = context.obj()
    common = options.common(config, log_format, log_level)
    if confirm:
        if host or workload:
            raise UsageError(f"--confirm names a plan, which knows its workload: archscan rollback --confirm {confirm}")
        service = operations.rollback(common, server, token_file)
        raise typer.Exit(_confirmed(service, confirm, accept_cautions, output_format))
    if not host or not workload:
        raise UsageError("name a HOST with its WORKLOAD, or --confirm ID")
    if dry_run:
        raise typer.Exit(_dry_run(operations.rollback(common, need_hosts=True), host, workload, to, output_format))
    made = operations.rollback(common, server, token_file).plan(host, workload, to)
    _show(made, output_format)
    raise typer.Exit(Exit.OK)


def agent(
    context: typer.Context,
    config: options.ConfigOption = None,
    log_format: options.LogFormatOption = None,
    log_level: options.LogLevelOption = None,
) -> None:
    """Carry out confirmed rollbacks: a process of its own, with a configuration, key and token of its own.

    Example: archscan rollback-agent --config /etc/archscan/rollback-agent.yml
    """
    from scanner.hosts import names

    operations: Operations = context.obj()
    common = options.common(config, log_format, log_level)
    names.run(operations.rollback(common, need_hosts=True).agent())


def script(
    context: typer.Context,
    sudoers: Annotated[bool, typer.Option("--sudoers", help="Print the sudo rule for it instead.")] = False,
    prepare: Annotated[
        Path | None,
        typer.Option(
            "--prepare", metavar="PUBLIC_KEY", help="Print a script that installs all of it on a host for this key."
        ),
    ] = None,
    address: Annotated[
        list[str] | None, typer.Option("--from", metavar="ADDRESS", help="Accept logins from here only. Repeatable.")
    ] = None,
    user: Annotated[str, typer.Option("--user", help="The account that the agent logs in to.")] = ROLLBACK_USER,
    path: Annotated[str, typer.Option("--path", help="Where hosts have the script.")] = ROLLBACK_PATH,
) -> None:
    """Print the one script that may change something on a host, for reading or for installing.

    Example: archscan rollback-script --prepare agent_ed25519.pub | ssh root@web-1 sh
    """
    operations: Operations = context.obj()
    if prepare is not None:
        text = operations.rollback_preparation(prepare, address or (), user, path)
    else:
        text = operations.sudoers(user, path) if sudoers else operations.rollback_script()
    print(text, end="")  # noqa: T201 -- data goes to stdout


def _dry_run(operations: RollbackOperations, host: str, workload: str, to: str, how: options.PlainFormat) -> Exit:
    import json

    from scanner.domain.rollback_record import rollback_json
    from scanner.hosts import names
    from scanner.service.answers import Refusal

    releases, made = names.run(operations.dry_run(host, workload, to))
    if how is options.PlainFormat.JSON:
        from scanner.domain.report_json import plain

        told: dict[str, Any] = (
            {"refused": str(made.reason), "detail": made.detail}
            if isinstance(made, Refusal)
            else {"plan": rollback_json(made)}
        )
        print(json.dumps({"releases": [plain(one) for one in releases], **told}, indent=2))  # noqa: T201 -- data goes to stdout
    else:
        print("\n".join(_releases(releases)))  # noqa: T201 -- data goes to stdout
        text = (
            f"\nNo plan: {made.detail} ({made.reason})"
            if isinstance(made, Refusal)
            else "\n".join(map(_line, _told(rollback_json(made))))
        )
        print(text)  # noqa: T201 -- data goes to stdout
    return Exit.FINDINGS if isinstance(made, Refusal) else Exit.OK


def _confirmed(operations: RollbackOperations, rollback_id: str, accept: bool, how: options.PlainFormat) -> Exit:
    """Confirm, then tell each step as it happens."""
    import sys
    import time

    from scanner.domain.text import printable

    made = operations.confirm(rollback_id, accept_cautions=accept)
    shown = 0
    while True:
        steps = made["steps"]
        for one in steps[shown:]:
            print(printable(f"{one['at']} {one['step']}: {one['detail']}"), file=sys.stderr)  # noqa: T201 -- talk goes to stderr
        shown = len(steps)
        if made["state"] in _ENDS:
            break
        time.sleep(POLL_S)
        made = operations.find(rollback_id)
    _show(made, how)
    return _ENDS[made["state"]]


def _show(made: Mapping[str, Any], how: options.PlainFormat) -> None:
    import json

    text = json.dumps(made, indent=2) if how is options.PlainFormat.JSON else "\n".join(map(_line, _told(made)))
    print(text)  # noqa: T201 -- data goes to stdout


def _line(said: str) -> str:
    """What a server, or a host, said, as one line of a terminal; every space stays, which a command may quote."""
    from scanner.domain.text import ELLIPSIS, printable

    shown = " ".join(map(printable, said[:MAX_LINE_CHARS].split(" ")))
    return shown + ELLIPSIS if len(said) > MAX_LINE_CHARS else shown


def _releases(releases: Sequence[Release]) -> Iterator[str]:
    from scanner.domain.report_json import moment

    yield f"releases: {len(releases)}"
    for one in releases:
        started = (
            f"started here {moment(one.started_at)} on {one.platform}" if one.started_at else "never seen to start"
        )
        mark = "*" if one.current else " "
        seen = (
            f"since {moment(one.first_seen)}" if one.current else f"{moment(one.first_seen)} to {moment(one.last_seen)}"
        )
        yield f"{mark} {one.digest}  {one.written}  seen {seen}  {started}"


def _told(made: Mapping[str, Any]) -> Iterator[str]:
    """A plan, or what became of it, in lines."""
    yield ""
    yield f"{made['workload']} on {made['host']} ({made['manager']}, {made['engine']})"
    yield f"  from     {made['from_digest'] or 'no container: the unit keeps none that ended'}"
    yield f"  to       {made['to_digest']}"
    yield f"  verdict  {made['verdict']}"
    yield from (f"           {one}" for one in made["evidence"])
    yield from (f"  touches  {one}" for one in made["touches"])
    yield from (f"  CAUTION  {one}" for one in made["cautions"])
    yield "  by hand, on the host:"
    yield from (f"    {one}" for one in made["commands"])
    state = made["state"]
    if state != "planned":
        yield f"  {state}: {made['detail']}"
    elif made["id"]:
        accept = " --accept-cautions" * bool(made["cautions"])
        yield f"  by the agent, within ten minutes: archscan rollback --confirm {made['id']}{accept}"
