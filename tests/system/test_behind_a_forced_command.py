"""A host as its page sets it up: one account, one forced command through sudo; its engine has containers that run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.real import command
from tests.real.process import run
from tests.system.fixes.scanning import scanned
from tests.system.fixes.typing import type_in

pytestmark = [pytest.mark.system, pytest.mark.usefixtures("commands")]

PAGE = (Path(__file__).parents[2] / "docs" / "hosts.md").read_text(encoding="utf-8")
FOR_GOOD = PAGE.partition("## For good")[2].partition("\n## ")[0]
STEPS = [textwrap.dedent(block) for block in re.findall(r"^   ```sh\n(.*?)   ```", FOR_GOOD, re.DOTALL | re.MULTILINE)]
"""The account, typed on the host; probe, sudo rule, key line, typed where archscan is."""


@dataclass(frozen=True)
class Login:
    """What a scan is told of the machine."""

    address: str
    port: int
    user: str
    client_key: Path
    known_hosts: Path


@pytest.fixture
def prepared(start_machine, docker_engine, tmp_path, require):
    """A machine whose engine is the test's, prepared by what the page has a person type."""
    require("sudo", "sudo")
    key = tmp_path / "id_archscan"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "archscan", "-f", key], check=True)
    machine = start_machine("127.0.0.7")
    machine.type("touch /run/docker.sock; rm /usr/bin/podman")  # the one engine that is installed there
    run("nsenter", f"--target={machine.daemon.process.pid}", "--mount",
        "mount", "--bind", docker_engine.socket, machine.layer / "root" / "run" / "docker.sock")  # fmt: skip
    here = tmp_path / "bin"
    here.mkdir()
    way = f"-o HostName={machine.address} -p {machine.port} -i {machine.root_key} -o UserKnownHostsFile={machine.known_hosts}"
    for name, text in (
        ("archscan", command.script_of(command._addresses[-1])),
        ("ssh", f'#!/bin/sh\nexec /usr/bin/ssh -F none {way} -o BatchMode=yes "$@"\n'),
    ):
        (here / name).write_text(text)
        (here / name).chmod(0o755)
    (tmp_path / "archscan.yml").write_text(
        json.dumps({"ssh": {"identity_file": str(key), "known_hosts_file": str(machine.known_hosts)}})
    )
    account, *elsewhere = STEPS
    assert len(elsewhere) == 3
    machine.type(account)
    typed = [step.replace("10.0.0.5", "127.0.0.0/8") for step in elsewhere]
    type_in(tmp_path, os.environ | {"PATH": f"{here}:{os.environ['PATH']}"}, *typed)
    return Login(machine.address, machine.port, "archscan", key, machine.known_hosts)


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
        "forced-good": "native",
        "forced-foreign": "wrong_platform",
    }
