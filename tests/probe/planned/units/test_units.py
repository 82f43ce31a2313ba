"""What units and quadlets plan beside their image: variables, pins, pods, other files."""

import pytest

from scanner.domain.facts import Mount, Process, Source
from scanner.domain.platform.platform import Platform
from scanner.probe.planned import folder
from scanner.probe.planned.units import quadlet, systemd
from tests import counted

AT = "/etc/systemd/system/a.service"
IN = "/etc/containers/systemd/a.container"
ARM64 = Platform("linux", "arm64")


def unit(text, **others):
    return systemd.plans({AT: b"[Service]\n" + text.encode(), **{path: raw.encode() for path, raw in others.items()}})


def container(text, others=()):
    files = {IN: f"[Container]\nImage=a:1\n{text}", **dict(others)}
    return quadlet.plans({path: raw.encode() for path, raw in files.items()})


IMAGES = [
    # settings of the service, images
    ("Environment=I=a:1\nExecStart=docker run ${I}", ["a:1"]),
    ("Environment=I=a:1\nExecStart=docker run $I", ["a:1"]),
    ("Environment=R=reg T=2\nExecStart=docker run ${R}/a:${T}", ["reg/a:2"]),
    ("Environment='O=--rm -e A=b'\nExecStart=docker run $O a", ["a"]),
    ("ExecStart=docker run $NOTHING a", ["a"]),
    ("Environment=I=a\nEnvironmentFile=/etc/default/a\nExecStart=docker run $I", ["from:file"]),
    ("EnvironmentFile=-/etc/default/gone\nExecStart=docker run a", ["a"]),
    ("Environment=I=a\nExecStart=/bin/sh -c 'docker run $$I'", ["a"]),
    ("Environment=I=a\nExecStart=/bin/sh -c 'docker run ${I}; docker run b'", ["a", "b"]),
    ("Environment=I=a\nExecStart=:/bin/sh -c 'docker run ${I}'", ["a"]),
    ("Environment=I=a\nUnsetEnvironment=I\nExecStart=/bin/sh -c 'docker run ${I:-b}'", ["b"]),
    ("ExecStart=docker run a:%p", ["a:a"]),
    ("ExecStart=/usr/bin/env I=x docker run a", ["a"]),
    ("ExecStartPre=docker create --name x a\nExecStart=docker start -a x", ["a"]),
    ("ExecStartPre=-/usr/bin/docker rm -f x\nExecStart=docker run a\nExecStopPost=docker run --rm b", ["a", "b"]),
    ("Type=oneshot\nExecStart=docker run a ; docker run b\nExecStart=docker run c", ["a", "b", "c"]),
]


@pytest.mark.parametrize(("text", "images"), IMAGES)
def test_a_unit_s_variables_are_put_in_place(text, images):
    found = systemd.plans(
        {
            AT: b"[Service]\n" + text.encode(),
            "/etc/default/a": b"# x\nI='from:file'\n",
            "/etc/default/gone": b"@missing",
        }
    )

    assert ([plan.image for plan in found.planned], dict(found.gaps)) == (images, {})


OPEN = [
    "EnvironmentFile=/etc/elsewhere\nExecStart=docker run $I",
    "Environment=I=a\nEnvironmentFile=/etc/elsewhere\nExecStart=docker run $I",
    "PassEnvironment=I\nExecStart=docker run $I",
    "Environment=I=@hidden\nExecStart=docker run $I",
    "EnvironmentFile=/etc/default/*.env\nExecStart=docker run $I",
    "EnvironmentFile=/etc/elsewhere\nExecStart=/bin/sh -c 'docker run $$I'",
    "ExecStart=docker run a\nExecStart=docker run b",
    "ExecStart=docker run 'a",
    "ExecStart=docker run --such-an-option a",
    "ExecStart=podman kube play /srv/gone.yaml",
    "ExecStart=docker compose -f /srv/gone.yml up",
    "ExecStart=docker compose up",
    "Environment=DOCKER_HOST=tcp://10.0.0.9\nExecStart=docker run a",
    "EnvironmentFile=/etc/elsewhere\nExecStart=docker run -e PATH a",
    "ExecStart=/bin/bash -c 'f() { docker run a; }; DOCKER_HOST=tcp://x:1 f'",
    "ExecStart=/bin/sh -c 'docker pull --platform $$(cat /x) a; docker run a'",
]


@pytest.mark.parametrize("text", OPEN)
def test_what_only_the_host_knows_is_a_gap_with_its_line(text):
    found = unit(text)

    assert found.gaps
    assert all(path == AT or path.rpartition(":")[0] == AT for path in found.gaps)
    assert [plan for plan in found.planned if "PATH" not in text] == []


