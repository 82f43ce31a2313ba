"""Hosts of another architecture for real: Debian's userlands under QEMU, read through their own sshd."""

from __future__ import annotations

import asyncio
import functools
import json
import re
import subprocess

import pytest

from scanner.app.adapters import AdapterContext, Adapters
from scanner.domain.facts import EngineState, HostFacts
from scanner.domain.host import Host
from scanner.domain.plan import Plan
from scanner.domain.platform.platform import parse
from scanner.scan.scan import ScanLimits
from scanner.settings.schema import Settings
from tests.system.strangers.person import Person, step

pytestmark = [pytest.mark.system, pytest.mark.timeout(400)]

MACHINES = ["aarch64", "armv7l"]
KERNELS = {
    # platform, userland bits, kernel bits, ARM version, 32-bit ARM programs start
    "aarch64": ("linux/arm64", 64, 64, "v8", None),
    "armv7l": ("linux/arm/v7", 32, 32, "v7", True),
}

OWN = {
    "aarch64": {"arm64": "native", "armv7": "aarch32_unknown"},  # QEMU starts no 32-bit programs beside 64-bit ones
    "armv7l": {"arm64": "platform_missing", "armv7": "native"},
}


@pytest.fixture(params=MACHINES)
def foreign(request, foreign_host):
    return foreign_host(request.param)


def settings_of(host, registry=""):
    return Settings.model_validate(
        {
            "ssh": {
                "user": host.user,
                "identity_file": host.client_key,
                "known_hosts_file": host.known_hosts,
                "probe_timeout": "60s",
                "connect_timeout": "30s",
            },
            "registries": {registry: {"plain_http": True}} if registry else {},
        }
    )


ATTEMPTS = 3
"""An emulated engine on a busy machine may need longer than the probe's patience; that is a gap, so we ask again."""


def address_of(foreign, *plans):
    return Host(f"host-{foreign.machine}", foreign.address, foreign.port, planned=plans)


async def patiently(foreign):
    reach = Adapters(settings_of(foreign), AdapterContext("0"))
    try:
        for _ in range(ATTEMPTS):
            facts = await reach.read(address_of(foreign))
            if isinstance(facts, HostFacts) and not facts.gaps:
                break
    finally:
        await reach.close()
    assert isinstance(facts, HostFacts), facts
    return facts


@pytest.fixture(scope="module")
def facts_of(foreign_host):
    """What a machine answers; it is asked once, since its probe takes seconds."""
    return functools.cache(lambda machine: asyncio.run(patiently(foreign_host(machine))))


@pytest.fixture
def facts(foreign, facts_of):
    return facts_of(foreign.machine)


def test_the_machine_is_foreign_and_this_one_learns_nothing_of_it(foreign):
    done = subprocess.run(
        ["ssh", "-F", "none", "-p", str(foreign.port), "-i", foreign.client_key, "-o", "BatchMode=yes",
         "-o", f"UserKnownHostsFile={foreign.known_hosts}", f"root@{foreign.address}", "uname -m"],
        capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, f"{foreign.machine}\n"), done.stderr + foreign.daemon.tail()
    with pytest.raises(OSError, match="Exec format error"):
        subprocess.run([foreign.root / "usr/bin/true"], check=False)


def test_a_foreign_host_is_read_as_what_it_is(foreign, facts):
    platform, userland, bits, version, aarch32 = KERNELS[foreign.machine]
    kernel = facts.kernel
    assert (kernel.system, kernel.machine, kernel.platform) == ("Linux", foreign.machine, parse(platform))
    assert (kernel.userland_bits, kernel.kernel_bits) == (userland, bits)
    assert (kernel.page_size, kernel.arm_version, kernel.aarch32) == (4096, version, aarch32)
    assert (kernel.cpu_level, kernel.ia32) == (None, None)
    assert facts.gaps == {}
    assert facts.os_release == "Debian GNU/Linux 12 (bookworm)"
    assert facts.workloads == ()
    engine = facts.engine("containerd")
    assert (engine.state, str(engine.platform)) == (EngineState.UP, platform)
    assert [str(one.state) for one in facts.engines if one is not engine] == ["absent"] * 3


