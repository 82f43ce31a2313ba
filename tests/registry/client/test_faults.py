"""What registries do wrong (rows R01 to R15), with what must be concluded."""

import asyncio
import base64
import json
import os
import time
import zlib
from pathlib import Path

import pytest

from scanner.domain.failure import Failure
from scanner.domain.image.offers import ImageFacts, InnerIndex
from scanner.domain.image.reference import parse
from scanner.domain.platform.platform import Platform
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.verdict import Depth
from scanner.registry.config import RegistryConfig
from scanner.registry.documents.media_types import DOCKER_MANIFEST, OCI_CONFIG, OCI_INDEX, OCI_MANIFEST
from tests.real.process import free_port

MANIFESTS, BLOBS = "/manifests/", "/blobs/"


def rss() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


async def resolve(registry, fake, name="app:1", depth=Depth.CONFIG):
    return await registry.resolve(parse(f"{fake.name}/{name}"), depth=depth)


def both(fake, *responders):
    for method in ("HEAD", "GET"):
        fake.on(method, MANIFESTS, *responders)


def errors(code, message="words"):
    return json.dumps({"errors": [{"code": code, "message": message}]}).encode()


def unlimited(fake):
    piece = b"x" * 65536
    return fake.raw(b"HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n", piece, endless=True)


