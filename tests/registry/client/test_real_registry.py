"""The client against Debian's own registry."""

import os

import pytest

from scanner.domain.failure import Failure
from scanner.domain.image.offers import ImageFacts
from scanner.domain.image.reference import parse
from scanner.domain.platform.platform import Platform
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.verdict import Depth
from scanner.registry.client import Registry
from scanner.registry.config import ClientConfig, RegistryConfig

pytestmark = pytest.mark.system

NOISE = os.urandom(300_000)  # what does not shrink makes a layer of several pieces


@pytest.fixture(scope="module")
def images(image_factory):
    return {
        arch: image_factory.image({"app": arch.encode() + NOISE}, entrypoint=["/app"], architecture=arch)
        for arch in ("amd64", "arm64")
    }


@pytest.fixture(scope="module")
def pushed(pusher, image_factory, images):
    """An index of two platforms, one of its images under a tag of its own, the same for Docker's media types."""
    pusher.push("shop/api", "1.4", image_factory.index(*images.values()))
    pusher.push("shop/api", "arm64", images["arm64"])
    types = image_factory.DOCKER
    docker = [image_factory.image({"app": b"x"}, architecture=arch, types=types) for arch in ("386", "s390x")]
    pusher.push("shop/docker", "1", image_factory.index(*docker, types=types))
    return pusher.address


@pytest.fixture
async def client(pushed):
    config = RegistryConfig(pushed, plain_http=True, allow_networks=True)
    async with Registry(ClientConfig(registries={config.name: config})) as found:
        yield found


async def test_an_index_is_resolved_down_to_configs_and_layers(pushed, client, images):
    found = await client.resolve(parse(f"{pushed}/shop/api:1.4"), depth=Depth.CONFIG)
    assert isinstance(found, ImageFacts)
    assert found.is_index
    assert [str(p) for p in found.platforms] == ["linux/amd64", "linux/arm64"]
    assert [offer.config for offer in found.offers] == [Platform("linux", "amd64"), Platform("linux", "arm64")]
    assert found.offers[0].process.entrypoint == ("/app",)
    assert found.offers[0].layers[0].size == len(images["amd64"].layers[0].body)
    assert [offer.config_digest for offer in found.offers] == [image.config.digest for image in images.values()]


async def test_docker_media_types_are_resolved_alike(pushed, client):
    found = await client.resolve(parse(f"{pushed}/shop/docker:1"), depth=Depth.CONFIG)
    assert [str(offer.config) for offer in found.offers] == ["linux/386", "linux/s390x"]


async def test_a_single_image_is_resolved_by_its_config(pushed, client):
    found = await client.resolve(parse(f"{pushed}/shop/api:arm64"), depth=Depth.INDEX)
    assert [offer.platform for offer in found.offers] == [Platform("linux", "arm64")]
    assert not found.is_index


async def test_a_digest_is_resolved_like_its_tag(pushed, client):
    by_tag = await client.resolve(parse(f"{pushed}/shop/api:1.4"), depth=Depth.CONFIG)
    by_digest = await client.resolve(parse(f"{pushed}/shop/api@{by_tag.digest}"), depth=Depth.CONFIG)
    assert by_digest.offers == by_tag.offers


@pytest.mark.parametrize("name", ["shop/api:9", "no/such:1"])
async def test_what_is_missing_is_said_to_be(pushed, client, name):
    found = await client.resolve(parse(f"{pushed}/{name}"), depth=Depth.INDEX)
    assert isinstance(found, Failure)
    assert found.reason is Reason.IMAGE_TAG_MISSING  # for a repository that does not exist it says the same


@pytest.mark.parametrize(("start", "end"), [(0, None), (100, 5000), (299_000, None), (0, 10)])
async def test_a_layer_is_read_from_any_offset(pushed, client, images, start, end):
    reference = parse(f"{pushed}/shop/api:arm64")
    layer = (await client.resolve(reference, depth=Depth.CONFIG)).offers[0].layers[0]
    async with client.open_layer(reference, layer, start, end) as pieces:
        assert b"".join([piece async for piece in pieces]) == images["arm64"].layers[0].body[start:end]


async def test_a_layer_may_be_left_early(pushed, client, images):
    reference = parse(f"{pushed}/shop/api:arm64")
    layer = (await client.resolve(reference, depth=Depth.CONFIG)).offers[0].layers[0]
    async with client.open_layer(reference, layer) as pieces:
        assert images["arm64"].layers[0].body.startswith(await anext(pieces))
