"""The client where an engine's configuration sends pulls elsewhere."""

import shutil

import pytest

from scanner.domain.image.offers import ImageFacts, Layer
from scanner.domain.image.reference import Digest, parse
from scanner.domain.platform.platform import Platform
from scanner.domain.streams import StreamBroken
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.verdict import Depth
from scanner.registry.auth.authorizers import authorizer_for
from scanner.registry.auth.credential import Credential
from scanner.registry.client import Registry
from scanner.registry.config import ClientConfig, RegistryConfig


@pytest.fixture
async def mirror(fakes):
    return await fakes()


@pytest.fixture
def podman(tmp_path):
    """``podman(text)``: a registries.conf."""

    def write(text):
        path = tmp_path / "registries.conf"
        path.write_text(text)
        return path

    return write


@pytest.fixture
def containerd(tmp_path):
    """``containerd(registry, text)``: a certs.d with a hosts.toml for one registry."""

    def write(registry, text):
        folder = tmp_path / "certs.d" / registry
        folder.mkdir(parents=True)
        (folder / "hosts.toml").write_text(text)
        return folder.parent

    return write


def sends(fake, location):
    """registries.conf: the fake's images are first asked for at ``location``, both over plain http."""
    return (
        f'[[registry]]\nlocation = "{fake.name}"\ninsecure = true\n'
        f'[[registry.mirror]]\nlocation = "{location}"\ninsecure = true\n'
    )


async def resolve(registry, fake, name="app:1"):
    return await registry.resolve(parse(f"{fake.name}/{name}"), depth=Depth.CONFIG)


# ---------------------------------------------------------------- podman


async def test_podmans_mirror_is_asked_under_its_own_name_for_the_repository(fake, mirror, client, podman):
    mirror.image("1", arch="arm64", repository="cache/of/app")
    found = await resolve(client(registries_conf=podman(sends(fake, f"{mirror.name}/cache/of"))), fake)
    assert found.platforms == (Platform("linux", "arm64"),)
    assert fake.asked == []
    assert {asked.headers["host"] for asked in mirror.asked} == {mirror.name}
    assert all(target.startswith("/v2/cache/of/app/") and "ns=" not in target for target in mirror.seen())


async def test_a_blocked_registry_is_never_asked(fake, client, podman):
    fake.image("1")
    found = await resolve(
        client(registries_conf=podman(f'[[registry]]\nlocation = "{fake.name}"\nblocked = true\n')), fake
    )
    assert (found.reason, found.detail) == (Reason.IMAGE_NOT_ALLOWED, f"registries.conf blocks {fake.name}")
    assert fake.asked == []


async def test_a_registry_that_is_renamed_is_not_asked_under_its_old_name(fake, mirror, client, podman):
    fake.image("1")
    mirror.image("1", arch="riscv64")
    moved = f'[[registry]]\nprefix = "{fake.name}"\nlocation = "{mirror.name}"\ninsecure = true\n'
    assert (await resolve(client(registries_conf=podman(moved)), fake)).platforms == (Platform("linux", "riscv64"),)
    assert fake.asked == []


async def test_an_unlisted_registry_on_loopback_stays_refused_though_podman_calls_it_insecure(fake, mirror, podman):
    config = ClientConfig(registries_conf=podman(f'[[registry]]\nlocation = "{fake.name}"\ninsecure = true\n'))
    async with Registry(config) as registry:
        found = await resolve(registry, fake)
    assert found.reason is Reason.IMAGE_NOT_ALLOWED
    assert (fake.connections, mirror.connections) == (0, 0)


# ---------------------------------------------------------------- containerd


async def test_containerds_mirror_is_told_the_registry_and_asked_below_its_prefix(fake, mirror, client, containerd):
    image = fake.image("1", arch="s390x")
    for method in ("HEAD", "GET"):
        mirror.on(method, "/proxy/v2/", mirror._honest_one)
    mirror.manifests, mirror.blobs = fake.manifests, fake.blobs
    tree = containerd(fake.name, f'[host."http://{mirror.name}/proxy"]\n')
    found = await resolve(client(certs_d=tree), fake)
    assert found.digest == image["digest"]
    assert fake.asked == []
    assert all(t.startswith("/proxy/v2/app/") for t in mirror.seen())
    assert all(t.endswith(f"?ns=127.0.0.1%3A{fake.port}") for t in mirror.seen())


async def test_a_host_that_must_not_be_verified_is_passed_over(fake, mirror, client, containerd):
    fake.image("1")
    tree = containerd(fake.name, f'[host."https://{mirror.name}"]\nskip_verify = true\n')
    assert isinstance(await resolve(client(certs_d=tree), fake), ImageFacts)
    assert mirror.connections == 0


async def test_where_only_an_unverified_host_is_left_that_is_said(fake, client, containerd):
    tree = containerd(fake.name, 'server = "https://lax.example"\nskip_verify = true\n')
    found = await resolve(client(certs_d=tree), fake)
    assert (found.reason, "lax.example" in found.detail) == (Reason.IMAGE_TLS_REJECTED, True)
    assert fake.asked == []