def endless_chunks(fake):
    piece = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    return fake.raw(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", piece, endless=True)


def encoded(fake, coding):
    body = zlib.compress(b"\0" * 50_000_000)
    return fake.answer(200, body, content_encoding=coding)


def entries(fake, count):
    one = {"mediaType": OCI_MANIFEST, "digest": "sha256:" + "a" * 64, "size": 1}
    fake.index("1", of=[one | {"platform": {"os": "linux", "architecture": f"a{i}"}} for i in range(count)])


# ---------------------------------------------------------------- rows: id, inject, expect

ROWS = {
    "R05-endless-body": (lambda f: both(f, unlimited(f)), Reason.IMAGE_TOO_LARGE),
    "R05-endless-chunks": (lambda f: both(f, endless_chunks(f)), Reason.IMAGE_TOO_LARGE),
    "R05-one-byte-too-many": (lambda f: both(f, f.answer(200, b" " * (4 * 1024 * 1024 + 1))), Reason.IMAGE_TOO_LARGE),
    "R05-length-too-large": (lambda f: both(f, f.answer(200, b"{}", content_length="99")), Reason.IMAGE_MALFORMED),
    "R05-length-not-a-number": (lambda f: both(f, f.answer(200, b"{}", content_length="x")), Reason.IMAGE_MALFORMED),
    "R05-two-lengths": (
        lambda f: both(f, f.raw(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}1")),
        Reason.IMAGE_MALFORMED,
    ),
    "R05-endless-headers": (lambda f: both(f, f.raw(b"HTTP/1.1 200 OK\r\n", b"x: " + b"y" * 60000 + b"\r\n", endless=True)), Reason.IMAGE_MALFORMED),
    "R05-not-http": (lambda f: both(f, f.raw(b"SSH-2.0-OpenSSH_9.2\r\n")), Reason.IMAGE_MALFORMED),
    "R05-closes": (lambda f: both(f, f.raw(b"")), Reason.IMAGE_MALFORMED),
    "R06-gzip": (lambda f: both(f, encoded(f, "gzip")), Reason.IMAGE_ENCODING_REFUSED),
    "R06-deflate": (lambda f: both(f, encoded(f, "deflate")), Reason.IMAGE_ENCODING_REFUSED),
    "R06-zstd": (lambda f: both(f, encoded(f, "zstd")), Reason.IMAGE_ENCODING_REFUSED),
    "R06-two-codings": (lambda f: both(f, encoded(f, "identity, gzip")), Reason.IMAGE_ENCODING_REFUSED),
    "R06-config": (lambda f: f.on("GET", BLOBS, encoded(f, "gzip")), Reason.IMAGE_ENCODING_REFUSED),
    "R07-other-bytes": (lambda f: f.on("GET", MANIFESTS, f.answer(200, b'{"schemaVersion":2}')), Reason.IMAGE_DIGEST_MISMATCH),
    "R07-other-announced": (
        lambda f: f.on("GET", MANIFESTS, f.answer(200, f.manifests["app", "1"][0], docker_content_digest="sha256:" + "0" * 64)),
        Reason.IMAGE_DIGEST_MISMATCH,
    ),
    "R07-announced-is-no-digest": (
        lambda f: both(f, f.answer(200, f.manifests["app", "1"][0], docker_content_digest="sha256:../../x")),
        Reason.IMAGE_MALFORMED,
    ),
    "R07-other-config": (lambda f: f.on("GET", BLOBS, f.answer(200, b'{"os":"linux","architecture":"amd64"}')), Reason.IMAGE_DIGEST_MISMATCH),
    "R08-manifests-and-layers": (lambda f: f.index("1", of=[], layers=[]), Reason.IMAGE_AMBIGUOUS),
    "R08-manifests-and-config": (lambda f: f.index("1", of=[], config={}), Reason.IMAGE_AMBIGUOUS),
    "R08-type-differs": (lambda f: f.put(json.loads(f.manifests["app", "1"][0]), "1", media_type=DOCKER_MANIFEST), Reason.IMAGE_AMBIGUOUS),
    "R08-key-twice": (lambda f: f.put(b'{"manifests":[],"manifests":[]}', "1", media_type=OCI_INDEX), Reason.IMAGE_AMBIGUOUS),
    "R09-nesting": (lambda f: f.put(b"[" * 100_000, "1", media_type=OCI_INDEX), Reason.IMAGE_MALFORMED),
    "R09-digits": (lambda f: f.put(b'{"a":' + b"1" * 5000 + b"}", "1", media_type=OCI_INDEX), Reason.IMAGE_MALFORMED),
    "R09-nan": (lambda f: f.put(b'{"a":NaN}', "1", media_type=OCI_INDEX), Reason.IMAGE_MALFORMED),
    "R09-1e999": (lambda f: f.put(b'{"a":1e999}', "1", media_type=OCI_INDEX), Reason.IMAGE_MALFORMED),
    "R09-surrogate": (lambda f: f.put(b'{"a":"\\ud800"}', "1", media_type=OCI_INDEX), Reason.IMAGE_MALFORMED),
    "R09-html": (lambda f: f.put(b"<html>", "1", media_type="text/html"), Reason.IMAGE_MALFORMED),
    "R09-config-nesting": (lambda f: config_bytes(f, b'{"a":' * 50_000), Reason.IMAGE_MALFORMED),
    "R10-empty": (lambda f: f.index("1", of=[]), Reason.IMAGE_NO_PLATFORMS),
    "R10-only-attestations": (lambda f: f.index("1", of=[f.image() | {"platform": {"os": "unknown", "architecture": "unknown"}}]), Reason.IMAGE_NO_PLATFORMS),
    "R10-only-pseudo-images": (lambda f: f.index("1", of=[helm(f)]), Reason.IMAGE_NOT_AN_IMAGE),
    "R10-513-entries": (lambda f: entries(f, 513), Reason.IMAGE_TOO_COMPLEX),
    "R10-10000-entries": (lambda f: entries(f, 10_000), Reason.IMAGE_TOO_COMPLEX),
    "R10-three-deep": (lambda f: f.index("1", of=[f.index(of=[f.index(of=[f.image()])])]), Reason.IMAGE_TOO_COMPLEX),
    "R10-many-nested": (lambda f: f.index("1", of=[f.index(of={f"a{i}": f.image()}) for i in range(17)]), Reason.IMAGE_TOO_COMPLEX),
    "R10-nested-missing": (lambda f: f.index("1", of=[{"mediaType": OCI_INDEX, "digest": "sha256:" + "a" * 64, "size": 1}]), Reason.IMAGE_MALFORMED),
    "R10-nested-is-a-manifest": (lambda f: f.index("1", of=[f.image() | {"mediaType": OCI_INDEX}]), Reason.IMAGE_AMBIGUOUS),
    "R10-nested-of-another-size": (lambda f: f.index("1", of=[f.index(of=[]) | {"size": 7}]), Reason.IMAGE_MALFORMED),
    "R11-schema1": (lambda f: f.put({"schemaVersion": 1, "fsLayers": [], "architecture": "amd64"}, "1", media_type="application/vnd.docker.distribution.manifest.v1+prettyjws"), Reason.IMAGE_UNSUPPORTED),
    "R11-plugin": (lambda f: f.put(json.loads(f.manifests["app", helm(f, "docker.plugin.v1")["digest"]][0]), "1"), Reason.IMAGE_NOT_AN_IMAGE),
    "R11-config-of-another-size": (lambda f: pointing(f, size=7), Reason.IMAGE_MALFORMED),
    "R11-config-too-large": (lambda f: pointing(f, size=5 * 1024 * 1024), Reason.IMAGE_TOO_LARGE),
    "R11-config-missing": (lambda f: f.blobs.clear(), Reason.IMAGE_MALFORMED),
    "R13-manifest-unknown": (lambda f: both(f, f.answer(404, errors("MANIFEST_UNKNOWN"))), Reason.IMAGE_TAG_MISSING),
    "R13-name-unknown": (lambda f: both(f, f.answer(404, errors("NAME_UNKNOWN"))), Reason.IMAGE_NOT_FOUND),
    "R13-404-html": (lambda f: both(f, f.answer(404, b"<html>nginx</html>")), Reason.IMAGE_NOT_FOUND),
    "R13-404-denied": (lambda f: both(f, f.answer(404, errors("DENIED"))), Reason.IMAGE_DENIED),
    "R13-403": (lambda f: both(f, f.answer(403, errors("DENIED"))), Reason.IMAGE_DENIED),
    "R13-403-manifest-unknown": (lambda f: both(f, f.answer(403, errors("MANIFEST_UNKNOWN"))), Reason.IMAGE_DENIED),
    "R13-401": (lambda f: both(f, f.answer(401, errors("UNAUTHORIZED"), www_authenticate="Bearer")), Reason.IMAGE_DENIED),
    "R13-500-manifest-unknown": (lambda f: both(f, f.answer(500, errors("MANIFEST_UNKNOWN"))), Reason.IMAGE_SERVER_ERROR),
    "R13-204": (lambda f: both(f, f.answer(204)), Reason.IMAGE_MALFORMED),
    "R13-206": (lambda f: both(f, f.answer(206, b"{}")), Reason.IMAGE_MALFORMED),
    "R13-418": (lambda f: both(f, f.answer(418)), Reason.IMAGE_SERVER_ERROR),
    "R13-long-words": (lambda f: both(f, f.answer(403, b'{"errors":[' + b" " * 70_000 + b"]}")), Reason.IMAGE_DENIED),
    "R13-error-too-long": (lambda f: both(f, f.answer(404, b"x" * (4 * 1024 * 1024 + 1))), Reason.IMAGE_TOO_LARGE),
    "R14-429": (lambda f: both(f, f.answer(429, errors("TOOMANYREQUESTS"))), Reason.IMAGE_RATE_LIMITED),
    "R14-429-for-an-hour": (lambda f: both(f, f.answer(429, retry_after="3600")), Reason.IMAGE_RATE_LIMITED),
    "R14-429-absurd": (lambda f: both(f, f.answer(429, retry_after="1000000000")), Reason.IMAGE_RATE_LIMITED),
    "R14-429-negative": (lambda f: both(f, f.answer(429, retry_after="-1")), Reason.IMAGE_RATE_LIMITED),
    "R14-429-huge": (lambda f: both(f, f.answer(429, retry_after="9" * 5000)), Reason.IMAGE_RATE_LIMITED),
    "R14-503": (lambda f: both(f, f.answer(503)), Reason.IMAGE_SERVER_ERROR),
    "R04-to-http": (lambda f: both(f, f.answer(307, location="http://example.com/v2/x")), Reason.IMAGE_REDIRECT_REFUSED),
    "R04-to-another-host": (lambda f: both(f, f.answer(307, location="https://example.com/v2/x")), Reason.IMAGE_REDIRECT_REFUSED),
    "R04-to-another-port": (lambda f: both(f, f.answer(302, location="http://127.0.0.1:1/x")), Reason.IMAGE_REDIRECT_REFUSED),
    "R04-to-a-file": (lambda f: both(f, f.answer(302, location="file:///etc/passwd")), Reason.IMAGE_REDIRECT_REFUSED),
    "R04-with-a-name": (lambda f: both(f, f.answer(302, location=f"http://user:secret@{f.name}/v2/")), Reason.IMAGE_REDIRECT_REFUSED),
    "R04-without-location": (lambda f: both(f, f.answer(302)), Reason.IMAGE_REDIRECT_REFUSED),
    "R04-no-url": (lambda f: both(f, f.answer(302, location="http://[::1")), Reason.IMAGE_REDIRECT_REFUSED),
    "R04-long": (lambda f: both(f, f.answer(302, location="/" + "x" * 17_000)), Reason.IMAGE_REDIRECT_REFUSED),
    "R04-loop": (lambda f: both(f, f.answer(302, location="/v2/app/manifests/1")), Reason.IMAGE_REDIRECT_REFUSED),
    "R04-blob-loop": (lambda f: f.on("GET", BLOBS, f.answer(302, location="/v2/app/blobs/x")), Reason.IMAGE_REDIRECT_REFUSED),
    "R04-blob-to-metadata": (lambda f: f.on("GET", BLOBS, f.answer(307, location="https://169.254.169.254/latest/")), Reason.IMAGE_REDIRECT_REFUSED),
    "R04-blob-to-private": (lambda f: f.on("GET", BLOBS, f.answer(307, location="https://127.0.0.1:9/x")), Reason.IMAGE_REDIRECT_REFUSED),
    "R04-blob-to-number": (lambda f: f.on("GET", BLOBS, f.answer(307, location="https://2130706433/x")), Reason.IMAGE_REDIRECT_REFUSED),
    "R04-blob-to-nat64": (lambda f: f.on("GET", BLOBS, f.answer(307, location="https://[64:ff9b::a9fe:a9fe]/x")), Reason.IMAGE_REDIRECT_REFUSED),
    "R04-blob-to-http": (lambda f: f.on("GET", BLOBS, f.answer(307, location="http://example.com/x")), Reason.IMAGE_REDIRECT_REFUSED),
}  # fmt: skip


def helm(fake, kind="cncf.helm.config.v1"):
    config = {"mediaType": f"application/vnd.{kind}+json"} | fake.blob(b"{}")
    return fake.put({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": []})


def pointing(fake, **more):
    config = {"mediaType": OCI_CONFIG} | fake.blob(b"{}") | more
    fake.put({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": []}, "1")


def config_bytes(fake, body):
    config = {"mediaType": OCI_CONFIG} | fake.blob(body)
    fake.put({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": []}, "1")


@pytest.mark.parametrize(("inject", "expect"), ROWS.values(), ids=ROWS)
async def test_a_fault_has_its_reason(fake, client, clock, inject, expect):
    fake.image("1")
    fake.image("healthy", repository="other")
    inject(fake)
    registry = client()
    before, began = rss(), time.monotonic()
    found = await resolve(registry, fake)
    assert isinstance(found, Failure), found
    assert found.reason is expect, found
    assert found.detail.isprintable()
    assert "secret" not in found.detail
    assert rss() - before < 24 * 1024 * 1024
    assert time.monotonic() - began < 60
    assert sum(clock.slept) <= 30
    assert len(fake.asked) <= 8


@pytest.mark.parametrize("case", ["R05-endless-body", "R06-gzip", "R09-nesting"])
async def test_a_bomb_costs_little_memory(fake, client, case):
    fake.image("1")
    ROWS[case][0](fake)
    registry = client(failure_max_age_s=0.0)
    await resolve(registry, fake)
    before = rss()
    for _ in range(3):
        await resolve(registry, fake)
    assert rss() - before < 8 * 1024 * 1024


async def test_a_dripping_answer_ends_at_the_deadline(fake, client):
    both(fake, fake.raw(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n", b"x", every=0.02, endless=True))
    began = time.monotonic()
    found = await resolve(client(timeout_s=0.4), fake)
    assert found.reason is Reason.IMAGE_TIMEOUT
    assert time.monotonic() - began < 60


async def test_dripping_headers_end_at_the_deadline(fake, client):
    both(fake, fake.raw(b"HTTP/1.1 100 Continue\r\n\r\n", every=0.02, endless=True))
    assert (await resolve(client(timeout_s=0.4), fake)).reason is Reason.IMAGE_TIMEOUT


async def test_a_length_too_small_is_noticed_by_the_digest(fake, client):
    fake.image("1")
    body = fake.manifests["app", "1"][0]
    fake.on("GET", MANIFESTS, fake.answer(200, body, content_length=str(len(body) - 1)))
    assert (await resolve(client(), fake)).reason is Reason.IMAGE_DIGEST_MISMATCH


async def test_r01_a_closed_port_is_unreachable_without_fallback(client):
    address = f"127.0.0.1:{free_port()}"
    registry = client(others=(RegistryConfig(address, allow_networks=True),))
    found = await registry.resolve(parse(f"{address}/app:1"), depth=Depth.INDEX)
    assert found.reason is Reason.IMAGE_UNREACHABLE


async def test_r01_https_is_not_given_up_for_http(fake, client):
    fake.image("1")
    found = await resolve(client(registry={"plain_http": False}, connect_timeout_s=0.3), fake)
    assert found.reason in {Reason.IMAGE_TLS_REJECTED, Reason.IMAGE_UNREACHABLE, Reason.IMAGE_TIMEOUT}
    assert fake.asked == []


@pytest.mark.parametrize(
    "issued", [(["127.0.0.1"], -1, True), (["other.example"], 30, True), (["127.0.0.1"], 30, False)]
)
async def test_r01_a_wrong_certificate_is_rejected(client, http_server, reply, authority, issued):
    names, days, trusted = issued
    server = await http_server(lambda _: reply(200), authority.server(*names, days=days, trusted=trusted))
    config = RegistryConfig(server.address, allow_networks=True, ca_file=authority.ca_file)
    found = await client(others=(config,)).resolve(parse(f"{server.address}/app:1"), depth=Depth.INDEX)
    assert found.reason is Reason.IMAGE_TLS_REJECTED
    assert server.seen == []


async def test_r01_a_name_that_does_not_resolve_is_unreachable(client):
    found = await client().resolve(parse("registry.invalid/app:1"), depth=Depth.INDEX)
    assert found.reason is Reason.IMAGE_UNREACHABLE


@pytest.mark.parametrize(
    "text", ["x/app@sha256:../../x", "x/app:../x", "x/%2f:1", "x/app:1?ns=y", "x\\@y/app", "x/app#1"]
)
def test_r12_a_reference_that_could_bend_a_url_is_refused_before_one_exists(text):
    with pytest.raises(ValueError):
        parse(f"r.example/{text}")


@pytest.mark.parametrize("name", ["[:]", "host.example:99999", "my_host.com"])
async def test_r12_a_name_that_is_no_host_is_refused(client, name):
    found = await client().resolve(parse(f"{name}/app:1"), depth=Depth.INDEX)
    assert found.reason is Reason.IMAGE_REFERENCE_INVALID


async def test_r15_an_unlisted_registry_is_not_asked(fake, client):
    found = await client(only_listed=True).resolve(parse("127.0.0.1:1/app:1"), depth=Depth.INDEX)
    assert found.reason is Reason.IMAGE_NOT_ALLOWED


async def test_r15_an_unlisted_name_may_not_lead_inside(client, canary):
    found = await client().resolve(parse(f"{canary.address}/app:1"), depth=Depth.INDEX)
    assert found.reason is Reason.IMAGE_NOT_ALLOWED


# ---------------------------------------------------------------- what is no fault


async def test_a_single_image_of_unknown_architecture_keeps_its_layers(fake, client):
    fake.image("1", arch="toaster")
    found = await resolve(client(), fake)
    assert isinstance(found, ImageFacts)
    assert found.offers[0].config.reason is Reason.IMAGE_ARCH_UNKNOWN
    assert found.platforms == ()
    assert len(found.offers[0].layers) == 1


async def test_a_config_without_architecture_proves_no_platform(fake, client):
    fake.image("1", arch=None)
    found = await resolve(client(), fake)
    assert found.offers[0].config == Platform("", "")
    assert found.platforms == ()


async def test_nested_indexes_offer_their_images_in_place(fake, client):
    inner = fake.index(of={"arm64": fake.image(arch="arm64"), "s390x": fake.image(arch="s390x")})
    fake.index("1", of=[fake.image() | {"platform": {"os": "linux", "architecture": "amd64"}}, inner])
    found = await resolve(client(), fake, depth=Depth.INDEX)
    assert [str(p) for p in found.platforms] == ["linux/amd64", "linux/arm64", "linux/s390x"]
    assert [offer.within for offer in found.offers] == [None, InnerIndex(1), InnerIndex(1)]


async def test_an_inner_index_keeps_the_platform_that_the_outer_one_says(fake, client):
    inner = fake.index(of={"amd64": fake.image()}) | {"platform": {"os": "linux", "architecture": "arm64"}}
    fake.index("1", of=[inner])
    found = await resolve(client(), fake, depth=Depth.INDEX)
    assert [(offer.entry, offer.within) for offer in found.offers] == [
        (Platform("linux", "amd64"), InnerIndex(0, Platform("linux", "arm64")))
    ]


async def test_an_entry_without_platform_is_told_by_its_config(fake, client):
    fake.index("1", of=[fake.image(arch="arm64")])
    found = await resolve(client(), fake, depth=Depth.INDEX)
    assert (found.offers[0].entry, found.offers[0].config) == (None, Platform("linux", "arm64"))


async def test_an_offer_that_cannot_be_read_does_not_hide_the_others(fake, client):
    missing = {"mediaType": OCI_MANIFEST, "digest": "sha256:" + "a" * 64, "size": 1}
    fake.index("1", of={"amd64": fake.image(), "arm64": missing})
    found = await resolve(client(), fake)
    assert found.offers[0].config == Platform("linux", "amd64")
    assert found.offers[1].config.reason is Reason.IMAGE_MALFORMED


async def test_a_config_that_contradicts_its_entry_is_reported_as_both(fake, client):
    fake.index("1", of={"arm64": fake.image(arch="amd64")})
    offer = (await resolve(client(), fake)).offers[0]
    assert (offer.entry, offer.config) == (Platform("linux", "arm64"), Platform("linux", "amd64"))


async def test_inline_content_needs_no_request(fake, client):
    body = b'{"os":"linux","architecture":"arm64"}'
    config = {"mediaType": OCI_CONFIG, "data": base64.b64encode(body).decode()} | fake.blob(body)
    fake.put({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": []}, "1")
    found = await resolve(client(), fake)
    assert found.offers[0].config == Platform("linux", "arm64")
    assert fake.seen(part=BLOBS) == []


async def test_inline_content_is_verified(fake, client):
    body = b'{"os":"linux","architecture":"arm64"}'
    lie = base64.b64encode(body.replace(b"arm64", b"amd64")).decode()
    config = {"mediaType": OCI_CONFIG, "data": lie} | fake.blob(body)
    fake.put({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": []}, "1")
    assert (await resolve(client(), fake)).reason is Reason.IMAGE_DIGEST_MISMATCH


async def test_an_image_listed_twice_is_read_once(fake, client):
    image = fake.image()
    fake.index("1", of={"amd64": image, "386": image})
    found = await resolve(client(), fake)
    assert [str(offer.entry) for offer in found.offers] == ["linux/amd64", "linux/386"]
    assert len(fake.seen("GET", image["digest"])) == 1


async def test_only_wanted_configs_are_read(fake, client):
    fake.index("1", of={arch: fake.image(arch=arch) for arch in ("amd64", "arm64", "s390x")})
    registry = client()
    found = await registry.resolve(
        parse(f"{fake.name}/app:1"), depth=Depth.CONFIG, wanted=lambda p: p is not None and p.architecture == "arm64"
    )
    assert [offer.config for offer in found.offers] == [None, Platform("linux", "arm64"), None]
    assert len(fake.seen("GET", BLOBS)) == 1


async def test_more_configs_than_may_be_read_are_marked_so(fake, client):
    fake.index("1", of={f"a{i}": fake.image(arch="amd64", author=str(i)) for i in range(70)})
    found = await resolve(client(rate_per_s=1000.0, burst=1000), fake)
    unread = [offer for offer in found.offers if isinstance(offer.config, Failure)]
    assert [offer.config.reason for offer in unread] == [Reason.IMAGE_TOO_COMPLEX] * 6


async def test_others_are_unaffected_by_a_hostile_repository(fake, client):
    fake.image("1", repository="good")
    fake.on("*", "/v2/bad/", unlimited(fake))
    registry = client()
    bad, good = await asyncio.gather(resolve(registry, fake, "bad:1"), resolve(registry, fake, "good:1"))
    assert bad.reason is Reason.IMAGE_TOO_LARGE
    assert isinstance(good, ImageFacts)
