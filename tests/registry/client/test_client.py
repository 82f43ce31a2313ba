"""How often registries are asked, what is remembered, who is shown a credential."""

import asyncio
import json

import pytest

from scanner.domain.failure import Failure
from scanner.domain.image.offers import ImageFacts
from scanner.domain.image.reference import parse
from scanner.domain.platform.platform import Platform
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.verdict import Depth
from scanner.registry.auth.authorizers import authorizer_for
from scanner.registry.auth.credential import Credential
from scanner.registry.client import last_seen
from scanner.registry.config import RegistryConfig
from scanner.registry.documents.media_types import ACCEPT

MANIFESTS, BLOBS = "/manifests/", "/blobs/"


async def resolve(registry, fake, name="app:1", depth=Depth.INDEX):
    return await registry.resolve(parse(f"{fake.name}/{name}"), depth=depth)


# ---------------------------------------------------------------- requests


async def test_a_tag_costs_a_head_then_a_get_by_its_digest(fake, client):
    fake.index("1", of={"amd64": fake.image()})
    found = await resolve(client(), fake)
    assert fake.seen() == ["/v2/app/manifests/1", f"/v2/app/manifests/{found.digest}"]
    assert [asked.method for asked in fake.asked] == ["HEAD", "GET"]


async def test_where_no_document_can_be_at_hand_a_tag_costs_one_get_then_a_head_once_it_is(fake, client):
    fake.index("1", of={"amd64": fake.image()})
    registry, cautious = client(documents=None, cache_age_s=0.0), client()
    found = await resolve(registry, fake, depth=Depth.CONFIG)
    once = [(asked.method, MANIFESTS in asked.target) for asked in fake.asked]
    assert once == [("GET", True), ("GET", True), ("GET", False)]
    assert (await resolve(registry, fake, depth=Depth.CONFIG)).offers == found.offers
    assert [asked.method for asked in fake.asked[len(once) :]] == ["HEAD"]
    by_head = await resolve(cautious, fake, depth=Depth.CONFIG)
    assert (by_head.digest, by_head.offers) == (found.digest, found.offers)


async def test_bytes_that_are_not_what_their_answer_announces_are_not_what_a_tag_means(fake, client):
    fake.image("1")
    fake.on("GET", MANIFESTS, fake.answer(200, b"{}", docker_content_digest="sha256:" + "0" * 64))
    assert (await resolve(client(documents=None), fake)).reason is Reason.IMAGE_DIGEST_MISMATCH


async def test_every_request_says_what_it_takes(fake, client):
    fake.image("1")
    await resolve(client(user_agent="archscan/9"), fake)
    for asked in fake.asked:
        assert asked.headers["accept-encoding"] == "identity"
        assert asked.headers["user-agent"] == "archscan/9"
    assert {a.headers["accept"] for a in fake.asked if MANIFESTS in a.target} == {ACCEPT}
    assert ACCEPT.count(",") == 3


async def test_a_known_digest_costs_no_get(fake, client):
    fake.index("1", of={"amd64": fake.image()})
    registry = client(cache_age_s=0.0)
    await resolve(registry, fake)
    await resolve(registry, fake)
    assert [asked.method for asked in fake.asked] == ["HEAD", "GET", "HEAD"]


async def test_what_a_known_digest_stands_for_is_told_without_a_request(fake, client):
    fake.index("1", of={"amd64": fake.image(), "arm64": fake.image(architecture="arm64")})
    registry = client()
    found = await resolve(registry, fake, depth=Depth.CONFIG)
    fake.asked.clear()
    there = parse(f"{fake.name}/app@{found.digest}")
    for _ in range(2):
        held = await registry.held(there, depth=Depth.CONFIG)
        assert (held.digest, held.offers) == (found.digest, found.offers)
    unknown = parse(f"{fake.name}/app@sha256:{'0' * 64}")
    assert [await registry.held(one, depth=Depth.CONFIG) for one in (unknown, parse(f"{fake.name}/app:1"))] == [
        None,
        None,
    ]
    assert fake.asked == []


async def test_a_registry_without_digest_header_is_read_by_its_bytes(fake, client):
    fake.digest_header = False
    image = fake.image("1")
    found = await resolve(client(), fake)
    assert found.digest == image["digest"]
    assert len(fake.seen("GET", MANIFESTS)) == 1


