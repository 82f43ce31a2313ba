"""A made-up fleet of any size: what each host answers, a registry that has what they run."""

from __future__ import annotations

import json
from dataclasses import dataclass

from scanner.demo.answers import DemoContainer, DemoMachine, answer
from scanner.demo.images import Shelf, program
from scanner.domain.host import Host
from scanner.probe.script import digest

IMAGES = 200
"""Distinct images in the fleet: real fleets of thousands of hosts run a few hundred."""
KINDS = {"x86_64": "linux/amd64", "aarch64": "linux/arm64"}


@dataclass(frozen=True)
class Image:
    """One image: its digests, those of its configs by platform, what it executes."""

    name: str
    digest: str
    argv: tuple[str, ...]
    configs: dict[str, str]


def stock(images: int = IMAGES) -> tuple[Shelf, list[Image]]:
    """A shelf with indexes for amd64, arm64; every twentieth lacks arm64."""
    shelf, made = Shelf(), []
    for number in range(images):
        repository, argv = f"shop/service-{number}", ("/bin/app", f"--service={number}")
        platforms = ("linux/amd64",) if number % 20 == 0 else ("linux/amd64", "linux/arm64")
        parts = [
            shelf.image(repository, p, {"bin/app": program(p.split("/")[1]) + str(number).encode()}, list(argv))
            for p in platforms
        ]
        digest = shelf.index(repository, "1", parts)
        configs = {
            platform: json.loads(shelf.documents[repository, part["digest"]][1])["config"]["digest"]
            for platform, part in zip(platforms, parts, strict=True)
        }
        made.append(Image(f"{repository}:1", digest, argv, configs))
    return shelf, made


def answers(hosts: int, workloads: int, registry: str, images: list[Image]) -> dict[str, bytes]:
    """What each host's probe, which is installed there, prints; no two answers are equal."""
    machines, own = list(KINDS.items()), {"probe": digest()}
    made = {}
    for number in range(hosts):
        machine, platform = machines[number % 5 == 0]
        containers = []
        for place in range(workloads):
            image = images[(number * 7 + place) % len(images)]
            runs = platform if platform in image.configs else "linux/amd64"
            containers.append(
                DemoContainer(
                    f"app-{number}-{place}",
                    f"{registry}/{image.name}",
                    image.digest,
                    runs,
                    image.argv,
                    image.configs[runs],
                )
            )
        made[f"host-{number}"] = answer(
            DemoMachine(machine, "Debian GNU/Linux 12 (bookworm)", tuple(containers), sections=own)
        )
    return made


def inventory(names: list[str]) -> tuple[Host, ...]:
    """The hosts under their names."""
    return tuple(Host(name, "127.0.0.1", labels={"team": f"team-{place % 10}"}) for place, name in enumerate(names))
