"""Kubernetes manifests: Podman's own ``kube play`` is the witness for what a container is given.

Podman puts no variables into words and knows no cluster: for those the rules of Kubernetes are written down in tables.
"""

import json
import tarfile
from io import BytesIO

import pytest

from scanner.binary.program import argv
from scanner.domain.facts import Mount, Process, Source
from scanner.probe.planned.kubernetes import manifests
from tests.real.engines import Podman
from tests.rows import each_row

IMAGE = Process(("/ep",), ("c1", "c2"), working_dir="/img", env=(("IMG", "1"),), user="3")
CHANGES = ('ENTRYPOINT ["/ep"]', 'CMD ["c1","c2"]', "ENV IMG=1", "WORKDIR /img", "USER 3")

CONTAINERS = {
    "plain": "",
    "command": "command: [/x]",
    "args": "args: [y, z]",
    "both": "command: [/x, --a], args: [y]",
    "empty-command": "command: [], args: [y]",
    "empty-args": "command: [/x], args: []",
    "quoted": """command: ["/x y", 'it''s', "a\\tb"]""",
    "shell": """command: [sh, -c, "exec /x \\"$@\\""], args: [sh, "1"]""",
    "text-numbers": """command: [sleep, "10"]""",
    "directory": "workingDir: /w",
    "relative": "command: [./x], workingDir: /w/v",
    "environment": "env: [{name: A, value: a}, {name: B, value: ''}, {name: C}]",
    "path": "env: [{name: PATH, value: '/opt/bin:/bin'}]",
    "twice": "env: [{name: PATH, value: /a}, {name: PATH, value: /b}]",
    "from-map": "envFrom: [{configMapRef: {name: settings}}]",
    "of-map": "env: [{name: PATH, valueFrom: {configMapKeyRef: {name: settings, key: PATH}}}]",
    "user": "securityContext: {runAsUser: 7}",
    "user-group": "securityContext: {runAsUser: 7, runAsGroup: 8}",
    "root": "securityContext: {runAsUser: 0}",
    "scratch": "volumeMounts: [{name: scratch, mountPath: /scratch}]",
    "host-path": "volumeMounts: [{name: host, mountPath: /host, readOnly: true}]",
    "memory": "volumeMounts: [{name: memory, mountPath: /memory}]",
    "several": "volumeMounts: [{name: scratch, mountPath: /a}, {name: scratch, mountPath: /b}, {name: host, mountPath: /c}]",
    "config-map": "volumeMounts: [{name: settings, mountPath: /etc/settings}]",
    "sub-path": "volumeMounts: [{name: scratch, mountPath: /etc/one.conf, subPath: one.conf}]",
    "merged": "args: [own], workingDir: /own, <<: {args: [merged]}",
    "merged-first": "<<: {args: [merged], workingDir: /merged}, args: [own]",
    "words": "args: [yes, y, off, 22:30]",
    "probed": "livenessProbe: {exec: {command: [/bin/check, x]}}",
    "all": (
        "command: [/x], args: [y], workingDir: /w, env: [{name: PATH, value: /z}], securityContext: {runAsUser: 9}, "
        "volumeMounts: [{name: scratch, mountPath: /x}]"
    ),
}

VOLUMES = "[{name: scratch, emptyDir: {}}, {name: host, hostPath: {path: /tmp}}, {name: memory, emptyDir: {medium: Memory}}, {name: settings, configMap: {name: settings}}]"


def container(name, body):
    return f"{{name: {name}, image: localhost/witness:1, imagePullPolicy: Never{', ' if body else ''}{body}}}"


def pod(name, containers, more=""):
    inner = ", ".join(containers)
    return f"{{apiVersion: v1, kind: Pod, metadata: {{name: {name}}}, spec: {{containers: [{inner}], volumes: {VOLUMES}{more}}}}}"


def templated(kind, version):
    one = container("app", "args: [t]")
    return (
        f"{{apiVersion: {version}, kind: {kind}, metadata: {{name: {kind.lower()}}}, spec: {{"
        f"template: {{metadata: {{labels: {{a: b}}}}, spec: {{containers: [{one}]}}}}}}}}"
    )


