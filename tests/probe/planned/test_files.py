"""Quadlets, systemd units, manifests, Nomad jobs."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.facts import Process, Source
from scanner.probe.planned.kubernetes import manifests
from scanner.probe.planned.nomad import hcl, nomad
from scanner.probe.planned.plans import Plans, UnclearError
from scanner.probe.planned.units import quadlet, systemd


def test_a_unit_is_named_by_its_file_and_continued_lines_are_one():
    unit = b"[Service]\nExecStartPre=-/usr/bin/docker rm -f x\nExecStart=/usr/bin/docker run --rm \\\n  --name %n reg:5000/a:1 --flag\n"

    (planned,) = systemd.plans({"/etc/systemd/system/a.service": unit}).planned

    assert (planned.workload, planned.image, planned.source, planned.process) == (
        "a.service", "reg:5000/a:1", Source.SYSTEMD, Process(cmd=("--flag",)),
    )  # fmt: skip


def test_a_drop_in_replaces_the_command_and_etc_hides_its_namesake():
    texts = {
        "/usr/lib/systemd/system/a.service": b"[Service]\nExecStart=docker run hidden\n",
        "/etc/systemd/system/a.service": b"[Service]\nExecStart=docker run old\n",
        "/etc/systemd/system/a.service.d/x.conf": b"[Service]\nExecStart=\nExecStart=docker run new\n",
    }

    assert [planned.image for planned in systemd.plans(texts).planned] == ["new"]


@pytest.mark.parametrize("line", [b"docker run $IMAGE", b"docker run nginx:%H", b"docker run --rm", b"docker run 'x"])
def test_a_command_that_only_systemd_understands_is_a_gap(line):
    found = systemd.plans({"/etc/systemd/system/a.service": b"[Service]\nExecStart=" + line})

    assert (found.planned, list(found.gaps)) == ((), ["/etc/systemd/system/a.service:2"])


def test_a_quadlet_is_the_service_that_podman_makes_of_it():
    texts = {
        "/etc/containers/systemd/web.container": b"[Container]\nImage=docker.io/nginx:1\nPodmanArgs=--arch arm64\nExec=run me\n",
        "/etc/containers/systemd/web.container.d/10.conf": b"[Container]\nImage=docker.io/nginx:2\n",
        "/etc/containers/systemd/ref.container": b"[Container]\nImage=base.image\n",
        "/etc/containers/systemd/base.image": b"[Image]\nImage=quay.io/base\nArch=s390x\n",
        "/etc/containers/systemd/own.container": b"[Container]\nImage=own.build\n",
        "/etc/containers/systemd/own.build": b"[Build]\nImageTag=localhost/own:1\nFile=/srv/Containerfile\n",
        "/etc/containers/systemd/pod.kube": b"[Kube]\nYaml=pod.yaml\n",
        "/etc/containers/systemd/pod.yaml": b"kind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: inpod}]}\n",
        "/etc/containers/systemd/job.kube": b"[Kube]\nYaml=pod.yaml\nYaml=job.yaml\n",
        "/etc/containers/systemd/job.yaml": b"kind: List\nitems:\n- kind: Job\n  metadata: {name: j}\n  spec: {template: {spec: {containers: [{name: c, image: injob}]}}}\n",
    }

    found = quadlet.plans(texts)

    assert dict(found.gaps) == {}
    assert {(p.workload, p.image, str(p.pinned or ""), p.build_only) for p in found.planned} == {
        ("web.service", "docker.io/nginx:2", "linux/arm64", False),
        ("ref.service", "quay.io/base", "linux/s390x", False),
        ("own.service", "localhost/own:1", "", True),
        ("pod.service/c", "inpod", "", False),
        ("job.service/c", "injob", "", False),
        ("job.service/c", "inpod", "", False),
    }
    assert {p.source for p in found.planned} == {Source.QUADLET}
    assert {
        p.workload: (p.since.version, p.since.what) for p in found.planned if p.image != "inpod" or p.workload[0] == "p"
    } == {
        "web.service": ((5, 0), "a drop-in"),
        "ref.service": ((4, 8), "Image= of base.image"),
        "own.service": ((5, 2), "ImageTag= of own.build"),
        "pod.service/c": ((4, 4), "the generator"),
        "job.service/c": ((5, 3), "a Job that Podman plays"),
    }
    (earlier,) = (p for p in found.planned if (p.workload, p.image) == ("job.service/c", "inpod"))
    assert (earlier.since.version, earlier.since.what) == ((5, 7), "another Yaml=")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (b"[Container]\n", ""),
        (b"[Container]\nImage=x:%H\n", ":2"),
        (b"[Container]\nImage=gone.image\n", ""),
        (b"\xff", ""),
    ],
)
def test_a_quadlet_that_leaves_its_image_open_is_a_gap(text, line):
    found = quadlet.plans({"/etc/containers/systemd/a.container": text})

    assert (found.planned, list(found.gaps)) == ((), [f"/etc/containers/systemd/a.container{line}"])


POD = "containers: [{name: c, image: main, command: [/x], args: [y]}], initContainers: [{name: i, image: init}]"


@pytest.mark.parametrize(
    "text",
    [
        f"{{kind: Pod, metadata: {{name: o, namespace: n}}, spec: {{{POD}}}}}",
        *(
            f"{{kind: {kind}, metadata: {{name: o, namespace: n}}, spec: {{template: {{spec: {{{POD}}}}}}}}}"
            for kind in ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job")
        ),
        f"{{kind: CronJob, metadata: {{name: o, namespace: n}}, spec: {{jobTemplate: {{spec: {{template: {{spec: {{{POD}}}}}}}}}}}}}",
        f"{{kind: List, items: [{{kind: Pod, metadata: {{name: o, namespace: n}}, spec: {{{POD}}}}}]}}",
        f"kind: Service\nkind: Pod\nmetadata: {{name: o, namespace: n}}\nspec: {{}}\nspec: {{{POD}}}\n",  # kubectl takes the last
        f"kind: Service\n---\nkind: Pod\nmetadata: {{name: o, namespace: n}}\nspec: {{{POD}}}\n---\n",
    ],
)
def test_every_kind_of_object_plans_its_pod_s_containers(text):
    found = manifests.plans({"/m.yaml": text.encode()})

    assert [(p.workload, p.image, p.process) for p in found.planned] == [
        ("n/o/i", "init", None), ("n/o/c", "main", Process(("/x",), ("y",))),
    ]  # fmt: skip
    assert dict(found.gaps) == {}


@pytest.mark.parametrize(
    "text", [b"kind: Pod\nspec: {containers: [{name: a}]}", b"kind: Pod\nspec: x", b"a: [", b"- x", b"\xff\xfe"]
)
def test_a_manifest_that_is_none_is_a_gap(text):
    found = manifests.plans({"/m.yaml": text})

    assert found.planned == ()
    assert [path.partition(": ")[0] for path in found.gaps] == ["/m.yaml"]


JOB = """
# a job
job "shop" {
  datacenters = ["dc1", "dc2"]
  group "web" {
    count = 1 + 2
    network { port "http" { to = 80 } }
    task "nginx" {
      driver = "docker"
      config {
        image   = "nginx:1"
        args    = ["-g", "daemon off;"]
        labels  = { a = "b" }
      }
      template {
        data = <<EOF
job "trap" { } } image = "no"
EOF
      }
      env { PASSWORD = "x" }
    }
    task "shell" {
      driver = "exec"
      config { command = "/bin/sh" }
    }
    task "open" {
      driver = "podman"
      config { image = "${var.image}" }
    }
  }
}
"""


def test_a_job_file_plans_its_containers():
    found = nomad.plans({"/j.nomad": JOB.encode()})

    assert [(p.workload, p.image, p.process) for p in found.planned] == [
        ("shop/web/nginx", "nginx:1", Process(cmd=("-g", "daemon off;"), env=(("PASSWORD", None),)))
    ]
    assert list(found.gaps) == ["/j.nomad: shop/web/open"]


def test_a_job_file_may_be_json():
    job = {
        "Job": {
            "Name": "j",
            "TaskGroups": [
                {"Name": "g", "Tasks": [{"Name": "t", "Driver": "docker", "Config": {"image": "https://reg/x:1"}}]}
            ],
        }
    }

    assert [(p.workload, p.image) for p in nomad.plans({"/j.json": json.dumps(job).encode()}).planned] == [
        ("j/g/t", "reg/x:1")
    ]


@pytest.mark.parametrize("text", ['job "a" {', "}", '{"Job": 3}', "a {" * 100, '{"Job": {"TaskGroups": 3}}'])
def test_a_job_file_that_is_none_is_a_gap(text):
    assert list(nomad.plans({"/j": text.encode()}).gaps) == ["/j"]


@given(st.text(alphabet='abc "{}[]=\n#/*<>-EOF\\$', max_size=200))
def test_any_text_is_hcl_or_unclear(text):
    with contextlib.suppress(UnclearError):
        assert isinstance(hcl.parse(text), hcl.Block)


@given(st.binary(max_size=200), st.sampled_from([quadlet.plans, systemd.plans, manifests.plans, nomad.plans]))
def test_any_bytes_are_plans_or_gaps(raw, reader):
    for name in ("/etc/a.container", "/etc/a.service", "/etc/a.yaml", "/etc/a.nomad"):
        for prefix in (
            b"",
            b"[Service]\nExecStart=docker run ",
            b"[Container]\nImage=",
            b'job "a" {',
            b"kind: Pod\nspec: ",
        ):
            assert isinstance(reader({name: prefix + raw}), Plans)
