"""Made-up fleets of any size: the same seed gives the same fleet."""

import random
from dataclasses import replace
from functools import cache

from scanner.domain.facts import Stage
from scanner.domain.platform.platform import Platform
from scanner.domain.report import Report
from scanner.domain.verdict.reason import Reason
from tests.web.conftest import AMD64, ARM64, NOW, finding, reading

S390X, RISCV = Platform("linux", "s390x"), Platform("linux", "riscv64")
KINDS = ((AMD64, "x86_64", 62), (ARM64, "aarch64", 28), (S390X, "s390x", 6), (RISCV, "riscv64", 4))
SITES = ("berlin", "lyon", "oslo", "turin")
TEAMS = ("web", "edge", "data", "platform")
IMAGES = tuple(
    f"{registry}/{name}:{tag}"
    for registry, names in (
        ("registry.example:5000", ("shop/api", "shop/worker", "shop/cron", "data/loader", "data/report")),
        ("ghcr.io", ("acme/agent", "acme/edge-collector", "acme/gateway")),
        ("docker.io", ("library/nginx", "library/postgres", "library/redis")),
    )
    for name in names
    for tag in ("1.4", "2.0")
)
TROUBLES = (
    (Reason.PLATFORM_MISSING, "offers linux/amd64, this host runs linux/arm64", 3),
    (Reason.WRONG_BINARY, "/usr/bin/agent is an x86-64 binary although the index says linux/arm64", 2),
    (Reason.CRLF_SHEBANG, "/entrypoint.sh begins with '#!/bin/sh\\r'", 1),
    (Reason.TAG_GONE, "the registry no longer has this tag", 4),
    (Reason.EMULATED, "starts through qemu-x86_64", 3),
    (Reason.IMAGE_RATE_LIMITED, "the registry asks to wait for 60 s", 3),
)


@cache
def fleet_of(count, workloads=3):
    """A report of ``count`` hosts with about ``workloads`` each, a tenth of the hosts unwell."""
    chance = random.Random(count)
    hosts, findings = [], []
    for number in range(count):
        name = f"{chance.choice(('web', 'edge', 'db', 'build'))}-{number + 1:05}"
        platform = chance.choices([kind[0] for kind in KINDS], [kind[2] for kind in KINDS])[0]
        failed = Reason.HOST_TIMEOUT if chance.random() < 0.02 else None
        host = host_of(name, platform, failed)
        host = replace(host, labels={"site": chance.choice(SITES), "team": chance.choice(TEAMS)})
        hosts.append(host)
        if not failed and chance.random() > 0.03:
            unwell = chance.random() < 0.12
            made = [one(chance, name, platform, place, unwell and place == 0) for place in range(workloads)]
            findings += [replace(found, team=host.labels["team"]) for found in made]
    return Report("scan-1", NOW - 130, NOW - 60, tuple(hosts), tuple(findings))


HOSTILE = (
    "w" * 150,
    "<script>alert(1)</script>" * 5,
    "\u0634\u0628\u0643\u0629" * 30,
    "\U0001f980" * 60,
    "{{7*7}} & \"quoted\" 'text'",
)
"""What strangers call their workloads: endless, markup, from right to left, pictures, templates."""


def hostile_fleet():
    """Few hosts, whose names and whose workloads' are as long and odd as they may be."""
    hosts, findings = [], []
    for number, name in enumerate(HOSTILE):
        host = f"{'h' * 63}.{'n' * 63}.{'x' * 63}.{number}"
        hosts.append(replace(host_of(host, KINDS[number % 4][0], None), labels={"team": name[:120], "site": "s" * 200}))
        image = f"registry.example:5000/{'r' * 200}/{number}:{'t' * 120}"
        reason = TROUBLES[number][0]
        for stage in (Stage.RUNNING, Stage.PLANNED):
            made = finding(
                host, name, reason, image, KINDS[number % 4][0], (AMD64,), stage, detail=f"{name} {'d' * 300}"
            )
            findings.append(replace(made, team=name[:62]))
    return Report("scan-1", NOW - 130, NOW - 60, tuple(hosts), tuple(findings))


def host_of(name, platform, failed):
    made = reading(name, platform if platform in (AMD64, ARM64) else ARM64, failed=failed)
    if failed or platform in (AMD64, ARM64):
        return made
    kernel = replace(made.reading.kernel, machine=platform.architecture, platform=platform)
    return replace(made, reading=replace(made.reading, kernel=kernel))


def one(chance, host, platform, place, is_unwell):
    image = chance.choice(IMAGES)
    name = f"{image.rsplit('/', 1)[1].partition(':')[0]}-{place}"
    stage = chance.choices((Stage.RUNNING, Stage.PLANNED, Stage.STOPPED), (8, 1, 1))[0]
    if not is_unwell:
        return finding(host, name, Reason.NATIVE, image, platform, (AMD64, ARM64, platform), stage)
    reason, detail, _ = chance.choices(TROUBLES, [weight for _, _, weight in TROUBLES])[0]
    bad = IMAGES[TROUBLES.index((reason, detail, _)) * 3 % len(IMAGES)]
    return finding(host, name, reason, bad, platform, (AMD64,), stage, chance.uniform(60, 400_000), detail=detail)
