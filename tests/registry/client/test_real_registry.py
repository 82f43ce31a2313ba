"""The client against Debian's own registry."""

import os
from dataclasses import replace

import pytest

from scanner.domain.facts import Failure, ImageFacts
from scanner.domain.platform import Platform
from scanner.domain.reason import Reason
from scanner.domain.reference import parse
from scanner.registry.client import Registry
from scanner.registry.config import ClientConfig, RegistryConfig
from scanner.registry.media_types import OCI_INDEX

pytestmark = pytest.mark.system

LAYER = os.urandom(300_000)


@pytest.fixture(scope="module")
def pushed(real_registry):
    """A two-platform index, a single image."""
    images = {arch: real_registry.image("shop/api", arch, arch, arch.encode() + LAYER) for arch in ("amd64", "arm64")}
    entries = [d | {"platform": {"os": "linux", "architecture": arch}} for arch, d in images.items()]
    real_registry.manifest("shop/api", "1.4", {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries})
    return real_registry


@pytest.fixture
async def registry(pushed):
    config = RegistryConfig(pushed.name, plain_http=True, allow_private=True)
    async with Registry(ClientConfig(registries={config.name: config})) as found:
        yield found


async def test_an_index_is_resolved_down_to_configs_and_layers(pushed, registry):
    found = await registry.resolve(parse(f"{pushed.name}/shop/api:1.4"), depth="config")
    assert isinstance(found, ImageFacts)
    assert found.is_index
    assert [str(p) for p in found.platforms] == ["linux/amd64", "linux/arm64"]
    assert [offer.config for offer in found.offers] == [Platform("linux", "amd64"), Platform("linux", "arm64")]
    assert found.offers[0].process.entrypoint == ("/app",)
    assert found.offers[0].layers[0].size == len(LAYER) + 5


async def test_a_single_image_is_resolved_by_its_config(pushed, registry):
    found = await registry.resolve(parse(f"{pushed.name}/shop/api:arm64"), depth="index")
    assert [offer.platform for offer in found.offers] == [Platform("linux", "arm64")]


async def test_a_digest_is_resolved_like_its_tag(pushed, registry):
    by_tag = await registry.resolve(parse(f"{pushed.name}/shop/api:1.4"), depth="config")
    by_digest = await registry.resolve(parse(f"{pushed.name}/shop/api@{by_tag.digest}"), depth="config")
    assert by_digest.offers == by_tag.offers


@pytest.mark.parametrize(
    ("name", "reason"), [("shop/api:9", Reason.IMAGE_TAG_MISSING), ("no/such:1", Reason.IMAGE_NOT_FOUND)]
)
async def test_what_is_missing_is_told_apart(pushed, registry, name, reason):
    found = await registry.resolve(parse(f"{pushed.name}/{name}"), depth="index")
    # Debian's registry 2.8 answers MANIFEST_UNKNOWN for a repository that does not exist, too
    assert isinstance(found, Failure)
    assert found.reason in {reason, Reason.IMAGE_TAG_MISSING}


@pytest.mark.parametrize(("start", "end"), [(0, None), (100, 5000), (299_000, None), (0, 10)])
async def test_a_layer_is_read_from_any_offset(pushed, registry, start, end):
    reference = parse(f"{pushed.name}/shop/api:arm64")
    layer = (await registry.resolve(reference, depth="config")).offers[0].layers[0]
    async with registry.open_layer(reference, layer, start, end) as pieces:
        assert b"".join([piece async for piece in pieces]) == (b"arm64" + LAYER)[start:end]


async def test_a_layer_may_be_left_early(pushed, registry):
    reference = parse(f"{pushed.name}/shop/api:arm64")
    layer = (await registry.resolve(reference, depth="config")).offers[0].layers[0]
    async with registry.open_layer(reference, replace(layer)) as pieces:
        assert (await anext(pieces)).startswith(b"arm64")
