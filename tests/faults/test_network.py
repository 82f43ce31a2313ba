"""What a real network does to SSH and HTTP: packets that are swallowed, lost, turned away, that come late or not to an end."""

import json
import subprocess
import sys
import time

import pytest

from scanner.domain.verdict.reason import Reason
from tests.faults.fleet import PROGRAM
from tests.real import command
from tests.real.images import ImageFactory
from tests.real.process import Daemon, run

pytestmark = pytest.mark.system

PORT = 5000
DEADLINE_S = 60
SPARE_S = 5.0
"""From the deadline to the end (the promise of the design)."""

WELL, LOSSY = "10.213.1.10", "10.213.1.11"
SWALLOWED, TURNED_AWAY, FALLS_SILENT = "10.213.1.12", "10.213.1.13", "10.213.1.14"
SLOW, NOBODY, NO_ROUTE = "10.213.2.10", "10.213.1.99", "10.214.0.1"

HOSTS = {
    WELL: None,
    LOSSY: None,
    SWALLOWED: Reason.HOST_TIMEOUT,
    TURNED_AWAY: Reason.HOST_UNREACHABLE,
    FALLS_SILENT: Reason.HOST_TIMEOUT,
    SLOW: Reason.HOST_TIMEOUT,
    NOBODY: Reason.HOST_UNREACHABLE,
    NO_ROUTE: Reason.HOST_UNREACHABLE,
}
"""Why each of them is not known; ``None`` where it is read."""

IMAGES = {
    WELL: {Reason.NATIVE},
    LOSSY: {Reason.NATIVE},
    SWALLOWED: {Reason.IMAGE_TIMEOUT},
    TURNED_AWAY: {Reason.IMAGE_UNREACHABLE},
    FALLS_SILENT: {Reason.IMAGE_TIMEOUT, Reason.LAYER_UNKNOWN},
    NOBODY: {Reason.IMAGE_UNREACHABLE, Reason.IMAGE_TIMEOUT},
}
"""What is said of an image behind the same addresses, whose registry is one."""


@pytest.fixture(scope="module")
def network(start_network):
    made = start_network()
    made.wire("10.213.1.1/24", *(f"{each}/24" for each in (WELL, LOSSY, SWALLOWED, TURNED_AWAY, FALLS_SILENT)))
    made.wire("10.213.2.1/24", f"{SLOW}/24", rate="2kbit")
    made.rule("-d", LOSSY, "-m", "statistic", "--mode", "nth", "--every", "9", "--packet", "4", "-j", "DROP")
    made.rule("-d", SWALLOWED, "-j", "DROP")
    made.rule("-d", TURNED_AWAY, "-j", "REJECT", "--reject-with", "icmp-host-prohibited")
    for port, octets in ((22, 9000), (PORT, 900)):
        here = ("-d", FALLS_SILENT, "-p", "tcp", "--dport", str(port))
        made.rule(*here, "-m", "quota", "--quota", str(octets), "-j", "ACCEPT")
        made.rule(*here, "-j", "DROP")
    return made


@pytest.fixture(scope="module")
def report(network, start_sshd, registry, pusher, require, tmp_path_factory):
    """One scan over all of them, with its seconds."""
    folder = tmp_path_factory.mktemp("network")
    sshd = start_sshd("0.0.0.0", {"DOCKER_HOST": "unix:///nonexistent"}, "Port 22", network.far())
    known = sshd.host_key.with_suffix(".pub").read_text()
    (folder / "known_hosts").write_text("".join(f"{address} {known}" for address in HOSTS))
    for name, note in (("app", b""), ("alone", b"nobody else serves it")):
        pusher.push(f"network/{name}", "1", ImageFactory.image({"app": PROGRAM, "note": note}, entrypoint=["/app"]))
    config = {
        "version": 0.1,
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(registry.daemon.log.parent / "blobs")}},
        "http": {"addr": f":{PORT}"},
    }
    (folder / "registry.yml").write_text(json.dumps(config))
    here = network.far(require("curl", "curl"), "-sf", f"http://127.0.0.1:{PORT}/v2/")
    served = Daemon.start(
        network.far(require("docker-registry", "docker-registry"), "serve", folder / "registry.yml"), folder,
        lambda: run(*here, check=False) == "{}",
    )  # fmt: skip
    named = {address: "alone" if address == FALLS_SILENT else "app" for address in IMAGES}
    planned = [{"image": f"{at}:{PORT}/network/{name}:1", "workload": at} for at, name in named.items()]
    document = {
        "inventory": [{"kind": "static", "hosts": {
            address: {"address": address, "user": sshd.user, "planned": planned if address == WELL else []}
            for address in HOSTS
        }}],
        "ssh": {"identity_file": str(sshd.client_key), "known_hosts_file": "known_hosts", "connect_timeout": "10s", "probe_timeout": "15s"},
        "registries": {"timeout": "10s", **{f"{address}:{PORT}": {"plain_http": True, "allow_networks": ["10.0.0.0/8"]} for address in IMAGES}},
        "scan": {"deadline": f"{DEADLINE_S}s"},
    }  # fmt: skip
    (folder / "archscan.yml").write_text(json.dumps(document))
    began = time.monotonic()
    try:
        done = subprocess.run(
            network.near(sys.executable, "-m", "scanner", "scan", "-c", folder / "archscan.yml", "--format", "json"),
            cwd=command.ROOT, capture_output=True, text=True, timeout=DEADLINE_S + 60, check=False,
        )  # fmt: skip
    finally:
        served.stop()
    assert "Traceback" not in done.stderr
    assert done.returncode == 3, done.stderr
    return json.loads(done.stdout) | {"took_s": time.monotonic() - began}


def test_each_host_is_read_or_says_why_not(report):
    assert {host["name"]: host["reason"] for host in report["hosts"]} == HOSTS


def test_each_image_is_proved_or_says_why_not(report):
    found = {one["workload"]: one["reason"] for one in report["findings"]}
    assert {name: reason for name, reason in found.items() if name in IMAGES and reason not in IMAGES[name]} == {}


def test_the_scan_ends_at_its_deadline(report):
    assert report["took_s"] < DEADLINE_S + SPARE_S
