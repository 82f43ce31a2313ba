"""Nomad's job files: what a task's container is given, what only Nomad can tell."""

import json

import hcl2
import pytest
from hcl2 import SerializationOptions

from scanner.domain.facts import Mount, Process, Source
from scanner.probe.planned.nomad import nomad
from tests import counted

OWN_FOLDERS = ("/alloc", "/local", "/secrets")


def job(config="", task="", group="", top="", before=""):
    return f"""{before}
job "shop" {{
  {top}
  group "web" {{
    {group}
    task "app" {{
      driver = "docker"
      {task}
      config {{
        image = "r.example/app:1"
        {config}
      }}
    }}
  }}
}}
"""


def read(text, path="/j.nomad"):
    return nomad.plans({path: text.encode()})


def planned(text):
    found = read(text)
    assert dict(found.gaps) == {}
    (plan,) = found.planned
    return plan


PROCESSES = [
    ("", "", None),
    ('command = "/x"', "", Process(cmd=("/x",))),
    ('command = "/x"\nargs = ["a", "b c"]', "", Process(cmd=("/x", "a", "b c"))),
    ('args = ["a"]', "", Process(cmd=("a",))),
    ('entrypoint = ["/e", "f"]\nargs = ["a"]', "", Process(("/e", "f"), ("a",))),
    ('args = [\n"a", # one\n"b",\n]', "", Process(cmd=("a", "b"))),
    ('args = ["-c", <<EOF\nexec /x\nEOF\n]', "", Process(cmd=("-c", "exec /x\n"))),
    ('args = ["a\\tb\\u0041", "$${c}"]', "", Process(cmd=("a\tbA", "${c}"))),
    ('args = ["-p", "${NOMAD_PORT_http}", "${attr.cpu.arch}"]', "", Process(cmd=("-p", "${NOMAD_PORT_http}", "${attr.cpu.arch}"))),
    ("args = [8080, true]", "", Process(cmd=("8080", "true"))),
    ('work_dir = "/w"', "", Process(working_dir="/w")),
    ("init = true", "", Process(init=True)),
    ("", 'user = "1000:1000"', Process(user="1000:1000")),
    ("", 'env {\nPATH = "/p"\nSECRET = "s"\n}', Process(path="/p", env=(("PATH", "/p"), ("SECRET", None)))),
    ("", 'env = { PATH = "/p" }', Process(path="/p", env=(("PATH", "/p"),))),
]  # fmt: skip


@pytest.mark.parametrize(("config", "task", "process"), PROCESSES)
def test_a_task_is_given_what_its_driver_gives(config, task, process):
    plan = planned(job(config, task))
    assert (plan.workload, plan.image, plan.source, plan.engine) == (
        "shop/web/app",
        "r.example/app:1",
        Source.NOMAD,
        "docker",
    )
    assert plan.process == process


def test_mounts_of_every_form_stand_over_paths():
    config = """
        volumes = ["data:/data", "/srv/x:/x:ro", "/only"]
        mount { type = "tmpfs"
          target = "/scratch" }
        mounts = [{ type = "bind", source = "a", target = "/b" }]
    """
    plan = planned(job(config, 'volume_mount { volume = "v"\n destination = "/claimed" }'))
    destinations = (*OWN_FOLDERS, "/data", "/x", "/only", "/scratch", "/claimed")
    assert {mount.destination for mount in plan.mounts} >= set(destinations)
    assert plan.mounts[0] == Mount("/alloc", "bind")


def test_script_checks_are_checks():
    service = 'service { check { type = "script"\n command = "/bin/check"\n args = ["x"] }\n check { type = "http" } }'
    assert planned(job(task=service)).checks == (("/bin/check", "x"),)


IMAGES = [
    ('"r.example/app:2"', "", "r.example/app:2"),
    ('"docker://r.example/app:2"', "", "r.example/app:2"),
    ("var.image", 'variable "image" { default = "r.example/app:2" }', "r.example/app:2"),
    ('"${var.image}"', 'variable "image" {\n type = string\n default = "r.example/app:2"\n}', "r.example/app:2"),
    ('"r.example/app:${var.tag}"', 'variable "tag" { default = 2 }', "r.example/app:2"),
    ('"r.example/app:${local.tag}"', 'locals { tag = "v${local.number}"\n number = 2 }', "r.example/app:v2"),
    ("local.images.app", 'locals { images = { app = "r.example/app:2" } }', "r.example/app:2"),
    ("<<EOF\nr.example/app:2\nEOF", "", None),
    ("var.image", "", None),
    ("var.image", 'variable "image" { type = string }', None),
    ("local.a", "locals { a = local.b\n b = local.a }", None),
    ('"r.example/app:${attr.cpu.arch}"', "", None),
    ('"r.example/app-${node.class}"', "", None),
    ('format("r.example/app:%s",\n  "2")', "", None),
    ('var.x ? "a" : "b"', 'variable "x" { default = true }', None),
    ('""', "", None),
    ('"%{ if true }a%{ endif }"', "", None),
]  # fmt: skip