@pytest.mark.parametrize("status", [400, 403, 404, 405, 406, 501])
async def test_a_refused_head_is_asked_again_by_get(fake, client, status):
    fake.image("1")
    fake.on("HEAD", MANIFESTS, fake.answer(status))
    assert isinstance(await resolve(client(), fake), ImageFacts)


async def test_a_digest_is_asked_for_by_get_alone(fake, client):
    image = fake.image("1")
    found = await resolve(client(), fake, f"app:whatever@{image['digest']}")
    assert found.digest == image["digest"]
    assert [asked.method for asked in fake.asked if MANIFESTS in asked.target] == ["GET"]


async def test_a_digest_known_from_elsewhere_must_still_be_there(fake, client):
    image = fake.image("1")
    registry = client()
    await resolve(registry, fake)
    found = await resolve(registry, fake, f"other@{image['digest']}")
    assert isinstance(found, Failure)
    assert found.reason is Reason.IMAGE_NOT_FOUND


async def test_head_announcing_another_digest_than_asked_is_a_mismatch(fake, client):
    image = fake.image("1")
    registry = client()
    await resolve(registry, fake)
    fake.on("HEAD", MANIFESTS, fake.answer(200, docker_content_digest="sha256:" + "0" * 64))
    assert (await resolve(registry, fake, f"app@{image['digest']}")).reason is Reason.IMAGE_DIGEST_MISMATCH


async def test_a_proxy_that_knows_no_digests_is_read_by_tag(fake, client):
    image = fake.image("1")
    del fake.manifests["app", image["digest"]]
    assert (await resolve(client(), fake)).digest == image["digest"]


# ---------------------------------------------------------------- one flight


async def test_a_thousand_questions_are_one_flight(fake, client):
    fake.index("1", of={arch: fake.image(arch=arch) for arch in ("amd64", "arm64")})
    registry = client()
    found = await asyncio.gather(*(resolve(registry, fake, depth=Depth.CONFIG) for _ in range(1000)))
    assert len({id(offer.config) for facts in found for offer in facts.offers}) == 2
    assert len(fake.asked) == 6


async def test_a_thousand_questions_share_one_failure(fake, client):
    for method in ("HEAD", "GET"):
        fake.on(method, MANIFESTS, fake.answer(404))
    registry = client()
    found = await asyncio.gather(*(resolve(registry, fake) for _ in range(1000)))
    assert {failure.reason for failure in found} == {Reason.IMAGE_NOT_FOUND}
    assert len(fake.asked) == 2


async def test_one_who_leaves_does_not_cancel_the_others(fake, client):
    fake.image("1")
    registry = client()
    leaving, staying = asyncio.create_task(resolve(registry, fake)), asyncio.create_task(resolve(registry, fake))
    while not fake.asked:
        await asyncio.sleep(0)
    leaving.cancel()
    assert isinstance(await staying, ImageFacts)
    assert leaving.cancelled()
    assert len(fake.seen("HEAD")) == 1


async def test_when_all_leave_nothing_goes_on(fake, client):
    fake.on("HEAD", MANIFESTS, fake.raw(b"HTTP/1.1 200 OK\r\n", b"x: y\r\n", every=0.01, endless=True))
    registry = client()
    tasks = [asyncio.create_task(resolve(registry, fake)) for _ in range(3)]
    while not fake.asked:
        await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert all(task.cancelled() for task in tasks)
    fake.image("2")
    assert isinstance(
        await asyncio.wait_for(
            registry.resolve(parse(f"{fake.name}/app@{fake.image('2')['digest']}"), depth=Depth.INDEX), 5
        ),
        ImageFacts,
    )


# ---------------------------------------------------------------- age


async def test_an_answer_is_true_for_its_age_only(fake, client, clock):
    fake.image("1")
    registry = client(cache_age_s=60.0)
    first = await resolve(registry, fake)
    fake.image("1", arch="arm64")
    clock.ahead += 59
    assert (await resolve(registry, fake)).digest == first.digest
    clock.ahead += 2
    again = await resolve(registry, fake)
    assert again.platforms == (Platform("linux", "arm64"),)
    assert again.taken_at >= first.taken_at + 60


async def test_a_failure_is_forgotten_sooner(fake, client, clock):
    registry = client(failure_max_age_s=15.0)
    assert isinstance(await resolve(registry, fake), Failure)
    fake.image("1")
    clock.ahead += 14
    assert isinstance(await resolve(registry, fake), Failure)
    clock.ahead += 2
    assert isinstance(await resolve(registry, fake), ImageFacts)


