"""How long hosts take: a few real ones, hundreds of cheap ones beside the tools that people use today."""

from __future__ import annotations

import itertools
import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.real.process import WATCHED, run

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]

HOSTS = int(os.environ.get("BENCH_HOSTS", "300"))
ROOT = Path(__file__).parent.parent.parent


@dataclass
class Cost:
    """What a program with all its children took."""

    who: str
    wall_s: float
    cpu_s: float
    note: str = ""

    def __str__(self):
        return (
            f"{self.who:38} {HOSTS / self.wall_s:7.0f} hosts/s  {self.cpu_s / HOSTS * 1000:6.2f} ms CPU/host"
            f"  {self.wall_s:6.2f} s  {self.note}"
        )


def children_cpu_s():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measured(who, *argv, env=None):
    began, cpu = time.monotonic(), children_cpu_s()
    out = run(*argv, env=env, timeout_s=600)
    return Cost(who, time.monotonic() - began, children_cpu_s() - cpu), out


# ---------------------------------------------------------------- three real hosts


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


# ---------------------------------------------------------------- hundreds of cheap ones


@pytest.fixture
def cheap(tmp_path):
    """A file that tells where the hosts of a separate process listen."""
    folder = tmp_path / "hosts"
    folder.mkdir()
    argv = [sys.executable, "-m", "tests.bench.ssh_hosts", str(HOSTS), "20", str(folder)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as server:
        WATCHED.add(server.pid)
        told = tmp_path / "told.json"
        told.write_bytes(server.stdout.readline())
        yield told
        server.stdin.close()
        server.wait(60)
        WATCHED.discard(server.pid)


def ours(told):
    out = run(sys.executable, "-m", "tests.bench.read_hosts", told, "3", timeout_s=600)
    for line in out.splitlines():
        took = json.loads(line)
        assert took["findings"] == HOSTS * 20
        who = "archscan, kept connections" if took["kept"] else "archscan, fresh connections, keys verified"
        yield Cost(who, took["wall_s"], took["cpu_s"], f"RSS {took['rss_mb']:.0f} MB, without imports")


def openssh(told, folder, require):
    where = json.loads(told.read_text())
    hosts = folder / "hosts.txt"
    hosts.write_text("".join(f"ssh://{where['user']}@127.0.0.1:{port}\n" for port in where["ports"].values()))
    common = [
        "-F", "none", "-i", where["key"], "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes",
        "-o", f"UserKnownHostsFile={where['known_hosts']}", "-o", "LogLevel=ERROR",
    ]  # fmt: skip
    xargs, ssh = require("xargs", "findutils"), require("ssh", "openssh-client")
    for who, more in (("ssh, curve25519", ["-o", "KexAlgorithms=curve25519-sha256"]), ("ssh, as it comes", [])):
        argv = [xargs, "-P", "100", "-I{}", "-a", hosts, ssh, *common, *more, "-T", "{}", "archscan-probe"]
        cost, out = measured(f"xargs -P 100 {who}", *argv)
        assert out.count("@end") == HOSTS
        yield cost


def parallel_ssh(told, folder):
    python = folder / "venv" / "bin" / "python"
    run(sys.executable, "-m", "venv", folder / "venv")
    if "ERROR" in run(python, "-m", "pip", "install", "-q", "parallel-ssh", check=False, timeout_s=300):
        print("parallel-ssh cannot be installed here")
        return
    cost, _ = measured("parallel-ssh, keys not verified", python, ROOT / "tests/bench/read_hosts_parallel_ssh.py", told)
    yield cost


def test_hundreds_of_cheap_hosts_beside_other_tools(cheap, tmp_path, require):
    print(f"\n{HOSTS} hosts that each answer with 20 containers; one process serves them all")
    whole, _ = measured("archscan, fresh, with start", sys.executable, "-m", "tests.bench.read_hosts", cheap, "1")
    for cost in itertools.chain([whole], ours(cheap), parallel_ssh(cheap, tmp_path), openssh(cheap, tmp_path, require)):
        print(cost, flush=True)
