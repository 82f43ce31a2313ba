"""How long a few real hosts take."""

from __future__ import annotations

import json
import resource
import sys
import time

import pytest

from tests.real.process import run

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]


def children_cpu_s():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_three_real_hosts_with_twenty_images(
    start_sshd, docker_engine, registry, pusher, image_factory, elf_factory, tmp_path
):
    images = []
    for number in range(20):
        parts = [
            image_factory.image(
                {"app": elf_factory(arch, says=f"up {number}")}, entrypoint=["/app"], architecture=arch,
                config={"author": str(number)},
            )
            for arch in ("amd64", "arm64")
        ]  # fmt: skip
        images.append(pusher.push(f"bench/app-{number}", "1", image_factory.index(*parts)))
    servers = [start_sshd(environment={"DOCKER_HOST": docker_engine.host}) for _ in range(3)]
    (tmp_path / "key").write_bytes(servers[0].client_key.read_bytes())
    (tmp_path / "key").chmod(0o600)
    for server in servers:
        server.authorized_keys.write_text(servers[0].client_key.with_suffix(".pub").read_text())
    (tmp_path / "known_hosts").write_text("".join(server.known_hosts.read_text() for server in servers))
    hosts = {
        f"real-{place}": {
            "address": server.address, "port": server.port, "user": server.user, "planned": images[place::3],
        }
        for place, server in enumerate(servers)
    }  # fmt: skip
    config = tmp_path / "archscan.yml"
    config.write_text(json.dumps({
        "inventory": [{"kind": "static", "hosts": hosts}],
        "ssh": {"identity_file": "key", "known_hosts_file": "known_hosts"},
        "registries": {registry.address: {"plain_http": True}},
    }))  # fmt: skip
    print()
    for turn in range(5):
        began, cpu = time.monotonic(), children_cpu_s()
        out = run(sys.executable, "-m", "scanner", "scan", "--config", config, "--format", "json", check=False)
        wall_s = time.monotonic() - began
        document = json.loads(out[out.index("{\n") :])
        assert document["summary"]["hosts"] == 3
        assert len([f for f in document["findings"] if f["reason"] == "native" and f["image"] in images]) == 20
        print(
            f"archscan scan, 3 hosts, 20 images, run {turn + 1}: {wall_s:5.2f} s, {children_cpu_s() - cpu:5.2f} s CPU"
        )