async def test_a_tag_does_not_move_within_a_scan(fake, client, clock):
    fake.image("1")
    registry = client(cache_age_s=1.0)
    with registry.scan():
        first = await resolve(registry, fake)
        fake.image("1", arch="arm64")
        clock.ahead += 1000
        same = await asyncio.gather(resolve(registry, fake), asyncio.create_task(resolve(registry, fake)))
        assert {facts.digest for facts in same} == {first.digest}
    assert (await resolve(registry, fake)).digest != first.digest


@pytest.mark.parametrize(("believed_s", "ages"), [(0.0, (0.0, 0.0)), (10.0, (9.0, 11.0))])
async def test_whoever_says_how_old_a_tag_may_be_is_asked_for_no_more_and_no_less(
    fake, client, clock, believed_s, ages
):
    fake.image("1")
    registry = client(cache_age_s=60.0)
    found = []
    for ahead in (0.0, *ages):
        clock.ahead = ahead
        with registry.scan(max_age_s=believed_s):
            found.append((await resolve(registry, fake)).digest)
        fake.image("1", arch=("arm64", "386", "riscv64")[len(found) - 1])
    assert (found[1] == found[0]) is (believed_s > 0)
    assert found[2] not in found[:2]


async def test_a_failure_is_not_believed_by_whoever_believes_a_tag_for_a_while(fake, client):
    registry = client(failure_max_age_s=60.0)
    with registry.scan(max_age_s=10.0):
        assert isinstance(await resolve(registry, fake), Failure)
    fake.image("1")
    with registry.scan(max_age_s=10.0):
        assert isinstance(await resolve(registry, fake), ImageFacts)


async def test_a_tag_that_was_asked_proves_its_digest_for_that_scan(fake, client):
    fake.image("1")
    registry = client(cache_age_s=0.0)
    with registry.scan():
        by_tag = await resolve(registry, fake)
        asked = len(fake.asked)
        by_digest = await registry.resolve(parse(f"{fake.name}/app@{by_tag.digest}"), depth=Depth.CONFIG)
        assert (by_digest.digest, len(fake.asked)) == (by_tag.digest, asked)
    await registry.resolve(parse(f"{fake.name}/app@{by_tag.digest}"), depth=Depth.CONFIG)
    assert len(fake.asked) == asked + 1


async def test_the_last_known_outlives_the_client_where_it_is_handed_on(fake, client):
    fake.image("1")
    memory = last_seen()
    await resolve(client(last=memory), fake)
    found = client(last=memory).stale(parse(f"{fake.name}/app:1"))
    assert found.facts.platforms == (Platform("linux", "amd64"),)
    assert client().stale(parse(f"{fake.name}/app:1")) is None


async def test_the_last_known_is_shown_with_its_age_but_never_answered(fake, client, clock):
    fake.image("1")
    registry = client(cache_age_s=10.0)
    reference = parse(f"{fake.name}/app:1")
    assert registry.stale(reference) is None
    known = await resolve(registry, fake)
    fake.on("*", MANIFESTS, fake.answer(500))
    clock.ahead += 100
    assert isinstance(await resolve(registry, fake), Failure)
    last = registry.stale(reference)
    assert last.facts == known
    assert 100 <= last.age_s < 110


# ---------------------------------------------------------------- the store


class Store:
    def __init__(self):
        self.documents = {}

    def get(self, digest):
        return self.documents.get(digest)

    def put(self, digest, document, media_type):
        self.documents[digest] = document


class AsyncStore(Store):
    async def get(self, digest):
        return super().get(digest)

    async def put(self, digest, document, media_type):
        super().put(digest, document, media_type)


@pytest.mark.parametrize("kind", [Store, AsyncStore])
async def test_documents_outlive_the_client(fake, client, kind):
    store = kind()
    fake.index("1", of={"amd64": fake.image()})
    first = await resolve(client(documents=store), fake, depth=Depth.CONFIG)
    asked = len(fake.asked)
    second = await resolve(client(documents=store), fake, depth=Depth.CONFIG)
    assert first.offers == second.offers
    assert [a.method for a in fake.asked[asked:]] == ["HEAD"]


