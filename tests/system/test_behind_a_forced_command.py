"""A host as archscan leaves it: one account, one forced command through sudo; its engine has containers that run."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass

import pytest

from scanner.hosts.prepare import preparation
from scanner.probe.script import script
from tests.real.process import run
from tests.system.fixes.scanning import scanned

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]


@dataclass(frozen=True)
class Login:
    """What a scan is told of the machine."""

    address: str
    port: int
    user: str
    client_key: str
    known_hosts: str


@pytest.fixture
def prepared(start_machine, docker_engine, tmp_path, require):
    """A machine whose engine is the test's, prepared by the script that setup prints, typed by its root."""
    require("sudo", "sudo")
    key = tmp_path / "id_archscan"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "archscan", "-f", key], check=True)
    machine = start_machine("127.0.0.7")
    machine.type("touch /run/docker.sock")
    run("nsenter", f"--target={machine.daemon.process.pid}", "--mount",
        "mount", "--bind", docker_engine.socket, machine.layer / "root" / "run" / "docker.sock")  # fmt: skip
    machine.type(preparation("archscan", key.with_suffix(".pub").read_text(), script(), ["127.0.0.0/8"]))
    return Login(machine.address, machine.port, "archscan", str(key), str(machine.known_hosts))


async def test_what_runs_there_is_judged_by_what_root_s_probe_says(
    prepared, docker_engine, pusher, image_factory, elf_factory, registry
):
    def image(cpu):
        return image_factory.image({"app": elf_factory(cpu, forever=True)}, entrypoint=["/app"], architecture=cpu)

    both = pusher.push("forced/both", "1", image_factory.index(image("amd64"), image("arm64")))
    foreign = pusher.push("forced/foreign", "1", image("arm64"))
    start = ("run", "--detach", "--network", "none", "--name")
    try:
        docker_engine.docker(*start, "forced-good", both)
        docker_engine.docker(*start, "forced-foreign", foreign, check=False)
        found = await scanned(prepared, registry.address)
    finally:
        docker_engine.docker("rm", "--force", "forced-good", "forced-foreign", check=False)
    assert {name: str(each.verdict.reason) for name, each in found.items()} == {
        "forced-good": "native", "forced-foreign": "wrong_platform"}  # fmt: skip
