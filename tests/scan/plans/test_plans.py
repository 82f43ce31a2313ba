"""Plan directories: which hosts a folder is for, what its files plan, what of it is not known."""

import json
import os
import resource
import string
import tempfile
import tracemalloc
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.domain import facts
from scanner.domain.failure import Failure
from scanner.domain.host import Host
from scanner.domain.image import offers
from scanner.domain.plan import Plan
from scanner.domain.verdict.reason import Reason, Status
from scanner.formats.parsing.offload import CallBudget, Parsers
from scanner.probe.planned import folder
from scanner.scan.plans import plan_tree
from scanner.scan.plans import plans as plans_module
from scanner.scan.plans.plans import PlanDirectory
from scanner.scan.scan import ScanLimits, Scanner
from tests import builders
from tests.counted import calls

HOSTS = [
    Host("web-1", "127.0.0.1", labels={"team": "web"}),
    Host("web-2", "127.0.0.2", labels={"team": "web"}),
    Host("edge-1", "127.0.0.3", labels={"team": "edge"}),
]


@pytest.fixture
def directory(tmp_path):
    """Writes files below the plan directory, then reads it."""
    home = tmp_path / "plans"
    home.mkdir()

    def made(files):
        for name, text in files.items():
            path = home / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return home

    return made


def planned(deployments, host):
    return [(str(w.source), w.name, w.image, str(w.pinned or "")) for w in deployments.of(host).workloads]


def unknown(deployments, host):
    return [(w.name, f.reason, f.detail) for w, f in deployments.of(host).gaps]


# ---------------------------------------------------------------- which hosts


@pytest.mark.parametrize(
    ("name", "hosts"),
    [
        ("web-1", ["web-1"]),
        ("web-*", ["web-1", "web-2"]),
        ("team=edge", ["edge-1"]),
        ("team=*", ["web-1", "web-2", "edge-1"]),
        ("web-1,edge-1", ["web-1", "edge-1"]),
        ("!edge-1", ["web-1", "web-2"]),
        ("all", ["web-1", "web-2", "edge-1"]),
        ("*", ["web-1", "web-2", "edge-1"]),
    ],
)
def test_a_folder_is_for_the_hosts_that_its_name_fits(name, hosts, directory):
    found = PlanDirectory(directory({f"{name}/images.txt": "r.example/app:1"})).read(HOSTS)
    assert [host.name for host in HOSTS if found.of(host.name).workloads] == hosts
    assert found.problems == ()


@pytest.mark.parametrize("name", ["web-9", "db-*", "team=db", "a b;c"])
def test_a_folder_for_no_host_is_a_problem(name, directory):
    found = PlanDirectory(directory({f"{name}/images.txt": "r.example/app:1"})).read(HOSTS)
    assert found.hosts == {}
    assert f"the folder {name} is for no host" in found.problems[0]


def test_a_file_in_no_folder_is_a_problem(directory):
    found = PlanDirectory(directory({"compose.yml": "services: {}", "README.md": "words"})).read(HOSTS)
    assert found.problems == ("plans.directory: compose.yml is in no host's folder",)


@pytest.mark.parametrize("name", [".git", "_shared", ".github"])
def test_hidden_and_shared_folders_are_for_no_host(name, directory):
    found = PlanDirectory(directory({f"{name}/images.txt": "r.example/app:1"})).read(HOSTS)
    assert (found.hosts, found.problems) == ({}, ())


def test_what_two_folders_plan_alike_is_one_workload(directory):
    files = {"all/images.txt": "r.example/app:1\nr.example/log:1", "web-1/images.txt": "r.example/app:1"}
    found = PlanDirectory(directory(files)).read(HOSTS)
    assert [image for _, _, image, _ in planned(found, "web-1")] == ["r.example/app:1", "r.example/log:1"]


def test_services_of_one_name_that_differ_in_their_platform_are_told_apart(directory):
    service = "services: {api: {image: r.example/api, platform: linux/%s}}"
    files = {"web-1/a/app/compose.yml": service % "amd64", "web-1/b/app/compose.yml": service % "arm64"}
    found = PlanDirectory(directory(files)).read(HOSTS)
    assert planned(found, "web-1") == [
        ("compose", "app/api", "r.example/api", "linux/amd64"),
        ("compose", "app/api#2", "r.example/api", "linux/arm64"),
    ]


# ---------------------------------------------------------------- which files

