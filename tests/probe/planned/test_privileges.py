"""The groups, capabilities and root that a plan gives a container, in each of the formats that plans are written in."""

import pytest

from scanner.domain.facts import Privileges
from scanner.probe import privileges
from scanner.probe.planned.commands.command_lines import find
from scanner.probe.planned.commands.container_options import container
from scanner.probe.planned.compose import compose
from scanner.probe.planned.kubernetes import manifests
from scanner.probe.planned.nomad import nomad
from scanner.probe.planned.swarm import stack
from scanner.probe.planned.unknown_text import UNKNOWN

NONE = Privileges()
WITHOUT = Privileges(loses=("ALL",))
AGAIN = Privileges((), ("DAC_OVERRIDE",), ("ALL",))
EVERY = Privileges(gains=("ALL",))


def of(process):
    return process.privileges if process is not None else NONE


def of_plans(found):
    assert dict(found.gaps) == {}
    (plan,) = found.planned
    return of(plan.process)


@pytest.mark.parametrize(
    ("added", "dropped", "engine", "kubelet"),
    [
        ("", "", NONE, NONE),
        ("", "ALL", WITHOUT, WITHOUT),
        ("", "all", WITHOUT, WITHOUT),
        ("", "CAP_DAC_OVERRIDE", Privileges((), (), ("DAC_OVERRIDE",)), Privileges((), (), ("DAC_OVERRIDE",))),
        ("", "CHOWN net_raw", Privileges((), (), ("CHOWN", "NET_RAW")), Privileges((), (), ("CHOWN", "NET_RAW"))),
        ("NET_ADMIN", "ALL", Privileges((), ("NET_ADMIN",), ("ALL",)), Privileges((), ("NET_ADMIN",), ("ALL",))),
        ("DAC_OVERRIDE", "ALL", AGAIN, AGAIN),
        ("KILL", "KILL", Privileges((), ("KILL",)), Privileges((), (), ("KILL",))),
        ("ALL", "KILL", Privileges((), ("ALL",), ("KILL",)), Privileges((), ("ALL",), ("KILL",))),
        ("ALL", "ALL", EVERY, WITHOUT),
    ],
)
def test_what_is_named_twice_is_read_as_its_runtime_reads_it(added, dropped, engine, kubelet):
    words = {"added": added.split(), "dropped": dropped.split()}
    assert (privileges.by_engine(**words), privileges.by_kubelet(**words)) == (engine, kubelet)
    assert privileges.by_engine(**words, is_privileged=True) == EVERY
    assert privileges.by_kubelet(**words, is_privileged=True) == EVERY


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("group_add: [50, staff]", Privileges(("50", "staff"))),
        ("cap_drop: [ALL]", WITHOUT),
        ("cap_drop: [ALL], cap_add: [CAP_DAC_OVERRIDE]", AGAIN),
        ("cap_drop: [ALL], privileged: true", EVERY),
        ("cap_drop: ['${DROPPED:-ALL}'], group_add: ['${GROUP:-7}']", Privileges(("7",), loses=("ALL",))),
    ],
)
def test_a_service_of_compose_has_them(said, expected):
    text = f"services: {{web: {{image: a, {said}}}}}"
    assert of_plans(compose.plans({"/srv/shop/compose.yaml": text.encode()})) == expected


def test_a_service_of_a_stack_is_never_privileged():
    text = b"version: '3.8'\nservices: {web: {image: a, cap_drop: [ALL], privileged: true}}\n"
    assert of_plans(stack.plans({"/srv/shop/stack.yml": text}, "/srv/shop/stack.yml")) == WITHOUT


def test_a_group_that_nothing_sets_is_a_gap_of_its_service():
    found = compose.plans({"/srv/shop/compose.yaml": b"services: {web: {image: a, group_add: ['${NOWHERE}']}}"})
    assert found.planned == ()
    assert len(found.gaps) == 1


@pytest.mark.parametrize(
    ("of_pod", "own", "expected"),
    [
        ("supplementalGroups: [50, 51], fsGroup: 7", "", Privileges(("50", "51", "7"))),
        ("", "capabilities: {drop: [ALL]}", WITHOUT),
        ("", "capabilities: {drop: [ALL], add: [DAC_OVERRIDE]}", AGAIN),
        ("", "capabilities: {drop: [ALL]}, privileged: true", EVERY),
        ("", "supplementalGroups: [50]", NONE),
    ],
)
def test_a_pod_s_container_has_them(of_pod, own, expected):
    text = f"""apiVersion: v1
kind: Pod
metadata: {{name: web}}
spec:
  securityContext: {{{of_pod}}}
  containers: [{{name: c, image: a, securityContext: {{{own}}}}}]
"""
    assert of_plans(manifests.plans({"/k/pod.yaml": text.encode()})) == expected


