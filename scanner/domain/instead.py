"""Proposes what else could be deployed, or where, in place of an image that is denied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from scanner.domain.platform.platform import Platform
    from scanner.domain.report import Finding

MOVABLE = frozenset({
    Reason.PLATFORM_MISSING, Reason.WRONG_PLATFORM, Reason.WRONG_BINARY, Reason.PLATFORM_LOST, Reason.MISLABELLED,
})  # fmt: skip
"""Reasons that another build of the image, or another host, would do away with."""


@dataclass(frozen=True, slots=True)
class Instead:
    """For one denied image on one host.

    ``tag`` is the newest one of the same repository that was judged to start there, ``pin`` the same by digest; empty
    where none did, ``looked_at`` says of how many. ``hosts`` are those of the fleet on which the image starts as it is.
    """

    image: str
    host: str
    tag: str = ""
    pin: str = ""
    looked_at: int = 0
    hosts: tuple[str, ...] = ()


def changes(finding: Finding) -> dict[str, str]:
    """What would make the image itself fit: the change of a bake file, of a GitHub workflow, or an emulator on the host."""
    needed = finding.host_platform
    if needed is None or finding.verdict.reason not in MOVABLE:
        return {}
    wanted = sorted({str(one) for one in (*finding.verdict.offered, needed) if one.os == needed.os})
    listed = ", ".join(f'"{one}"' for one in wanted)
    made = {
        "bake": f"platforms = [{listed}]",
        "github_workflow": f"with:\n  platforms: {','.join(wanted)}",
    }
    foreign = next((one for one in finding.verdict.offered if one.os == needed.os and one != needed), None)
    return made | ({"emulation": _emulation(foreign)} if foreign is not None else {})


def _emulation(foreign: Platform) -> str:
    return (
        f"docker run --privileged --rm tonistiigi/binfmt --install {foreign.architecture}  # a stopgap: several times "
        f"slower, no guarantee for JITs, threads, signals; pin platform: {foreign} too"
    )
