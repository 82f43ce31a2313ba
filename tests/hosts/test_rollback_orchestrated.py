"""The script that brings back what a cluster or a swarm places: the real kubectl, the commands to Docker's managers."""

from __future__ import annotations

import json

import pytest

from tests.hosts.conftest import EXPECTED, FORMER, HEX, IMAGE
from tests.real.cluster import Cluster
from tests.real.hand import Hand

pytestmark = pytest.mark.system


@pytest.fixture
def cluster():
    made = []

    def start(*images):
        made.append(Cluster(*images))
        return made[-1]

    yield start
    for one in made:
        one.stop()


@pytest.fixture
def kube(require, tmp_path):
    """``kube(cluster)``: a hand that has kubectl with access to it."""

    def make(of):
        environment = {"KUBECONFIG": str(of.config(tmp_path)), "HOME": str(tmp_path)}
        return Hand(tmp_path / "hand", {"kubectl": str(require("kubectl", "kubernetes-client"))}, environment)

    return make


def begun(hand, name="shop/api-x/api", image=IMAGE):
    return hand.begin(name, image, EXPECTED, engine="cri", kind="kubernetes")


@pytest.mark.parametrize(
    ("images", "way"),
    [(("r.example/shop/api:1", "r.example/shop/api:2"), dict), ((IMAGE, "r.example/shop/api:2"), list)],
    ids=["the digest is set", "its revision comes back"],
)
def test_a_deployment_gets_the_digest_and_back(cluster, kube, images, way):
    there = cluster(*images)
    hand = kube(there)
    rollback = begun(hand)
    assert hand.do(rollback, "find", "prepare")["state"] == "prepared", hand.log(rollback)
    assert there.writes == []
    told = hand.do(rollback, "switch")
    assert (told["state"], there.image) == ("up", IMAGE), (told, hand.log(rollback))
    assert [type(one) for one in there.writes] == [way]
    assert hand.do(rollback, "undo")["state"] == "undone"
    assert there.image == images[1]


SILENT_ONCE = """#!/bin/sh
# kubectl, which asks a cluster that does not answer the first question about its workload.
case $* in *' get deployment'*) [ -e {folder}/asked ] || {{ : >{folder}/asked; exit 1; }} ;; esac
exec {kubectl} "$@"
"""


def test_a_cluster_that_does_not_answer_once_is_not_taken_for_put_back(cluster, kube, tmp_path):
    there = cluster("r.example/shop/api:1", "r.example/shop/api:2")
    hand = kube(there)
    rollback = begun(hand)
    assert hand.do(rollback, "find", "prepare", "switch")["state"] == "up", hand.log(rollback)
    silent = tmp_path / "silent"
    silent.write_text(SILENT_ONCE.format(folder=tmp_path, kubectl=hand.clients["kubectl"]))
    silent.chmod(0o755)
    hand.clients["kubectl"] = str(silent)
    hand.spare()
    told = hand.do(rollback, "undo")
    assert (tmp_path / "asked").exists()
    assert (told["state"], there.image) == ("undone", "r.example/shop/api:2"), (told, hand.log(rollback))


def test_a_deployment_that_makes_no_progress_is_put_back(cluster, kube):
    there = cluster("r.example/shop/api:1", "r.example/shop/api:2")
    there.ready = False
    hand = kube(there)
    told = hand.do(begun(hand), "find", "prepare", "switch")
    assert (told["state"], "progress deadline" in told["says"], there.image) == ("undone", True, "r.example/shop/api:2")


@pytest.mark.parametrize(
    ("name", "image", "says"),
    [
        ("shop/api-x/api", f"r.example/evil/api@sha256:{HEX}", "another repository"),
        ("shop/api-x/web", IMAGE, "no container web"),
        ("shop/api-y/api", IMAGE, "no pod api-y"),
        ("shop/api-x/api", f"sha256:{HEX}", "by the name of its repository"),
    ],
)
def test_what_is_not_there_or_another_s_is_refused_untouched(cluster, kube, name, image, says):
    there = cluster("r.example/shop/api:1", "r.example/shop/api:2")
    hand = kube(there)
    told = hand.do(begun(hand, name, image), "find")
    assert (told["state"], says in told["says"], there.writes) == ("refused", True, []), told


@pytest.mark.parametrize(
    ("status", "ends"), [("completed", "up"), ("paused", "undone"), ("rollback_completed", "undone")]
)
def test_a_service_of_a_swarm_is_updated_by_digest_and_watched(manager, status, ends):
    hand, folder = manager(status)
    rollback = hand.begin("shop_api", IMAGE, EXPECTED, kind="swarm")
    told = hand.do(rollback, "find", "prepare", "switch")
    assert told["state"] == ends, (told, hand.log(rollback))
    assert (folder / "image").read_text() == FORMER[ends]
    assert json.dumps((folder / "updates").read_text()).count("service update") == {"up": 1, "undone": 2}[ends]
