"""What a cluster is answered about recorded pods: refused where they start nowhere, admitted where nobody can judge."""

from __future__ import annotations

import asyncio

import pytest

from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason
from scanner.probe.planned import folder
from scanner.service.gate import admission
from scanner.service.gate.question import Destination, Question
from tests.service.environment import host, scanned

IMAGE = "r.example/app:1"


def pod(image=IMAGE, annotations=None, **spec):
    """A pod as the API server sends it for review, before it has a name."""
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {"generateName": "app-7d9c5b9f6b-", "namespace": "shop", "annotations": annotations or {}},
        "spec": {
            "containers": [{"name": "app", "image": image, "imagePullPolicy": "IfNotPresent", "resources": {}}],
            "restartPolicy": "Always",
            "serviceAccountName": "default",
            "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"}],
            **spec,
        },
        "status": {},
    }


@pytest.fixture
async def reading(environment, service):
    """The gate reads files here as it does in a worker."""

    async def read_files(files):
        return folder.plans(files)

    for adapters in environment.opened:
        adapters.read_files = read_files
    await scanned(service)
    return service


async def reviewed(service, body=None, namespace="shop"):
    found = await service.admission.review(namespace, body or pod(), "cluster")
    return found.allowed, found.failed_open, " ".join(found.why)


async def test_a_pod_is_admitted_where_it_starts_on_some_node_and_the_others_are_told(reading):
    allowed, failed_open, why = await reviewed(reading)
    assert (allowed, failed_open) == (True, False)
    assert "on b: platform_missing" in why


async def test_a_pod_that_starts_on_none_of_the_nodes_it_may_be_put_on_is_refused(reading):
    allowed, _, why = await reviewed(reading, pod(nodeSelector={"kubernetes.io/arch": "arm64"}))
    assert not allowed
    assert "r.example/app:1 on b: platform_missing" in why


async def test_a_pod_that_asks_for_the_right_nodes_is_admitted_without_a_word(reading):
    assert await reviewed(reading, pod(nodeSelector={"kubernetes.io/arch": "amd64"})) == (True, False, "")


async def test_nodes_are_the_hosts_that_the_settings_name(environment, reading):
    environment.document["gate"] = {"admission": {"nodes": ("b",)}}
    assert reading.reloading.reload("test").successful
    environment.opened[-1].read_files = environment.opened[0].read_files
    assert (await reviewed(reading))[0] is False


async def test_the_pods_of_the_system_are_never_judged(reading):
    assert await reviewed(reading, pod("UP PER"), "kube-system") == (True, False, "")


@pytest.fixture
def down(environment):
    """No host answers any more."""
    environment.hosts = (host("a"), host("b", "10.0.0.2"))
    environment.machines = {address: Failure(Reason.HOST_REFUSED) for address in environment.machines}
    environment.now += 86400


async def test_what_cannot_be_judged_is_admitted_with_a_warning(reading, down):
    allowed, failed_open, why = await reviewed(reading)
    assert (allowed, failed_open) == (True, True)
    assert why.startswith("archscan could not judge it: admitted unchecked")


async def test_what_cannot_be_judged_now_and_was_denied_before_is_refused(environment, reading):
    await reading.gate.ask(Question.of([IMAGE]), Destination(("b",)), "ci")
    environment.machines = {address: Failure(Reason.HOST_REFUSED) for address in environment.machines}
    environment.now += 86400
    allowed, _, why = await reviewed(reading)
    assert not allowed
    assert "was denied before: platform_missing" in why


async def test_a_namespace_or_a_pod_may_ask_to_wait_for_a_decision(environment, reading, down):
    assert (await reviewed(reading, pod(annotations={"archscan.io/gate": "closed"})))[0] is False
    environment.document["gate"] = {"admission": {"closed": ("pay*",)}}
    assert reading.reloading.reload("test").successful
    environment.opened[-1].read_files = environment.opened[0].read_files
    assert (await reviewed(reading, namespace="payments"))[0] is False
    assert (await reviewed(reading))[0] is True


async def test_an_answer_that_comes_too_late_is_none(reading, environment, monkeypatch):
    monkeypatch.setattr(admission, "WITHIN_S", 0.01)

    async def slowly(*_, **__):
        await asyncio.Event().wait()

    monkeypatch.setattr(environment, "resolve", slowly)
    allowed, failed_open, why = await reviewed(reading)
    assert (allowed, failed_open) == (True, True)
    assert "no decision within two seconds" in why


async def test_the_last_decision_is_known_after_a_restart(environment, service, store, reading):
    await service.gate.ask(Question.of([IMAGE]), Destination(("*",)), "ci")
    again = environment.service(store)
    await again.gate_memory.load()
    for name in (IMAGE, f"r.example/app@sha256:{'f' * 64}"):
        assert [str(again.gate_memory.last(name, where).decision) for where in "ab"] == ["allow", "deny"]
    await again.stop()


TEMPLATE = {"metadata": {"annotations": {"archscan.io/gate": "closed"}}, "spec": {"containers": [{"image": IMAGE}]}}


@pytest.mark.parametrize(
    "body",
    [
        TEMPLATE,
        {"kind": "Deployment", "spec": {"template": TEMPLATE}},
        {"kind": "CronJob", "spec": {"jobTemplate": {"spec": {"template": TEMPLATE}}}},
    ],
)
def test_the_annotation_is_found_wherever_the_template_of_the_pods_is(body):
    assert admission._is_closed(body)
    assert set(admission.images_of(body)) == {IMAGE}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"spec": None},
        {"spec": {"template": 5, "containers": [7, {}]}},
        {"metadata": {"annotations": []}},
        {"spec": {"jobTemplate": []}},
    ],
)
def test_an_object_of_any_shape_is_looked_through(body):
    assert not admission._is_closed(body)
    assert list(admission.images_of(body)) == []
