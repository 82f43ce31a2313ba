"""What is known of Kubernetes' kinds is what its own OpenAPI document says (tests/data/kubernetes, of 1.36)."""

import ast
import json
from pathlib import Path

import pytest

from scanner.probe.planned.kubernetes import kinds as kube_kinds
from scanner.probe.planned.kubernetes import pod_environment, pod_placement, pods

RECORDED = json.loads((Path(__file__).parents[3] / "data/kubernetes/openapi.json").read_text())
STARTS = [tuple(one.split("/")) for one in RECORDED["starts"]]
NOTHING = [tuple(one.split("/")) for one in RECORDED["starts_nothing"]]


def test_the_kinds_with_pods_are_those_that_lead_to_a_container():
    assert {kind for _, kind in STARTS if not kind.endswith("List")} == kube_kinds.WITH_PODS


def test_no_other_kind_of_kubernetes_starts_anything():
    assert [one for one in NOTHING if not kube_kinds.starts_nothing(one[1], one[0])] == []


def test_no_kind_that_starts_containers_is_passed_over():
    kinds = [one for one in STARTS if not one[1].endswith("List")]
    assert [one for one in kinds if kube_kinds.starts_nothing(one[1], one[0])] == []


def test_names_that_texts_are_told_by_are_of_kinds_that_start_nothing():
    known = {kind for _, kind in NOTHING} | {"PodSecurityPolicy", "User", "Group"}  # the first is of Kubernetes 1.24
    assert [kind for kind in kube_kinds._OWN_WITHOUT_CONTAINERS if kind not in known] == []
    assert not kube_kinds._OWN_WITHOUT_CONTAINERS & {kind for _, kind in STARTS}


FIELDS = sorted({name for fields in RECORDED["fields"].values() for name in fields})


@pytest.mark.parametrize("module", [pods, pod_environment, pod_placement])
def test_every_field_that_is_read_is_one_of_kubernetes(module):
    tree = ast.parse(Path(module.__file__).read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "get"]
    read = {call.args[0].value for call in calls if isinstance(call.args[0], ast.Constant)}
    assert read
    assert read - set(FIELDS) - {"PATH"} == set()  # a variable
