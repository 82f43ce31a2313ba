"""Files of a host that plan for other hosts, or are planned by more than one of them."""

import pytest

from scanner.domain.host import Host
from scanner.probe import reading

POD = (
    "/etc/kubernetes/manifests/x.yaml\napiVersion: v1\nkind: Pod\nmetadata: {name: x}\n"
    "spec: {containers: [{name: x, image: r.example/app:1}], %s}\n"
)


@pytest.mark.parametrize(
    ("asked", "is_planned"),
    [
        ("nodeSelector: {kubernetes.io/arch: amd64}", True),
        ("nodeSelector: {kubernetes.io/arch: arm64}", False),
        ("nodeSelector: {kubernetes.io/os: windows}", False),
        ("nodeSelector: {disk: ssd}", True),
        ("nodeSelector: {disk: nvme}", False),
        ("nodeSelector: {unheard-of: x}", True),
        ("nodeName: ip-10-0-0-7", True),
    ],
)
def test_a_static_pod_is_planned_where_its_host_may_run_it(asked, is_planned, pieces):
    sections = {**pieces.HOSTS["no-engine"], "plan/manifests/1": POD % asked, "plan/count": "1"}
    facts = reading.read(pieces.framed(sections), Host("web-1", "127.0.0.1", labels={"disk": "ssd"}))
    assert [workload.image for workload in facts.workloads] == ["r.example/app:1"] * is_planned


PROJECT = "/srv/app/compose.yml\nservices: {a: {image: 'r.example/a:${TAG:-1}', environment: {P: '$PASS'}, ports: ['$PORT:80']}}\n"
LABELLED = 'sha256:1 2 running/0 {"config": {"labels": {"project": "app", "compose_files": "/srv/app/compose.yml"}}}'
TAG_2 = "Environment=TAG=2\n"
STARTED = [
    ("", [("app/a", "r.example/a:1", None)]),
    ("Environment=TAG=2\nExecReload=docker compose up -d\n", [("app/a", "r.example/a:2", None)]),
    ("Environment=DOCKER_DEFAULT_PLATFORM=linux/arm64\n", [("app/a", "r.example/a:1", "linux/arm64")]),
    ("Environment=PASS=@hidden PORT=@hidden\n", [("app/a", "r.example/a:1", None)]),
    ("Environment=TAG=@hidden\n", [("app/a", "r.example/a:1", None)]),
    (f"{TAG_2}[Unit]\nConditionArchitecture=x86-64\n", [("app/a", "r.example/a:2", None)]),
    (f"{TAG_2}[Unit]\nConditionArchitecture=arm64\n", [("app/a", "r.example/a:1", None)]),
    (f"{TAG_2}[Unit]\nConditionArchitecture=|arm64\nConditionPathExists=@hidden\n", [("app/a", "r.example/a:2", None)]),
    (f"{TAG_2}ExecStart=\nExecStart=docker compose up a\n", [("app/a", "r.example/a:2", None)]),
]


@pytest.mark.parametrize(("more", "wanted"), STARTED)
def test_a_project_that_a_unit_starts_is_planned_once_and_as_the_unit_starts_it(more, wanted, pieces):
    unit = "/etc/systemd/system/a.service\n[Service]\nExecStart=docker compose up\nWorkingDirectory=/srv/app\n"
    sections = {
        **pieces.HOSTS["no-engine"],
        "docker/containers": LABELLED,
        "plan/compose/1": PROJECT,
        "plan/systemd/2": unit + more,
        "plan/systemd/3": PROJECT,
        "plan/count": "3",
        "plan_files": "with files of variables, volumes",
    }
    facts = reading.read(pieces.framed(sections), Host("web-1", "127.0.0.1"))
    planned = [(one.name, one.image, str(one.pinned) if one.pinned else None) for one in facts.workloads]
    assert planned == wanted
    assert ("systemd" in facts.gaps) is ("TAG=@hidden" in more)


def label(project, files):
    return LABELLED.replace('"app"', f'"{project}"').replace("/srv/app/compose.yml", files)


BOTH = "/srv/app/compose.yml,/srv/app/dev.yml"


@pytest.mark.parametrize(
    ("labels", "more"),
    [
        ([label("app", "/srv/app/compose.yml")], []),
        ([label("other", "/srv/app/compose.yml")], ["other/a r.example/a:1"]),
        ([label("app", BOTH), label("other", "/srv/app/compose.yml")], ["app/a r.example/a:1", "other/a r.example/a:1"]),
    ],
)  # fmt: skip
def test_projects_beside_the_one_that_a_unit_starts_are_planned(labels, more, pieces):
    unit = f"/etc/systemd/system/a.service\n[Service]\nExecStart=docker compose up\nWorkingDirectory=/srv/app\n{TAG_2}"
    sections = {
        **pieces.HOSTS["no-engine"],
        "docker/containers": "\n".join(labels),
        "plan/compose/1": PROJECT,
        "plan/compose/2": "/srv/app/dev.yml\nservices: {a: {user: '5'}}\n",
        "plan/systemd/3": unit,
        "plan/systemd/4": PROJECT,
        "plan/count": "4",
        "plan_files": "with files of variables, volumes",
    }
    facts = reading.read(pieces.framed(sections), Host("web-1", "127.0.0.1"))
    assert sorted(f"{one.name} {one.image}" for one in facts.workloads) == sorted(["app/a r.example/a:2", *more])
