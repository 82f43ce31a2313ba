"""Layers as streams: ranges, breaks, lies."""

import asyncio
import hashlib
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from scanner.domain.image.offers import Layer
from scanner.domain.image.reference import Digest, parse
from scanner.domain.streams import StreamBroken
from scanner.domain.verdict.reason import Reason
from scanner.registry.config import RegistryConfig

CONTENT = os.urandom(200_000)
BLOBS = "/blobs/"


def rss() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


@pytest.fixture
def layer(fake) -> Layer:
    pointer = fake.blob(CONTENT)
    return Layer(Digest(pointer["digest"]), "application/vnd.oci.image.layer.v1.tar+gzip", pointer["size"])


async def read(registry, fake, layer, start=0, end=None) -> bytes:
    async with registry.open_layer(parse(f"{fake.name}/app:1"), layer, start, end) as pieces:
        return b"".join([piece async for piece in pieces])


async def broken(registry, fake, layer, start=0, end=None):
    with pytest.raises(StreamBroken) as caught:
        await read(registry, fake, layer, start, end)
    return caught.value.failure


SPANS = [(0, None), (0, 1), (1, None), (199_999, None), (100, 70_000), (199_949, 200_000), (5, 10**9)]


@pytest.mark.parametrize(("start", "end"), SPANS)
async def test_a_span_is_read_with_ranges(fake, client, layer, start, end):
    assert await read(client(), fake, layer, start, end) == CONTENT[start:end]
    assert ("range" in fake.asked[0].headers) is ((start, end) != (0, None))


@pytest.mark.parametrize(("start", "end"), SPANS)
async def test_a_span_is_read_without_ranges_too(fake, client, layer, start, end):
    fake.on("GET", BLOBS, fake.answer(200, CONTENT))
    assert await read(client(), fake, layer, start, end) == CONTENT[start:end]


@pytest.mark.parametrize(("start", "end"), [(5, 5), (10, 5), (200_000, None), (300_000, None)])
async def test_an_empty_span_costs_no_request(fake, client, layer, start, end):
    assert await read(client(), fake, layer, start, end) == b""
    assert fake.asked == []


async def test_spans_that_are_read_to_their_end_share_a_connection(fake, client, layer):
    registry = client()
    for start, end in SPANS:
        assert await read(registry, fake, layer, start, end) == CONTENT[start:end]
    assert fake.connections == 1


async def test_leaving_early_closes_the_connection(fake, client, layer):
    piece = b"x" * 65536
    closed = asyncio.Event()

    async def endless(asked, writer):
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n")
        try:
            while True:
                writer.write(piece)
                await writer.drain()
        finally:
            closed.set()

    fake.on("GET", BLOBS, endless)
    registry = client()
    async with registry.open_layer(parse(f"{fake.name}/app:1"), replace(layer, size=1_000_000_000)) as pieces:
        assert await anext(pieces)
    await asyncio.wait_for(closed.wait(), 60)


async def test_a_break_is_gone_on_from(fake, client, layer):
    head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(CONTENT)}\r\n\r\n".encode()
    fake.on("GET", BLOBS, fake.raw(head + CONTENT[:70_000]), fake._honest_one)
    assert await read(client(), fake, layer) == CONTENT
    assert [asked.headers.get("range") for asked in fake.asked] == [None, "bytes=70000-199999"]


async def test_a_break_is_gone_on_from_without_ranges(fake, client, layer):
    head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(CONTENT)}\r\n\r\n".encode()
    fake.on("GET", BLOBS, fake.raw(head + CONTENT[:70_000]), fake.answer(200, CONTENT))
    assert await read(client(), fake, layer, 10) == CONTENT[10:]


async def test_a_layer_that_breaks_thrice_is_given_up(fake, client, layer):
    head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(CONTENT)}\r\n\r\n".encode()
    fake.on("GET", BLOBS, fake.raw(head + CONTENT[:1000]))
    assert (await broken(client(), fake, layer)).reason is Reason.IMAGE_MALFORMED
    assert len(fake.asked) == 3


async def test_a_short_answer_without_length_is_no_whole_layer(fake, client, layer):
    fake.on("GET", BLOBS, fake.raw(b"HTTP/1.1 200 OK\r\n\r\n" + CONTENT[:1000]))
    assert (await broken(client(), fake, layer)).reason is Reason.LAYER_UNKNOWN


