"""The way back of units that start Podman's containers: quadlets, ``podman generate systemd``, under a real systemd."""

from __future__ import annotations

import uuid

import pytest

from tests.real.hand import Hand
from tests.real.process import until

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def releases(booted, pusher, image_factory, elf_factory, registry):
    """Two releases that run, one for another CPU, all pulled: ``(tag, name@digest, image ID)`` of each."""
    found = []
    for number, cpu in ((1, "amd64"), (2, "amd64"), (3, "s390x")):
        made = image_factory.image(
            {"app": elf_factory(cpu, f"unit {number}", forever=True), f"v{number}": b"x"}, entrypoint=["/app"]
        )
        tag = pusher.push("back/unit", str(number), made)
        image = f"{registry.address}/back/unit@{made.manifest.digest}"
        for name in (image, tag):
            booted.run("podman", "pull", "-q", "--tls-verify=false", name)
        found.append((tag, image, booted.run("podman", "image", "inspect", "--format", "{{.Id}}", image).strip()))
    return found


@pytest.fixture(scope="module")
def hand(booted):
    clients = {"podman": "/usr/bin/podman", "systemctl": "/usr/bin/systemctl"}
    return Hand(booted.shared / "hand", clients, enter=booted.enter)


@pytest.fixture
def unit(booted):
    """``unit(text)``: a quadlet of that text, started; the name of its unit. Gone after the test."""
    names = []

    def make(text):
        name = f"api{uuid.uuid4().hex[:6]}"
        names.append(name)
        path = f"/etc/containers/systemd/{name}.container"
        (booted.shared / name).write_text(text)
        booted.run("sh", "-c", f"mkdir -p /etc/containers/systemd && cp {booted.shared}/{name} {path}")
        booted.run("systemctl", "daemon-reload")
        booted.run("systemctl", "start", f"{name}.service", check=False)
        return name

    yield make
    for name in names:
        booted.run("systemctl", "stop", f"{name}.service", check=False)
        booted.run("sh", "-c", f"rm -rf /etc/containers/systemd/{name}.container*", check=False)
    booted.run("systemctl", "daemon-reload")


def quadlet(image, restart="no"):
    return (
        f'[Container]\n# the shop\nImage={image}\nNetwork=none\nEnvironment="GREETING=hello world"\nPodmanArgs=--stop-timeout=0\n'
        f"[Service]\nRestart={restart}\nTimeoutStartSec=30\n"
    )  # fmt: skip


def state(booted, name):
    """The unit's state, with its container's image."""
    return (
        booted.run("systemctl", "is-active", f"{name}.service", check=False).strip(),
        booted.run("podman", "inspect", "--format", "{{.Image}}", f"systemd-{name}", check=False).splitlines()[-1],
    )


def pins(booted, name):
    return booted.run("sh", "-c", f"cat /etc/containers/systemd/{name}.container.d/* 2>/dev/null", check=False)


def test_a_quadlet_is_pinned_beside_its_file_and_unpinned_by_undo(booted, hand, unit, releases):
    name = unit(quadlet(releases[1][0]))
    rollback = hand.begin(f"{name}.service", releases[0][1], releases[1][2], engine="podman", kind="unit")
    told = hand.do(rollback, "find", "prepare", "switch")
    assert told["state"] == "up", (told, hand.log(rollback))
    assert state(booted, name) == ("active", releases[0][2])
    assert f"Image={releases[0][1]}\n" in pins(booted, name)
    assert booted.run("cat", f"/etc/containers/systemd/{name}.container") == quadlet(releases[1][0])
    told = hand.do(rollback, "undo")
    assert told["state"] == "undone", (told, hand.log(rollback))
    assert (state(booted, name), pins(booted, name)) == (("active", releases[1][2]), "")


def test_a_quadlet_whose_release_cannot_start_comes_back_although_it_keeps_no_container(booted, hand, unit, releases):
    name = unit(quadlet(releases[2][0]))
    until(lambda: state(booted, name)[0] == "failed", "its end")
    rollback = hand.begin(f"{name}.service", releases[0][1], "-", engine="podman", kind="unit")
    told = hand.do(rollback, "find", "prepare", "switch", "finish")
    assert told["state"] == "done", (told, hand.log(rollback))
    assert state(booted, name) == ("active", releases[0][2])


@pytest.mark.engines
def test_where_the_older_release_does_not_start_either_the_quadlet_is_as_it_was(booted, hand, unit, releases):
    name = unit(quadlet(releases[1][0], restart="always"))
    rollback = hand.begin(f"{name}.service", releases[2][1], releases[1][2], engine="podman", kind="unit")
    told = hand.do(rollback, "find", "prepare", "switch")
    assert told["state"] == "undone", (told, hand.log(rollback))
    assert (state(booted, name), pins(booted, name)) == (("active", releases[1][2]), "")


@pytest.mark.engines
@pytest.mark.parametrize(("turn", "when"), [(1, "before"), (1, "after"), (2, "after")])
def test_a_quadlet_that_was_being_switched_when_its_script_was_killed_is_finished(
    booted, hand, unit, releases, turn, when
):
    name = unit(quadlet(releases[1][0]))
    rollback = hand.begin(f"{name}.service", releases[0][1], releases[1][2], engine="podman", kind="unit")
    assert hand.do(rollback, "find", "prepare")["state"] == "prepared"
    hand.kill(turn, when)
    told = hand.do(rollback, "switch")
    assert hand.killed()
    hand.spare()
    assert told["state"] == "switching"
    told = hand.do(rollback, "resume", "finish")
    assert told["state"] == "done", (told, hand.log(rollback))
    assert state(booted, name) == ("active", releases[0][2])


@pytest.mark.engines
@pytest.mark.parametrize("options", [(), ("--new",)])
def test_a_unit_that_podman_generated_starts_the_former_image(booted, hand, releases, options):
    name = f"gen{uuid.uuid4().hex[:6]}"
    booted.run("podman", "run", "-d", "--network", "none", "--stop-timeout", "0", "--name", name, releases[1][0])
    text = booted.run("podman", "generate", "systemd", "--name", *options, name)
    made = f"container-{name}.service"
    (booted.shared / made).write_text(text[text.index("# container-") :])
    booted.run("podman", "rm" if options else "stop", *(["-f"] if options else []), "--time", "0", name)
    booted.run("cp", booted.shared / made, f"/etc/systemd/system/{made}")
    booted.run("systemctl", "daemon-reload")
    booted.run("systemctl", "start", made)
    kind, subject = ("unit", made) if options else ("container", name)
    rollback = hand.begin(subject, releases[0][1], releases[1][2], engine="podman", kind=kind)
    told = hand.do(rollback, "find", "prepare", "switch")
    assert told["state"] == "up", (told, hand.log(rollback))

    def now():
        return (
            booted.run("systemctl", "is-active", made).strip(),
            booted.run("podman", "inspect", "--format", "{{.Image}}", name).strip(),
        )

    assert now() == ("active", releases[0][2])
    booted.run("systemctl", "restart", made)
    assert now() == ("active", releases[0][2])
    told = hand.do(rollback, "undo")
    assert told["state"] == "undone", (told, hand.log(rollback))
    assert now() == ("active", releases[1][2])
    booted.run("systemctl", "stop", made)
    booted.run("podman", "rm", "--force", "--ignore", name, check=False)
