"""Take down from Kubernetes' own OpenAPI document what tests hold against it.

    python -m tests.probe.planned.kubernetes.record swagger.json 1.36 > tests/data/kubernetes/openapi.json

The document is api/openapi-spec/swagger.json of Kubernetes' repository.
"""

import json
import sys
from pathlib import Path

CONTAINER = "io.k8s.api.core.v1.Container"
FIELDS = (
    "PodSpec", "Container", "EphemeralContainer", "Volume", "VolumeMount", "Probe", "Lifecycle", "LifecycleHandler",
    "ExecAction", "Affinity", "NodeAffinity", "NodeSelector", "NodeSelectorTerm", "NodeSelectorRequirement", "EnvVar",
    "EnvVarSource", "EnvFromSource", "EmptyDirVolumeSource", "SecurityContext", "PodSecurityContext", "PodOS", "WindowsSecurityContextOptions",
)  # fmt: skip


def referred(value):
    todo = [value]
    while todo:
        one = todo.pop()
        if isinstance(one, dict):
            if isinstance(one.get("$ref"), str):
                yield one["$ref"].rpartition("/")[2]
            todo += one.values()
        elif isinstance(one, list):
            todo += one


def reached(definitions, name):
    seen, todo = set(), [name]
    while todo:
        one = todo.pop()
        if one not in seen:
            seen.add(one)
            todo += referred(definitions[one])
    return seen


def recorded(document, version):
    definitions = document["definitions"]
    kinds = {"starts": set(), "starts_nothing": set()}
    for name, body in definitions.items():
        is_start = CONTAINER in reached(definitions, name)
        for one in body.get("x-kubernetes-group-version-kind", ()):
            kinds["starts" if is_start else "starts_nothing"].add(f"{one['group']}/{one['kind']}")
    fields = {name: sorted(definitions[f"io.k8s.api.core.v1.{name}"]["properties"]) for name in FIELDS}
    return {"version": version, **{key: sorted(of) for key, of in kinds.items()}, "fields": fields}


if __name__ == "__main__":
    print(json.dumps(recorded(json.loads(Path(sys.argv[1]).read_text()), sys.argv[2]), indent=1))
