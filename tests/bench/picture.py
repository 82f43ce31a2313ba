"""A program: the fleet's page after a real scan of as many hosts, as Chromium draws it.

``python -m tests.bench.picture 10000 docs/pictures/fleet-10000.png``: every host is read over SSH, every image asked for at
a registry, every workload judged, by the service that then serves the page.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import sync_playwright

from scanner.demo.registry import DemoRegistry
from tests.bench import made_up
from tests.bench.loopback_fleet import USER, LoopbackFleet
from tests.real.process import free_port

WORKLOADS = 20
READY_WITHIN_S = 900
SIZE = {"width": 1280, "height": 900}
TEAMS = 10


def configuration(fleet: LoopbackFleet, registry: str, port: int) -> dict[str, object]:
    """A service of this fleet; every fifth host is arm64, as in ``made_up``."""
    hosts = {
        f"host-{number}": {
            "address": one, "port": fleet.port, "user": USER, "labels": {"team": f"team-{number % TEAMS}"},
        }
        for number, one in enumerate(fleet.addresses)
    }  # fmt: skip
    return {
        "inventory": [{"kind": "static", "hosts": hosts}],
        "ssh": {"identity_file": str(fleet.key), "known_hosts_file": str(fleet.known_hosts)},
        "registries": {registry: {"plain_http": True}},
        "scan": {"interval": "1h"},
        "web": {"listen": f"127.0.0.1:{port}"},
    }


def is_ready(address: str) -> bool:
    """Whether a first scan is done."""
    try:
        with urllib.request.urlopen(f"{address}/-/ready", timeout=30) as answer:
            return answer.status == 200
    except OSError:
        return False


def main(count: int, picture: Path) -> None:
    """Scan so many hosts, then take the picture."""
    shelf, images = made_up.stock()
    with tempfile.TemporaryDirectory() as name, DemoRegistry(shelf) as registry:
        folder = Path(name)
        answers = list(made_up.answers(count, WORKLOADS, registry.name, images).values())
        with LoopbackFleet(folder, answers) as fleet:
            port = free_port("127.0.0.1")
            config = folder / "archscan.yml"
            config.write_text(json.dumps(configuration(fleet, registry.name, port)))
            service = subprocess.Popen([sys.executable, "-m", "scanner", "serve", "--config", config])
            address = f"http://127.0.0.1:{port}"
            try:
                taken(service, address, picture)
            finally:
                service.terminate()
                service.wait()


def taken(service: subprocess.Popen[bytes], address: str, picture: Path) -> None:
    """Wait for the first scan; tell what it found, draw it."""
    began = time.monotonic()
    while not is_ready(address):
        if service.poll() is not None or time.monotonic() - began > READY_WITHIN_S:
            sys.exit("the service never became ready")
        time.sleep(1)
    print(f"ready after {time.monotonic() - began:.0f} s", flush=True)
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE)
        page.goto(address)
        page.screenshot(path=picture)
        print(page.inner_text("main")[:400])
        browser.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("hosts", type=int)
    parser.add_argument("picture", type=Path)
    given = parser.parse_args()
    main(given.hosts, given.picture)