@pytest.mark.parametrize("wrong", ["supplementalGroups: [staff]", "fsGroup: x", "supplementalGroups: 5"])
def test_groups_of_a_pod_that_are_no_numbers_are_a_gap(wrong):
    text = f"""apiVersion: v1
kind: Pod
metadata: {{name: web}}
spec: {{securityContext: {{{wrong}}}, containers: [{{name: c, image: a}}]}}
"""
    found = manifests.plans({"/k/pod.yaml": text.encode()})
    assert found.planned == ()
    assert len(found.gaps) == 1


def test_capabilities_of_a_pod_that_are_no_texts_are_a_gap():
    text = b"apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: c, image: a, securityContext: {capabilities: {drop: [1]}}}]}\n"
    assert len(manifests.plans({"/k/pod.yaml": text}).gaps) == 1


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("docker run --cap-drop ALL --group-add 50 --group-add=staff a", Privileges(("50", "staff"), loses=("ALL",))),
        ("docker run --cap-drop ALL --cap-add dac_override a", AGAIN),
        ("docker run --cap-drop ALL --privileged a", EVERY),
        ("docker run --cap-drop ALL --privileged=false a", WITHOUT),
        ("podman run --cap-drop CHOWN,DAC_OVERRIDE --group-add 50,51 a", Privileges(("50", "51"), loses=("CHOWN", "DAC_OVERRIDE"))),
    ],
)  # fmt: skip
def test_a_command_gives_them(line, expected):
    made = _run(line)
    assert (of(made.process), made.gaps) == (expected, [])


def _run(line):
    ((run, _),) = find(tuple(line.split()), {}).started
    return container(run, {}, lambda _: None)


POD = (
    "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: c, image: a, securityContext: {%s}}]}"
)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("docker run --read-only a", True),
        ("podman run --read-only=false a", None),
        ("services: {web: {image: a, read_only: true}}", True),
        ("services: {web: {image: a, read_only: false}}", None),
        (POD % "readOnlyRootFilesystem: true", True),
        (POD % "readOnlyRootFilesystem: false", None),
        ('job "j" { group "g" { task "t" {\n driver = "docker"\n config {\n image = "a"\n readonly_rootfs = true\n}\n} } }', True),
    ],
)  # fmt: skip
def test_a_root_that_is_read_only_is_told(said, expected):
    if said.startswith(("docker", "podman")):
        process = _run(said).process
    else:
        read, path = (
            (compose.plans, "/srv/shop/compose.yaml") if said.startswith("services")
            else (manifests.plans, "/k/pod.yaml") if said.startswith("apiVersion") else (nomad.plans, "/n/j.nomad")
        )  # fmt: skip
        (plan,) = read({path: said.encode()}).planned
        process = plan.process
    assert (process.read_only if process else None) is expected


@pytest.mark.parametrize(
    ("line", "gap"),
    [
        (f"docker run --group-add {UNKNOWN} a", "only the running host knows --group-add"),
        ("podman run --group-add keep-groups a", "--group-add keep-groups gives it the groups of who starts it"),
    ],
)
def test_groups_that_only_the_running_host_knows_are_a_gap(line, gap):
    made = _run(line)
    assert of(made.process) == NONE
    assert [each[: len(gap)] for each in made.gaps] == [gap]


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ('cap_drop = ["all"]', WITHOUT),
        ('cap_drop = ["all"]\ncap_add = ["dac_override"]', AGAIN),
        ('cap_drop = ["all"]\nprivileged = true', EVERY),
        ('group_add = ["50", "staff"]', Privileges(("50", "staff"))),
    ],
)
def test_a_task_of_nomad_has_them(config, expected):
    text = (
        f'job "s" {{\ngroup "g" {{\ntask "t" {{\ndriver = "docker"\nconfig {{\nimage = "a"\n{config}\n}}\n}}\n}}\n}}\n'
    )
    assert of_plans(nomad.plans({"/j.nomad": text.encode()})) == expected


@pytest.mark.parametrize(
    ("made", "has"),
    [
        (NONE, None),
        (WITHOUT, False),
        (AGAIN, True),
        (EVERY, True),
        (Privileges(gains=("ALL",), loses=("DAC_OVERRIDE",)), False),
        (Privileges(gains=("KILL",)), None),
    ],
)
def test_what_is_named_counts_before_all(made, has):
    assert (made.has("DAC_OVERRIDE"), made.lacks_override) == (has, has is False)
