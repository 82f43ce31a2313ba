"""Of each file a reader can say: it is planned, it is a gap, or it is no plan."""

import json
import re

import pytest

from scanner.domain.host import Host
from scanner.probe.planned import file_kinds, folder
from scanner.probe.planned.compose import keys
from scanner.scan.plans import plan_tree
from scanner.scan.plans.plans import PlanDirectory
from tests.probe.planned.file_shapes import COMPOSE, KUBERNETES, NOMAD, OTHERS, SHAPES, UNITS
from tests.rows import each_row

HOST = Host("web-1", "127.0.0.1")
EMBEDDED = "usr/libexec/docker/cli-plugins/docker-compose", "usr/bin/docker"


def raw(text):
    return text if isinstance(text, bytes) else text.encode()


def said(files):
    """What is said of files that lie in one folder."""
    return {
        path: str(outcome)
        for path, outcome in folder.plans({f"web-1/{k}": raw(v) for k, v in files.items()}, "web-1").outcomes.items()
    }


ALONE = [
    shape
    for shape in SHAPES
    if file_kinds.is_named_like_a_plan(shape[0]) and not shape[0].startswith(("overlay/", "unnamed/", "chart/"))
]


@each_row("name, text, outcome", ALONE)
def test_a_file_alone_is_planned_a_gap_or_no_plan(name, text, outcome):
    assert said({name: text}) == {f"web-1/{name}": outcome}


@each_row("name, text, outcome", ALONE)
def test_only_a_gap_makes_a_host_unknown(name, text, outcome):
    found = folder.plans({f"web-1/{name}": raw(text)}, "web-1")
    assert bool(found.gaps) is (outcome == "gap")
    assert bool(found.filed) is (outcome == "planned")


@pytest.fixture
def tree(tmp_path):
    """Three hundred files and more, each group in a folder of its own, some deeper."""
    wanted = {}
    for place, group in (
        ("compose", COMPOSE),
        ("kube", KUBERNETES),
        ("units", UNITS),
        ("nomad", NOMAD),
        ("others", OTHERS),
        ("all/others", OTHERS),
        ("again/kube", KUBERNETES),
    ):
        for number, (name, text, outcome) in enumerate(group):
            own = (
                place if place.endswith("kube") else f"{place}/{number}"
            )  # a chart and a kustomization have several files
            path = tmp_path / "plans" / "web-1" / own / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(raw(text))
            wanted[f"web-1/{own}/{name}"] = outcome
    return tmp_path / "plans", wanted


def test_of_every_file_of_a_tree_is_said_what_it_is(tree):
    home, wanted = tree
    found = PlanDirectory(home).read([HOST])
    assert {path: str(outcome) for path, outcome in found.files.items()} == wanted
    assert len(wanted) >= 300


# ---------------------------------------------------------------- what belongs together


def test_parts_are_what_the_file_is_that_they_belong_to():
    assert said({
        "compose.yml": "include: [more.yml]\nservices: {a: {image: r.example/app:1}}",
        "more.yml": "services: {b: {image: r.example/app:1}}",
        "compose.override.yml": "services: {a: {platform: linux/arm64}}",
        ".env": "TAG=1\n",
        "x/app.container": "[Container]\nImage=app.image\n",
        "x/app.image": "[Image]\nImage=r.example/app:1\n",
        "x/app.container.d/10.conf": "[Container]\nExec=/x\n",
        "y/web.kube": "[Kube]\nYaml=web.yaml\n",
        "y/web.yaml": "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: a, image: r.example/app:1}]}}",
        "z/.env": "TAG=1\n",
    }) == {
        **dict.fromkeys(
            ("web-1/compose.yml", "web-1/more.yml", "web-1/compose.override.yml", "web-1/.env", "web-1/x/app.container",
             "web-1/x/app.image", "web-1/x/app.container.d/10.conf", "web-1/y/web.kube", "web-1/y/web.yaml"), "planned"),
        "web-1/z/.env": "no plan",
    }  # fmt: skip


def test_an_env_file_that_names_what_is_not_there_is_a_gap():
    service = "services: {a: {image: r.example/app:1}}"
    found = said({"a/compose.yml": service, "a/.env": "COMPOSE_FILE=nope.yml", "b/.env": "COMPOSE_FILE=nope.yml"})
    assert found == {"web-1/a/compose.yml": "planned", "web-1/a/.env": "gap", "web-1/b/.env": "no plan"}


def test_a_file_that_only_includes_is_what_it_includes():
    service = "services: {a: {image: r.example/app:1}}"
    assert said({
        "x/prod.yml": "name: prod\ninclude: [{path: [web.yml, arm.yml]}]", "x/web.yml": service, "x/arm.yml": "services: {a: {platform: linux/arm64}}",
        "y/all.yml": "include: [more.yml]", "y/more.yml": "include: [../deep/compose.yml]", "deep/compose.yml": service,
        "z/ci.yml": "include: [jobs.yml]", "z/jobs.yml": "test: {script: [make]}",
    }) == {
        **dict.fromkeys(
            ("web-1/x/prod.yml", "web-1/x/web.yml", "web-1/x/arm.yml", "web-1/y/all.yml", "web-1/y/more.yml", "web-1/deep/compose.yml"),
            "planned",
        ),
        **dict.fromkeys(("web-1/z/ci.yml", "web-1/z/jobs.yml"), "no plan"),
    }  # fmt: skip


