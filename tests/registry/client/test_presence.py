"""Whether a registry has all that a pull needs."""

import pytest

from scanner.domain.failure import Failure
from scanner.domain.image.reference import parse
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.verdict import Depth
from scanner.registry.config import RegistryConfig

BLOBS = "/blobs/"


async def looked(registry, fake, name="app:1"):
    """The reference with its one offer, the requests for documents forgotten."""
    reference = parse(f"{fake.name}/{name}")
    offer = (await registry.resolve(reference, depth=Depth.CONFIG)).offers[0]
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
    registry = client()
    reference, offer = await looked(registry, fake)
    for _ in range(3):
        assert await registry.missing_part(reference, offer) is None
    assert sorted((asked.method, asked.target.rpartition("/")[2]) for asked in fake.asked) == sorted(
        ("HEAD", digest) for digest in image
    )


@pytest.mark.parametrize(("place", "what"), [(0, "layer"), (1, "config")])
async def test_what_the_registry_does_not_have_is_missing(fake, client, clock, image, place, what):
    registry = client()
    reference, offer = await looked(registry, fake)
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
    registry = client()
    reference, offer = await looked(registry, fake)
    fake.on("HEAD", BLOBS, fake.answer(status, location="https://storage.example/x?signed"))
    assert await registry.missing_part(reference, offer) is None
    assert fake.seen("GET") == []


async def test_a_server_that_knows_no_head_of_blobs_is_asked_for_the_first_byte(fake, client, image):
    registry = client()
    reference, offer = await looked(registry, fake)
    fake.on("HEAD", BLOBS, fake.answer(404))
    assert await registry.missing_part(reference, offer) is None
    assert {asked.headers["range"] for asked in fake.asked if asked.method == "GET"} == {"bytes=0-0"}


async def test_no_mirror_is_asked_nor_a_registry_behind_one(fake, fakes, client, image):
    mirror = await fakes()
    other = RegistryConfig(mirror.name, plain_http=True, allow_networks=True)
    registry = client({"mirror": (mirror.name,)}, (other,))
    reference, offer = await looked(registry, fake)
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

    first = client(documents=Documents())
    assert await first.missing_part(*await looked(first, fake)) is None
    second = client(documents=Documents())
    assert await second.missing_part(*await looked(second, fake)) is None
    assert fake.asked == []
    elsewhere, offer = await looked(second, fake)
    assert isinstance(await second.missing_part(parse(f"{fake.name}/other:1"), offer), Failure)
    assert elsewhere.repository == "app"


async def test_a_registry_that_must_not_be_asked_is_not(fake, client, image):
    registry = client()
    _, offer = await looked(registry, fake)
    strict = client(only_listed=True)
    assert await strict.missing_part(parse("other.example/app:1"), offer) is None
