"""Images that a unit's commands pull, make, name or remove, as a later command of it finds them."""

import pytest

from scanner.domain.platform.platform import Platform
from scanner.probe.planned.commands.local_images import MAX_IMAGES
from scanner.probe.planned.units import systemd
from scanner.probe.planned.units.copies_of import MAX_COPIES
from tests.rows import each_row

ARM64 = Platform("linux", "arm64")


def unit(text, **files):
    return systemd.plans({"/etc/systemd/system/a.service": f"[Service]\n{text}".encode(), **files})


PULL = "docker pull --platform linux/arm64 a"
LEFT = [
    ("docker run --platform linux/arm64 a x; docker run a", "a:arm64 a:arm64"),
    ("docker create --platform linux/arm64 a; docker run a", "a:arm64 a:arm64"),
    (f"if [ -f /x ]; then {PULL}; fi; docker run a", "a a:arm64"),
    (f"if [ -f /x ]; then {PULL}; docker run b; else docker run a; fi", "a b"),
    (f"[ -f /x ] && ({PULL}; exit); docker run a", "a a:arm64"),
    (f"sh -c '[ -f /x ] || {PULL}'; docker run a", "a a:arm64"),
    ("docker pull --platform linux/arm64 r/$(cat /x); docker run r/a; docker run a", "a r/a r/a:arm64"),
    ("docker tag a b; docker run b; docker run a", "a a"),
    (f"{PULL}; docker tag a b; docker tag b c; docker run c", "a:arm64"),
    ("docker tag a b; docker run --platform linux/arm64 b", "gap"),
    (f"{PULL}; docker tag a b; docker run --platform linux/arm64 b; docker run --platform linux/amd64 b", "a:arm64 b"),
    ("docker build -t a .; docker tag a b; docker run b", "b:made"),
    ("docker tag $(cat /x) b; docker run b; docker run a", "a gap"),
    ("docker build --platform linux/arm64 -t b .; docker run --pull=never b", "b:arm64:made"),
    (
        "docker build -tb . && docker run b; docker build -qt c .; docker run c; docker run --pull always b; docker run b",
        "b b b:made c:made",
    ),
    ("docker build -tb . && docker run --pull always b", "b"),
    ("docker buildx build --load --tag=b . && docker run b", "b:made"),
    ("docker buildx build --push --tag=b . && docker run b", "b"),
    ("docker import x.tar b; docker commit -m hi c1 c; docker run b; docker run c", "b:made c:made"),
    ("podman build -t b .; podman run localhost/b", "localhost/b:made"),
    ("podman pull --arch arm64 a; podman --root /x run a; podman run a", "a a:arm64"),
    ("podman --root=/x pull --arch arm64 a; podman run a; podman --root /x run a", "a a:arm64"),
    ("podman --root /x build -t b .; podman --root /x rmi b; podman --root /x build -t c .; podman run c", "c"),
    ("podman --root $(cat /x) run a", "gap"),
    (
        "nerdctl -n k8s.io pull --platform linux/arm64 a; nerdctl run a; CONTAINERD_NAMESPACE=k8s.io nerdctl run a",
        "a a:arm64",
    ),
    (
        "docker -H unix:///x pull --platform linux/arm64 a; DOCKER_HOST=unix:///x docker run a; docker -H unix:///var/run/docker.sock run a",
        "a a:arm64",
    ),
    ("docker load -i /x.tar; docker run a", "a gap"),
    ("docker build -t a:$(cat /x) .; docker run a:1; docker run b", "a:1 b gap"),
]


@pytest.mark.parametrize(("script", "expected"), LEFT)
def test_a_run_takes_what_the_commands_before_it_left(script, expected):
    found = unit(f'ExecStart=/bin/bash -c "{script.replace("$", "$$")}"')

    images = [f"{plan.image}{':arm64' * (plan.pinned == ARM64)}{':made' * plan.build_only}" for plan in found.planned]
    assert " ".join(sorted(images) + ["gap"] * len(found.gaps)) == expected


def test_more_images_or_copies_than_anybody_writes_are_a_gap():
    many = "; ".join(f"docker pull a:{number}" for number in range(MAX_IMAGES + 1))
    copies = "; ".join(f"[ -f /x ] || docker pull --platform linux/arm/v{number} a" for number in range(MAX_COPIES + 1))

    assert unit(f"ExecStart=/bin/sh -c '{many}'").gaps
    assert unit(f"ExecStart=/bin/sh -c '{copies}; docker run a'").gaps
    assert not unit(f"ExecStart=/bin/sh -c '{copies}; docker run b'").gaps


def test_an_image_of_which_too_little_is_known_costs_the_others_of_its_file_nothing():
    pod = b"apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a, image: a}, {name: b, image: b}]}\n"
    found = unit("ExecStart=/bin/sh -c 'podman tag $$(cat /x) a; podman kube play /p.yaml'", **{"/p.yaml": pod})

    assert ([plan.image for plan in found.planned], len(found.gaps)) == (["b"], 1)


@each_row(
    "host, up, images",
    [
        ("unix:///x", "docker compose", ["a:arm64"]), ("unix:///x", "docker-compose", ["a:arm64"]),
        ("unix:///x", "docker -H unix:///y compose", ["a"]), ("tcp://build:2375", "docker-compose", []),
    ],
)  # fmt: skip
def test_a_project_takes_what_was_pulled_where_it_is_started(host, up, images):
    text = f"[Service]\nEnvironment=DOCKER_HOST={host}\nExecStartPre=/bin/{PULL}\nExecStart=/bin/{up} -f /srv/compose.yml up\n"
    found = systemd.plans({
        "/etc/systemd/system/a.service": text.encode(), "/srv/compose.yml": b"services: {a: {image: a}}"
    })  # fmt: skip
    assert [f"{plan.image}{':arm64' * (plan.pinned == ARM64)}" for plan in found.planned] == images
    assert bool(found.gaps) is not bool(images)