async def test_a_document_changed_in_the_store_is_fetched_anew(fake, client):
    store = Store()
    fake.image("1")
    await resolve(client(documents=store), fake)
    store.documents = dict.fromkeys(store.documents, b'{"os":"linux","architecture":"arm64"}')
    assert (await resolve(client(documents=store), fake)).platforms == (Platform("linux", "amd64"),)


async def test_what_was_refused_is_not_stored(fake, client):
    store = Store()
    fake.index("1", of=[], layers=[])
    await resolve(client(documents=store), fake)
    assert store.documents == {}


# ---------------------------------------------------------------- rate limits and trouble


async def test_a_short_retry_after_is_waited_for(fake, client, clock):
    fake.image("1")
    fake.on("HEAD", MANIFESTS, fake.answer(429, retry_after="5"), fake.answer(503, retry_after="2"), fake._honest_one)
    assert isinstance(await resolve(client(), fake), ImageFacts)
    assert [round(slept) for slept in clock.slept if slept >= 1] == [5, 2]


async def test_a_retry_after_may_be_a_date(fake, client, clock):
    fake.image("1")
    fake.on("HEAD", MANIFESTS, fake.answer(429, retry_after="Fri, 15 Jan 2027 08:00:07 GMT"), fake._honest_one)
    assert isinstance(await resolve(client(), fake), ImageFacts)
    assert 6 < clock.slept[0] <= 7


@pytest.mark.parametrize("value", ["31", "3600", "1000000000", "Fri, 15 Jan 2038 08:00:00 GMT"])
async def test_a_long_retry_after_ends_the_question_and_pauses_the_registry(fake, client, clock, value):
    fake.on("*", MANIFESTS, fake.answer(429, retry_after=value))
    registry = client()
    assert (await resolve(registry, fake)).reason is Reason.IMAGE_RATE_LIMITED
    assert (await resolve(registry, fake, "app:2")).reason is Reason.IMAGE_RATE_LIMITED
    assert len(fake.asked) == 1
    assert clock.slept == []
    fake.image("3")
    fake._rules.clear()
    clock.ahead += 901
    assert isinstance(await resolve(registry, fake, "app:3"), ImageFacts)


async def test_flapping_is_tried_three_times_at_most(fake, client, clock):
    fake.on("*", MANIFESTS, fake.answer(503))
    assert (await resolve(client(), fake)).reason is Reason.IMAGE_SERVER_ERROR
    assert len(fake.asked) == 3
    assert sum(clock.slept) < 5


async def test_a_connection_closed_under_a_request_is_begun_anew(fake, client):
    fake.image("1")
    fake.on("HEAD", MANIFESTS, fake.raw(b""), fake._honest_one)
    assert isinstance(await resolve(client(), fake), ImageFacts)


async def test_a_registry_that_failed_five_times_is_left_alone_for_a_while(fake, client, clock):
    fake.on("*", MANIFESTS, fake.answer(500))
    registry = client()
    for number in range(6):
        assert (await resolve(registry, fake, f"app:{number}")).reason is Reason.IMAGE_SERVER_ERROR
    assert len(fake.asked) == 5
    fake._rules.clear()
    fake.image("9")
    clock.ahead += 31
    assert isinstance(await resolve(registry, fake, "app:9"), ImageFacts)


async def test_nothing_is_fetched_below_the_reserve_of_a_limit(fake, client, clock):
    fake.image("1")
    body, media_type = fake.manifests["app", "1"]
    head = {"content_type": media_type, "docker_content_digest": fake.sha(body), "ratelimit_remaining": "9;w=21600"}
    fake.on("HEAD", MANIFESTS, fake.answer(200, body, **head))
    registry = client({"stop_below": 10})
    assert (await resolve(registry, fake)).reason is Reason.IMAGE_RATE_LIMITED
    assert fake.seen("GET") == []
    fake.on("HEAD", MANIFESTS, fake.answer(200, body, **head | {"ratelimit_remaining": "10;w=21600"}))
    clock.ahead += 100
    assert isinstance(await resolve(registry, fake), ImageFacts)


async def test_requests_in_flight_are_bounded(fake, client):
    fake.index("1", of={f"a{i}": fake.image(author=str(i)) for i in range(30)})
    flying, most = 0, 0

    async def slow(asked, writer):
        nonlocal flying, most
        flying += 1
        most = max(most, flying)
        await asyncio.sleep(0.005)
        flying -= 1
        await fake._honest(asked)(asked, writer)

    fake.on("GET", "/v2/", slow)
    await resolve(client(concurrency=3), fake, depth=Depth.CONFIG)
    assert most == 3