POD = "{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {containers: [{name: app, image: r.example/app:1}]}}"
JOB = 'job "shop" {\n group "web" {\n  task "app" {\n   driver = "docker"\n   config {\n    image = "r.example/app:1"\n   }\n  }\n }\n}\n'
NOMAD_JSON = {"Job": {"Name": "shop", "TaskGroups": [{"Name": "web", "Tasks": [
    {"Name": "app", "Driver": "docker", "Config": {"image": "r.example/app:1"}}]}]}}  # fmt: skip

KINDS = [
    ("compose.yml", "services: {app: {image: r.example/app:1}}", "compose", "web-1/app"),
    ("stacks/shop.yaml", "services: {app: {image: r.example/app:1}}", "compose", "stacks/app"),
    ("docker-compose.prod.yml", "name: shop\nservices: {app: {image: r.example/app:1}}", "compose", "shop/app"),
    ("k8s/pod.yaml", POD, "kubernetes", "default/web/app"),
    ("pod.json", '{\n\t"kind": "Pod", "metadata": {"name": "w"}}', None, None),
    ("app.container", "[Container]\nImage=r.example/app:1\n", "quadlet", "app.service"),
    ("app.service", "[Service]\nExecStart=/usr/bin/docker run --rm r.example/app:1\n", "systemd", "app.service"),
    ("app.nomad", JOB, "nomad", "shop/web/app"),
    ("app.nomad.hcl", JOB, "nomad", "shop/web/app"),
    ("app.hcl", JOB, "nomad", "shop/web/app"),
    ("app.json", json.dumps(NOMAD_JSON), "nomad", "shop/web/app"),
    ("app.nomad.json", json.dumps(NOMAD_JSON), "nomad", "shop/web/app"),
    ("images.txt", "# the shop\n\nr.example/app:1  # until spring\n", "inventory", "r.example/app:1"),
    ("values.yaml", "image: {repository: r.example/app, tag: 1}", None, None),
    ("prometheus.yml", "scrape_configs: []", None, None),
    ("package.json", '{\n\t"name": "shop"\n}', None, None),
    ("locals.hcl", 'variable "x" { default = "y" }', None, None),
    ("README.md", "docker run r.example/app:1", None, None),
]  # fmt: skip


@pytest.mark.parametrize(("file", "text", "source", "name"), KINDS, ids=[kind[0] for kind in KINDS])
def test_a_file_is_known_by_its_name_or_by_what_stands_in_it(file, text, source, name, directory):
    found = PlanDirectory(directory({f"web-1/{file}": text})).read(HOSTS)
    if source is None:
        assert planned(found, "web-1") == []
        assert [g for g in unknown(found, "web-1") if file != "pod.json"] == []
        return
    assert planned(found, "web-1") == [(source, name, "r.example/app:1", "")]
    (workload,) = found.of("web-1").workloads
    assert (workload.host, workload.stage) == ("web-1", facts.Stage.PLANNED)
    assert found.of("web-1").file_of(workload) == f"web-1/{file}"
    assert found.problems == ()


@pytest.mark.parametrize(
    ("line", "name", "pinned"),
    [
        ("r.example/app:1 platform=linux/arm64", "r.example/app:1 for linux/arm64", "linux/arm64"),
        ("r.example/app:1 platform=linux/arm/v7 # the old one", "r.example/app:1 for linux/arm/v7", "linux/arm/v7"),
        ("  r.example/app:1\r", "r.example/app:1", ""),
    ],
)
def test_a_line_of_a_list_may_pin_a_platform(line, name, pinned, directory):
    found = PlanDirectory(directory({"web-1/images.txt": line})).read(HOSTS)
    assert planned(found, "web-1") == [("inventory", name, "r.example/app:1", pinned)]


def test_an_override_is_laid_over_its_file_and_variables_come_from_the_file_beside_it(directory):
    found = PlanDirectory(directory({
        "web-1/compose.yml": "services: {app: {image: 'r.example/app:${TAG}'}}",
        "web-1/compose.override.yml": "services: {app: {platform: linux/arm64}}",
        "web-1/.env": "TAG=7\n",
    })).read(HOSTS)  # fmt: skip
    assert planned(found, "web-1") == [("compose", "web-1/app", "r.example/app:7", "linux/arm64")]