@pytest.mark.parametrize(("image", "before", "said"), IMAGES)
def test_an_image_is_what_the_file_says_or_a_gap(image, before, said):
    found = read(job(before=before).replace('"r.example/app:1"', image))
    if said is None:
        assert found.planned == () or found.planned[0].image == "r.example/app:2\n"
        assert list(found.gaps) == ["/j.nomad: shop/web/app"] or found.planned
        return
    assert ([plan.image for plan in found.planned], dict(found.gaps)) == ([said], {})


UNCLEAR = [
    ('args = ["a", join("", ["b"])]', "", "join"),
    ("args = var.args", "", "var.args"),
    ('command = "${NOMAD_TASK_DIR}/x"', "", "NOMAD_TASK_DIR"),
    ("", "user = var.user", "var.user"),
    ("", 'env { PATH = "${NOMAD_TASK_DIR}:/bin" }', "NOMAD_TASK_DIR"),
    ("", "env = merge({}, {})", "merge"),
]


@pytest.mark.parametrize(("config", "task", "why"), UNCLEAR)
def test_what_only_nomad_can_tell_is_a_gap_of_the_task_alone(config, task, why):
    second = 'task "log" {\n driver = "podman"\n config { image = "r.example/log:1" }\n }'
    found = read(job(config, task, group=second))
    assert [plan.image for plan in found.planned] == ["r.example/log:1"]
    ((name, failure),) = found.gaps.items()
    assert name == "/j.nomad: shop/web/app"
    assert why in failure.detail


DYNAMIC = 'dynamic "{kind}" {{ for_each = [1]\n labels = ["x"]\n content {{ driver = "docker"\n config {{ image = "a" }} }} }}'


@pytest.mark.parametrize(
    ("where", "kind"), [("top", "group"), ("group", "task"), ("task", "config"), ("top", "constraint")]
)
def test_a_dynamic_block_that_could_start_something_is_a_gap(where, kind):
    found = read(job(**{where: DYNAMIC.format(kind=kind)}))
    assert [plan.image for plan in found.planned] == ["r.example/app:1"]
    ((name, failure),) = found.gaps.items()
    assert name.startswith("/j.nomad: shop")
    assert f"a dynamic block ({kind})" in failure.detail


@pytest.mark.parametrize("kind", ["service", "network", "template"])
def test_a_dynamic_block_that_starts_nothing_is_nothing(kind):
    assert planned(job(group=DYNAMIC.format(kind=kind))).image == "r.example/app:1"


@pytest.mark.parametrize(
    "text",
    [
        job(group="count = 0"),
        job(group='count = "0"'),
        job().replace('"docker"', '"exec"'),
        'variable "x" { default = "y" }',
    ],
)
def test_what_starts_no_container_plans_none(text):
    found = read(text)
    assert (found.planned, dict(found.gaps)) == ((), {})


@pytest.mark.parametrize(
    "words", ['command = "docker"\nargs = ["run", "a"]', 'command = "sh"\nargs = ["-c", "podman run a"]']
)
def test_a_command_that_starts_a_container_is_a_gap_whatever_its_driver(words):
    found = read(job(words).replace('"docker"\n      \n', '"raw_exec"\n'))
    assert found.planned == ()
    assert "raw_exec starts a container" in found.gaps["/j.nomad: shop/web/app"].detail


@pytest.mark.parametrize(
    ("driver", "gaps"),
    [("nerd", ["/j.nomad: shop/web/app"]), ("singularity", ["/j.nomad: shop/web/app"]), ("virt", [])],
)
def test_a_driver_that_is_not_known_here_is_a_gap_where_it_has_an_image(driver, gaps):
    found = read(job().replace('"docker"', f'"{driver}"'))
    assert found.planned == ()
    assert list(found.gaps) == gaps


CONSTRAINTS = [
    ('attribute = "${attr.cpu.arch}"\n value = "arm64"', "arch In (arm64)"),
    ('attribute = "arm64"\n value = "${attr.cpu.arch}"', "arch In (arm64)"),
    ('attribute = "${attr.kernel.arch}"\n operator = "!="\n value = "aarch64"', "arch NotIn (arm64)"),
    ('attribute = "${attr.kernel.arch}"\n value = "x86_64"', "arch In (amd64)"),
    ('attribute = "${attr.cpu.arch}"\n operator = "regexp"\n value = "^(amd64|386)$"', "arch In (386, amd64)"),
    ('attribute = "${attr.cpu.arch}"\n operator = "regexp"\n value = "^arm.*$"', "arch In (arm, arm64, arm64be, armbe)"),
    ('attribute = "${attr.cpu.arch}"\n operator = "regexp"\n value = "(a+)+"', "attr.cpu.arch regexp In ((a+)+)"),
    ('attribute = "${attr.cpu.arch}"\n operator = "set_contains_any"\n value = "amd64, arm64"', "arch In (amd64, arm64)"),
    ('attribute = "${node.class}"\n value = "x"', "node.class In (x)"),
]  # fmt: skip