async def test_the_rate_is_bounded_after_the_burst(fake, client, clock):
    fake.index("1", of={f"a{i}": fake.image(author=str(i)) for i in range(20)})
    began = clock.monotonic()
    await resolve(client(rate_per_s=10.0, burst=5), fake, depth=Depth.CONFIG)
    assert clock.monotonic() - began > (len(fake.asked) - 5) / 10 * 0.8


class Watcher:
    def __init__(self):
        self.requests, self.limits = [], []

    def request(self, registry, code, seconds):
        assert seconds >= 0
        self.requests.append((registry, code))

    def rate_limit(self, registry, remaining):
        self.limits.append((registry, remaining))


async def test_an_observer_hears_every_request(fake, client):
    watcher = Watcher()
    fake.on("*", "/v2/limited/", fake.answer(404, ratelimit_remaining="76;w=21600"))
    fake.on("*", "/v2/broken/", fake.raw(b"nonsense\r\n\r\n"))
    registry = client(observer=watcher)
    await resolve(registry, fake, "limited:1")
    await resolve(registry, fake, "broken:1")
    assert watcher.requests == [(fake.name, "404")] * 2 + [(fake.name, "image_malformed")] * 2
    assert watcher.limits == [(fake.name, 76)] * 2


@pytest.mark.parametrize("value", ["", "many", "-1", "9" * 5000, "٣", "1.5"])
async def test_a_limit_that_is_no_number_is_not_believed(fake, client, value):
    watcher = Watcher()
    fake.on(
        "*",
        MANIFESTS,
        fake.raw(b"HTTP/1.1 404 X\r\ncontent-length: 0\r\nratelimit-remaining: " + value.encode() + b"\r\n\r\n"),
    )
    assert isinstance(await resolve(client(observer=watcher), fake), Failure)
    assert watcher.limits == []


# ---------------------------------------------------------------- mirrors


async def test_a_mirror_is_asked_first_for_the_original(fake, fakes, client):
    mirror = await fakes()
    mirror.image("1", arch="arm64")
    reached = RegistryConfig(mirror.name, plain_http=True, allow_networks=True)
    found = await resolve(client(registry={"mirror": (mirror.name,)}, others=(reached,)), fake)
    assert found.platforms == (Platform("linux", "arm64"),)
    assert fake.asked == []
    assert all(target.endswith(f"?ns=127.0.0.1%3A{fake.port}") for target in mirror.seen())


@pytest.mark.parametrize("status", [404, 403, 500, 429, 302])
async def test_where_a_mirror_fails_the_registry_itself_is_asked(fake, fakes, client, status):
    mirror = await fakes()
    mirror.on("*", "/v2/", mirror.answer(status))
    fake.image("1")
    reached = RegistryConfig(mirror.name, plain_http=True, allow_networks=True)
    assert isinstance(await resolve(client(registry={"mirror": (mirror.name,)}, others=(reached,)), fake), ImageFacts)


async def test_a_lying_mirror_is_told_not_passed_over(fake, fakes, client):
    mirror = await fakes()
    image = fake.image("1")
    mirror.on("GET", MANIFESTS, mirror.answer(200, b"{}"))
    reached = RegistryConfig(mirror.name, plain_http=True, allow_networks=True)
    registry = client(registry={"mirror": (mirror.name,)}, others=(reached,))
    found = await resolve(registry, fake, f"app@{image['digest']}")
    assert found.reason is Reason.IMAGE_DIGEST_MISMATCH
    assert fake.asked == []


# ---------------------------------------------------------------- credentials and redirects


class Secrets:
    async def candidates(self, registry, repository):
        return (Credential("bot", "s3cret"),)


def demand_basic(fake):
    async def guard(asked, writer):
        if asked.headers.get("authorization") == "Basic Ym90OnMzY3JldA==":
            await fake._honest(asked)(asked, writer)
        else:
            await fake.answer(401, www_authenticate='Basic realm="x"')(asked, writer)

    fake.on("*", "/v2/", guard)


async def test_a_challenge_is_answered_once_per_repository(fake, client):
    demand_basic(fake)
    fake.index("1", of={"amd64": fake.image()})
    found = await resolve(client(authorizer_for=authorizer_for(Secrets())), fake, depth=Depth.CONFIG)
    assert isinstance(found, ImageFacts)
    assert [a.headers.get("authorization") is not None for a in fake.asked] == [False, True, True, True, True]