def test_a_shell_under_an_emulator_is_told_apart_from_a_machine(foreign, facts):
    said = f"an emulator runs the shell that says {foreign.machine}: the machine is not what it says"
    assert facts.discrepancies == (said,)


async def test_what_is_planned_for_a_foreign_host_is_judged_for_its_cpu(
    foreign, facts, pusher, image_factory, elf_factory, registry
):
    def image(architecture, said=None, variant=""):
        files = {"app": elf_factory(architecture)}
        return image_factory.image(files, entrypoint=["/app"], architecture=said or architecture, variant=variant)

    arm64, armv7, amd64 = image("arm64"), image("arm", variant="v7"), image("amd64")
    pushed = {
        "both": image_factory.index(amd64, arm64, armv7),
        "amd64": image_factory.index(amd64),
        "arm64": image_factory.index(arm64),
        "armv7": image_factory.index(armv7),
        "lying": image_factory.index(image("amd64", said="arm64"), image("amd64", said="arm", variant="v7")),
    }
    plans = tuple(Plan(pusher.push(f"foreign/{name}", "1", what), name) for name, what in pushed.items())
    reach = Adapters(settings_of(foreign, registry.address), AdapterContext("0"))
    try:
        report = await reach.scanner(ScanLimits(), read=lambda _host: _answer(facts)).scan(
            [address_of(foreign, *plans)]
        )
    finally:
        await reach.close()
    assert {finding.workload.name: str(finding.verdict.reason) for finding in report.findings} == {
        "both": "native",
        "amd64": "platform_missing",
        "lying": "wrong_binary",
        **OWN[foreign.machine],
    }


async def _answer(facts):
    return facts


@pytest.mark.usefixtures("commands")
def test_a_stranger_s_pis_of_an_ssh_config_are_scanned_as_the_readme_says(
    foreign_host, pusher, image_factory, elf_factory, registry, tmp_path
):
    def image(cpu, variant=""):
        return image_factory.image({"app": elf_factory(cpu)}, entrypoint=["/app"], architecture=cpu, variant=variant)

    pusher.push("shop/api", "1.5", image_factory.index(image("arm64"), image("arm", "v7")))
    pusher.push("shop/old", "1", image_factory.index(image("amd64")))
    pis = {"pi-new": foreign_host("aarch64"), "pi-old": foreign_host("armv7l")}
    config = "".join(
        f"Host {name}\n  HostName {pi.address}\n  Port {pi.port}\n  IdentityFile {pi.client_key}\n"
        for name, pi in pis.items()
    )
    person = Person.arrived(tmp_path, f"{config}Host pi-*\n  User root\n  ConnectTimeout 30\n")
    for pi in pis.values():
        person.knows(pi.known_hosts)
    plans = person.work / "fleet" / "pi-*"
    plans.mkdir(parents=True)
    (plans / "images.txt").write_text(f"{registry.address}/shop/api:1.5\n{registry.address}/shop/old:1\n")
    settings = {
        "inventory": [{"kind": "ssh_config", "path": str(person.home / ".ssh" / "config")}],
        "plans": {"directory": "fleet"},
        "ssh": {
            "identity_file": str(person.home / ".ssh" / "id_ed25519"),
            "known_hosts_file": str(person.home / ".ssh" / "known_hosts"),
            "connect_timeout": "30s",
            "probe_timeout": "60s",
        },
        "registries": {registry.address: {"plain_http": True}},
    }
    (person.work / "archscan.yml").write_text(json.dumps(settings))
    scan = step(4)[2]
    scanned = person.types(scan)
    rows = re.findall(r"^ *\d+ +mismatch +(\S+) .*shop/old:1.* (\S+) *$", scanned.printed, re.MULTILINE)
    assert (scanned.code, dict(rows)) == (1, dict.fromkeys(pis, "platform_missing")), scanned
    assert scanned.printed.endswith(": 2 mismatch, 2 ok\n"), scanned
