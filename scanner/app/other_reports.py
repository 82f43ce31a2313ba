"""Learns for commands what somebody else knows: a running service, or the report of a scan before."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from scanner.app.store import store_url
from scanner.domain import report_reading
from scanner.domain.host import Host
from scanner.domain.readiness import readiness
from scanner.errors import UsageError
from scanner.formats import files
from scanner.formats.documents import lenient_json
from scanner.formats.files import FileError
from scanner.inventory.error import InventoryError
from scanner.inventory.match import match
from scanner.store.error import StoreError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from scanner.client import Client
    from scanner.domain.platform.platform import Platform
    from scanner.domain.readiness import Readiness
    from scanner.domain.report import Report
    from scanner.settings.schema import Settings

MAX_REPORT_BYTES = 512 << 20
"""A report of ten thousand hosts has 160 MB."""

MAX_REPORT_VALUES = 32 << 20
"""As many as so long a report has, whose values take some sixteen bytes each."""


def server(url: str, token_file: Path | None) -> Client:
    """A running service.

    Raises:
        UsageError: its address is none, or the token's file cannot be read.
    """
    from scanner.client import Client  # noqa: PLC0415 -- an HTTP client takes long to import, which no other command should pay

    token = ""
    if token_file is not None:
        try:
            token = files.read_secret(token_file).strip()
        except FileError as error:
            raise UsageError(f"--token-file {error}") from None
    return Client(url, token)


def readiness_there(
    url: str, token_file: Path | None, target: Platform, patterns: Sequence[str], team_label: str
) -> Readiness:
    """What would run on another platform, of the hosts in the latest report of a running service that match.

    Raises:
        UsageError: no host matches, or the service refuses.
        ServiceError: it does not answer.
    """
    with server(url, token_file) as there:
        report, judged = there.readiness(str(target))
    if patterns:
        known = [Host(reading.name, reading.name, labels=reading.labels) for reading in report.hosts]
        try:
            names = {host.name for host in match(known, patterns)}
        except InventoryError as error:
            raise UsageError(str(error)) from None
        report = report.of_hosts(names)
    there_judged = None if judged is None else replace(report, hosts=(), findings=tuple(judged))
    return readiness(report, target, there_judged, team_label)


def report_in(file: Path) -> Report:
    """The report in a file that ``archscan scan --format json`` wrote.

    Raises:
        UsageError: it cannot be read, or is no such report.
    """
    try:
        content = files.read_bytes(file, MAX_REPORT_BYTES)
        return report_reading.report_of(lenient_json.loads(content, MAX_REPORT_VALUES))
    except FileError as error:
        raise UsageError(f"--against {error}") from None
    except ValueError as error:
        raise UsageError(f"--against {file} is no report of archscan scan --format json: {error}") from None


def stored_report(settings: Settings) -> Report:
    """The last report of the configured store, read from a copy.

    Raises:
        UsageError: there is no store, or none in it.
    """
    from scanner.store.read_only import last_report_of  # noqa: PLC0415 -- SQLAlchemy takes long to import

    url = store_url(settings)
    if url is None:
        raise UsageError("nothing to compare with: name a report with --against FILE, or set store.url")
    try:
        report = last_report_of(url)
    except StoreError as error:
        raise UsageError(str(error)) from None
    if report is None:
        raise UsageError("nothing to compare with: the store has no report yet")
    return report


def stored_images(settings: Settings) -> Collection[str]:
    """The images of the last scan in the configured store, at once; none without a store.

    Raises:
        UsageError: it cannot be read.
    """
    from scanner.store.read_only import images_of  # noqa: PLC0415 -- SQLAlchemy takes long to import

    url = store_url(settings)
    try:
        return images_of(url) if url else ()
    except StoreError as error:
        raise UsageError(str(error)) from None