DIGEST = f"sha256:{'0' * 64}"
PINS = [
    ("ExecStart=docker run --platform linux/arm64 a", 2),
    ("ExecStart=docker run \\\n  --rm \\\n  --platform=linux/arm64 \\\n  a", 4),
    ("Environment=DOCKER_DEFAULT_PLATFORM=linux/arm64\nExecStart=docker run a", 2),
    ("Environment=A=b \\\n  DOCKER_DEFAULT_PLATFORM=linux/arm64\nExecStart=docker run a", 3),
    ("ExecStart=/usr/bin/env DOCKER_DEFAULT_PLATFORM=linux/arm64 docker run a", 2),
    ("ExecStart=/bin/sh -c 'export DOCKER_DEFAULT_PLATFORM=linux/arm64; docker run a'", 2),
    ("ExecStart=/bin/sh -c 'DOCKER_DEFAULT_PLATFORM=linux/arm64 docker run a'", 2),
    ("ExecStartPre=docker pull --platform linux/arm64 a\nExecStart=docker run a", 2),
    ("ExecStart=podman run --arch arm64 a", 2),
    ("ExecStart=/bin/bash -c 'f() { docker run a; }; DOCKER_DEFAULT_PLATFORM=linux/arm64 f'", 2),
    ("ExecStartPre=env DOCKER_DEFAULT_PLATFORM=linux/arm64 docker pull a\nExecStart=docker run a", 2),
    ("ExecStartPre=docker pull --platform linux/arm64 a\nExecStart=docker run docker.io/library/a:latest", 2),
    (f"ExecStartPre=docker pull --platform linux/arm64 a:1@{DIGEST}\nExecStart=docker run a@{DIGEST}", 2),
    ("ExecStartPre=/bin/sh -c '(docker pull --platform linux/arm64 a); f || exit'\nExecStart=docker run a", 2),
]


@pytest.mark.parametrize(("text", "line"), PINS)
def test_a_platform_is_pinned_where_it_stands(text, line):
    (plan,) = unit(text).planned

    assert (plan.pinned, plan.pinned_at) == (ARM64, f"{AT}:{line}")


UNPINNED = [
    "Environment=DOCKER_DEFAULT_PLATFORM=linux/arm64\nExecStart=podman run a",
    "Environment=DOCKER_DEFAULT_PLATFORM=linux/arm64\nEnvironment=\nExecStart=docker run a",
    "Environment=DOCKER_DEFAULT_PLATFORM=linux/arm64\nUnsetEnvironment=DOCKER_DEFAULT_PLATFORM\nExecStart=docker run a",
    "ExecStartPre=docker pull --platform linux/arm64 b\nExecStart=docker run a",
    "ExecStartPre=docker pull --platform linux/arm64 a\nExecStart=docker run --pull always a",
    "ExecStartPre=docker pull --platform linux/arm64 a\nExecStartPre=docker pull a\nExecStart=docker run a",
    "ExecStartPre=docker pull --platform linux/arm64 a\nExecStartPre=-docker rmi -f a\nExecStart=docker run a",
    "ExecStartPre=docker pull --platform linux/arm64 a\nExecStart=podman run a",
    "ExecStartPre=podman pull --platform linux/arm64 a\nExecStart=sudo -u me podman run a",
]


@pytest.mark.parametrize("text", UNPINNED)
def test_what_is_no_pin_pins_nothing(text):
    (plan,) = unit(text).planned

    assert (plan.pinned, plan.pinned_at) == (None, "")


def test_a_command_s_own_platform_goes_before_the_default():
    (plan,) = unit(
        "Environment=DOCKER_DEFAULT_PLATFORM=linux/arm64\nExecStart=docker run --platform linux/amd64 a"
    ).planned

    assert (str(plan.pinned), plan.pinned_at) == ("linux/amd64", f"{AT}:3")


def test_the_engine_is_the_one_whose_command_it_is():
    text = "Type=oneshot\nExecStart=docker run a\nExecStart=podman run b\nExecStart=nerdctl run c"

    assert [plan.engine for plan in unit(text).planned] == ["", "podman", "containerd"]


def test_a_file_of_variables_for_the_container_is_read():
    found = unit("ExecStart=docker run --env-file /etc/a.env a", **{"/etc/a.env": "PATH=/x\nB=@hidden\n"})

    assert [plan.process for plan in found.planned] == [
        Process(path="/x", env=(("PATH", "/x"), ("B", None))),
    ]
    assert dict(found.gaps) == {}


def test_what_a_unit_plays_is_planned_under_its_name():
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: inpod}]}\n"
    found = unit("WorkingDirectory=/srv\nExecStart=podman kube play --replace pod.yaml", **{"/srv/pod.yaml": pod})

    assert [(p.workload, p.image, p.source) for p in found.planned] == [("a.service/c", "inpod", Source.SYSTEMD)]