async def test_a_token_that_stays_refused_is_denied_without_end(fake, client):
    fake.on("*", "/v2/", fake.answer(401, www_authenticate='Basic realm="x"'))
    assert (await resolve(client(authorizer_for=authorizer_for(Secrets())), fake)).reason is Reason.IMAGE_DENIED
    assert len(fake.asked) < 10


async def test_r04_another_origin_never_sees_the_authorization(fake, fakes, client):
    storage = await fakes()
    demand_basic(fake)
    fake.image("1")
    storage.blobs = fake.blobs

    async def away(asked, writer):
        await fake.answer(307, location=f"http://{storage.name}{asked.target}?signature=x")(asked, writer)

    fake.on("GET", BLOBS, away)
    settings = {"redirect_hosts": (storage.name,)}
    found = await resolve(client(registry=settings, authorizer_for=authorizer_for(Secrets())), fake)
    assert isinstance(found, ImageFacts)
    assert len(storage.asked) == 1
    assert "authorization" not in storage.asked[0].headers


async def test_r04_whoever_was_abroad_sends_no_authorization_at_home(fake, fakes, client):
    storage = await fakes()
    demand_basic(fake)
    fake.image("1")
    fake.on("GET", BLOBS, fake.answer(307, location=f"http://{storage.name}/x"))
    storage.on("GET", "/x", storage.answer(307, location=f"http://{fake.name}/v2/app/blobs/back"))
    found = await resolve(
        client(registry={"redirect_hosts": (storage.name,)}, authorizer_for=authorizer_for(Secrets())), fake
    )
    assert isinstance(found, Failure)
    assert "authorization" not in [a for a in fake.asked if a.target.endswith("back")][0].headers  # noqa: RUF015


async def test_r04_a_challenge_from_abroad_is_not_answered(fake, fakes, client):
    storage = await fakes()
    storage.on("*", "/", storage.answer(401, www_authenticate='Basic realm="x"'))
    fake.image("1")
    fake.on("GET", BLOBS, fake.answer(307, location=f"http://{storage.name}/x"))
    settings = {"redirect_hosts": (storage.name,)}
    found = await resolve(client(registry=settings, authorizer_for=authorizer_for(Secrets())), fake)
    assert found.reason is Reason.IMAGE_DENIED
    assert len(storage.asked) == 1


async def test_r04_a_manifest_may_be_redirected_within_its_origin(fake, client):
    fake.image("1")
    fake.manifests["moved", "1"] = fake.manifests["app", "1"]
    fake.on("*", "/v2/app/manifests/1", fake.answer(307, location="/v2/moved/manifests/1"))
    assert isinstance(await resolve(client(), fake), ImageFacts)


async def test_r04_three_hops_are_too_many(fake, client):
    fake.image("1")
    for number in range(3):
        fake.on("*", f"/hop{number}", fake.answer(302, location=f"/hop{number + 1}"))
    fake.on("*", "/v2/app/manifests/1", fake.answer(302, location="/hop0"))
    assert (await resolve(client(), fake)).reason is Reason.IMAGE_REDIRECT_REFUSED


async def test_r04_a_public_host_that_resolves_inside_is_refused_for_blobs(fake, fakes, client):
    storage = await fakes()
    fake.image("1")
    fake.on("GET", BLOBS, fake.answer(307, location=f"https://localhost:{storage.port}/x"))
    assert (await resolve(client(), fake)).reason is Reason.IMAGE_REDIRECT_REFUSED
    assert storage.connections == 0


async def test_r13_the_registrys_words_are_made_printable(fake, client):
    words = json.dumps({"errors": [{"code": "DENIED", "message": "\x1b[31m<b>\n" + "x" * 1000}]}).encode()
    fake.on("*", MANIFESTS, fake.answer(403, words))
    detail = (await resolve(client(), fake)).detail
    assert detail.isprintable()
    assert len(detail) < 300


async def test_many_unlisted_registries_do_not_pile_up(client, clock):
    registry = client()
    for number in range(300):
        registry._endpoints.of(parse(f"r{number}.example/app:1"))
    assert len(registry._endpoints._unlisted) == 256


async def test_no_registry_is_asked_for_what_is_inside_layers(fake, client):
    fake.image("1")
    with pytest.raises(ValueError, match="index or the config"):
        await resolve(client(), fake, depth=Depth.BINARY)