async def test_where_no_host_may_tell_a_tag_nothing_is_asked(fake, client, containerd):
    tree = containerd(fake.name, f'server = "http://{fake.name}"\ncapabilities = ["push"]\n')
    assert (await resolve(client(certs_d=tree), fake)).reason is Reason.IMAGE_NOT_ALLOWED
    assert fake.asked == []


async def test_a_mirrors_own_authority_and_client_certificate_are_its_own(
    fake, client, containerd, http_server, reply, authority
):
    image = fake.image("1", arch="ppc64le")
    seen_at = []

    def handle(seen):
        seen_at.append(seen.target)
        _, _, rest = seen.path.partition("/v2/app/")
        kind, _, name = rest.partition("/")
        held = fake.manifests["app", name] if kind == "manifests" else (fake.blobs["app", name], "")
        headers = {"content-type": held[1]} if held[1] else {}
        return reply(200, b"" if seen.method == "HEAD" else held[0], headers)

    server = await http_server(handle, authority.server("127.0.0.1", ask_client=True))
    tree = containerd(
        fake.name,
        f'[host."https://{server.address}"]\nca = "ca.pem"\nclient = "{authority.issue("scanner.example")}"\n',
    )
    shutil.copy(authority.ca_file, tree / fake.name / "ca.pem")
    assert (await resolve(client(certs_d=tree), fake)).digest == image["digest"]
    assert fake.asked == []
    assert seen_at


# ---------------------------------------------------------------- failing mirrors


async def dead(mirror):
    await mirror.stop()


async def refusing(mirror):
    mirror.on("*", "/v2/", mirror.answer(403))


async def garbled(mirror):
    mirror.on("*", "/v2/", mirror.raw(b"\x15\x03\x01\r\n\r\n"))


async def bomb(mirror):
    mirror.on("HEAD", "/v2/", mirror.answer(405))
    mirror.on("GET", "/v2/", mirror.answer(200, b"x" * (5 << 20)))


@pytest.mark.parametrize("trouble", [dead, refusing, garbled, bomb], ids=lambda t: t.__name__)
async def test_whatever_ails_a_mirror_the_next_is_asked(fake, fakes, mirror, client, podman, trouble):
    await trouble(mirror)
    second = await fakes()
    second.image("1", arch="arm64")
    conf = sends(fake, mirror.name) + f'[[registry.mirror]]\nlocation = "{second.name}"\ninsecure = true\n'
    assert (await resolve(client(registries_conf=podman(conf)), fake)).platforms == (Platform("linux", "arm64"),)
    assert fake.asked == []