MANIFESTS = "\n---\n".join(
    (
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {PATH: /from/map, OTHER: o}}",
        pod("table", [container(name, body) for name, body in CONTAINERS.items()]),
        pod(
            "owned",
            [container("pod-s", ""), container("own", "securityContext: {runAsUser: 7}")],
            ", securityContext: {runAsUser: 5, runAsGroup: 6}",
        ),
        pod("begun", [container("main", "")], f", initContainers: [{container('first', 'command: [/init]')}]"),
        templated("Deployment", "apps/v1"),
    )
)


@pytest.fixture(scope="module")
def created(podman: Podman, require, tmp_path_factory):
    """What Podman made of the table, by the container's name in its pod."""
    require("catatonit", "catatonit")  # what holds a pod open
    folder = tmp_path_factory.mktemp("kube")
    with tarfile.open(folder / "image.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo("file"), BytesIO())
    podman.podman(
        "import",
        *(word for one in CHANGES for word in ("--change", one)),
        str(folder / "image.tar"),
        "localhost/witness:1",
    )
    (folder / "all.yaml").write_text(MANIFESTS)
    podman.podman("kube", "play", "--start=false", "--network", "none", str(folder / "all.yaml"))
    ids = podman.podman("ps", "--all", "--quiet", "--filter", "ancestor=localhost/witness:1").split()
    made = {one["Name"]: one for one in json.loads(podman.podman("inspect", *ids))}
    yield made
    podman.podman("kube", "down", str(folder / "all.yaml"), check=False)


def witnessed(created, plan):
    """What Podman made of a plan: ``POD-CONTAINER``; the pod of a Deployment is called ``NAME-pod`` or ``NAME-pod-0``."""
    _, pod_name, name = plan.workload.split("/")
    return next(one for key, one in created.items() if key.startswith(pod_name) and key.endswith(f"-{name}"))


def _argv(one):
    """Podman tells a lone word twice."""
    return [one["Path"], *(one["Args"] if one["Args"] != [one["Path"]] else ())]


@pytest.mark.system
def test_containers_are_given_what_podman_gives_them(created):
    found = manifests.plans({"/all.yaml": MANIFESTS.encode()}, Source.QUADLET)
    assert dict(found.gaps) == {}
    said, own = {}, {}
    for plan in found.planned:
        name, one = plan.workload, witnessed(created, plan)
        variables = dict(variable.split("=", 1) for variable in one["Config"]["Env"])
        said[name] = (
            _argv(one),
            one["Config"]["WorkingDir"],
            one["Config"]["User"],
            variables.get("PATH"),
            variables.keys() - {"PATH", "TERM", "HOSTNAME", "container", "HOME"},
            {mount["Destination"] for mount in one["Mounts"]},
        )
        command = argv.resolve(IMAGE, plan.process)
        path = (plan.process or Process()).path
        own[name] = (
            list(command.argv),
            command.cwd,
            command.user,
            path,
            {*dict((plan.process or Process()).env or ()), "IMG"} - {"PATH"},
            {mount.destination for mount in plan.mounts or ()},
        )
    assert own == said
    assert len(own) == len(CONTAINERS) + 2 + 2 + 1


# ---------------------------------------------------------------- what only Kubernetes does


def planned(container, more="", beside=""):
    """The one container of a pod, or the reasons why it is not known."""
    text = f"{beside}\n---\n" + pod("web", [f"{{name: app, image: r.example/app:1, {container}}}"], more)
    found = manifests.plans({"/m.yaml": text.encode()})
    (plan,) = found.planned or (None,)
    return plan or [failure.detail for failure in found.gaps.values()]


WORDS = [
    ("$(A)", "a"),
    ("$(A)-$(A)", "a-a"),
    ("x$(B)y", "xb-ay"),
    ("$$(A)_$(A)", "$(A)_a"),
    ("$$$$(A)", "$$(A)"),
    ("$$$$$(A)", "$$a"),
    ("$A ${A} $? $!", "$A ${A} $? $!"),
    ("$(GONE)", "$(GONE)"),
    ("$(date)", "$(date)"),
    ("$(A$(B))", "$(A$(B))"),
    ("$(A", "$(A"),
    ("end$", "end$"),
    ("\\\\$(A)", "\\\\a"),
    ("$(EMPTY)", ""),
    ("$(NODE)", "${NODE}"),  # only the cluster knows: a shell is left the variable
    ("http://$(KUBERNETES_SERVICE_HOST)/", "http://${KUBERNETES_SERVICE_HOST}/"),
]
"""The rules of Kubernetes' own expansion: what is not defined stays, ``$$`` is a dollar, nothing nests."""

VARIABLES = (
    "env: [{name: A, value: a}, {name: B, value: b-$(A)}, {name: EMPTY}, "
    "{name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}]"
)


def test_an_option_is_no_program_whatever_it_says():
    assert planned(f"args: ['--listen=[$(NODE)]:1'], {VARIABLES}").process.cmd == ("--listen=[${NODE}]:1",)


@pytest.mark.parametrize(("word", "put"), WORDS)
def test_variables_are_put_into_words_as_kubernetes_does(word, put):
    plan = planned(f"command: [/x], args: [{json.dumps(word)}], {VARIABLES}")
    assert plan.process.cmd == (put,)


def test_a_variable_of_a_container_goes_before_one_of_a_map():
    beside = "{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {PATH: /from/map}}"
    plan = planned("envFrom: [{configMapRef: {name: settings}}], env: [{name: PATH, value: /own}]", beside=beside)
    assert plan.process.path == "/own"


def test_a_prefix_is_put_before_the_names_of_a_map():
    beside = "{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {PATH: /from/map}}"
    plan = planned("envFrom: [{prefix: P_, configMapRef: {name: settings}}]", beside=beside)
    assert plan.process == Process(env=(("P_PATH", None),))


DOUBLED = "env: [{name: V0, value: ten_chars_}, " + ", ".join(f"{{name: V{n}, value: $(V{n - 1})$(V{n - 1})}}" for n in range(1, 60)) + "]"  # fmt: skip


@pytest.mark.parametrize(
    ("container", "why"),
    [
        (
            "command: [$(NODE)], env: [{name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}]",
            "only the cluster knows",
        ),
        ("args: [$(TOOL)], envFrom: [{secretRef: {name: tools}}]", "only the cluster knows"),
        ("env: [{name: PATH, valueFrom: {secretKeyRef: {name: a, key: b}}}]", "only the cluster knows"),
        ("command: [sleep, 10]", "no text"),
        ("command: /x", "is no list"),
        ("env: [{name: A, value: 1}]", "is no text"),
        (DOUBLED, "what its variables stand for has more than 2097152 characters"),
        (f"args: ['{'$(V)' * 30}'], env: [{{name: V, value: {'v' * 100_000}}}]", "more than 2097152 characters"),
        ("env: {A: a}", "is no list"),
        ("workingDir: [a]", "is no text"),
        ("securityContext: {runAsUser: root}", "is no number"),
        ("volumeMounts: [{name: scratch}]", "without a mountPath"),
        ("image: ''", "has no image"),
        ("image: ' a:1 '", "a space around it"),
        ("image: '{{ .Values.image }}'", "a template"),
        ("image: 'r.example/app:${TAG}'", "a template"),
        ("image: 'r.example/app:$(TAG)'", "a template"),
    ],
)
def test_a_container_that_only_others_can_name_or_kubernetes_refuses_is_a_gap(container, why):
    (said,) = planned(container)
    assert why in said


def test_exec_probes_and_hooks_are_checks():
    plan = planned(
        "livenessProbe: {exec: {command: [/bin/live, x]}}, readinessProbe: {httpGet: {path: /}}, startupProbe: {exec: "
        "{command: [/bin/up]}}, lifecycle: {postStart: {exec: {command: [/bin/began]}}, preStop: {sleep: {seconds: 1}}}"
    )
    assert plan.checks == (("/bin/up",), ("/bin/live", "x"), ("/bin/began",))


def test_mounts_tell_what_stands_over_a_path():
    plan = planned(
        "volumeMounts: [{name: scratch, mountPath: /a}, {name: host, mountPath: b}, {name: memory, mountPath: /c}, "
        "{name: settings, mountPath: /d}, {name: claimed, mountPath: /e}, {name: tools, mountPath: /f}]",
        ", volumes: [{name: scratch, emptyDir: {}}, {name: host, hostPath: {path: /x}}, {name: memory, emptyDir: "
        "{medium: Memory}}, {name: settings, configMap: {name: s}}, {name: tools, image: {reference: r.example/tools}}]",
    )
    kinds = {"/a": "volume", "/b": "bind", "/c": "tmpfs", "/d": "volume", "/e": "volume", "/f": "image"}
    assert plan.mounts == tuple(Mount(path, kind) for path, kind in kinds.items())


def test_values_of_variables_that_no_judgement_reads_are_not_carried_on():
    plan = planned("env: [{name: PASSWORD, value: hunter2}, {name: LD_PRELOAD, value: /x.so}, {name: PATH, value: /p}]")
    assert plan.process.env == (("PASSWORD", None), ("LD_PRELOAD", "/x.so"), ("PATH", "/p"))
    assert "hunter2" not in repr(plan)


# ---------------------------------------------------------------- kinds of objects

SPEC = "containers: [{name: app, image: r.example/app:1}]"
TEMPLATE = f"template: {{spec: {{{SPEC}}}}}"

READ = [
    ("v1", "Pod", SPEC),
    ("apps/v1", "Deployment", TEMPLATE),
    ("apps/v1", "StatefulSet", TEMPLATE),
    ("apps/v1", "DaemonSet", TEMPLATE),
    ("apps/v1", "ReplicaSet", TEMPLATE),
    ("extensions/v1beta1", "Deployment", TEMPLATE),
    ("v1", "ReplicationController", TEMPLATE),
    ("batch/v1", "Job", TEMPLATE),
    ("batch/v1", "CronJob", f"jobTemplate: {{spec: {{{TEMPLATE}}}}}"),
    ("argoproj.io/v1alpha1", "Rollout", TEMPLATE),
    ("serving.knative.dev/v1", "Service", TEMPLATE),
    ("serving.knative.dev/v1", "Configuration", TEMPLATE),
    ("serving.knative.dev/v1", "Revision", SPEC),
    ("apps.openshift.io/v1", "DeploymentConfig", TEMPLATE),
    ("apps.kruise.io/v1alpha1", "CloneSet", TEMPLATE),
    ("apps.kruise.io/v1beta1", "StatefulSet", TEMPLATE),
    ("apps.kruise.io/v1alpha1", "BroadcastJob", TEMPLATE),
    ("keda.sh/v1alpha1", "ScaledJob", "jobTargetRef: {}, " + TEMPLATE),
]

UNREAD = [
    ("argoproj.io/v1alpha1", "Rollout", "workloadRef: {kind: Deployment, name: web}"),
    ("monitoring.coreos.com/v1", "Prometheus", "replicas: 2"),
    ("elasticsearch.k8s.elastic.co/v1", "Elasticsearch", "version: 8.1.0"),
    ("argoproj.io/v1alpha1", "Workflow", "templates: [{name: a, container: {image: a}}]"),
    ("argoproj.io/v1alpha1", "Workflow", "workflowTemplateRef: {name: a}"),
    ("argoproj.io/v1alpha1", "Application", "source: {repoURL: https://git.example/a}"),
    ("argoproj.io/v1alpha1", "ApplicationSet", "generators: []"),
    ("tekton.dev/v1", "Task", "steps: [{name: a, image: a}]"),
    ("apps.kruise.io/v1alpha1", "SidecarSet", SPEC),
    ("apps.kruise.io/v1alpha1", "AdvancedCronJob", f"template: {{jobTemplate: {{spec: {{{TEMPLATE}}}}}}}"),
    ("jobset.x-k8s.io/v1alpha2", "JobSet", f"replicatedJobs: [{{name: a, template: {{spec: {{{TEMPLATE}}}}}}}]"),
    ("kubeflow.org/v1", "TFJob", f"tfReplicaSpecs: {{Worker: {{{TEMPLATE}}}}}"),
    ("monitoring.coreos.com/v1", "Prometheus", "image: quay.example/prometheus:v3"),
    ("postgresql.cnpg.io/v1", "Cluster", "imageName: ghcr.example/postgresql:17"),
    ("kubevirt.io/v1", "VirtualMachine", "template: {spec: {volumes: [{containerDisk: {image: a}}]}}"),
    ("helm.toolkit.fluxcd.io/v2", "HelmRelease", "chart: {spec: {chart: a}}"),
    ("helm.cattle.io/v1", "HelmChart", "chart: a"),
    ("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "path: ./a"),
    ("template.openshift.io/v1", "Template", "{}"),
    ("batch.volcano.sh/v1alpha1", "Job", f"tasks: [{{name: a, {TEMPLATE}}}]"),
    ("apps.example/v1", "Deployment", SPEC),
    ("stable.example/v1", "CronJob", "cronSpec: '* * * * *', image: a"),
]

NOTHING = [
    ("v1", "Service", "selector: {a: b}"),
    ("v1", "ConfigMap", "image: a"),
    ("v1", "Secret", "x: y"),
    (
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        "versions: [{schema: {image: a, containers: [{image: a}]}}]",
    ),
    ("networking.k8s.io/v1", "Ingress", "rules: []"),
    ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy", "image: a"),
    ("cert-manager.io/v1", "Certificate", "secretName: a"),
    ("kyverno.io/v1", "ClusterPolicy", "rules: [{validate: {pattern: {spec: {containers: [{image: '!*:latest'}]}}}}]"),
    ("image.toolkit.fluxcd.io/v1beta2", "ImageRepository", "image: ghcr.example/a"),
    ("source.toolkit.fluxcd.io/v1", "HelmChart", "chart: a"),
    ("skaffold/v4beta6", "Config", "artifacts: [{image: a}]"),
    ("kops.k8s.io/v1alpha2", "InstanceGroup", "image: ubuntu"),
    ("backstage.io/v1alpha1", "Component", "image: a"),
    ("monitoring.coreos.com/v1", "PrometheusRule", "groups: [{name: a}]"),
    ("cluster.x-k8s.io/v1beta1", "MachineDeployment", "template: {spec: {version: a}}"),
    ("apps/v1", "Deployment", "replicas: 0, " + TEMPLATE),
    ("argoproj.io/v1alpha1", "Rollout", "replicas: 0, " + TEMPLATE),
    ("batch/v1", "Job", "parallelism: 0, " + TEMPLATE),
]


def an_object(version, kind, spec):
    return f"{{apiVersion: {version}, kind: {kind}, metadata: {{name: web, namespace: shop}}, spec: {{{spec.strip('{}') if spec == '{}' else spec}}}}}"


def outcome(text):
    found = manifests.plans({"/m.yaml": text.encode()})
    return "gap" if found.gaps else "planned" if found.planned else "nothing"


KINDS = [*((one, "planned") for one in READ), *((one, "gap") for one in UNREAD), *((one, "nothing") for one in NOTHING)]


@pytest.mark.parametrize(("described", "what"), KINDS, ids=[f"{kind}-{what}" for (_, kind, _), what in KINDS])
def test_a_kind_is_read_a_gap_or_nothing(described, what):
    assert outcome(an_object(*described)) == what


@pytest.mark.parametrize("kind", ["List", "DeploymentList"])
def test_a_list_is_what_its_items_are(kind):
    items = [an_object("apps/v1", "Deployment", TEMPLATE)]
    if kind == "DeploymentList":
        items.append("{metadata: {name: other, namespace: shop}, spec: {" + TEMPLATE + "}}")
    found = manifests.plans({"/m.yaml": f"{{apiVersion: v1, kind: {kind}, items: [{', '.join(items)}]}}".encode()})
    names = [plan.workload for plan in found.planned]
    assert names == ["shop/web/app", "shop/other/app"][: len(items)]


def test_kubernetes_reads_yaml_with_another_library_than_podman():
    merged = pod("p", ["{name: c, image: own, <<: {image: merged}}", "{name: d, image: d, args: [yes]}"])
    kubernetes = manifests.plans({"/m.yaml": merged.encode()})
    podman = manifests.plans({"/m.yaml": merged.encode()}, Source.SYSTEMD)
    assert [plan.image for plan in kubernetes.planned] == ["merged"]
    assert list(kubernetes.gaps) == ["/m.yaml: default/p/d"]
    assert [(plan.image, plan.process) for plan in podman.planned] == [("own", None), ("d", Process(cmd=("yes",)))]


OF_PODMAN = [
    ("Deployment", "", 1), ("DaemonSet", "", 1), ("Job", "", 1), ("StatefulSet", "", 0), ("ReplicaSet", "", 0), ("ReplicationController", "", 0),
    ("Deployment", "replicas: 0, ", 0), ("Job", "parallelism: 0, ", 0), ("Deployment", "replicas: 5, ", 1),
]  # fmt: skip
"""As Podman 5.4 plays them; of a Deployment without replicas 4.3 starts nothing, 5.4 a pod."""


@each_row("kind, asked, count", OF_PODMAN)
def test_what_podman_does_not_play_is_a_gap_where_it_is_to(kind, asked, count):
    text = f"{{apiVersion: v1, kind: {kind}, metadata: {{name: a}}, spec: {{{asked}{TEMPLATE}}}}}"
    found = manifests.plans({"/m.yaml": text.encode()}, Source.QUADLET)
    assert (len(found.planned), len(found.gaps)) == (count, 1 - count)
    assert count or "Podman" in found.gaps["/m.yaml: default/a"].detail


COUNTED = [
    (("argoproj.io/v1alpha1", "Rollout", "workloadRef: {apiVersion: apps/v1, kind: Deployment, name: web}"), 1),
    (("argoproj.io/v1alpha1", "Rollout", "replicas: 0, workloadRef: {kind: Deployment, name: web}"), 0),
    (("keda.sh/v1alpha1", "ScaledObject", "scaleTargetRef: {name: web}, minReplicaCount: 0"), 1),
    (("keda.sh/v1alpha1", "ScaledObject", "scaleTargetRef: {name: web}, maxReplicaCount: 0"), 0),
    (("keda.sh/v1alpha1", "ScaledObject", "scaleTargetRef: {kind: StatefulSet, name: web}"), 0),
    (
        (
            "http.keda.sh/v1alpha1",
            "HTTPScaledObject",
            "scaleTargetRef: {kind: Deployment, name: web}, replicas: {min: 0, max: 10}",
        ),
        1,
    ),
    (("autoscaling/v2", "HorizontalPodAutoscaler", "scaleTargetRef: {kind: Deployment, name: web}, minReplicas: 1"), 0),
]


@pytest.mark.parametrize(("other", "count"), COUNTED)
def test_no_replicas_are_some_where_another_object_counts_them(other, count):
    idle = an_object("apps/v1", "Deployment", "replicas: 0, " + TEMPLATE)
    found = manifests.plans({"/d.yaml": idle.encode(), "/m.yaml": an_object(*other).encode()})
    assert ([plan.image for plan in found.planned], found.gaps) == (["r.example/app:1"] * count, {})


def test_a_rollout_that_another_object_starts_starts_its_own():
    idle = an_object("apps/v1", "Deployment", "replicas: 0, " + TEMPLATE)
    rollout = an_object("argoproj.io/v1alpha1", "Rollout", "replicas: 0, workloadRef: {kind: Deployment, name: web}")
    scaled = an_object("keda.sh/v1alpha1", "ScaledObject", "scaleTargetRef: {kind: Rollout, name: web}")
    found = manifests.plans({"/d.yaml": idle.encode(), "/r.yaml": rollout.encode(), "/s.yaml": scaled.encode()})
    assert ([plan.image for plan in found.planned], found.gaps) == (["r.example/app:1"], {})


def test_one_object_that_is_not_understood_costs_the_others_nothing():
    good, bad = an_object("apps/v1", "Deployment", TEMPLATE), an_object("apps/v1", "Deployment", "template: 3")
    found = manifests.plans({"/m.yaml": f"{bad}\n---\n{good}".encode()})
    assert [plan.image for plan in found.planned] == ["r.example/app:1"]
    assert list(found.gaps) == ["/m.yaml: shop/web"]


def test_a_static_pod_that_the_probe_sent_without_its_values_is_planned():
    found = manifests.plans(
        {
            "/m.yaml": b"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - name: c\n    image: i\n    env: {}\n"
        }
    )
    assert [(plan.image, plan.source) for plan in found.planned] == [("i", Source.KUBERNETES)]
