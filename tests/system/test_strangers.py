"""Fleets of strangers, made from nothing: what the README says, typed as it stands, ends in a first scan that is right."""

from __future__ import annotations

import re
import shlex
import urllib.request
from typing import TYPE_CHECKING

import pytest

from tests.real import command
from tests.real.process import free_port, run
from tests.system.fixes.typing import type_in
from tests.system.strangers.person import Person, step

if TYPE_CHECKING:
    from tests.real.machine import Machine

pytestmark = [pytest.mark.system, pytest.mark.usefixtures("commands")]

FOREIGN, REASON = ("legacy", "shop/legacy"), "wrong_platform"
"""Of the two services on every host of these fleets one is for another CPU: its container, its plan in the Compose file."""


@pytest.fixture(scope="module")
def shop(
    docker_engine, docker_with_plugins, registry, pusher, image_factory, elf_factory, amd64, tmp_path_factory, require
):
    """A Compose project, up on the one engine; where its registry is."""

    require("sudo", "sudo")

    def image(cpu):
        return image_factory.image({"app": elf_factory(cpu, forever=True)}, entrypoint=["/app"], architecture=cpu)

    for tag in ("1.4", "1.5"):
        pusher.push("shop/api", tag, image_factory.index(image("amd64"), image("arm64")))
    pusher.push("shop/legacy", "5", image("arm64"))
    folder = tmp_path_factory.mktemp("fleet") / "shop"
    folder.mkdir()
    service = "image: {}\n    container_name: {}\n    network_mode: none"
    services = {
        name: service.format(f"{registry.address}/shop/{tag}", name)
        for name, tag in (("api", "api:1.4"), ("legacy", "legacy:5"))
    }
    (folder / "compose.yaml").write_text("services:\n" + "".join(f"  {n}:\n    {s}\n" for n, s in services.items()))
    environment = docker_with_plugins(docker_engine)
    type_in(folder, environment, "docker compose up --detach || true")
    yield registry.address
    type_in(folder, environment, "docker compose down --timeout 0")


@pytest.fixture(scope="module")
def has_engine(docker_engine):
    """Give a machine the engine of the tests as the one that is installed there."""

    def given(machine: Machine) -> Machine:
        machine.type("touch /run/docker.sock; rm -f /usr/bin/podman /usr/bin/nerdctl /usr/bin/ctr /usr/bin/crictl")
        run("nsenter", f"--target={machine.daemon.process.pid}", "--mount",
            "mount", "--bind", docker_engine.socket, machine.layer / "root" / "run" / "docker.sock")  # fmt: skip
        return machine

    return given


def set_up(person: Person, words: str = "") -> None:
    """The README's third step, then what the first scan's findings say of the registry."""
    said = person.types(f"{step(3)[0]} {words}")
    assert "Next: archscan serve" in said.told, said
    cures = set(re.findall(r"write below registries: in archscan.yml (\S+: \{plain_http: true\})", said.printed))
    assert len(cures) == 1, said
    with (person.work / "archscan.yml").open("a") as settings:
        settings.write(f"registries:\n  {cures.pop()}\n")


def look(person: Person, registry: str, hosts: list[str], pattern: str) -> None:
    """The README's fourth step, but for the service that goes on; ``pattern`` has the hosts of the gate's question."""
    lines = [line for line in step(4) if line != "archscan serve"]
    assert len(lines) == 5
    for line in lines:
        typed = line.replace("registry.example", registry).replace("web-1", hosts[0]).replace("web-*", pattern)
        said = person.types(typed)
        assert said.code == (line == "archscan scan"), (typed, said)
        if said.code:
            found = re.findall(r"^ *\d+ +(mismatch) +(\S+) +(\S+) .* (\S+) *$", said.printed, re.MULTILINE)
            assert sorted(found) == sorted(("mismatch", host, name, REASON) for host in hosts for name in FOREIGN), said
            wrong = len(found)
            assert said.printed.endswith(f": {wrong} mismatch, {wrong} ok\n"), (
                said
            )  # as many services are for every CPU


def serve(person: Person, hosts: list[str]) -> None:
    """The line that goes on: what it publishes of the fleet by itself, until it is told to stop."""
    (line,) = (each for each in step(4) if each.startswith("archscan serve"))
    port = free_port()

    def published():
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            page = answer.read().decode()
        return set(re.findall(rf'^archscan_finding\{{.*host="([^"]+)".*reason="{REASON}"', page, re.MULTILINE)) == {
            *hosts
        }

    words = shlex.split(line)[1:]
    running = command.daemon(
        *words, "--web.listen-address", f"127.0.0.1:{port}", folder=person.work, ready=published, env=person.environment
    )
    running.stop()
    assert running.process.poll() == 0


def test_an_ansible_shop_behind_a_bastion(start_machine, has_engine, shop, tmp_path):
    person = Person.arrived(tmp_path)
    bastion = start_machine("127.0.0.20")
    person.is_let_in(bastion, "jump")
    inner = {name: has_engine(start_machine(f"127.0.0.2{n}")) for n, name in enumerate(("web-1", "web-2"), 1)}
    for machine in inner.values():
        person.is_let_in(machine, "deploy")
    lines = [f"{name} ansible_host={m.address} ansible_port={m.port}" for name, m in inner.items()]
    through = f"-o ProxyJump=jump@{bastion.address}:{bastion.port}"
    (person.work / "inventory.ini").write_text(
        "[web]\n" + "\n".join(lines) + f"\n\n[web:vars]\nansible_user=deploy\nansible_ssh_common_args='{through}'\n"
    )
    set_up(person)
    look(person, shop, list(inner), "web-*")
    serve(person, list(inner))


def test_compose_on_five_machines_that_a_forced_command_lets_in(start_machine, has_engine, shop, tmp_path):
    person = Person.arrived(tmp_path)
    machines = [has_engine(start_machine(f"127.0.0.3{n}")) for n in range(1, 6)]
    logins = ["root", "root", "root", "root", "pi"]
    for login, machine in zip(logins, machines, strict=True):
        person.is_let_in(machine, login)
    (first,) = step(2)
    seen = person.types(first.replace("web-1", f"{machines[0].address}:{machines[0].port}"))
    assert (seen.code, "legacy" in seen.printed, "1 host, 4 workloads" in seen.printed) == (1, True, True), seen
    set_up(person, " ".join(f"{who}@{m.address}:{m.port}" for who, m in zip(logins, machines, strict=True)))
    for machine in machines:
        keys = machine.type("cat /var/lib/archscan/.ssh/authorized_keys")
        assert keys.startswith('restrict,command="sudo -n /usr/local/libexec/archscan-probe" ssh-ed25519 '), keys
    look(person, shop, [machine.address for machine in machines], "127.0.0.3*")