def test_what_a_compose_file_takes_from_elsewhere_is_no_project_of_its_own(directory):
    found = PlanDirectory(directory({
        "_shared/base.yml": "services: {app: {image: r.example/app:1}}",
        "web-1/compose.yml": "include: [more.yml]\nservices: {app: {extends: {file: ../_shared/base.yml, service: app}}}",
        "web-1/more.yml": "services: {log: {image: r.example/log:1}}",
    })).read(HOSTS)  # fmt: skip
    assert [(name, image) for _, name, image, _ in planned(found, "web-1")] == [
        ("web-1/log", "r.example/log:1"),
        ("web-1/app", "r.example/app:1"),
    ]
    assert found.of("web-1").gaps == ()


def test_the_yaml_of_a_kube_unit_is_planned_by_the_unit_alone(directory):
    found = PlanDirectory(directory({"web-1/web.kube": "[Kube]\nYaml=web.yaml\n", "web-1/web.yaml": POD})).read(HOSTS)
    assert planned(found, "web-1") == [("quadlet", "web.service/app", "r.example/app:1", "")]


def test_a_quadlet_has_its_drop_ins_and_its_image_unit(directory):
    found = PlanDirectory(directory({
        "web-1/app.container": "[Container]\nImage=app.image\n",
        "web-1/app.image": "[Image]\nImage=r.example/app:1\nArch=arm64\n",
        "web-1/log.container": "[Container]\nImage=r.example/log:1\n",
        "web-1/log.container.d/pin.conf": "[Container]\nImage=r.example/log:2\n",
    })).read(HOSTS)  # fmt: skip
    assert sorted(planned(found, "web-1")) == [
        ("quadlet", "app.service", "r.example/app:1", "linux/arm64"),
        ("quadlet", "log.service", "r.example/log:2", ""),
    ]


# ---------------------------------------------------------------- what is not known


UNCLEAR = [
    ("compose.yml", "services: [", "not YAML"),
    ("compose.yml", "services: {app: {image: 'r.example/app:${TAG}'}}", "nothing sets the variable TAG"),
    ("compose.yml", "services: {app: {}}", "neither an image nor a build"),
    ("chart.yaml", "kind: Pod\nspec: {{ .Values.spec }}\n", "not YAML"),
    ("pod.json", '{"apiVersion": "v1", "kind": "Pod", ', "not JSON"),
    ("pod.yaml", "{apiVersion: v1, kind: Pod, metadata: {name: w}, spec: {containers: [{name: app}]}}", "has no image"),
    ("pod.yaml", "{kind: Pod, metadata: {name: w}, spec: {containers: [{name: app}]}}", "without apiVersion"),
    ("kustomization.yaml", "kind: Kustomization\nimages: [{name: a, newTag: b}]", "kustomize is not run here"),
    ("app.container", "[Container]\nExec=/x\n", "there is no Image="),
    ("web.kube", "[Kube]\nYaml=gone.yaml\n", "cannot be read"),
    ("app.nomad", 'job "a" {', ""),
    ("images.txt", "r.example/app:1 linux/arm64", "a line is an image reference"),
    ("images.txt", "r.example/app:1 platform=a/b/c/d", ""),
    ("images.txt", b"\xff\xfe", "not UTF-8"),
    ("compose.yml", b"#" * (plan_tree.MAX_DOCUMENT_BYTES + 1), "longer than"),
]


@pytest.mark.parametrize(("file", "text", "why"), UNCLEAR)
def test_a_file_that_cannot_be_understood_is_unknown_and_a_problem(file, text, why, directory):
    found = PlanDirectory(directory({f"web-1/{file}": text})).read(HOSTS)
    assert planned(found, "web-1") == []
    ((name, reason, detail),) = unknown(found, "web-1")
    assert name.startswith(f"web-1/{file}")
    assert reason is Reason.PART_INCOMPLETE
    assert why in detail
    assert f"web-1/{file}" in found.problems[0]
    assert found.of("edge-1").gaps == ()


def test_a_good_line_stands_beside_a_bad_one(directory):
    found = PlanDirectory(directory({"web-1/images.txt": "r.example/app:1\nx y z\nr.example/log:1"})).read(HOSTS)
    assert [image for _, _, image, _ in planned(found, "web-1")] == ["r.example/app:1", "r.example/log:1"]
    assert [name for name, _, _ in unknown(found, "web-1")] == ["web-1/images.txt:2"]


