"""The demonstration fleet: four kinds of CPU, with images that miss them in every way."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from scanner.demo.answers import QEMU_ARM64, DemoContainer, DemoMachine, answer
from scanner.demo.images import Shelf, digest_of, platform_of, program
from scanner.domain.plan import Plan
from scanner.domain.platform.platform import Platform

if TYPE_CHECKING:
    from collections.abc import Mapping

_CRLF = b"#!/bin/sh\r\nexec /bin/app\r\n"


@dataclass(frozen=True, slots=True)
class Fleet:
    """What each host answers to the probe, the images planned for it beside, and its labels."""

    answers: Mapping[str, bytes]
    planned: Mapping[str, tuple[Plan, ...]]
    labels: Mapping[str, Mapping[str, str]]


def stock(shelf: Shelf) -> None:
    """Publish the images that the fleet runs."""

    def binary(repository: str, platform: str, made_for: str = "") -> dict[str, object]:
        architecture = made_for or platform.split("/")[1]
        return shelf.image(repository, platform, {"bin/app": program(architecture)}, ["/bin/app"])

    everywhere = ("linux/amd64", "linux/arm64", "linux/arm/v7", "linux/s390x")
    shelf.index("shop/api", "1.4", [binary("shop/api", platform) for platform in everywhere])
    shelf.index("shop/worker", "2.0", [binary("shop/worker", "linux/arm64")])
    shelf.index("edge/collector", "3.1", [binary("edge/collector", p) for p in ("linux/amd64", "linux/arm64")])
    shelf.index(
        "edge/sensor", "0.9", [binary("edge/sensor", "linux/amd64"), binary("edge/sensor", "linux/arm64", "amd64")]
    )
    shelf.single("legacy/report", "5", binary("legacy/report", "linux/amd64"))
    script = {"entrypoint.sh": _CRLF, "bin/app": program("amd64"), "bin/sh": program("amd64")}
    shelf.index("shop/cron", "1.1", [shelf.image("shop/cron", "linux/amd64", script, ["/entrypoint.sh"])])


def fleet(shelf: Shelf, registry: str) -> Fleet:
    """Five hosts that run the stocked images; ``registry`` is the registry's ``host:port``."""

    def container(name: str, image: str, platform: str) -> DemoContainer:
        repository, tag = image.split(":")
        digest, config = _of(shelf, repository, tag, platform)
        return DemoContainer(name, f"{registry}/{image}", digest, platform, ("/bin/app",), config)

    amd64, arm64, armv7, s390x = "linux/amd64", "linux/arm64", "linux/arm/v7", "linux/s390x"
    machines = {
        "web-1": DemoMachine("x86_64", "Debian GNU/Linux 12 (bookworm)", (container("api", "shop/api:1.4", amd64),)),
        "edge-1": DemoMachine(
            "aarch64",
            "Ubuntu 24.04.3 LTS",
            (
                container("api", "shop/api:1.4", arm64),
                replace(
                    container("report", "legacy/report:5", amd64),
                    state="restarting", exit_code=255, restarts=41, log="exec /bin/app: exec format error",
                ),
            ),
        ),
        "pi-1": DemoMachine("armv7l", "Raspbian GNU/Linux 12 (bookworm)", (container("api", "shop/api:1.4", armv7),)),
        "zone-1": DemoMachine("s390x", "Red Hat Enterprise Linux 9.5", (container("api", "shop/api:1.4", s390x),)),
        "build-1": DemoMachine("x86_64", "Debian GNU/Linux 12 (bookworm)", binfmt=QEMU_ARM64),
    }  # fmt: skip
    planned = {
        "web-1": (Plan(f"{registry}/shop/worker:2.0"), Plan(f"{registry}/shop/cron:1.1")),
        "edge-1": (Plan(f"{registry}/edge/sensor:0.9"), Plan(f"{registry}/edge/collector:3.1")),
        "pi-1": (Plan(f"{registry}/edge/collector:3.1"),),
        "zone-1": (Plan(f"{registry}/shop/retired:1"),),
        "build-1": (Plan(f"{registry}/shop/worker:2.0", pinned=Platform("linux", "arm64")),),
    }
    labels = {
        "web-1": {"team": "shop"},
        "edge-1": {"team": "edge"},
        "pi-1": {"team": "edge"},
        "zone-1": {"team": "shop"},
        "build-1": {"team": "platform"},
    }
    return Fleet({name: answer(machine) for name, machine in machines.items()}, planned, labels)


def _of(shelf: Shelf, repository: str, tag: str, platform: str) -> tuple[str, str]:
    """What an engine of this platform remembers of a pull: the digest it was served, the digest of the config."""
    _, content = shelf.documents[repository, tag]
    served = json.loads(content)
    if "manifests" in served:
        wanted = platform_of(platform)
        entry = next(entry for entry in served["manifests"] if entry["platform"] == wanted)
        served = json.loads(shelf.documents[repository, entry["digest"]][1])
    return digest_of(content), served["config"]["digest"]