def test_a_project_has_the_unit_s_variables():
    text = "Environment=TAG=2 COMPOSE_FILE=/srv/a.yml:/srv/b.yml COMPOSE_PROJECT_NAME=p\nExecStart=docker-compose up"
    files = {"/srv/a.yml": "services: {web: {image: 'w:${TAG}'}}\n", "/srv/b.yml": "services: {web: {user: '7'}}\n"}
    (plan,) = unit(text, **files).planned

    assert (plan.workload, plan.image, plan.process.user) == ("p/web", "w:2", "7")


def test_a_project_may_have_a_name_of_its_own():
    found = unit(
        "ExecStart=docker compose -f /srv/c.yml up", **{"/srv/c.yml": "name: own\nservices: {web: {image: w}}\n"}
    )

    assert [plan.workload for plan in found.planned] == ["own/web"]


def test_a_project_that_a_unit_starts_is_planned():
    text = "WorkingDirectory=/srv/Shop.1\nExecStart=/usr/bin/docker compose up"
    found = unit(text, **{"/srv/Shop.1/compose.yaml": "services: {web: {image: w}}\n"})

    assert [(p.workload, p.image, p.source) for p in found.planned] == [("shop1/web", "w", Source.COMPOSE)]


OFFERED = "/usr/lib/systemd/system/podman-kube@.service"


def test_a_template_that_is_only_offered_plans_nothing_until_an_instance_is_wanted():
    template = b"[Service]\nExecStart=/usr/bin/podman kube play --replace %I\n"
    pod = b"apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: inpod}]}\n"
    wanted = {"/etc/systemd/system/default.target.wants/podman-kube@-srv-p.yaml.service": b"", "/-srv-p.yaml": b""}

    offered = systemd.plans({OFFERED: template})
    found = systemd.plans({OFFERED: template, **wanted, "/srv/p.yaml": pod})

    assert (offered.planned, dict(offered.gaps)) == ((), {})
    assert [(plan.workload, plan.image) for plan in found.planned] == [("podman-kube@-srv-p.yaml.service/c", "inpod")]


def test_users_units_are_not_the_system_s():
    text = b"[Service]\nExecStart=podman run "
    found = systemd.plans(
        {
            AT: text + b"system",
            "/home/ann/.config/systemd/user/a.service": text + b"ann:%u",
            "/home/bob/.config/systemd/user/a.service": text + b"bob",
            "/home/bob/.config/systemd/user/a.service.d/x.conf": b"[Service]\nExecStart=\nExecStart=podman run -v %h/x:/y bob2",
        }
    )

    assert {plan.image for plan in found.planned} == {"system", "bob2"}
    assert list(found.gaps) == ["/home/ann/.config/systemd/user/a.service:2"]


# ---------------------------------------------------------------- quadlets


def test_a_pod_s_volumes_are_its_containers():
    (plan,) = container("Pod=p.pod\nVolume=/a:/b", {
        "/etc/containers/systemd/p.pod": "[Pod]\nVolume=/c:/d\nPodmanArgs=-v /e:/f --infra-image reg/pause:1\n",
    }.items()).planned[:1]  # fmt: skip

    assert {mount.destination for mount in plan.mounts} == {"/b", "/d", "/f"}


def test_a_pod_s_own_image_is_planned():
    found = quadlet.plans({"/etc/containers/systemd/p.pod": b"[Pod]\nPodmanArgs=--infra-image=reg/pause:1\n"})

    assert [(plan.workload, plan.image) for plan in found.planned] == [("p-pod.service/infra", "reg/pause:1")]


PINNED = [
    ("PodmanArgs=--cpus 2\nPodmanArgs=--arch=arm64\nPodmanArgs=--rm\n", {}, f"{IN}:4"),
    ("PodmanArgs=--cpus 2 \\\n  --platform=linux/arm64\n", {}, f"{IN}:4"),
    ("Image=b.image\n", {"b.image": "[Image]\nImage=b\nOS=linux\nArch=arm64\n"}, "/etc/containers/systemd/b.image:4"),
    (
        "Image=b.image\n",
        {"b.image": "[Image]\nImage=b\nPodmanArgs=--arch arm64\n"},
        "/etc/containers/systemd/b.image:3",
    ),
    ("Image=b.build\n", {"b.build": "[Build]\nImageTag=b\nArch=arm64\nFile=/c\n"}, "/etc/containers/systemd/b.build:3"),
]


@pytest.mark.parametrize(("text", "others", "place"), PINNED)
def test_a_quadlet_s_platform_is_pinned_where_it_stands(text, others, place):
    found = container(text, {f"/etc/containers/systemd/{name}": raw for name, raw in others.items()}.items())

    assert [(plan.pinned, plan.pinned_at) for plan in found.planned] == [(ARM64, place)]