@pytest.mark.parametrize(("constraint", "asked"), CONSTRAINTS)
def test_a_constraint_is_what_a_client_must_be(constraint, asked):
    assert str(planned(job(top=f"constraint {{\n{constraint}\n}}")).placement) == asked


def test_the_same_job_in_hcl_s_json_and_as_the_api_takes_it_is_the_same_plan():
    text = job(
        'args = ["a"]',
        'user = "5"\nenv { PATH = "/p" }',
        top='constraint { attribute = "${attr.cpu.arch}"\n value = "amd64" }',
    )
    in_json = {"job": {"shop": {
        "constraint": [{"attribute": "${attr.cpu.arch}", "value": "amd64"}],
        "group": {"web": {"task": {"app": [{
            "driver": "docker", "user": "5", "env": {"PATH": "/p"}, "config": {"image": "r.example/app:${var.tag}", "args": ["a"]},
        }]}}},
    }}, "variable": {"tag": {"default": "1"}}}  # fmt: skip
    request = {"Job": {
        "ID": "shop", "Constraints": [{"LTarget": "${attr.cpu.arch}", "RTarget": "amd64", "Operand": "="}],
        "TaskGroups": [{"Name": "web", "Count": 1, "Tasks": [{
            "Name": "app", "Driver": "docker", "User": "5", "Env": {"PATH": "/p"}, "Config": {"image": "r.example/app:1", "args": ["a"]},
        }]}],
    }}  # fmt: skip
    assert planned(json.dumps(in_json)) == planned(json.dumps(request)) == planned(text)


def test_the_proxy_that_nomad_puts_in_front_of_a_service_is_planned_or_a_gap():
    task = 'task "t" { driver = "docker"\n config { image = "r.example/app" } }'
    named = 'connect {\n sidecar_service {}\n sidecar_task {\n config { image = "r.example/envoy" }\n }\n }'
    text = f'job "j" {{ group "g" {{ service {{\n name = "x"\n {named} }} {task} }} }}'
    bare = text.replace(named, "connect {\n sidecar_service {}\n }")
    request = {"Job": {"Name": "j", "TaskGroups": [{
        "Name": "g", "Tasks": [{"Name": "t", "Driver": "docker", "Config": {"image": "r.example/app"}}],
        "Services": [{"Name": "x", "Connect": {"SidecarService": {}, "SidecarTask": {"Config": {"image": "r.example/envoy"}}}}],
    }]}}  # fmt: skip

    wanted = [("j/g/connect-proxy", "r.example/envoy"), ("j/g/t", "r.example/app")]
    assert [(plan.workload, plan.image) for plan in read(text).planned] == wanted
    assert [(plan.workload, plan.image) for plan in read(json.dumps(request)).planned] == wanted
    assert [plan.workload for plan in read(bare).planned] == ["j/g/t"]
    assert read(bare).gaps


def images_of(witness):
    """Names and images in what python-hcl2 makes of a job."""
    for name, body in ((name, body) for one in witness["job"] for name, body in one.items()):
        for group, inner in ((label, one) for each in body["group"] for label, one in each.items()):
            for task, last in ((label, one) for each in inner["task"] for label, one in each.items()):
                yield f"{name}/{group}/{task}", last["config"][0]["image"]


def test_the_images_of_a_long_job_are_those_that_python_hcl2_finds():
    tasks = "\n".join(
        f'group "g{n}" {{\n network {{ port "http" {{ to = {n} }} }}\n task "t" {{\n driver = "docker"\n template {{\n data = <<EOF\n'
        f'}} image = "no" {{\nEOF\n }}\n config {{\n image = "r.example/app:{n}"\n labels = {{ a = "b" }}\n args = [\n"x", # {{\n] }}\n }}\n }}'
        for n in range(20)
    )
    text = f'job "long" {{\n datacenters = ["dc1"]\n{tasks}\n}}\n'
    witness = hcl2.loads(
        text, serialization_options=SerializationOptions(strip_string_quotes=True, explicit_blocks=False)
    )
    assert [(plan.workload, plan.image) for plan in read(text).planned] == list(images_of(witness))


def test_an_attribute_that_is_mostly_blank_costs_what_its_length_says():
    job = 'job "x" {\n constraint {\n attribute = "${at%sx}"\n value = "y"\n }\n group "g" {\n task "t" {\n driver = "docker"\n config { image = "x" }\n }\n }\n}\n'
    with counted.in_proportion():
        nomad.plans({"x.nomad": (job % ("\r\n" * 100_000)).encode()})
