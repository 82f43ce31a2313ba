"""``archscan check``: the deploy gate, before anything is deployed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scanner.cli import completion, options, server_operations
from scanner.cli.command import ArchscanCommand
from scanner.cli.outcome import Exit, FailOn, exit_code
from scanner.errors import UsageError

if TYPE_CHECKING:
    from scanner.cli.operations import CheckOptions, Operations
    from scanner.service.answers import Checked

PlatformOption = Annotated[
    list[str] | None,
    typer.Option(
        "--platform",
        "-p",
        metavar="OS/ARCH",
        help="A plain host of this platform, such as linux/arm64. Repeatable.",
        autocompletion=completion.platforms,
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("check", cls=ArchscanCommand)(check)


def check(
    context: typer.Context,
    images: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[IMAGE...]",
            help="What is about to be deployed: references, or before a push oci:DIR[:TAG], oci-archive:FILE[:TAG], "
            "docker-archive:FILE[:IMAGE].",
            autocompletion=completion.images,
        ),
    ] = None,
    host: options.HostOption = None,
    label: options.LabelOption = None,
    platform: PlatformOption = None,
    compose: Annotated[
        list[Path] | None,
        typer.Option(
            "--compose", metavar="FILE", help="Every service of a Compose project, read as by docker compose -f."
        ),
    ] = None,
    manifests: Annotated[
        list[Path] | None,
        typer.Option(
            "--manifests",
            metavar="PATH",
            help="What a file or folder plans: Kubernetes manifests, stacks, quadlets, units, Nomad jobs. Repeatable.",
        ),
    ] = None,
    entrypoint: Annotated[
        str | None, typer.Option("--entrypoint", metavar="WORDS", help="What is started instead of the entrypoint.")
    ] = None,
    command: Annotated[
        str | None, typer.Option("--command", metavar="WORDS", help="The arguments, instead of the image's command.")
    ] = None,
    pin: Annotated[
        bool,
        typer.Option(
            "--pin",
            help="Print each image by the digest that was judged, nothing else, if it may go; the rest to stderr.",
        ),
    ] = False,
    form: options.FormatOption = options.Format.TABLE,
    to: options.OutputOption = None,
    quiet: options.QuietOption = False,
    fail_on: options.FailOnOption = FailOn.MISMATCH,
    depth: options.DepthChoice = None,
    server: server_operations.ServerOption = None,
    token_file: server_operations.TokenFileOption = None,
    config: options.ConfigOption = None,
    log_format: options.LogFormatOption = None,
    log_level: options.LogLevelOption = None,
) -> None:
    """May these images go to these hosts? The deploy gate, before anything is deployed.

    Name hosts of the inventory (--host, --label) or plain platforms (--platform), which need no configuration.
    The decision is allow, warn, hold (not enough is known) or deny; deny ends with exit code 1, hold with 3.

    Example: archscan check registry.example/shop/api:1.4 --platform linux/arm64
    """
    patterns = options.patterns(host, label)
    if bool(patterns) == bool(platform):
        raise UsageError(
            "name either hosts (--host PATTERN) or platforms (--platform OS/ARCH) to check against; --label names hosts"
        )
    if not (images or compose or manifests):
        raise UsageError("name what is to be checked: IMAGE, --compose FILE or --manifests PATH")
    from scanner.cli.operations import CheckOptions
    from scanner.cli.output import progress
    from scanner.hosts import names

    asked = CheckOptions(
        images=tuple(images or ()),
        compose=tuple(compose or ()),
        manifests=tuple(manifests or ()),
        hosts=patterns,
        platforms=tuple(platform or ()),
        entrypoint=_words("--entrypoint", entrypoint),
        command=_words("--command", command),
        depth=depth,
    )
    if len(asked.images) != 1 and (entrypoint is not None or command is not None):
        raise UsageError("--entrypoint and --command go with one IMAGE")
    operations: Operations = context.obj()
    if server is not None:
        _refuse_unsent(asked)
        checked = server_operations.check_there(operations, server, token_file, asked)
        raise typer.Exit(_written(checked, form, fail_on, to, pin=pin, quiet=quiet))
    common = options.common(config, log_format, log_level)
    with progress.shown(quiet=quiet) as listen:
        checked = names.run(operations.check(common, asked, listen))
    raise typer.Exit(_written(checked, form, fail_on, to, pin=pin, quiet=quiet))


def _written(
    checked: Checked, form: options.Format, fail_on: FailOn, to: Path | None, *, pin: bool, quiet: bool
) -> Exit:
    from scanner.cli.gate import checked_output

    code = exit_code(checked.report, fail_on, checked.decision, checked.overridden)
    if pin:
        return checked_output.write_pins(checked, code)
    checked_output.write(checked, form, to=to, quiet=quiet)
    return code


def _refuse_unsent(asked: CheckOptions) -> None:
    """What a question to a server cannot hold."""
    for image in asked.images:
        server_operations.refuse_unsent_files(image)
    if asked.depth is not None:
        raise UsageError("--depth goes without --server: a running archscan judges at the depth of its configuration")


def _words(option: str, text: str | None) -> tuple[str, ...] | None:
    """A command written as one text, as Compose splits it."""
    if text is None:
        return None
    from scanner.formats import compose_words

    try:
        return compose_words.split(text)
    except compose_words.ShellwordsError as error:
        raise UsageError(f"{option}: {error}") from None
