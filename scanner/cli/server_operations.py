"""The questions that commands ask of a running service, with the options that name it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol, Self

import typer

from scanner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from scanner.cli.operations import CheckOptions, Operations
    from scanner.domain.override import Override
    from scanner.domain.report import Finding, HostReading, Report
    from scanner.domain.waiver import Waiver
    from scanner.service.answers import Checked

DEFAULT_SERVER = "http://127.0.0.1:9719"
"""Where archscan listens where nobody says otherwise."""

ServerOption = Annotated[
    str | None,
    typer.Option("--server", envvar="ARCHSCAN_SERVER", metavar="URL", help="Ask a running archscan instead."),
]
AskedServerOption = Annotated[
    str, typer.Option("--server", envvar="ARCHSCAN_SERVER", metavar="URL", help="The running archscan that is asked.")
]
TokenFileOption = Annotated[
    Path | None,
    typer.Option(
        "--token-file", envvar="ARCHSCAN_TOKEN_FILE", metavar="FILE", help="File with the token for --server."
    ),
]


FILES = ("oci:", "oci-archive:", "docker-archive:")
"""How images in files are named."""


def refuse_unsent_files(image: str) -> None:
    """What a question to a server cannot hold.

    Raises:
        UsageError: the image is in a file here.
    """
    if image.startswith(FILES):
        raise UsageError(
            f"--server is not sent images: {image} has its layers on this machine. Ask here, without --server or ARCHSCAN_SERVER, or push it"
        )


class RemoteService(Protocol):
    """A running service; every method raises ``UsageError`` or ``ServiceError`` where it refuses or does not answer."""

    def __enter__(self) -> Self:
        """Itself."""
        ...

    def __exit__(self, *error: object) -> None:
        """Close the connections."""
        ...

    def report(self) -> Report:
        """The latest report."""
        ...

    def findings(self, **wanted: str) -> Sequence[Finding]:
        """The judged workloads that match."""
        ...

    def image(self, reference: str) -> tuple[Mapping[str, Any], Sequence[Finding]]:
        """Who runs or plans an image: the answer's document, the findings in it."""
        ...

    def scan(self, patterns: Sequence[str], listen: Callable[[int, int, HostReading], None]) -> Report:
        """Have hosts scanned now; the report of these hosts."""
        ...

    def check(
        self,
        images: Sequence[str | dict[str, Any]],
        patterns: Sequence[str],
        platforms: Sequence[str],
        files: Mapping[str, str] = {},
    ) -> Checked:
        """Ask the gate."""
        ...

    def waivers(self) -> Sequence[Waiver]:
        """Who answers for what."""
        ...

    def add_waiver(self, wanted: Mapping[str, str]) -> tuple[Waiver, int | None]:
        """Answer for findings; with how many it is for, where that is known."""
        ...

    def delete_waiver(self, waiver_id: str) -> None:
        """Answer for them no more."""
        ...

    def overrides(self) -> Sequence[Override]:
        """Who answers for which deployments against the gate."""
        ...

    def add_override(self, wanted: Mapping[str, str]) -> Override:
        """Answer for a deployment."""
        ...

    def delete_override(self, override_id: str) -> None:
        """Answer for it no more."""
        ...

    def trail_entries(self, last: int, event: str | None = None) -> Iterator[tuple[int, bytes]]:
        """The last entries, or the last of one kind."""
        ...

    def checkpoint(self) -> str:
        """The newest signed head."""
        ...

    def readiness(self, to: str) -> tuple[Report, Sequence[Finding] | None]:
        """The latest report beside its images as judged for another platform, where they were."""
        ...


def check_there(operations: Operations, url: str, token_file: Path | None, asked: CheckOptions) -> Checked:
    """The gate of a running service, asked about hosts or platforms; the texts of plans are sent along."""
    from scanner.cli.gate import sent_files

    images: list[str | dict[str, Any]] = list(asked.images)
    if asked.entrypoint is not None or asked.command is not None:
        images = [{"image": image, "entrypoint": asked.entrypoint, "command": asked.command} for image in asked.images]
    texts = sent_files.texts(asked.compose, asked.manifests)
    with operations.server(url, token_file) as server:
        return server.check(images, asked.hosts, asked.platforms, texts)
