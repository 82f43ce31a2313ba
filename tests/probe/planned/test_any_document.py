"""Whatever stands at a place where the owner of a format wants something else, a reader says planned, gap or nothing."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.probe.planned import folder
from scanner.probe.planned.file_kinds import FileOutcome
from scanner.probe.planned.nomad import hcl

KEYS = st.sampled_from([
    "apiVersion", "kind", "metadata", "name", "namespace", "spec", "template", "jobTemplate", "items", "replicas", "containers",
    "initContainers", "image", "command", "args", "env", "envFrom", "value", "valueFrom", "configMapKeyRef", "configMapRef",
    "key", "prefix", "volumeMounts", "mountPath", "volumes", "emptyDir", "medium", "securityContext", "runAsUser", "lifecycle",
    "livenessProbe", "exec", "nodeSelector", "affinity", "nodeAffinity", "nodeSelectorTerms", "matchExpressions", "operator",
    "values", "requiredDuringSchedulingIgnoredDuringExecution", "os", "nodeName", "data", "workingDir", "resources", "patches",
    "images", "services", "build", "version", "extends", "Job", "TaskGroups", "Tasks", "Config", "Driver", "Env", "Services",
    "Checks", "Constraints", "VolumeMounts", "job", "group", "task", "config", "driver", "variable", "locals", "default", "mount",
    "constraint", "service", "check", "count", "dynamic", "type",
])  # fmt: skip
WORDS = st.sampled_from([
    "", "v1", "Pod", "Deployment", "List", "CronJob", "Job", "ConfigMap", "Rollout", "r.example/app:1", "$(A)", "${var.a}", "docker",
    "script", "In", "Gt", "kubernetes.io/arch", "a", "{{ a }}", "Kustomization", "Application",
])  # fmt: skip
VALUES = st.recursive(
    st.one_of(WORDS, st.none(), st.booleans(), st.integers(-2, 9), st.floats(allow_nan=False)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=5)),
    max_leaves=25,
)
POD_FIELDS = st.dictionaries(KEYS, VALUES, max_size=6)
NAMES = st.sampled_from(
    [
        "a.json",
        "compose.yaml",
        "docker-stack.yml",
        "kustomization.yaml",
        "Chart.yaml",
        "a.nomad",
        "a.nomad.json",
        "x-stack.yml",
    ]
)


def look_at(name, document):
    found = folder.plans({f"w/{name}": json.dumps(document).encode()}, "w")
    (outcome,) = found.outcomes.values()
    assert outcome in FileOutcome
    assert bool(found.gaps) is (outcome is FileOutcome.GAP)


@settings(max_examples=60, deadline=None)
@given(NAMES, VALUES)
def test_any_document_in_a_file_of_any_name(name, document):
    look_at(name, document)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["Pod", "Deployment", "CronJob", "Rollout", "Workflow"]), POD_FIELDS, POD_FIELDS)
def test_any_fields_of_a_pod(kind, spec, container):
    pod = {**spec, "containers": [container, {"name": "c", "image": "i", **container}]}
    inner = pod if kind == "Pod" else {"template": {"spec": pod}}
    inner = {"jobTemplate": {"spec": inner}} if kind == "CronJob" else inner
    look_at("a.json", {"apiVersion": "v1", "kind": kind, "metadata": {"name": "a"}, "spec": inner})


@settings(max_examples=60, deadline=None)
@given(POD_FIELDS, POD_FIELDS, POD_FIELDS)
def test_any_fields_of_a_task(job, task, config):
    body = {"driver": "docker", **task, "config": config}
    look_at("a.nomad", {"job": {"a": {**job, "group": {"b": {"task": {"c": body}}}}}})
    request = {"Driver": "docker", **task, "Config": config}
    look_at("a.json", {"Job": {**job, "TaskGroups": [{"Name": "b", "Tasks": [request]}]}})


@given(st.text(max_size=100))
def test_any_text_is_a_template_or_unclear(text):
    try:
        hcl.template(text)
    except hcl.UnclearError:
        return