async def test_where_all_fail_the_registry_itself_says_why(fake, mirror, client, podman):
    mirror.on("*", "/v2/", mirror.answer(403))
    fake.on("*", "/v2/", fake.answer(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}'))
    found = await resolve(client(registries_conf=podman(sends(fake, mirror.name))), fake)
    assert found.reason is Reason.IMAGE_TAG_MISSING


async def test_a_mirror_that_sends_other_bytes_is_told_not_passed_over(fake, mirror, client, podman):
    image = fake.image("1")
    mirror.on("GET", "/manifests/", mirror.answer(200, b"{}"))
    found = await resolve(client(registries_conf=podman(sends(fake, mirror.name))), fake, f"app@{image['digest']}")
    assert found.reason is Reason.IMAGE_DIGEST_MISMATCH
    assert fake.asked == []


CONTENT = bytes(range(256)) * 40


@pytest.fixture
def layer(fake):
    blob = fake.blob(CONTENT)
    return Layer(Digest(blob["digest"]), "application/vnd.oci.image.layer.v1.tar", blob["size"])


async def read(registry, fake, layer):
    async with registry.open_layer(parse(f"{fake.name}/app:1"), layer) as pieces:
        return b"".join([piece async for piece in pieces])


def short(mirror):
    return mirror.raw(b"HTTP/1.1 200 X\r\ncontent-length: %d\r\n\r\n" % len(CONTENT) + CONTENT[:1000])


def foreign_range(mirror):
    return mirror.answer(206, CONTENT[5:], content_range=f"bytes 5-{len(CONTENT) - 1}/{len(CONTENT)}")


@pytest.mark.parametrize("trouble", [short, foreign_range], ids=lambda t: t.__name__)
async def test_a_layer_that_breaks_at_the_mirror_goes_on_at_the_registry(fake, mirror, client, podman, layer, trouble):
    mirror.on("GET", "/blobs/", trouble(mirror))
    assert await read(client(registries_conf=podman(sends(fake, mirror.name))), fake, layer) == CONTENT
    assert (len(mirror.asked), len(fake.asked)) == (1, 1)


async def test_a_mirror_that_breaks_behind_the_last_byte_has_given_the_layer(fake, mirror, client, podman, layer):
    head = (
        f"HTTP/1.1 200 OK\r\ncontent-length: {len(CONTENT)}\r\ntransfer-encoding: chunked\r\n\r\n{len(CONTENT):x}\r\n"
    )
    mirror.on("GET", "/blobs/", mirror.raw(head.encode() + CONTENT + b"\r\n"))
    assert await read(client(registries_conf=podman(sends(fake, mirror.name))), fake, layer) == CONTENT
    assert fake.asked == []


async def test_a_layer_of_other_bytes_is_told_not_passed_over(fake, mirror, client, podman, layer):
    mirror.on("GET", "/blobs/", mirror.answer(200, CONTENT[:-1]))
    with pytest.raises(StreamBroken) as broken:
        await read(client(registries_conf=podman(sends(fake, mirror.name))), fake, layer)
    assert broken.value.failure.reason is Reason.IMAGE_DIGEST_MISMATCH
    assert fake.asked == []


# ---------------------------------------------------------------- credentials and bounds


class Known:
    """A credential for each registry by name."""

    def __init__(self):
        self.asked = []

    async def candidates(self, registry, repository):
        self.asked.append((registry, repository))
        return (Credential("bot", registry),)


async def test_a_mirror_gets_its_own_credentials_and_the_registry_its_own(fake, mirror, client, podman):
    for one in (fake, mirror):
        one.on("*", "/v2/", one.answer(401, www_authenticate='Basic realm="x"'))
    known = Known()
    conf = podman(sends(fake, f"{mirror.name}/cache"))
    await resolve(client(registries_conf=conf, authorizer_for=authorizer_for(known)), fake)
    assert set(known.asked) == {(mirror.name, "cache/app"), (fake.name, "app")}
    for one in (fake, mirror):
        sent = {asked.headers["authorization"] for asked in one.asked if "authorization" in asked.headers}
        assert sent == {Credential("bot", one.name).basic}


async def test_a_mirror_of_many_registries_has_one_budget(fake, fakes, mirror, client):
    others = [await fakes() for _ in range(2)]
    mirror.image("1")
    own = RegistryConfig(mirror.name, plain_http=True, allow_networks=True, concurrency=1)
    each = [RegistryConfig(one.name, plain_http=True, mirror=(mirror.name,)) for one in others]
    registry = client(others=(own, *each))
    for one in others:
        assert isinstance(await resolve(registry, one), ImageFacts)
    assert len(registry._endpoints._listed) == 3
    assert mirror.connections == 1


# ---------------------------------------------------------------- Docker


async def test_dockers_mirror_is_asked_for_docker_hub_without_a_namespace(fake, mirror, client):
    mirror.image("1", arch="arm", repository="library/nginx")
    registry = client(docker_mirrors=(f"http://{mirror.name}",))
    found = await registry.resolve(parse("nginx:1"), depth=Depth.CONFIG)
    assert found.platforms[0].architecture == "arm"
    assert not any("ns=" in target for target in mirror.seen())


# ---------------------------------------------------------------- a real pull-through mirror


@pytest.mark.system
async def test_a_real_pull_through_mirror_serves_what_its_upstream_has_then_goes_on_without_it(
    start_registry, image_factory, client, podman
):
    from tests.real.images import Pusher  # noqa: PLC0415 -- only where the real part runs

    upstream = start_registry()
    Pusher(upstream.host, upstream.port).push("shop/api", "1", image_factory.image({"app": b"x"}, architecture="arm64"))
    mirror = start_registry(proxy={"remoteurl": f"http://{upstream.address}"})
    conf = podman(
        f'[[registry]]\nprefix = "hub.example"\nlocation = "{upstream.address}"\ninsecure = true\n'
        f'[[registry.mirror]]\nlocation = "{mirror.address}"\ninsecure = true\n'
    )
    wanted = parse("hub.example/shop/api:1")
    found = await client(registries_conf=conf).resolve(wanted, depth=Depth.CONFIG)
    assert found.platforms == (Platform("linux", "arm64"),)
    async with client(registries_conf=conf).open_layer(wanted, found.offers[0].layers[0]) as pieces:
        assert len(b"".join([piece async for piece in pieces])) == found.offers[0].layers[0].size

    mirror.daemon.stop()
    assert (await client(registries_conf=conf).resolve(wanted, depth=Depth.CONFIG)).digest == found.digest


@pytest.mark.system
async def test_a_real_registry_behind_tls_of_an_own_authority_is_asked_once_its_mirror_is_gone(
    start_registry, nginx, image_factory, authority, client, containerd
):
    from tests.real.images import Pusher  # noqa: PLC0415 -- only where the real part runs

    upstream = start_registry()
    Pusher(upstream.host, upstream.port).push("shop/api", "1", image_factory.image({"app": b"x"}, architecture="s390x"))
    pem = authority.issue("localhost")
    server = f"ssl_certificate {pem}; ssl_certificate_key {pem}; location / {{ proxy_pass http://{upstream.address}; }}"
    front = nginx(server, " ssl")
    mirror = start_registry(proxy={"remoteurl": f"http://{upstream.address}"})
    tree = containerd(
        "hub.example",
        f'server = "https://localhost:{front.port}"\nca = "{authority.ca_file}"\n[host."http://{mirror.address}"]\n',
    )
    mirror.daemon.stop()
    found = await client(certs_d=tree).resolve(parse("hub.example/shop/api:1"), depth=Depth.CONFIG)
    assert found.platforms == (Platform("linux", "s390x"),)
