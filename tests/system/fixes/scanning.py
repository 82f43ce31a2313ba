"""One scan of one host in this process, for tests that scan before a fix is typed, then again after it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scanner.app.adapters import AdapterContext, Adapters
from scanner.domain.host import Host
from scanner.scan.scan import ScanLimits
from scanner.settings.schema import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scanner.domain.plan import Plan
    from scanner.domain.report import Finding
    from tests.real.sshd import Sshd


async def scanned(
    sshd: Sshd, registry: str, planned: Sequence[Plan] = (), **more: Mapping[str, Any]
) -> dict[str, Finding]:
    """What is found on the host behind ``sshd``, by workload; ``more`` are sections of the settings."""
    settings = Settings.model_validate({
        "ssh": {
            "user": sshd.user, "identity_file": sshd.client_key, "known_hosts_file": sshd.known_hosts,
            "connect_timeout": "60s", "probe_timeout": "90s",
        },
        "registries": {registry: {"plain_http": True}},
        **more,
    })  # fmt: skip
    reach = Adapters(settings, AdapterContext("0"))
    try:
        report = await reach.scanner(ScanLimits(), survey_now=True).scan(
            [Host("web-1", sshd.address, sshd.port, planned=tuple(planned))]
        )
    finally:
        await reach.close()
    return {finding.workload.name: finding for finding in report.findings}