ROWS = {
    "other-bytes": (lambda f: f.answer(200, b"x" * len(CONTENT)), Reason.IMAGE_DIGEST_MISMATCH),
    "other-length": (lambda f: f.answer(200, CONTENT + b"x"), Reason.IMAGE_DIGEST_MISMATCH),
    "encoded": (lambda f: f.answer(200, CONTENT, content_encoding="gzip"), Reason.IMAGE_ENCODING_REFUSED),
    "missing": (lambda f: f.answer(404), Reason.LAYER_UNKNOWN),
    "denied": (lambda f: f.answer(403), Reason.IMAGE_DENIED),
    "not-satisfiable": (lambda f: f.answer(416), Reason.IMAGE_SERVER_ERROR),
    "flapping": (lambda f: f.answer(503), Reason.IMAGE_SERVER_ERROR),
    "limited": (lambda f: f.answer(429, retry_after="100"), Reason.IMAGE_RATE_LIMITED),
    "long-refusal": (lambda f: f.answer(404, b"x" * 70_000), Reason.IMAGE_TOO_LARGE),
    "no-content": (lambda f: f.answer(204), Reason.LAYER_UNKNOWN),
    "partial-unasked": (lambda f: f.answer(206, CONTENT), Reason.IMAGE_MALFORMED),
    "partial-elsewhere": (
        lambda f: f.answer(206, CONTENT, content_range="bytes 5-200004/300000"),
        Reason.LAYER_UNKNOWN,
    ),
    "redirect-to-http": (lambda f: f.answer(307, location="http://example.com/x"), Reason.IMAGE_REDIRECT_REFUSED),
    "redirect-inside": (lambda f: f.answer(307, location="https://127.0.0.1:9/x"), Reason.IMAGE_REDIRECT_REFUSED),
    "redirect-loop": (lambda f: f.answer(307, location="/v2/app/blobs/x"), Reason.IMAGE_REDIRECT_REFUSED),
    "not-http": (lambda f: f.raw(b"220 smtp\r\n\r\n"), Reason.IMAGE_MALFORMED),
}


@pytest.mark.parametrize(("lie", "expect"), ROWS.values(), ids=ROWS)
async def test_a_layer_that_cannot_be_had_says_why(fake, client, layer, lie, expect):
    fake.on("GET", BLOBS, lie(fake))
    failure = await broken(client(), fake, layer)
    assert failure.reason is expect, failure
    assert failure.detail.isprintable()


async def test_a_foreign_layer_is_never_asked_for(fake, client, layer):
    assert (await broken(client(), fake, replace(layer, foreign=True))).reason is Reason.LAYER_FOREIGN
    assert fake.asked == []


async def test_a_layer_of_an_unlisted_registry_is_never_asked_for(fake, client, layer, canary):
    registry = client(only_listed=True)
    with pytest.raises(StreamBroken) as caught:
        async with registry.open_layer(parse(f"{canary.address}/app:1"), layer) as pieces:
            await anext(pieces)
    assert caught.value.failure.reason is Reason.IMAGE_NOT_ALLOWED


async def test_a_dripping_layer_ends_at_its_deadline(fake, client, layer, clock):
    clock.passes = True
    head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(CONTENT)}\r\n\r\n".encode()
    fake.on("GET", BLOBS, fake.raw(head, b"x", every=0.02, endless=True))
    began = time.monotonic()
    assert (await broken(client(layer_deadline_s=0.3), fake, layer)).reason is Reason.IMAGE_TIMEOUT
    assert time.monotonic() - began < 60


async def test_a_slow_reader_is_no_slow_registry(fake, client, layer, clock):
    async with client(layer_deadline_s=5.0).open_layer(parse(f"{fake.name}/app:1"), layer) as pieces:
        whole = b""
        async for piece in pieces:
            clock.ahead += 100
            whole += piece
    assert whole == CONTENT


async def test_a_layer_larger_than_said_is_not_read_further(fake, client, layer):
    piece = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    fake.on("GET", BLOBS, fake.raw(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", piece, endless=True))
    before = rss()
    assert (await broken(client(), fake, layer)).reason is Reason.IMAGE_DIGEST_MISMATCH
    assert rss() - before < 8 * 1024 * 1024


async def test_object_storage_is_followed_without_authorization(fake, fakes, client, layer):
    storage = await fakes()
    storage.blobs = fake.blobs

    async def away(asked, writer):
        await fake.answer(307, location=f"http://{storage.name}{asked.target}")(asked, writer)

    fake.on("GET", BLOBS, away)
    assert await read(client(registry={"redirect_hosts": (storage.name,)}), fake, layer, 7, 99) == CONTENT[7:99]
    assert "authorization" not in storage.asked[0].headers
    assert storage.asked[0].headers["range"] == "bytes=7-98"


async def test_a_mirror_without_the_layer_is_passed_over(fake, fakes, client, layer):
    mirror = await fakes()
    reached = RegistryConfig(mirror.name, plain_http=True, allow_networks=True)
    assert await read(client(registry={"mirror": (mirror.name,)}, others=(reached,)), fake, layer) == CONTENT
    assert len(mirror.asked) == 1


async def test_a_sha512_layer_is_verified_too(fake, client, layer):
    digest = Digest(f"sha512:{hashlib.sha512(CONTENT).hexdigest()}")
    fake.blobs["app", digest] = CONTENT
    assert await read(client(), fake, replace(layer, digest=digest)) == CONTENT
    fake.blobs["app", digest] = CONTENT[::-1]
    assert (await broken(client(), fake, replace(layer, digest=digest))).reason is Reason.IMAGE_DIGEST_MISMATCH