def test_a_file_elsewhere_is_read_once_however_often_it_is_included(monkeypatch):
    own, told = file_kinds.told, []
    monkeypatch.setattr(file_kinds, "told", lambda path, raw: told.append(path) or own(path, raw))
    folder.plans({"base/x.yml": b"a: 1", "web/i.yml": b"include: [" + b"../base/x.yml," * 9 + b"]"}, "web")
    assert told.count("base/x.yml") == 1


POD = "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: a, image: r.example/app:1}]}}"


@pytest.mark.parametrize(
    ("files", "planned"),
    [
        ({"kustomization.yaml": "resources: [pod.yaml]"}, True),
        ({"kustomization.yaml": "resources: [pod.yaml]\nnamespace: shop"}, True),
        ({"kustomization.yaml": "resources: [pod.yaml]\nimages: [{name: a, newTag: b}]"}, False),
        ({"Kustomization": "resources: [pod.yaml]\nimages: [{name: a, newTag: b}]"}, False),
        ({"kustomization.yaml": "resources: [pod.yaml]\npatches: [{patch: x}]"}, False),
        ({"kustomization.yaml": "resources: [./pod.yaml]\ncomponents: [c]"}, False),
        ({"kustomization.yaml": "resources: [pod.yaml]", "over/kustomization.yaml": "resources: [..]\nimages: [{name: a}]"}, False),
        ({"kustomization.yaml": "resources: [pod.yaml]", "over/kustomization.yaml": "resources: [..]"}, True),
        ({"kustomization.yaml": "resources: [.]\nimages: [{name: a}]"}, True),
        ({"Chart.yaml": "{apiVersion: v2, name: a, version: 1}"}, True),
    ],
)  # fmt: skip
def test_what_a_kustomization_may_change_is_not_planned_as_it_stands(files, planned):
    found = folder.plans({f"w/{name}": raw(text) for name, text in {**files, "pod.yaml": POD}.items()}, "w")
    assert bool(found.filed) is planned
    assert {gap.file for gap in found.gaps} == {f"w/{name}" for name in files}


def test_what_a_chart_renders_is_the_gap_of_its_chart():
    files = {
        "c/Chart.yaml": "{apiVersion: v2, name: a, version: 1}",
        "c/templates/pod.yaml": POD,
        "c/crds/a.yaml": "kind: {{",
        "pod.yaml": POD,
    }
    found = folder.plans({f"w/{name}": raw(text) for name, text in files.items()}, "w")
    assert [one.file for one in found.filed] == ["w/pod.yaml"]
    assert [gap.name for gap in found.gaps] == ["w/c/Chart.yaml"]


# ---------------------------------------------------------------- long files


@pytest.mark.parametrize(
    ("name", "head", "outcome"),
    [
        ("package-lock.json", b'{"name": "shop", "packages": {', "no plan"),
        ("dashboards.yaml", b"dashboards:\n", "no plan"),
        ("crds.yaml", b"apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n", "no plan"),
        ("install.yaml", b"apiVersion: apps/v1\nkind: Deployment\n", "gap"),
        ("compose.yml", b"services:\n", "gap"),
        ("long.container", b"[Container]\n", "gap"),
    ],
)
def test_a_file_that_is_too_long_is_a_gap_only_where_it_could_be_a_plan(name, head, outcome, tmp_path):
    (tmp_path / "web-1").mkdir()
    (tmp_path / "web-1" / name).write_bytes(head + b"# more of it\n" * (plan_tree.MAX_DOCUMENT_BYTES // 10))
    found = PlanDirectory(tmp_path).read([HOST])
    assert {path: str(one) for path, one in found.files.items()} == {f"web-1/{name}": outcome}
    assert bool(found.of("web-1").gaps) is (outcome == "gap")


def test_long_files_are_looked_at_within_bounds(tmp_path, monkeypatch):
    monkeypatch.setattr(plan_tree, "MAX_GLANCED_BYTES", 2 << 20)
    (tmp_path / "web-1").mkdir()
    for number in range(4):
        (tmp_path / "web-1" / f"{number}.json").write_bytes(b" " * (plan_tree.MAX_DOCUMENT_BYTES + 9))
    outcomes = [str(one) for one in PlanDirectory(tmp_path).read([HOST]).files.values()]
    assert outcomes == ["no plan", "no plan", "gap", "gap"]


# ---------------------------------------------------------------- Compose's own schema


@pytest.mark.system
def test_the_keys_are_those_of_the_schemas_within_compose_and_docker(enter_root):
    """Both carry their JSON schemas as text."""
    root = enter_root("trixie").root
    top, service = set(), set()
    for name in EMBEDDED:
        text = (root / name).read_bytes()
        for found in re.finditer(
            rb'\{\s*"\$schema": "https?://json-schema.org[^"]*",\s*"\$?id": "(?:compose_spec|config_schema_v3.12).json"',
            text,
        ):
            schema = json.JSONDecoder().raw_decode(
                text[found.start() : found.start() + 100_000].decode("utf-8", "replace")
            )[0]
            top |= set(schema["properties"])
            service |= set(schema["definitions"]["service"]["properties"])
    assert len(service) > 80
    assert top <= keys.TOP_LEVEL
    assert keys.TOP_LEVEL - top == {"models"}
    assert service <= keys.SERVICE
    assert keys.SERVICE - service == {"models", "provider", "pull_refresh_after", "use_api_socket", "pre_start"}
