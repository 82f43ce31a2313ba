import re

import pytest

from scanner.metrics.registries import RegistryObserver
from tests.web.conftest import NOW


@pytest.fixture
def row(client):
    """The row of one registry as text."""

    async def of(name):
        got = (await client.get("/scanner")).text
        found = re.search(rf'<tr><td class="code"><a href="/images\?registry={re.escape(name)}">.*?</tr>', got)
        return " ".join(re.sub(r"<[^>]+>", " ", found[0]).split())

    return of


@pytest.fixture
def clock(metrics):
    metrics.registries._clock = lambda: NOW - 7200
    return metrics.registries


async def test_what_is_left_of_a_limit_stands_with_its_age_beside_the_registry(row, clock):
    clock.rate_limit("docker.io", 1076)
    assert (await row("docker.io")).endswith("1,076 requests 2 hours ago")


async def test_a_registry_that_announced_nothing_has_no_number(row):
    assert (await row("ghcr.io")).endswith("never announced")


async def test_nothing_left_is_a_number_not_nothing(row, clock):
    clock.rate_limit("docker.io", 0)
    assert "0 requests" in await row("docker.io")


async def test_a_registry_without_images_of_the_fleet_has_its_row(row, clock):
    clock.rate_limit("quay.io", 5)
    assert (await row("quay.io")).startswith("quay.io 0 ")


def test_names_that_a_host_made_up_are_not_kept(metrics):
    observer: RegistryObserver = metrics.registries
    for number in range(100):
        observer.rate_limit(f"made-up-{number}.example", 1)
    assert observer.left == {}
