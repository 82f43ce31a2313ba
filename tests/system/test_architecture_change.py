"""A host that comes back as another machine: from its answer through the service to the alert."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from scanner.app.adapters import AdapterContext, Adapters
from scanner.domain.host import Host
from scanner.metrics.metrics import Metrics
from scanner.service.configuration import Configuration
from scanner.service.service import Service
from scanner.settings.schema import Settings
from scanner.store.store import Store
from tests.real.scraped import scraped

pytestmark = pytest.mark.system

ROOT = Path(__file__).parents[2]
RULES = ROOT / "config" / "prometheus" / "rules" / "archscan.yml"
HOSTS = ROOT / "tests" / "data" / "hosts"
SERIES = 'archscan_host_architecture_changed_timestamp_seconds{host="web-1"}'
ALERT = "ArchscanHostArchitectureChanged"


@pytest.fixture
def answering(start_sshd, tmp_path):
    """A real sshd whose forced command answers as a recorded host; call it with a host's name to change that."""
    answer = tmp_path / "answer"
    sshd = start_sshd()
    sshd.authorize(f'restrict,command="cat {answer}"')

    def become(name):
        answer.write_bytes((HOSTS / f"{name}.txt").read_bytes())
        return sshd

    return become


@pytest.fixture
async def service(answering, tmp_path):
    """The service over this host, with its metrics; it is never started: scans are asked for."""
    sshd = answering("amd64-docker")
    settings = Settings.model_validate(
        {
            "ssh": {"user": sshd.user, "identity_file": sshd.client_key, "known_hosts_file": sshd.known_hosts},
            "scan": {"depth": "index"},
        }
    )
    host = Host("web-1", sshd.address, sshd.port)
    store = await Store.open(f"sqlite:///{tmp_path}/archscan.db")
    metrics = Metrics("0")
    adapters = AdapterContext("0", store)
    made = Service(
        lambda: Configuration(settings, (host,)), lambda settings: Adapters(settings, adapters), store, metrics
    )
    yield made, metrics
    await made.stop()
    await store.close()


async def scan(service):
    request = await service.scans.request((), "test")
    async for state in service.scans.watch(request.id):
        last = state
    assert last.state == "done", last


def page(service, metrics):
    return metrics.render(service.publication.report(), None)[1].decode()


async def test_a_changed_architecture_is_a_moment_in_the_metrics_until_it_is_told_otherwise(service, answering):
    running, metrics = service
    await scan(running)
    assert SERIES not in page(running, metrics)
    before = time.time()
    answering("pi4-arm64")
    await scan(running)
    told = next(line for line in page(running, metrics).splitlines() if line.startswith(SERIES))
    assert before - 1 <= float(told.split()[1]) <= time.time()
    await scan(running)
    assert told in page(running, metrics)


async def test_a_host_that_is_not_read_has_not_changed(service, answering):
    running, metrics = service
    await scan(running)
    answering("amd64-docker").authorize('restrict,command="echo nothing"')
    await scan(running)
    assert SERIES not in page(running, metrics)


async def test_the_shipped_rule_fires_for_the_changed_host_alone(service, answering, prometheus):
    running, metrics = service
    await scan(running)
    answering("pi4-arm64")
    await scan(running)
    body = page(running, metrics).encode()

    with scraped(lambda _accept: ("text/plain; version=0.0.4", body)) as address:
        started = prometheus(rules=[RULES], targets=[address])
        found = await asyncio.to_thread(started.wait_for, f'ALERTS{{alertname="{ALERT}",alertstate="firing"}}')
    assert [labels["host"] for labels, _ in found] == ["web-1"]