def test_a_kube_quadlet_runs_its_yaml():
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: inpod}]}\n"
    found = quadlet.plans(
        {
            "/etc/containers/systemd/sub/k.kube": b'[Kube]\nYaml="my pod.yaml"\nPodmanArgs=--userns=auto\n',
            "/etc/containers/systemd/sub/my pod.yaml": pod.encode(),
        }
    )

    assert ([(p.workload, p.image) for p in found.planned], dict(found.gaps)) == ([("k.service/c", "inpod")], {})


def test_commands_in_a_quadlet_s_service_are_planned_too():
    found = container("[Service]\nExecStartPre=/usr/bin/podman run --rm init:1\n")

    assert {plan.image for plan in found.planned} == {"a:1", "init:1"}


def test_mounts_say_what_they_are():
    (plan,) = container(
        "Volume=/a:/b:ro,noexec\nVolume=v:/c\nTmpfs=/t:noexec\nMount=type=image,source=i,destination=/i\n"
    ).planned

    assert plan.mounts == (
        Mount("/t", "tmpfs", noexec=True), Mount("/b", "bind", noexec=True), Mount("/c", "volume"), Mount("/i", "image"),
    )  # fmt: skip


# ---------------------------------------------------------------- folders


def test_a_folder_may_hold_units_in_any_shape():
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: inpod}]}\n"
    found = folder.plans({
        "h/quadlets/web/web.container": b"[Container]\nImage=base.image\nEnvironmentFile=web.env\n",
        "h/quadlets/web/web.env": b"PATH=/x\n",
        "h/quadlets/base/base.image": b"[Image]\nImage=quay.io/base:1\nArch=arm64\n",
        "h/quadlets/pod.kube": b"[Kube]\nYaml=pod.yaml\n",
        "h/quadlets/pod.yaml": pod.encode(),
        "h/etc/systemd/system/a.service": b"[Service]\nEnvironmentFile=/etc/default/a.env\nExecStart=docker run ${I}\n",
        "h/etc/systemd/system/a.service.d/x.conf": b"[Service]\nEnvironment=DOCKER_DEFAULT_PLATFORM=linux/arm64\n",
        "h/etc/default/a.env": b"I=b:1\n",
        "h/usr/lib/systemd/system/a.service": b"[Service]\nExecStart=docker run hidden\n",
        "h/up.service": b"[Service]\nWorkingDirectory=/srv\nExecStart=docker compose up\n",
        "h/srv/compose.yaml": b"services: {web: {image: w}}\n",
        "h/plain.service": b"[Service]\nExecStart=/usr/bin/nginx\n",
    }, "h")  # fmt: skip

    assert {(one.planned.workload, one.planned.image, one.planned.pinned, one.file) for one in found.filed} == {
        ("web.service", "quay.io/base:1", ARM64, "h/quadlets/web/web.container"),
        ("pod.service/c", "inpod", None, "h/quadlets/pod.kube"),
        ("a.service", "b:1", ARM64, "h/etc/systemd/system/a.service"),
        ("srv/web", "w", None, "h/srv/compose.yaml"),
    }
    assert found.gaps == ()


def test_many_units_are_read_in_a_moment():
    texts = {
        f"/etc/containers/systemd/u{number}.container": b"[Container]\nImage=base.image\nExec=a b\n"
        for number in range(500)
    }
    texts |= {
        f"/etc/systemd/system/s{number}.service": b"[Service]\nExecStart=/bin/sh -c 'docker run a'\n"
        for number in range(500)
    }
    texts["/etc/containers/systemd/base.image"] = b"[Image]\nImage=a\n"
    with counted.in_proportion():
        assert len(quadlet.plans(texts).planned) == 500
        assert len(systemd.plans(texts).planned) == 500


@pytest.mark.parametrize(
    "text",
    [
        "\\\n" * 30_000,
        "A=" + "x " * 30_000,
        "ExecStart=docker run " + "'" * 30_001,
        "ExecStart=sh -c '" + "docker run a;" * 4000 + "'",
    ],
)
def test_a_hostile_unit_costs_a_moment(text):
    with counted.in_proportion():
        systemd.plans({AT: b"[Service]\n" + text.encode()})
        quadlet.plans({IN: b"[Container]\nImage=a\n" + text.encode()})


MULTIPLYING = [
    f"Environment=A={'x' * 60_000}\nExecStart=docker run {'${A}' * 15_000}",
    f"Environment='A={'x ' * 30_000}'\nExecStart=docker run a {'$A ' * 10_000}",
    f"Environment=A={'x' * 60_000}\nExecStart=sh -c 'docker run a {'$A ' * 10_000}'",
    "ExecStart=sh -c 'I=docker-run; " + "I=$I$I; " * 60 + "docker run $I'",
]


@pytest.mark.parametrize("text", MULTIPLYING)
def test_variables_that_multiply_are_a_gap(text):
    found = unit(text)

    assert (found.planned, len(found.gaps)) == ((), 1)
