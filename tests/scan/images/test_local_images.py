"""Which images of a host's own store are read, how often, what becomes of trouble."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from scanner.domain import facts
from scanner.domain.failure import Failure
from scanner.domain.streams import StreamBroken
from scanner.domain.verdict.reason import Reason
from scanner.scan.images import local_images
from scanner.scan.images.local_images import LocalImages
from tests import builders
from tests.builders import AMD64

HOST = builders.host("web-1")
PROGRAM = builders.program()
DENIED = Failure(Reason.IMAGE_LOCAL_ONLY, "not allowed")


class Store:
    """Saves every image, or fails; notes what was asked for."""

    def __init__(self, failure=None):
        self.failure = failure
        self.asked = []

    @asynccontextmanager
    async def open(self, host, kind, image_id):
        self.asked.append((host.name, str(kind), image_id))
        if self.failure:
            raise self.failure
        yield iter(())

    def images(self):
        async def inspect(_stream, image, override):
            del image
            return PROGRAM if override is None else replace(PROGRAM, argv=override.argv)

        return LocalImages(self.open, inspect)


def container(name="a", image_id="sha256:" + "a" * 64, digests=(), stage=facts.Stage.STOPPED, **more):
    known = {"name": name, "image": "app:latest", "stage": stage, "host": "web-1", "state": "", **more}
    return builders.container(image_id, *digests, **known)


def said(*workloads, kind=facts.EngineKind.DOCKER, owner=""):
    engine = facts.Engine(kind, facts.EngineState.UP, "1", AMD64, owner=owner)
    return builders.host_facts("web-1", workloads=workloads, engines=(engine,))


def programs(filled):
    return [workload.local.program for workload in filled.workloads]


async def test_an_image_is_read_once_for_all_containers_and_all_scans():
    store = Store()
    images = store.images()
    for _ in range(2):
        filled = await images.fill(HOST, said(container("a"), container("b")))
        assert programs(filled) == [PROGRAM, PROGRAM]
    assert store.asked == [("web-1", "docker", "sha256:" + "a" * 64)]


async def test_a_command_of_a_container_s_own_is_resolved_on_its_own():
    store = Store()
    own = container("b", process=facts.Process(("/other",)))
    filled = await store.images().fill(HOST, said(container("a"), own))
    assert [program.argv for program in programs(filled)] == [("/app",), ("/other",)]


async def test_an_image_that_a_registry_has_is_not_read():
    store = Store()
    pulled = container(digests=("app@sha256:" + "b" * 64,))
    assert await store.images().fill(HOST, said(pulled)) == said(pulled)
    assert store.asked == []


@pytest.mark.parametrize("failure", [StreamBroken(DENIED), ValueError("no image ID")])
async def test_what_cannot_be_had_is_said_of_what_has_not_started(failure):
    store = Store(failure)
    images = store.images()
    filled = await images.fill(HOST, said(container()))
    assert programs(filled)[0].problem.reason is Reason.IMAGE_LOCAL_ONLY
    await images.fill(HOST, said(container()))
    assert len(store.asked) == 2


async def test_what_runs_stays_proof_of_itself_where_its_image_cannot_be_had():
    up = container(stage=facts.Stage.RUNNING, state="running")
    assert programs(await Store(StreamBroken(DENIED)).images().fill(HOST, said(up))) == [None]


async def test_a_rootless_engine_s_images_are_not_read():
    store = Store()
    own = replace(container(), engine="docker:alice")
    filled = await store.images().fill(HOST, said(own, owner="alice"))
    assert store.asked == []
    assert "images of docker:alice are not read" in programs(filled)[0].problem.detail


async def test_a_host_with_too_many_images_says_so(monkeypatch):
    monkeypatch.setattr(local_images, "MAX_PER_HOST", 1)
    store = Store()
    other = container("b", "sha256:" + "b" * 64)
    filled = await store.images().fill(HOST, said(container("a"), other))
    assert programs(filled)[0] == PROGRAM
    assert "more than 1 images" in programs(filled)[1].problem.detail