def test_a_directory_that_cannot_be_read_makes_every_host_unknown(tmp_path):
    found = PlanDirectory(tmp_path / "gone").read(HOSTS)
    assert all(unknown(found, host.name)[0][1] is Reason.PART_INCOMPLETE for host in HOSTS)
    assert "No such file or directory" in found.problems[0]


@pytest.mark.parametrize(("limit", "value"), [("MAX_ENTRIES", 2), ("MAX_FILES", 2), ("MAX_TOTAL_BYTES", 40)])
def test_a_directory_beyond_its_bounds_makes_every_host_unknown(limit, value, directory, monkeypatch):
    home = directory({f"web-1/{n}/images.txt": "r.example/app:1" for n in range(3)})
    monkeypatch.setattr(plan_tree, limit, value)
    found = PlanDirectory(home).read(HOSTS)
    assert [unknown(found, host.name)[0][1] for host in HOSTS] == [Reason.PART_INCOMPLETE] * 3
    assert "more than" in found.problems[0]


@pytest.mark.parametrize("limit", ["MAX_SCRIPTS", "MAX_SCRIPT_BYTES"])
def test_a_unit_whose_script_is_beyond_what_is_read_is_unknown_and_other_scripts_are_nothing(
    limit, directory, monkeypatch
):
    monkeypatch.setattr(plan_tree, limit, 0)
    script = "#!/bin/sh\ndocker run r.example/app:1\n"
    unit = "[Service]\nExecStart=/opt/start.sh\n"
    home = directory({"web-1/opt/start.sh": script, "web-1/a.service": unit, "web-2/opt/start.sh": script})
    found = PlanDirectory(home).read(HOSTS)
    assert "a script that is not read here" in unknown(found, "web-1")[0][2]
    assert unknown(found, "web-2") == planned(found, "web-2") == []


@pytest.mark.parametrize(
    ("program", "file"), [("make", "makefile"), ("just", ".justfile"), ("task", "taskfile.dist.yaml")]
)
def test_a_file_of_tasks_is_read_where_its_runner_looks_for_it(program, file, directory):
    unit = f"[Service]\nWorkingDirectory=/srv/app\nExecStart=/usr/bin/{program}\n"
    home = directory({"web-1/a.service": unit, f"web-1/srv/app/{file}": "up:\n  docker compose up\n"})
    assert "in which an engine is named" in unknown(PlanDirectory(home).read(HOSTS), "web-1")[0][2]


def test_files_that_a_unit_or_script_takes_variables_from_are_read_whatever_they_are_called(directory, tmp_path):
    outside = tmp_path / "outside"
    outside.write_text("TAG=secret\n")
    run = "ExecStart=/usr/bin/docker run r.example/app:${TAG}\n"
    home = directory(
        {
            "web-1/a.service": f"[Service]\nEnvironmentFile=-/etc/default/web\n{run}",
            "web-1/etc/default/web": "TAG=7\n",
            "web-1/etc/default/other": "TAG=8\n",
            "web-2/files/etc/systemd/system/b.service": "[Service]\nExecStart=/bin/sh -c '. /etc/sysconfig/web; docker run r.example/app:$TAG'\n",
            "web-2/files/etc/sysconfig/web": "TAG=9\n",
            "web-2/files/etc/init.d/c": "#!/bin/sh\nNAME=c\n[ -r /etc/default/$NAME ] && . /etc/default/$NAME\ndocker run r.example/c:$TAG\n",
            "web-2/files/etc/default/c": "TAG=1\n",
            "web-2/files/etc/monitrc": "include /srv/*.mon\n",
            "web-2/files/srv/d.mon": "include /srv/e.d/*\nstart program = '/bin/true'\n",
            "web-2/files/srv/e.d/e": 'start program = "/usr/bin/docker run r.example/e:1"\n',
            "web-2/files/srv/e.d/e~": 'start program = "/usr/bin/docker run r.example/e:2"\n',
            "web-2/files/etc/supervisord.conf": "[include]\nfiles = ../srv/f.txt\n",
            "web-2/files/srv/f.txt": "[program:f]\ncommand=docker run r.example/f:1\n",
            "edge-1/c.service": f"[Service]\nEnvironmentFile=/etc/default/web\n{run}",
            "edge-1/etc/default/x": "",
        }
    )
    (home / "edge-1/etc/default/web").symlink_to(outside)
    found = PlanDirectory(home).read(HOSTS)
    assert [one[2] for one in planned(found, "web-1")] == ["r.example/app:7"]
    assert {one[2] for one in planned(found, "web-2")} == {
        f"r.example/{name}" for name in ("app:9", "c:1", "e:1", "f:1")
    }
    assert "/etc/default/web cannot be read" in unknown(found, "edge-1")[0][2]
    kinds = {path: str(one) for path, one in found.files.items() if not path.endswith(".service")}
    assert {path: kinds[path] for path in kinds if ("/srv" not in path and not path.startswith("web-2/files/etc/")) or "sysconfig" in path} == {
        "edge-1/etc/default/web": "no plan", "edge-1/etc/default/x": "no plan", "web-1/etc/default/other": "no plan",
        "web-1/etc/default/web": "planned", "web-2/files/etc/sysconfig/web": "planned",
    }  # fmt: skip


