"""What a question costs the registry, in requests or bytes, beside those who pull."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import time
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection

import pytest

from scanner.app.adapters import AdapterContext, Adapters
from scanner.domain.facts import HostFacts, LocalImage, Source, Stage, Workload
from scanner.domain.host import Host
from scanner.domain.platform.platform import Platform
from scanner.domain.verdict.plain import plain_engine, plain_host
from scanner.domain.verdict.reason import Reason
from scanner.scan.scan import ScanLimits
from scanner.settings.schema import Settings
from scanner.store.store import Store
from tests.real import command
from tests.real.images import OCI, Document, Image, digest_of, tar_of
from tests.real.process import run

pytestmark = [pytest.mark.system, pytest.mark.usefixtures("commands")]

MIB = 1 << 20
BASE_BYTES = 200 * MIB
AMD64 = Platform("linux", "amd64")
SHARE = 0.05
"""The part of a pull that a question may cost."""
OURS = "archscan"


# ---------------------------------------------------------------- one image on a large base


def base_layer():
    """A layer as large as a real one whose bytes nothing can compress."""
    noise = os.urandom(MIB)
    tar = tar_of({f"opt/part-{number}": noise for number in range(BASE_BYTES // MIB)})
    return tar, gzip.compress(tar, compresslevel=0, mtime=0)


@pytest.fixture(scope="module")
def heavy(elf_factory, pusher):
    """Repository of an index for two CPUs; each image has its own small layer on top of the one large base."""
    base_tar, base = base_layer()
    images = []
    for architecture in ("amd64", "arm64"):
        tar = tar_of({"app": elf_factory(architecture, says="up")})
        config = {
            "architecture": architecture, "os": "linux", "config": {"Entrypoint": ["/app"]},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(base_tar), digest_of(tar)]},
            "history": [{"created_by": "base"}, {"created_by": "app"}],
        }  # fmt: skip
        document = Document(OCI["config"], json.dumps(config).encode())
        layers = (Document(OCI["layer"], base), Document(OCI["layer"], gzip.compress(tar, mtime=0)))
        manifest = {
            "schemaVersion": 2, "mediaType": OCI["manifest"], "config": document.descriptor,
            "layers": [layer.descriptor for layer in layers],
        }  # fmt: skip
        platform = {"architecture": architecture, "os": "linux"}
        images.append(Image(Document(OCI["manifest"], json.dumps(manifest).encode()), document, layers, platform))
    entries = [image.manifest.descriptor | {"platform": image.platform} for image in images]
    index = {"schemaVersion": 2, "mediaType": OCI["index"], "manifests": entries}
    for image in images:
        for blob in (image.config, *image.layers):
            pusher.blob("cost/heavy", blob.body)
        pusher.document("cost/heavy", image.manifest.digest, image.manifest)
    pusher.document("cost/heavy", "1", Document(OCI["index"], json.dumps(index).encode()))
    return "cost/heavy:1"


@pytest.fixture
async def proxy(counting_proxy_before, registry):
    """The registry behind a proxy that counts."""
    async with counting_proxy_before(registry.port) as proxy:
        yield proxy


@dataclass
class Bill:
    """What one program took: bytes, requests, seconds."""

    who: str
    received: int
    requests: int
    seconds: float

    def __str__(self):
        return f"{self.who:16} {self.received / MIB:9.3f} MiB  {self.requests:3} requests  {self.seconds:6.2f} s"


@pytest.fixture
def billed(proxy):
    """``billed("name", "program", ...)``: run a program, which ``OURS`` may be, that asks the registry behind ``proxy``."""

    async def call(who, *argv, env=None):
        proxy.requests.clear()
        began = time.monotonic()
        if argv[0] == OURS:
            await asyncio.to_thread(command.run, *argv[1:])
        else:
            await asyncio.to_thread(run, *argv, env=env)
        return Bill(who, proxy.received, len(proxy.requests), time.monotonic() - began)

    return call


async def test_a_look_at_an_image_costs_a_small_part_of_its_pull(
    heavy, proxy, billed, require, docker_engine, tmp_path
):
    reference = f"{proxy.address}/{heavy}"
    config = tmp_path / "archscan.yml"
    config.write_text(json.dumps({"registries": {proxy.address: {"plain_http": True}}}))
    image = await billed("archscan image", OURS, "image", reference, "--config", config)
    check = await billed("archscan check", OURS, "check", reference, "--platform", "linux/amd64", "--config", config)
    skopeo = await billed(
        "skopeo copy", require("skopeo", "skopeo"), "copy", "--insecure-policy", "--src-tls-verify=false",
        f"docker://{reference}", f"dir:{tmp_path}/pulled",
    )  # fmt: skip
    docker = await billed("docker pull", docker_engine.client, "pull", "-q", reference, env=docker_engine.environment)
    docker_engine.docker("rmi", "-f", reference, check=False)
    for bill in (image, check, skopeo, docker):
        print(bill)
    assert min(skopeo.received, docker.received) > BASE_BYTES
    for ours in (image, check):
        assert ours.received <= SHARE * min(skopeo.received, docker.received), str(ours)


async def test_a_program_in_the_base_costs_what_comes_before_it_where_an_early_stop_is_allowed(
    proxy, billed, image_factory, elf_factory, pusher, tmp_path
):
    noise = os.urandom(MIB)
    before = {f"bin/part-{number}": noise for number in range(4)}
    after = {f"lib/part-{number}": noise for number in range(36)}
    base = before | {"bin/tool": elf_factory("amd64", says="up")} | after
    reference = pusher.push("cost/based", "1", image_factory.image(base, {"etc/app": b"x"}, entrypoint=["/bin/tool"]))
    reference = reference.replace(pusher.address, proxy.address)
    config = tmp_path / "archscan.yml"
    costs = {}
    for early_stop in (True, False):
        config.write_text(json.dumps({"registries": {proxy.address: {"plain_http": True, "early_stop": early_stop}}}))
        bill = await billed("archscan image", OURS, "image", reference, "--config", config)
        print(bill)
        costs[early_stop] = bill.received
    assert 4 * MIB < costs[True] < 20 * MIB < 40 * MIB < costs[False] < 42 * MIB


async def test_a_program_behind_a_large_file_is_read_through_the_table_that_podman_writes(
    podman, registry, proxy, billed, require, tmp_path
):
    tar = tmp_path / "layer.tar"
    tar.write_bytes(tar_of({"big": os.urandom(20 * MIB), "app": require("busybox", "busybox-static").read_bytes()}))
    pushed, reference = f"{registry.address}/cost/chunked:1", f"{proxy.address}/cost/chunked:1"
    podman.podman("import", "--change", 'ENTRYPOINT ["/app"]', str(tar), pushed)
    podman.podman("push", "--tls-verify=false", "--compression-format", "zstd:chunked", pushed)
    podman.podman("rmi", "--force", pushed)
    config = tmp_path / "archscan.yml"
    config.write_text(json.dumps({"registries": {proxy.address: {"plain_http": True}}}))
    bill = await billed("archscan image", OURS, "image", reference, "--config", config)
    print(bill)
    assert bill.received < 4 * MIB, str(bill)


# ---------------------------------------------------------------- a fleet, again and again


@dataclass
class ConnectionPool:
    """Hosts whose containers run images of the registry behind a proxy."""

    proxy: object
    hosts: tuple[Host, ...]
    facts: dict[str, HostFacts]
    url: str

    async def scan(self, reach):
        """One scan of the hosts as the service does it."""
        self.proxy.requests.clear()

        async def read(host):
            return self.facts[host.name]

        with reach.registry.scan():
            return await reach.scanner(ScanLimits(), read=read).scan(self.hosts)

    def reach(self, store):
        """What the service asks through; every tag is asked again in every scan."""
        document = {"registries": {self.proxy.address: {"plain_http": True}, "cache_age": "0s"}}
        return Adapters(Settings.model_validate(document), AdapterContext("0", store))

    @property
    def requests(self):
        """How many of each kind the last scan cost."""
        return {
            "HEAD manifest": self.proxy.count("HEAD", "/manifests/"),
            "HEAD blob": self.proxy.count("HEAD", "/blobs/"),
            "GET manifest": self.proxy.count("GET", "/manifests/"),
            "GET blob": self.proxy.count("GET", "/blobs/"),
        }


def single(elf, number):
    """An image without index whose config is like no other's."""
    tar = tar_of({"app": elf})
    config = Document(OCI["config"], json.dumps({
        "architecture": "amd64", "os": "linux", "config": {"Entrypoint": ["/app"], "Labels": {"number": str(number)}},
        "rootfs": {"type": "layers", "diff_ids": [digest_of(tar)]}, "history": [{"created_by": "test"}],
    }).encode())  # fmt: skip
    layer = Document(OCI["layer"], gzip.compress(tar, mtime=0))
    manifest = {
        "schemaVersion": 2, "mediaType": OCI["manifest"], "config": config.descriptor, "layers": [layer.descriptor],
    }  # fmt: skip
    return Image(Document(OCI["manifest"], json.dumps(manifest).encode()), config, (layer,), {})


