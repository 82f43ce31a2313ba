"""Whether a registry has all that a pull needs."""

import pytest

from scanner.domain.failure import Failure
from scanner.domain.image.reference import parse
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.verdict import Depth
from scanner.registry.config import RegistryConfig
from scanner.registry.presence import JUST_READ_S

BLOBS = "/blobs/"


async def looked(client, fake):
    """The reference with its one offer, as somebody else read it, the requests for that forgotten."""
    reference = parse(f"{fake.name}/app:1")
    offer = (await client().resolve(reference, depth=Depth.CONFIG)).offers[0]
    fake.asked.clear()
    return reference, offer


@pytest.fixture
def image(fake):
    """The digest of an image's layer, then of its config."""
    fake.image("1")
    config, layer = sorted(
        (digest for _, digest in fake.blobs), key=lambda digest: b"layer" in fake.blobs["app", digest]
    )
    return layer, config


async def test_each_blob_is_asked_for_once_by_head(fake, client, image):
    reference, offer = await looked(client, fake)
    registry = client()
    for _ in range(3):
        assert await registry.missing_part(reference, offer) is None
    assert sorted((asked.method, asked.target.rpartition("/")[2]) for asked in fake.asked) == sorted(
        ("HEAD", digest) for digest in image
    )


async def test_what_has_just_been_read_from_there_is_not_asked_for_again(fake, client, clock, image):
    registry = client()
    reference = parse(f"{fake.name}/app:1")
    offer = (await registry.resolve(reference, depth=Depth.CONFIG)).offers[0]
    async with registry.open_layer(reference, offer.layers[0]) as pieces:
        assert [piece async for piece in pieces]
    assert await registry.missing_part(reference, offer) is None
    assert fake.seen("HEAD", BLOBS) == []
    other = parse(f"{fake.name}/other:1")
    assert isinstance(await registry.missing_part(other, offer), Failure), "it may be missing in another repository"
    later = client(documents=None)
    offer = (await later.resolve(reference, depth=Depth.CONFIG)).offers[0]
    clock.ahead += JUST_READ_S
    del fake.blobs["app", image[1]]
    missing = await later.missing_part(reference, offer)
    assert missing.reason is Reason.LAYER_MISSING


@pytest.mark.parametrize(("place", "what"), [(0, "layer"), (1, "config")])
async def test_what_the_registry_does_not_have_is_missing(fake, client, clock, image, place, what):
    reference, offer = await looked(client, fake)
    registry = client()
    body = fake.blobs.pop(("app", image[place]))
    missing = await registry.missing_part(reference, offer)
    assert missing.reason is Reason.LAYER_MISSING
    assert f"has no {what} {image[place]}" in missing.detail
    asked = len(fake.asked)
    assert await registry.missing_part(reference, offer) == missing
    assert len(fake.asked) == asked
    fake.blobs["app", image[place]] = body
    clock.ahead += 60
    assert await registry.missing_part(reference, offer) is None


@pytest.mark.parametrize("status", [200, 301, 307, 400, 401, 403, 405, 429, 500, 503])
async def test_no_other_answer_says_that_anything_is_missing(fake, client, image, status):
    reference, offer = await looked(client, fake)
    registry = client()
    fake.on("HEAD", BLOBS, fake.answer(status, location="https://storage.example/x?signed"))
    assert await registry.missing_part(reference, offer) is None
    assert fake.seen("GET") == []


async def test_a_server_that_knows_no_head_of_blobs_is_asked_for_the_first_byte(fake, client, image):
    reference, offer = await looked(client, fake)
    registry = client()
    fake.on("HEAD", BLOBS, fake.answer(404))
    assert await registry.missing_part(reference, offer) is None
    assert {asked.headers["range"] for asked in fake.asked if asked.method == "GET"} == {"bytes=0-0"}


async def test_no_mirror_is_asked_nor_a_registry_behind_one(fake, fakes, client, image):
    mirror = await fakes()
    other = RegistryConfig(mirror.name, plain_http=True, allow_networks=True)
    reference, offer = await looked(client, fake)
    registry = client({"mirror": (mirror.name,)}, (other,))
    mirror.asked.clear()
    for key in list(fake.blobs):
        del fake.blobs[key]
    assert await registry.missing_part(reference, offer) is None
    assert (mirror.asked, fake.asked) == ([], [])


async def test_what_is_there_is_remembered_as_long_as_documents_are(fake, client, image):
    documents = {}

    class Documents:
        get = staticmethod(documents.get)

        @staticmethod
        def put(digest, document, _media_type):
            documents[digest] = document

    reference, offer = await looked(client, fake)
    assert await client(documents=Documents()).missing_part(reference, offer) is None
    fake.asked.clear()
    second = client(documents=Documents())
    assert await second.missing_part(reference, offer) is None
    assert fake.asked == []
    assert isinstance(await second.missing_part(parse(f"{fake.name}/other:1"), offer), Failure)


async def test_a_registry_that_must_not_be_asked_is_not(fake, client, image):
    _, offer = await looked(client, fake)
    strict = client(only_listed=True)
    assert await strict.missing_part(parse("other.example/app:1"), offer) is None