@pytest.mark.parametrize(
    "command",
    [
        "/bin/python3 -u /opt/run.py",
        "/bin/ruby ./run.rb",
        "/usr/bin/php8.2 bin/run",
        "/usr/bin/supervisord -n -c /opt/bin/run",
    ],
)
def test_a_script_of_another_language_is_read_for_engines_though_it_does_not_say_whose_it_is(directory, command):
    text = 'run("docker run r.example/app")\n'
    home = directory({"web-1/a.service": f"[Service]\nWorkingDirectory=/opt\nExecStart={command}\n", **dict.fromkeys(
        ("web-1/opt/run.py", "web-1/opt/run.rb", "web-1/opt/bin/run"), text)})  # fmt: skip
    assert "in which an engine is named" in unknown(PlanDirectory(home).read(HOSTS), "web-1")[0][2]


def test_files_of_one_name_cost_no_more_however_many_are_named_so(directory):
    def named(count):
        units = "".join(f"ExecStart=/bin/python3 z{number}/run\n" for number in range(count))
        home = directory({"edge-1/a.service": units, **{f"edge-1/d{number}/run": "" for number in range(count)}})
        return calls(lambda: plan_tree.read(home))

    few = named(100)
    assert named(400) < few * 5


def test_scripts_that_name_files_without_end_cost_little_and_what_takes_from_those_is_unknown(directory):
    names = ["".join(f". /{file}{number:x}\n" for number in range(7000)) for file in range(7)]
    home = directory(
        {
            **{f"web-1/a/b/c/d/e/{file}.sh": names[file] for file in range(6)},
            "web-1/opt/start.sh": f"{names[6]}docker run --env-file /etc/last r.example/app:1\n",
            "web-1/etc/last": "A=b\n",
            "web-1/u.service": "[Service]\nExecStart=/bin/sh /opt/start.sh\n",
        }
    )
    tracemalloc.start()
    tree = plan_tree.read(home)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 << 20
    assert tree.others == ("web-1/etc/last",)
    assert unknown(PlanDirectory(home).read(HOSTS), "web-1")


def test_folders_without_end_are_unknown(directory):
    found = PlanDirectory(directory({f"web-1/{'x/' * 9}images.txt": "r.example/app:1"})).read(HOSTS)
    assert planned(found, "web-1") == []
    assert "nested deeper than 8 folders" in unknown(found, "web-1")[0][2]


def test_links_lead_nowhere_but_into_the_directory(directory, tmp_path):
    secret = tmp_path / "secret.yml"
    secret.write_text("services: {app: {image: secret.example/app}}")
    (tmp_path / "elsewhere").mkdir()
    home = directory({"web-1/images.txt": "r.example/app:1", "web-2/x.txt": ""})
    (home / "web-1" / "compose.yml").symlink_to(secret)
    (home / "web-1" / "loop").symlink_to(home)
    (home / "web-1" / "gone.yml").symlink_to("nothing")
    for circle in ("web-1/circle.yml", "web-1/circle", "all"):
        (home / circle).symlink_to(circle.rpartition("/")[2])
    (home / "web-2" / "images.txt").symlink_to("../web-1/images.txt")
    (home / "edge-1").symlink_to(tmp_path / "elsewhere")
    found = PlanDirectory(home).read(HOSTS)
    assert (
        planned(found, "web-2") == planned(found, "web-1") == [("inventory", "r.example/app:1", "r.example/app:1", "")]
    )
    assert {name: detail.partition(": ")[2] for name, _, detail in unknown(found, "web-1")} == {
        "web-1/compose.yml": "a link that leads outside",
        "web-1/loop": "a link to a folder",
        "web-1/gone.yml": "cannot be read: No such file or directory",
        "web-1/circle.yml": "Too many levels of symbolic links",
        "web-1/circle": "Too many levels of symbolic links",
        "all": "Too many levels of symbolic links",
    }
    assert "edge-1: a link that leads outside" in [detail for _, _, detail in unknown(found, "edge-1")]