def push_many(registry, images):
    """``{tag: image}`` into one repository over one connection: many images in seconds."""
    connection = HTTPConnection(registry.host, registry.port, timeout=60)

    def ask(method, path, body=b"", kind="application/octet-stream"):
        connection.request(method, path, body, {"Content-Type": kind})
        answer = connection.getresponse()
        text = answer.read()
        assert answer.status in (201, 202), text
        return answer.getheader("Location", "")

    def blob(body):
        place = ask("POST", "/v2/cost/many/blobs/uploads/").removeprefix(f"http://{registry.address}")
        ask("PUT", f"{place}&digest={digest_of(body)}", body)

    blob(next(iter(images.values())).layers[0].body)
    for tag, image in images.items():
        blob(image.config.body)
        ask("PUT", f"/v2/cost/many/manifests/{tag}", image.manifest.body, image.manifest.media_type)
    connection.close()


def workload(proxy, host, tag, image, stage):
    """A container made from an image under its tag, or one that is planned."""
    name = f"{proxy.address}/cost/many"
    local = LocalImage(image.config.digest, (f"{name}@{image.manifest.digest}",), platform=AMD64)
    state = {} if stage is Stage.PLANNED else {"engine": "docker", "state": "running", "local": local}
    source = Source.COMPOSE if stage is Stage.PLANNED else Source.DOCKER
    return Workload(host, f"{tag}-{stage}", source, stage, f"{name}:{tag}", **state)


