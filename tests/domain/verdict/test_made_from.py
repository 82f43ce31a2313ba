"""Which image of an index a container of Docker with containerd's store was made from."""

import pytest

from scanner.domain import facts
from scanner.domain.image import offers
from scanner.domain.verdict.judge import judge
from scanner.domain.verdict.made_from import running_offer
from tests import builders
from tests.builders import AMD64, ARM64

ENGINE = builders.docker(AMD64, "26.1.5", store=facts.ImageStore.CONTAINERD)
HOST = builders.host_facts("h", AMD64, engines=(ENGINE,))


def an_offer(platform, digest):
    program = offers.Program(("/app",), (builders.executable(platform),))
    return builders.offer(platform, digest, config=platform, program=program)


INDEX = builders.image_facts(an_offer(ARM64, "a"), an_offer(AMD64, "b"))


def container(state="exited", image_id=INDEX.digest, exit_code=3, **local):
    held = {"platform": None, **local}
    known = {"stage": facts.Stage.STOPPED, "state": state, "exit_code": exit_code}
    return builders.container(image_id, f"r.example/app@{INDEX.digest}", local=held, **known)


def offer_of(workload, index=INDEX):
    found = running_offer(workload, index, ENGINE, HOST.kernel)
    return found and found.platform


def test_where_only_the_index_is_told_it_is_the_image_that_its_engine_takes():
    assert offer_of(container()) == AMD64
    assert str(judge(HOST, container(), INDEX).reason) == "native"


def test_what_the_engine_tells_of_the_very_manifest_goes_before():
    assert offer_of(container(manifest_digest=builders.digest("a"))) == ARM64
    assert offer_of(container(platform=ARM64)) == ARM64


@pytest.mark.parametrize("workload", [container("created"), container(image_id=builders.digest("e"))])
def test_of_one_that_was_never_started_or_of_another_index_nobody_knows(workload):
    assert offer_of(workload) is None
    assert str(judge(HOST, workload, INDEX).reason) == "image_local_only"


def test_an_index_of_which_the_engine_takes_none_tells_nothing():
    assert offer_of(container(), builders.image_facts(an_offer(ARM64, "a"))) is None


def test_the_runtime_s_word_goes_before_it():
    failed = builders.workload(
        stage=facts.Stage.STOPPED, engine="docker", local=container().local, state="exited", exit_code=1,
        error="exec /app: exec format error",
    )  # fmt: skip
    assert judge(HOST, failed, INDEX).status != "ok"
