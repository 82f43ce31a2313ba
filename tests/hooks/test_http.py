"""The gate over HTTP, as curl, a cluster and an operator see it."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from scanner.web.http.limits import LARGER_BODIES
from tests.hooks.conftest import OPERATOR, TOKEN

IMAGE, PIN = "r.example/app:1", f"r.example/app@sha256:{'f' * 64}"
DOWN = {"images": [IMAGE], "hosts": ["a"]}


@pytest.fixture
async def ask(asked):
    async with httpx.AsyncClient(base_url=asked.url, trust_env=False) as client:

        async def ask(path, body=None, token=TOKEN, method="POST", **headers):
            headers = {"Authorization": f"Bearer {token}", **headers}
            return await client.request(method, path, json=body, headers=headers)

        yield ask


@pytest.mark.parametrize(("host", "status", "exit_code"), [("a", 200, 0), ("b", 409, 22), ("gone", 400, 22)])
async def test_curl_fails_where_a_deployment_must_not_go_on(asked, host, status, exit_code):
    body = '{"images": ["r.example/app:1"], "hosts": ["%s"]}' % host  # noqa: UP031 -- braces
    done = await asked.run(
        "curl", "--fail", "--silent", "--output", "/dev/null", "--write-out", "%{http_code}", "--data", body,
        "--header", f"Authorization: Bearer {TOKEN}", "--header", "Content-Type: application/json",
        f"{asked.url}/api/v1/check",
    )  # fmt: skip
    assert done == (exit_code, str(status), "")


async def test_a_hold_says_when_to_ask_again(asked, ask):
    asked.environment.machines = {}
    got = await ask("/api/v1/check", DOWN)
    assert (got.status_code, got.headers["retry-after"], got.json()["decision"]) == (503, "60", "hold")


async def test_the_answer_has_the_decision_of_each_finding_and_the_digest_that_was_judged(ask):
    got = (await ask("/api/v1/check", {"images": [IMAGE], "hosts": ["*"]})).json()
    assert (got["decision"], got["pins"]) == ("deny", {IMAGE: PIN})
    assert got["decision_id"]
    assert {row["host"]: row["decision"] for row in got["findings"]} == {"a": "allow", "b": "deny"}
    denied = next(row for row in got["findings"] if row["host"] == "b")
    assert denied["instead"]["changes"]["bake"] == 'platforms = ["linux/amd64", "linux/arm64"]'


async def test_several_platforms_and_arguments_are_asked_about_in_one_question(ask):
    image = {"image": IMAGE, "entrypoint": ["/bin/x"], "command": [], "workload": "job"}
    got = (await ask("/api/v1/check", {"images": [image], "platforms": ["linux/amd64", "linux/arm64"]})).json()
    assert {row["host"]: row["decision"] for row in got["findings"]} == {"linux/amd64": "allow", "linux/arm64": "deny"}
    assert {row["workload"] for row in got["findings"]} == {"job"}


async def test_files_are_judged_as_they_are_posted(ask):
    files = {
        "compose.yml": f"name: shop\nservices: {{web: {{image: '{IMAGE}'}}}}\n",
        "images.txt": f"{IMAGE}\n",
    }
    got = (await ask("/api/v1/check", {"files": files, "hosts": ["a"]})).json()
    assert (got["decision"], {row["workload"] for row in got["findings"]}) == ("allow", {"shop/web", IMAGE})


@pytest.mark.parametrize(
    "body",
    [
        {"hosts": ["a"]},
        {"images": [IMAGE]},
        {"images": [IMAGE], "hosts": ["a"], "platform": "linux/amd64"},
        {"images": [IMAGE], "platform": "linux/amd64", "platforms": ["linux/arm64"]},
        {"files": {"/etc/passwd": "x"}, "hosts": ["a"]},
        {"images": [{"image": IMAGE, "user": "root"}], "hosts": ["a"]},
        {"images": ["https://r.example/x"], "hosts": ["a"]},
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(ask, body):
    assert (await ask("/api/v1/check", body)).status_code == 400


HALVES = {
    "/api/v1/check": b'{"files": {"compose.yml": "services: {a: {image: \\ud800}}"}, "hosts": ["a"]}',
    "/admission/v1": b'{"kind": "AdmissionReview", "request": {"uid": "\\ud800", "operation": "DELETE"}}',
}


async def test_half_of_a_character_is_no_text(asked):
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    async with httpx.AsyncClient(base_url=asked.url) as client:
        for path, raw in HALVES.items():
            got = await client.post(path, content=raw, headers=headers)
            assert (got.status_code, got.json()["reason"]) == (400, "malformed"), path


ACCEPTED = {
    "text/plain": "text/plain",
    "text/plain, */*;q=0.5": "text/plain",
    "Text/Plain;charset=utf-8": "text/plain",
    "application/json, text/plain": "application/json",
    "*/*": "application/json",
}


async def test_whoever_names_plain_text_first_gets_it(ask):
    for accept, kind in ACCEPTED.items():
        got = await ask("/api/v1/check", {"images": [IMAGE], "hosts": ["a"]}, accept=accept)
        assert got.headers["content-type"].partition(";")[0] == kind, accept
        refused = await ask("/api/v1/check", {"images": [IMAGE], "hosts": ["a"]}, token="nobody", accept=accept)
        told = refused.headers["content-type"].partition(";")[0]
        assert (refused.status_code, told) == (401, kind.replace("json", "problem+json")), accept


async def test_a_hold_in_plain_text_always_says_why(asked, ask):
    asked.environment.machines = {}
    waits = {"compose.yml": f"services: {{web: {{image: '{IMAGE}', profiles: [x]}}}}\n"}
    for question, said in ((DOWN, "host_"), ({"files": waits, "hosts": ["a"]}, "names no image")):
        got = await ask("/api/v1/check", question, accept="text/plain")
        assert (got.status_code, said in got.text.splitlines()[1]) == (503, True), got.text


async def test_only_whoever_may_use_the_gate_may_send_much(ask):
    files = {"README.md": "x" * (200 << 10), "images.txt": f"{IMAGE}\n"}
    body = {"files": files, "hosts": ["a"]}
    assert (await ask("/api/v1/check", body)).status_code == 200
    assert (await ask("/api/v1/check", body, token="nobody-knows-this-one")).status_code == 413
    assert (await ask("/api/v1/check", body, token=OPERATOR)).status_code == 413
    files["README.md"] = "x" * LARGER_BODIES["/api/v1/check"]
    assert (await ask("/api/v1/check", body)).status_code == 413


# ---------------------------------------------------------------- overrides


async def test_an_override_is_made_shown_and_ended_by_operators(asked, ask):
    until = datetime.fromtimestamp(asked.environment.now + 3600, UTC).isoformat()
    wanted = {"owner": "me", "reason": "known", "until": until, "image": IMAGE, "host": "b"}
    assert (await ask("/api/v1/overrides", wanted)).status_code == 403
    made = await ask("/api/v1/overrides", wanted, token=OPERATOR)
    assert made.status_code == 201
    got = await ask("/api/v1/check", {"images": [IMAGE], "hosts": ["b"]})
    assert (got.status_code, got.json()["decision"]) == (200, "warn")
    assert got.json()["findings"][0]["override"] == made.json()["id"]
    page = asked.metrics.render(None, None)[1].decode()
    assert "archscan_gate_overridden_total 1.0" in page
    assert f'archscan_gate_override_until_timestamp_seconds{{host="b",id="{made.json()["id"]}",image="{IMAGE}"' in page
    shown = (await ask("/api/v1/overrides", token=OPERATOR, method="GET")).json()["overrides"]
    assert [one["owner"] for one in shown] == ["me"]
    assert (await ask(made.headers["location"], token=OPERATOR, method="DELETE")).status_code == 204
    assert (await ask("/api/v1/check", {"images": [IMAGE], "hosts": ["b"]})).status_code == 409
    assert "override_until_timestamp_seconds{" not in asked.metrics.render(None, None)[1].decode()


@pytest.mark.parametrize(
    "change",
    [
        {"image": "*"},
        {"image": "*/*:*"},
        {"image": "[!~]*"},
        {"until": "2001-01-01T00:00:00Z"},
        {"until": "2099-01-01T00:00:00Z"},
        {"owner": " "},
    ],
)
async def test_an_override_of_everything_or_for_ever_is_refused(asked, ask, change):
    until = datetime.fromtimestamp(asked.environment.now + 3600, UTC).isoformat()
    wanted = {"owner": "me", "reason": "known", "until": until, "image": IMAGE} | change
    assert (await ask("/api/v1/overrides", wanted, token=OPERATOR)).status_code == 400


# ---------------------------------------------------------------- Kubernetes


def review(image=IMAGE, namespace="shop", **spec):
    """As an API server of Kubernetes sends it."""
    pod = {
        "kind": "Pod", "apiVersion": "v1",
        "metadata": {"generateName": "app-", "namespace": namespace, "creationTimestamp": None},
        "spec": {"containers": [{"name": "app", "image": image, "resources": {}}], "schedulerName": "default-scheduler", **spec},
        "status": {},
    }  # fmt: skip
    request = {
        "uid": "705ab4f5-6393-11e8-b7cc-42010a800002", "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "resource": {"group": "", "version": "v1", "resource": "pods"}, "namespace": namespace, "operation": "CREATE",
        "userInfo": {"username": "system:serviceaccount:kube-system:replicaset-controller"}, "object": pod,
        "oldObject": None, "dryRun": False, "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
    }  # fmt: skip
    return {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": request}


async def test_a_review_is_answered_in_kind(ask):
    got = await ask("/admission/v1", review(nodeSelector={"kubernetes.io/arch": "arm64"}))
    body = got.json()
    assert (got.status_code, body["kind"], body["apiVersion"]) == (200, "AdmissionReview", "admission.k8s.io/v1")
    response = body["response"]
    assert (response["uid"], response["allowed"]) == ("705ab4f5-6393-11e8-b7cc-42010a800002", False)
    assert response["status"]["code"] == 403
    assert "platform_missing" in response["status"]["message"]


async def test_a_pod_that_may_run_is_admitted_with_a_warning_of_the_nodes_that_do_not_fit(ask):
    response = (await ask("/admission/v1", review())).json()["response"]
    assert response["allowed"] is True
    assert len(response["warnings"]) == 1
    assert "on b" in response["warnings"][0]


async def test_what_was_admitted_unchecked_is_counted(asked, ask):
    asked.environment.machines = {}
    response = (await ask("/admission/v1", review())).json()["response"]
    assert response["allowed"] is True
    assert "archscan_gate_failed_open_total 1.0" in asked.metrics.render(None, None)[1].decode()


ARM64 = {"nodeSelector": {"kubernetes.io/arch": "arm64"}}


def changed(image=IMAGE, old=IMAGE, operation="UPDATE", before=ARM64, **more):
    """A review of something that was there before, as an API server sends it."""
    made, before = review(image, **ARM64), review(old, **before)
    request = made["request"] | {"operation": operation, "oldObject": before["request"]["object"]} | more
    return made | {"request": request}


def deployed(before=ARM64, replicas=3, replicas_before=1, **metadata):
    """The same of a Deployment, which an API server lets anybody scale or label whose pods never started."""
    made = changed(before=before, kind={"group": "apps", "version": "v1", "kind": "Deployment"})
    for name in ("object", "oldObject"):
        pod = made["request"][name]
        made["request"][name] = {
            "kind": "Deployment", "apiVersion": "apps/v1", "metadata": {"name": "app", "namespace": "shop"},
            "spec": {"replicas": replicas_before, "template": {"metadata": {"labels": {"app": "app"}}, "spec": pod["spec"]}},
        }  # fmt: skip
        made["request"][name]["metadata"] |= metadata
    made["request"]["object"]["spec"]["replicas"] = replicas
    return made


def debugged(image):
    """``kubectl debug``: a container that joins a pod which is there."""
    made = changed(subResource="ephemeralcontainers", requestSubResource="ephemeralcontainers")
    pod = made["request"]["object"]
    pod["spec"] = pod["spec"] | {
        "ephemeralContainers": [{"name": "debugger", "image": image, "targetContainerName": "app"}]
    }
    return made


REVIEWS = {
    "a dry run": (changed(operation="CREATE", oldObject=None, dryRun=True), False),
    "an image that changes": (changed(old="r.example/other:1"), False),
    "an operation that is none": (changed(operation=["CREATE"], subResource={"a": []}), True),
    "a label that changes": (changed(), True),
    "its nodes": (changed(before={}), False),
    "a Deployment that is scaled": (deployed(replicas=5), True),
    "a Deployment with other nodes": (deployed({}), False),
    "a Deployment with other nodes, but no pods": (deployed({}, replicas=0), True),
    "a Deployment that gets its first pods": (deployed(replicas_before=0), False),
    "a Deployment that is let go": (deployed({}, deletionTimestamp="2026-11-27T00:00:00Z"), True),
    "an end": (changed(operation="DELETE", object=None), True),
    "an end with its object": (changed(operation="DELETE"), True),
    "a shell in it": (
        changed(operation="CONNECT", subResource="exec", oldObject=None, object={
            "kind": "PodExecOptions", "apiVersion": "v1", "stdin": True, "container": "app", "command": ["sh"]}), True),
    "its state": (changed(old="r.example/other:1", subResource="status"), True),
    "an eviction": (
        changed(operation="CREATE", subResource="eviction", oldObject=None, object={
            "kind": "Eviction", "apiVersion": "policy/v1", "metadata": {"name": "app-1", "namespace": "shop"}}), True),
    "its node": (
        changed(operation="CREATE", subResource="binding", oldObject=None, object={
            "kind": "Binding", "apiVersion": "v1", "target": {"kind": "Node", "name": "b"}}), True),
    "a debugger for another CPU": (debugged(IMAGE), False),
}  # fmt: skip
"""Requests of admission.k8s.io/v1, whether each is admitted: the image lacks what the nodes that it asks for need."""


NEW = deployed(deletionTimestamp="2026-11-27T00:00:00Z")["request"] | {"operation": "CREATE", "oldObject": None}
REVIEWS["a new Deployment that says it ends"] = (REVIEWS["its nodes"][0] | {"request": NEW}, False)


@pytest.mark.parametrize("name", REVIEWS)
async def test_only_what_may_start_something_is_judged(asked, ask, name):
    body, allowed = REVIEWS[name]
    response = (await ask("/admission/v1", body)).json()["response"]
    assert (response["allowed"], "warnings" in response) == (allowed, False)
    assert "archscan_gate_failed_open_total 0.0" in asked.metrics.render(None, None)[1].decode()


@pytest.mark.parametrize("body", [{}, {"kind": "AdmissionReview"}, {"kind": "AdmissionReview", "request": {"uid": ""}}])
async def test_what_is_no_review_is_refused(ask, body):
    assert (await ask("/admission/v1", body)).status_code == 400


async def test_the_webhook_needs_a_token(ask):
    assert (await ask("/admission/v1", review(), token="nobody-knows-this-one")).status_code == 401