@pytest.fixture
async def opened():
    """``await opened(fleet)``: what a service asks through, over the fleet's store; ``close`` ends it as a stop would."""
    held = []

    async def start(fleet):
        store = await Store.open(fleet.url)
        held.append((fleet.reach(store), store))
        return held[-1][0]

    async def close():
        while held:
            reach, store = held.pop()
            await reach.close()
            await store.close()

    start.close = close
    yield start
    await close()


@pytest.fixture
def fleet(proxy, registry, fleet_behind):
    """``fleet(images, hosts)``: each image runs on two hosts and is planned on a third."""
    return partial(fleet_behind, proxy, partial(push_many, registry))


@pytest.fixture
async def large_fleet(counting_proxy_before, lenient_registry, fleet_behind):
    """The same before a registry in memory: a real one takes longer to be given the images than to be asked for them."""

    def push(images):
        for tag, image in images.items():
            lenient_registry.push("cost/many", tag, image)

    async with counting_proxy_before(lenient_registry.port) as proxy:
        yield partial(fleet_behind, proxy, push)


@pytest.fixture
def fleet_behind(elf_factory, tmp_path):
    elf = elf_factory("amd64", says="up")

    def made(proxy, push, images, hosts):
        pushed = {f"v{number}": single(elf, number) for number in range(images)}
        push(pushed)
        names = [f"host-{number}" for number in range(hosts)]
        held = {name: [] for name in names}
        for number, (tag, image) in enumerate(pushed.items()):
            for step, stage in enumerate((Stage.RUNNING, Stage.RUNNING, Stage.PLANNED)):
                name = names[(number + step) % hosts]
                held[name].append(workload(proxy, name, tag, image, stage))
        kernel, engine = plain_host(AMD64), plain_engine(AMD64)
        facts = {name: HostFacts(name, kernel, (engine,), tuple(held[name])) for name in names}
        hosts = tuple(Host(name, "127.0.0.1") for name in names)
        return ConnectionPool(proxy, hosts, facts, f"sqlite:///{tmp_path}/archscan.db")

    return made


def all_right(report):
    return {finding.verdict.reason for finding in report.findings} == {Reason.NATIVE}


async def test_an_unchanged_fleet_costs_one_head_for_each_tag(fleet, opened):
    fleet = fleet(images=20, hosts=5)
    reach = await opened(fleet)
    assert all_right(await fleet.scan(reach))
    assert fleet.requests == {"HEAD manifest": 20, "HEAD blob": 0, "GET manifest": 20, "GET blob": 40}
    assert all_right(await fleet.scan(reach))
    assert fleet.requests == {"HEAD manifest": 20, "HEAD blob": 0, "GET manifest": 0, "GET blob": 0}


async def test_a_restarted_service_asks_for_nothing_that_its_store_holds(fleet, opened):
    fleet = fleet(images=20, hosts=5)
    assert all_right(await fleet.scan(await opened(fleet)))
    await opened.close()
    assert all_right(await fleet.scan(await opened(fleet)))
    assert fleet.requests == {"HEAD manifest": 20, "HEAD blob": 0, "GET manifest": 0, "GET blob": 0}


async def test_many_references_cost_no_more_than_as_many_heads_again(large_fleet, opened):
    """First a HEAD for each tag, then once for each image its manifest, its config, its one layer.

    What has been read is there, so that no blob is asked for before the planned starts.
    """
    fleet = large_fleet(images=120, hosts=12)
    reach = await opened(fleet)
    for first, wanted in (
        (True, {"HEAD manifest": 120, "HEAD blob": 0, "GET manifest": 120, "GET blob": 240}),
        (False, {"HEAD manifest": 120, "HEAD blob": 0, "GET manifest": 0, "GET blob": 0}),
    ):
        began = time.monotonic()
        assert all_right(await fleet.scan(reach))
        print(f"{'first' if first else 'again'}: {fleet.requests} in {time.monotonic() - began:.2f} s")
        assert fleet.requests == wanted
