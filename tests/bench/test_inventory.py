"""What an inventory of ten thousand hosts costs to read, in whatever form it is written."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]

HOSTS = int(os.environ.get("BENCH_INVENTORY_HOSTS", "10000"))
ROOT = Path(__file__).parent.parent.parent

READ = """
import resource, sys
from pathlib import Path
from scanner.inventory import AnsibleSource, FileSdSource, SshConfigSource, gather
path = Path(sys.argv[2])
source = {"ansible": AnsibleSource, "ssh_config": SshConfigSource, "file_sd": lambda p: FileSdSource((p,))}[sys.argv[1]]
found = gather([source(path)])
ours, worker = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
print(len(found.hosts), ours.ru_maxrss >> 10, worker.ru_maxrss >> 10)
"""


def names():
    return [
        (f"web-{n:05}.example.com", f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}", f"rack{n % 40}") for n in range(HOSTS)
    ]


def ini():
    yield "[all:vars]\nansible_ssh_common_args='-o ProxyJump=me@bastion.example:2222'\n[web]\n"
    for name, address, rack in names():
        yield f"{name} ansible_host={address} ansible_user=deploy ansible_port=2222 rack={rack} http_port=80\n"
    for number in range(40):
        yield f"[rack{number}]\n"
        yield from (f"{name}\n" for name, _, rack in names() if rack == f"rack{number}")


def tree():
    yield "all:\n  vars: {ansible_ssh_common_args: '-J bastion'}\n  children:\n    web:\n      hosts:\n"
    for name, address, rack in names():
        yield f"        {name}:\n          ansible_host: {address}\n          ansible_user: deploy\n          rack: {rack}\n"


def config():
    for name, address, _ in names():
        yield f"Host {name}\n HostName {address}\n User deploy\n Port 2222\n"
    yield "Host web-*\n ProxyJump bastion\nHost bastion\n HostName bastion.example\n"


def targets():
    yield json.dumps([{"targets": [f"{name}:9100"], "labels": {"rack": rack}} for name, _, rack in names()])


FORMS = [
    ("ansible", "hosts", ini),
    ("ansible", "hosts.yml", tree),
    ("ssh_config", "config", config),
    ("file_sd", "sd.json", targets),
]


@pytest.mark.parametrize(("kind", "name", "content"), FORMS)
def test_an_inventory_of_ten_thousand_hosts(tmp_path, kind, name, content):
    path = tmp_path / name
    path.write_text("".join(content()))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-c", READ, kind, path], cwd=ROOT, capture_output=True, text=True, check=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    hosts, ours, worker = map(int, done.stdout.split())
    print(f"{kind:10} {name:9} {hosts} hosts: {cpu_s:.2f} s CPU, {ours} MiB here, {worker} MiB in the worker")
    assert hosts >= HOSTS