def test_a_directory_may_be_a_link_and_a_host_s_folder_that_of_another(directory, tmp_path):
    home = directory({"web-1/images.txt": "r.example/app:1"})
    (home / "web-2").symlink_to("web-1")
    (tmp_path / "current").symlink_to(home)
    found = PlanDirectory(tmp_path / "current").read(HOSTS)
    assert planned(found, "web-2") == planned(found, "web-1") != []


def test_a_pipe_is_unknown_and_nobody_waits_for_it(directory):
    home = directory({"web-1/x.txt": ""})
    os.mkfifo(home / "web-1" / "compose.yml")
    found = PlanDirectory(home).read(HOSTS)
    assert unknown(found, "web-1")[0][2] == "web-1/compose.yml: is not a regular file but a named pipe"


def test_files_are_parsed_again_only_after_they_changed(directory, monkeypatch):
    parsed = []
    plans = folder.plans
    monkeypatch.setattr(folder, "plans", lambda texts, root: parsed.append(root) or plans(texts, root))
    home = directory({"web-1/images.txt": "r.example/app:1"})
    reader = PlanDirectory(home)
    assert reader.read(HOSTS) == reader.read(HOSTS)
    assert parsed == ["web-1"]
    directory({"web-1/images.txt": "r.example/app:2"})
    assert planned(reader.read(HOSTS), "web-1") == [("inventory", "r.example/app:2", "r.example/app:2", "")]


NAMES = st.sampled_from(["compose.yml", "a.yaml", "a.json", "a.container", "a.kube", "a.image", "a.service", "a.nomad",
                         "a.hcl", "images.txt", ".env", "compose.override.yml", "a.container.d/x.conf"])  # fmt: skip
TEXTS = st.one_of(
    st.binary(max_size=200),
    st.text(string.printable, max_size=200).map(str.encode),
    st.sampled_from([POD, JOB, json.dumps(NOMAD_JSON), "services: {a: {image: x}}", "include: [a]", "services: {a: 1}",
                     "[Container]\nImage=x", "[Kube]\nYaml=a.yaml", "services: {a: {extends: {file: 7}}}"]).map(str.encode),
)  # fmt: skip


@given(st.dictionaries(NAMES.map("web-1/{}".format), TEXTS, max_size=4))
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_plans_or_gaps_and_never_an_exception(texts):
    found = folder.plans(texts, "web-1")
    assert all(isinstance(gap.failure, Failure) for gap in found.gaps)
    assert all(filed.file in texts and filed.planned.image for filed in found.filed)


# ---------------------------------------------------------------- through a scan


async def read(host):
    if host.name == "edge-1":
        return Failure(Reason.HOST_TIMEOUT, "no answer")
    return builders.host_facts(host.name)


class Registry:
    """Offers every image for amd64."""

    async def resolve(self, reference, *, depth, wanted=None):
        del depth, wanted
        return builders.image_facts(builders.offer(), reference=reference)


async def inspect(_reference, _offer, _override, _host=""):
    return offers.Program(("/app",), problem=Failure(Reason.BINARY_NOT_INSPECTED, ""))


async def scanned(home, hosts=HOSTS, **more):
    scanner = Scanner(read, Registry(), inspect, ScanLimits(), lambda: 1.0, plans=PlanDirectory(home).read(hosts))
    return (await scanner.scan(hosts, **more)).findings


async def test_what_the_files_plan_is_judged_and_a_finding_names_its_file(directory):
    files = {
        "web-1/compose.yml": "services: {app: {image: r.example/app:1, platform: linux/arm64}}",
        "web-2/broken.yml": "kind: Pod\nspec: [",
        "all/images.txt": "r.example/log:1",
    }
    found = {(f.workload.host, f.workload.name): f.verdict for f in await scanned(directory(files))}
    assert found["web-1", "web-1/app"].reason is Reason.PLATFORM_MISSING
    assert found["web-1", "web-1/app"].detail.endswith("(planned in web-1/compose.yml)")
    assert (found["web-2", "web-2/broken.yml"].reason, found["web-2", "web-2/broken.yml"].status) == (
        Reason.PART_INCOMPLETE,
        Status.UNKNOWN,
    )
    assert found["edge-1", "r.example/log:1"].reason is Reason.HOST_TIMEOUT
    assert len(found) == 5


