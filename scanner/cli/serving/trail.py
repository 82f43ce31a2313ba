"""``archscan trail``: what was decided, by whom, with the proof that nobody has changed it since."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scanner.cli import options, server_operations
from scanner.cli.command import ArchscanCommand, ArchscanGroup
from scanner.cli.outcome import Exit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner.cli.operations import Operations, TrailOperations
    from scanner.trail.audit import Audit

DAY_S = 86400.0

trail_app = typer.Typer(
    cls=ArchscanGroup, no_args_is_help=True, help="Read or verify the tamper-evident log of every decision."
)

KeyOption = Annotated[
    str | None,
    typer.Option(
        "--key",
        metavar="KEY",
        help="The log's public key NAME+ID+BASE64, or a file with it (default: the signing key's).",
    ),
]
WitnessOption = Annotated[
    list[str] | None,
    typer.Option(
        "--witness", metavar="KEY", help="A witness's key, or a file with it: it must have cosigned. Repeatable."
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(trail_app, name="trail")


@trail_app.command("show", cls=ArchscanCommand)
def show(
    context: typer.Context,
    last: Annotated[int, typer.Option("--last", "-n", min=1, help="How many entries, counted from the end.")] = 50,
    event: Annotated[str | None, typer.Option("--event", help="Only entries of this kind.")] = None,
    checkpoint: Annotated[bool, typer.Option("--checkpoint", help="Only the newest signed head.")] = False,
    server: server_operations.ServerOption = None,
    token_file: server_operations.TokenFileOption = None,
    config: options.ConfigOption = None,
    log_format: options.LogFormatOption = None,
    log_level: options.LogLevelOption = None,
) -> None:
    """Show the last entries, one a line: index, moment, event, who asked, what about.

    Example: archscan trail show --last 20 --event gate_decided
    """
    from scanner.cli.serving.ask import refuse_unknown
    from scanner.trail.leaf import Event

    refuse_unknown("--event", event or "", Event, "docs/trail.md")
    operations: Operations = context.obj()
    if server is not None:
        with operations.server(server, token_file) as there:
            if checkpoint:
                print(there.checkpoint(), end="")  # noqa: T201 -- data goes to stdout
            else:
                _show_entries(there.trail_entries(last, event))
        return
    trail = _trail(context, config, log_format, log_level)
    if checkpoint:
        print(trail.checkpoint(), end="")  # noqa: T201 -- data goes to stdout
    else:
        _show_entries(trail.entries(last, event))


def _show_entries(entries: Iterator[tuple[int, bytes]]) -> None:
    import json

    from scanner.trail import leaf

    for index, body in entries:
        read = leaf.decode(body)
        if read is None:
            print(f"{index}\tunreadable")  # noqa: T201 -- data goes to stdout
        else:
            about = json.dumps(read.about, sort_keys=True)
            print(f"{index}\t{read.at}\t{read.event}\t{json.dumps(read.by)[1:-1] or '-'}\t{about}")  # noqa: T201 -- data goes to stdout


@trail_app.command("verify", cls=ArchscanCommand)
def verify(
    context: typer.Context,
    key: KeyOption = None,
    since: Annotated[
        list[Path] | None,
        typer.Option("--since", metavar="FILE", help="A checkpoint that was kept elsewhere. Repeatable."),
    ] = None,
    prometheus: Annotated[
        str | None,
        typer.Option("--against-prometheus", metavar="URL", help="A Prometheus that scrapes this archscan."),
    ] = None,
    days: Annotated[float, typer.Option("--days", min=0.01, max=3650, help="How far Prometheus is asked back.")] = 30.0,
    witness: WitnessOption = None,
    proof: Annotated[
        Path | None, typer.Option("--proof", metavar="FILE", help="Verify this proof instead, without any store.")
    ] = None,
    config: options.ConfigOption = None,
    log_format: options.LogFormatOption = None,
    log_level: options.LogLevelOption = None,
) -> None:
    """Verify every entry, tile, checkpoint; name whatever was changed. It reads a copy, so the service may run.

    Exit code 1: something was changed. 3: nothing was, but somebody who was to be compared with did not answer.

    Example: archscan trail verify --since /mnt/elsewhere/checkpoint
    """
    trail = _trail(context, config, log_format, log_level)
    if proof is not None:
        raise typer.Exit(_verify_proof(trail, proof, key, witness or []))
    made = trail.verify(
        log_key=key,
        since=since or [],
        prometheus=prometheus,
        window_s=days * DAY_S,
        witness_keys=witness or [],
    )
    for line in _told(made):
        print(line)  # noqa: T201 -- data goes to stdout
    raise typer.Exit(Exit.FINDINGS if not made.sound else Exit.INCOMPLETE if made.missing else Exit.OK)


@trail_app.command("prove", cls=ArchscanCommand)
def prove(
    context: typer.Context,
    entry: Annotated[str, typer.Argument(metavar="ENTRY", help="An index, or the id of a decision, scan or waiver.")],
    output: options.OutputOption = None,
    config: options.ConfigOption = None,
    log_format: options.LogFormatOption = None,
    log_level: options.LogLevelOption = None,
) -> None:
    """Write one file that proves offline what an entry says (C2SP tlog-proof).

    Example: archscan trail prove 42 --output decision.tlog-proof
    """
    _write(iter([_trail(context, config, log_format, log_level).prove(entry)]), output)


@trail_app.command("export", cls=ArchscanCommand)
def export(
    context: typer.Context,
    output: options.OutputOption = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            "--checkpoint",
            metavar="FILE",
            callback=options.writable,
            help="Also write the newest signed head, to this file.",
        ),
    ] = None,
    config: options.ConfigOption = None,
    log_format: options.LogFormatOption = None,
    log_level: options.LogLevelOption = None,
) -> None:
    """Write every entry as JSON lines: line N, without its newline, is the Nth leaf of the tree, byte for byte.

    Example: archscan trail export --output trail.jsonl --checkpoint trail.checkpoint
    """
    from scanner.errors import UsageError

    with _trail(context, config, log_format, log_level).exported() as (head, bodies):
        if checkpoint is not None:
            if not head:
                raise UsageError("the trail has no entry yet")
            _write(iter([head]), checkpoint, "--checkpoint")
        _write((f"{body.decode('utf-8', 'backslashreplace')}\n" for body in bodies), output)


@trail_app.command("key", cls=ArchscanCommand)
def new_key(
    origin: Annotated[
        str | None, typer.Argument(metavar="[ORIGIN]", help="The log's name, such as example.com/archscan.")
    ] = None,
) -> None:
    """Make a signing key for trail.key_file, on stdout; its public half goes to stderr.

    Example: archscan trail key example.com/archscan >trail.key
    """
    import sys

    from scanner.errors import UsageError
    from scanner.trail.key import new_origin
    from scanner.trail.note import NoteError, Signer

    try:
        signer = Signer.made(origin or new_origin())
    except NoteError as error:
        raise UsageError(str(error)) from None
    print(signer.encoded)  # noqa: T201 -- data goes to stdout
    print(signer.verifier, file=sys.stderr)  # noqa: T201 -- talk goes to stderr


def _trail(
    context: typer.Context,
    config: Path | None,
    log_format: options.LogFormat | None,
    log_level: options.LogLevel | None,
) -> TrailOperations:
    operations: Operations = context.obj()
    return operations.trail(options.common(config, log_format, log_level))


def _write(pieces: Iterator[str], to: Path | None, option: str = "--output") -> None:
    from scanner.cli.output import output

    if to is not None:
        output.write_pieces(pieces, to, option)
        return
    for piece in pieces:
        print(piece, end="")  # noqa: T201 -- data goes to stdout


def _told(made: Audit) -> Iterator[str]:
    import base64

    from scanner.trail.audit import ALONE

    verified = made.verified
    root = base64.b64encode(verified.root).decode()
    yield f"trail {made.origin}: {verified.size} entries, {verified.checkpoints} checkpoints, root {root}"
    yield from (f"compared with {who}" for who in made.compared)
    yield from map(str, made.found)
    yield from (f"not compared: {why}" for why in made.missing)
    if not made.compared:
        yield ALONE
    yield "The trail is as it was signed." if made.sound else f"The trail was changed: {len(made.found)} findings."


def _verify_proof(trail: TrailOperations, path: Path, key: str | None, witnesses: list[str]) -> Exit:
    import json

    from scanner.trail.note import NoteError

    try:
        head, entry = trail.verify_proof(path, key, witnesses)
    except NoteError as error:
        print(f"{path} proves nothing: {error}")  # noqa: T201 -- data goes to stdout
        return Exit.FINDINGS
    print(f"{head.origin}, under its checkpoint of {head.size} entries, proves:")  # noqa: T201 -- data goes to stdout
    if entry is not None:
        print(f"{entry.at} {entry.event} by {entry.by or '-'} {json.dumps(entry.about, sort_keys=True)}")  # noqa: T201 -- data goes to stdout
    return Exit.OK
