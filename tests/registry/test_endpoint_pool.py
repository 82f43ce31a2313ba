"""What the ways to one registry share."""

import asyncio
import time

import pytest

from scanner.domain.image.reference import parse
from scanner.registry.config import ClientConfig, RegistryConfig
from scanner.registry.endpoint_pool import MAX_UNLISTED, EndpointPool
from scanner.registry.http.observer import Nobody


class Clock:
    monotonic = staticmethod(time.monotonic)
    time = staticmethod(time.time)
    sleep = staticmethod(asyncio.sleep)


@pytest.fixture
async def budgets(tmp_path):
    """``budgets(hosts_toml, *images)``: the budgets behind each image; hosts.toml is that of docker.io."""
    pools = []

    def ask(hosts_toml, *images, registries=()):
        folder = tmp_path / "docker.io"
        folder.mkdir()
        (folder / "hosts.toml").write_text(hosts_toml)
        config = ClientConfig(certs_d=tmp_path, registries={one.name: one for one in registries})
        pool = EndpointPool(config, None, Nobody(), Clock())
        pools.append(pool)
        return [[route.endpoint.budget for route in pool.of(parse(image)).routes] for image in images]

    yield ask
    for pool in pools:
        await pool.aclose()


@pytest.mark.parametrize("image", ["registry-1.docker.io/library/nginx", "mirror.example/library/nginx"])
async def test_a_host_has_one_budget_however_it_is_reached(budgets, image):
    tree = '[host."https://mirror.example"]\nca = "ca.pem"\n'
    mirrored, plain = budgets(f'server = "https://registry-1.docker.io"\n{tree}', "nginx", image)
    assert any(one is plain[-1] for one in mirrored)


async def test_its_limits_are_those_that_are_configured_under_any_name_of_it(budgets):
    listed = RegistryConfig("docker.io", concurrency=3)
    ((first, *_),) = budgets('server = "https://registry-1.docker.io"\n', "nginx", registries=[listed])
    assert first._in_flight._value == 3


async def test_a_way_is_found_once_until_the_registry_that_it_leads_to_is_let_go():
    pool = EndpointPool(ClientConfig(), None, Nobody(), Clock())
    first = pool.of(parse("r0.example/app:1"))
    assert pool.of(parse("r0.example/app:1")) is first
    for number in range(1, MAX_UNLISTED + 1):
        pool.of(parse(f"r{number}.example/app:1"))
    assert pool.of(parse("r0.example/app:1")).routes[0].endpoint is not first.routes[0].endpoint
    await pool.aclose()