async def test_every_finding_has_a_key_of_its_own(directory):
    pinned = Host("web-1", "127.0.0.1", planned=(Plan("r.example/app:1", source=facts.Source.INVENTORY),))
    files = {
        "all/images.txt": "r.example/app:1\nr.example/app:1 platform=linux/arm64\nr.example/app:1",
        "*/compose.yml": "[",
    }
    findings = await scanned(directory(files), [pinned])
    assert len({finding.key for finding in findings}) == len(findings) == 3


async def test_the_gate_judges_the_plans_that_it_was_given_and_nothing_that_exists(directory):
    found = await scanned(directory({"all/images.txt": "r.example/log:1"}), only_plans=True)
    assert {(finding.workload.image, str(finding.workload.stage)) for finding in found} == {
        ("r.example/log:1", "planned")
    }


def test_plans_for_every_host_are_given_without_a_look_at_the_fleet():
    plans = folder.FolderPlans((folder.Filed(Plan("r.example/app:1"), "pod.yml"),))
    assert plans_module.given(plans, [Host("a", "10.0.0.1")], None).of("a").workloads[0].image == "r.example/app:1"


# ---------------------------------------------------------------- hostile folders


def test_a_folder_that_costs_too_much_is_unknown_and_those_beside_it_are_read(directory, monkeypatch):
    monkeypatch.setattr(plans_module, "FOLDERS_BUDGET", CallBudget(max_bytes=3000))
    monkeypatch.setattr(plans_module, "FOLDER_BUDGET", CallBudget(max_bytes=2000))
    many = "\n".join(f"r.example/app:{number}" for number in range(100))
    home = directory({"web-1/images.txt": "r.example/app:1", "web-2/images.txt": many})
    with closing(Parsers(1)) as workers:
        found = PlanDirectory(home, workers).read(HOSTS)
    assert planned(found, "web-1")
    ((name, reason, detail),) = unknown(found, "web-2")
    assert (name, reason) == ("web-2", Reason.PART_INCOMPLETE)
    assert "more than 2000 bytes" in detail


def test_where_no_process_can_be_started_nothing_is_known_until_one_can(directory):
    home = directory({"web-1/images.txt": "r.example/app:1"})
    most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with closing(Parsers(1)) as workers, tempfile.TemporaryFile() as file:
        plans = PlanDirectory(home, workers)
        resource.setrlimit(resource.RLIMIT_NOFILE, (file.fileno() + 2, most[1]))
        try:
            ((_, reason, detail),) = unknown(plans.read(HOSTS), "web-1")
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, most)
        assert (reason, "no process can be started" in detail) == (Reason.PART_INCOMPLETE, True)
        assert planned(plans.read(HOSTS), "web-1")


def test_what_is_read_in_a_worker_is_what_is_read_here(directory):
    placed = POD.replace("spec: {", "spec: {nodeSelector: {kubernetes.io/arch: amd64}, volumes: [{name: v}], ").replace(
        "image: r.example/app:1", "image: r.example/app:1, volumeMounts: [{name: v, mountPath: /v}], command: [/x]"
    )
    home = directory({
        "web-1/compose.yml": "services: {a: {image: a}}", "all/pod.yaml": POD, "web-2/x.yml": "{", "web-2/pod.yaml": placed,
        "edge-1/job.nomad": JOB, "edge-1/compose.yml": "services: [",
    })  # fmt: skip
    with closing(Parsers(1)) as workers:
        assert PlanDirectory(home, workers).read(HOSTS) == PlanDirectory(home).read(HOSTS)


def test_a_fleet_and_a_directory_that_did_not_change_are_not_assigned_again(directory):
    plans = PlanDirectory(directory({"web-1/compose.yml": "services: {api: {image: r.example/api:1}}"}))
    hosts = tuple(HOSTS)
    first = plans.read(hosts)
    assert plans.read(hosts) is first
    assert plans.read(tuple(HOSTS[1:])).of("web-1").workloads == ()
    directory({"web-1/compose.yml": "services: {api: {image: r.example/api:2}}"})
    assert [name for _, _, name, _ in planned(plans.read(hosts), "web-1")] == ["r.example/api:2"]
