"""The way back of units that start Podman's containers: quadlets, ``podman generate systemd``, under a real systemd."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.real.hand import Hand
from tests.real.process import until

pytestmark = pytest.mark.system


RENAMED, STARTED = 4, 7
"""Which call of a switch that is, of a container that a unit starts: the old one is renamed, the new one started."""


@pytest.fixture(scope="module")
def releases(booted, pusher, image_factory, elf_factory, registry):
    """Two releases that run, one for another CPU, all pulled: ``(tag, name@digest, image ID)`` of each.

    The first two say that they are well; the fourth runs, but its check fails.
    """
    found = []
    for number, cpu, check in ((1, "amd64", "amd64"), (2, "amd64", "amd64"), (3, "s390x", ""), (4, "amd64", "s390x")):
        checks = {"check": elf_factory(check, "well")} if check else {}
        made = image_factory.image(
            {"app": elf_factory(cpu, f"unit {number}", forever=True), f"v{number}": b"x"} | checks, entrypoint=["/app"]
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
    """``unit(text)``: a quadlet of that text, started; the name of its unit. Gone after the test.

    With ``instance`` it is a template; ``more`` are files of the same name with other endings.
    """
    names = []

    def make(text, instance="", **more):
        name = f"api{uuid.uuid4().hex[:6]}"
        names.append(name)
        template = f"{name}@" if instance else name
        for ending, body in {"container": text, **more}.items():
            (booted.shared / name).write_text(body.format(name=name))
            path = f"/etc/containers/systemd/{template}.{ending}"
            booted.run("sh", "-c", f"mkdir -p /etc/containers/systemd && cp {booted.shared}/{name} {path}")
        booted.run("systemctl", "daemon-reload")
        booted.run("systemctl", "start", f"{template}{instance}.service", check=False)
        return f"{template}{instance}"

    yield make
    for name in names:
        booted.run("systemctl", "stop", f"{name}*.service", check=False)
        places = f"/etc/containers/systemd/{name}* /etc/systemd/system/{name}*"
        booted.run("sh", "-c", f"rm -rf {places}", check=False)
    booted.run("systemctl", "daemon-reload")


@pytest.fixture
def generated(booted, releases):
    """``generated("--new")``: a unit that Podman generated, started; its container's name. Gone after the test."""
    names = []

    def make(*options):
        name = f"gen{uuid.uuid4().hex[:6]}"
        names.append(name)
        booted.run("podman", "run", "-d", "--network", "none", "--stop-timeout", "0", "--name", name, releases[1][0])
        text = booted.run("podman", "generate", "systemd", "--name", *options, name)
        made = f"container-{name}.service"
        (booted.shared / made).write_text(text[text.index("# container-") :])
        booted.run("podman", "rm" if options else "stop", *(["-f"] if options else []), "--time", "0", name)
        booted.run("cp", booted.shared / made, f"/etc/systemd/system/{made}")
        booted.run("systemctl", "daemon-reload")
        booted.run("systemctl", "start", made)
        return name

    yield make
    for name in names:
        booted.run("systemctl", "stop", f"container-{name}.service", check=False)
        booted.run("podman", "rm", "--force", "--ignore", "--time", "0", name, check=False)
        booted.run("sh", "-c", f"rm -rf /etc/systemd/system/container-{name}.service*", check=False)


def quadlet(image, restart="no"):
    return (
        f'[Container]\n# the shop\nImage={image}\nNetwork=none\nEnvironment="GREETING=hello world"\nPodmanArgs=--stop-timeout=0\n'
        f"[Service]\nRestart={restart}\nTimeoutStartSec=30\n"
    )  # fmt: skip


def state(booted, name):
    """The unit's state, with its container's image."""
    return (
        booted.run("systemctl", "is-active", f"{name}.service", check=False).strip(),
        booted.run("podman", "inspect", "--format", "{{.Image}}", container(name), check=False).splitlines()[-1],
    )


def container(name):
    """What Podman calls the container of a quadlet."""
    return f"systemd-{name.replace('@', '_')}"


def pins(booted, name):
    return booted.run("sh", "-c", f"cat /etc/containers/systemd/{name}.container.d/* 2>/dev/null", check=False)


def test_a_quadlet_killed_at_each_step_is_pinned_beside_its_file_and_unpinned_by_undo(booted, hand, unit, releases):
    name = unit(quadlet(releases[1][0]))
    rollback = hand.begin(f"{name}.service", releases[0][1], releases[1][2], engine="podman", kind="unit")
    assert hand.do(rollback, "find", "prepare")["state"] == "prepared"
    told, kills = hand.do_killed(rollback, "switch")
    assert (told["state"], kills) == ("up", 4), (told, hand.log(rollback))
    assert state(booted, name) == ("active", releases[0][2])
    assert f"Image={releases[0][1]}\n" in pins(booted, name)
    assert booted.run("cat", f"/etc/containers/systemd/{name}.container") == quadlet(releases[1][0])
    told, kills = hand.do_killed(rollback, "undo")
    assert (told["state"], kills) == ("undone", 4), (told, hand.log(rollback))
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
def test_one_of_many_of_a_template_is_brought_back_alone(booted, hand, unit, releases):
    name = unit(quadlet(releases[1][0]), instance="blue")
    green = name.replace("@blue", "@green")
    booted.run("systemctl", "start", f"{green}.service")
    rollback = hand.begin(f"{name}.service", releases[0][1], releases[1][2], engine="podman", kind="unit")
    told = hand.do(rollback, "find", "prepare", "switch")
    assert told["state"] == "up", (told, hand.log(rollback))
    assert (state(booted, name), state(booted, green)) == (("active", releases[0][2]), ("active", releases[1][2]))
    told = hand.do(rollback, "undo")
    assert (told["state"], state(booted, name)) == ("undone", ("active", releases[1][2])), hand.log(rollback)


@pytest.mark.engines
def test_a_container_of_a_pod_is_brought_back_within_it_but_no_pod_or_play(booted, hand, unit, releases):
    text = quadlet(releases[1][0]).replace("Network=none\n", "Pod={name}.pod\n")
    name = unit(text, pod=f"[Pod]\nNetwork=none\nPodmanArgs=--infra-image={releases[1][0]} --infra-command=/app\n")
    rollback = hand.begin(f"{name}.service", releases[0][1], releases[1][2], engine="podman", kind="unit")
    told = hand.do(rollback, "find", "prepare", "switch")
    assert told["state"] == "up", (told, hand.log(rollback))
    assert state(booted, name) == ("active", releases[0][2])
    pod = hand.begin(f"{name}-pod.service", releases[0][1], releases[1][2], engine="podman", kind="unit")
    assert hand.do(pod, "find")["state"] == "refused"
    assert state(booted, name) == ("active", releases[0][2])


def test_a_generated_unit_killed_at_each_step_comes_to_either_good_end(booted, hand, generated, releases):
    name = generated()

    def begun():
        rollback = hand.begin(name, releases[0][1], releases[1][2], engine="podman")
        assert hand.do(rollback, "find", "prepare")["state"] == "prepared", hand.log(rollback)
        return rollback

    def cut(rollback, step, turn):
        hand.kill(turn, "after")
        told = hand.do(rollback, step)
        assert (hand.killed(), told["state"].endswith("ing")) == (True, True), (step, told, hand.log(rollback))
        hand.spare()

    def end(rollback):
        told = hand.do(rollback, "resume")
        active = booted.run("systemctl", "is-active", f"container-{name}.service").strip()
        image = booted.run("podman", "inspect", "--format", "{{.Image}}", name).strip()
        assert active == "active", (told, hand.log(rollback))
        return told["state"], image

    rollback = begun()
    cut(rollback, "switch", RENAMED)
    assert end(rollback) == ("undone", releases[1][2]), hand.log(rollback)
    rollback = begun()
    cut(rollback, "switch", STARTED)
    assert end(rollback) == ("up", releases[0][2]), hand.log(rollback)
    cut(rollback, "finish", 1)
    assert end(rollback) == ("done", releases[0][2]), hand.log(rollback)


CHECKED = 'HealthCmd=["CMD","/check"]\nHealthInterval=1s\nHealthRetries=1\n[Service]'


@pytest.mark.engines
@pytest.mark.parametrize(("release", "ends"), [(0, "up"), (3, "undone")])
def test_a_quadlet_s_own_check_decides_whether_the_former_release_is_well(booted, hand, unit, releases, release, ends):
    name = unit(quadlet(releases[1][0]).replace("[Service]", CHECKED))
    rollback = hand.begin(f"{name}.service", releases[release][1], releases[1][2], engine="podman", kind="unit")
    told = hand.do(rollback, "find", "prepare", "switch")
    assert told["state"] == ends, (told, hand.log(rollback))
    assert state(booted, name) == ("active", releases[release if ends == "up" else 1][2])


BEFORE = ("find", "prepare")
UNIT_KILLS = [
    *[(BEFORE, "switch", turn, when) for turn in (1, 2) for when in ("before", "after")],
    *[((*BEFORE, "switch"), "undo", turn, when) for turn in (1, 2) for when in ("before", "after")],
]
"""Steps that were done, the one that is killed, at which of its calls that change something: reload, restart."""
KNOWN_KILLS = [
    (("find",), "prepare", 2, "after"),
    *[(BEFORE, "switch", turn, "after") for turn in range(1, STARTED + 1)],
    *[((*BEFORE, "switch"), "undo", turn, "after") for turn in range(1, 5)],
    ((*BEFORE, "switch"), "finish", 1, "after"),
]
"""The same where the unit starts a container that stays: both are stopped, renamed, started, one is deleted."""


@pytest.mark.engines
@pytest.mark.parametrize("kind", ["quadlet", "template", "generated", "generated --new"])
def test_killed_at_any_step_a_unit_comes_to_a_good_end(booted, unit, generated, releases, kind, hand):
    def killed(number, kill):
        own = Hand(booted.shared / kind.replace(" ", "") / str(number), hand.clients, enter=booted.enter)
        match kind:
            case "quadlet" | "template":
                name = unit(quadlet(releases[1][0]), instance="blue" if kind == "template" else "")
                subject, service, made = f"{name}.service", f"{name}.service", container(name)
            case _:
                made = generated(*(["--new"] if kind.endswith("--new") else []))
                service = f"container-{made}.service"
                subject = service if kind.endswith("--new") else made
        done, step, turn, when = kill
        begun = "container" if subject == made else "unit"
        rollback = own.begin(subject, releases[0][1], releases[1][2], engine="podman", kind=begun)
        own.do(rollback, *done)
        own.kill(turn, when)
        cut = own.do(rollback, step)
        assert own.killed(), (kill, cut, own.log(rollback))
        assert cut["state"] not in {"done", "undone", "refused"}, cut
        own.spare()
        told = own.do(rollback, "resume")
        if told["state"] == "prepared":
            told = own.do(rollback, "switch")
        if told["state"] == "up":
            told = own.do(rollback, "finish")
        return kill, service, made, told, own.log(rollback)

    kills = KNOWN_KILLS if kind == "generated" else UNIT_KILLS
    with ThreadPoolExecutor(max_workers=4) as pool:
        ended = list(pool.map(killed, range(len(kills)), kills))
    for kill, service, made, told, log in ended:
        assert told["state"] in {"done", "undone"}, (kill, told, log)
        is_back = booted.run("podman", "inspect", "--format", "{{.Image}}", made).strip() == releases[0][2]
        assert is_back is (told["state"] == "done"), (kill, told, log)
        assert booted.run("systemctl", "is-active", service).strip() == "active", (kill, told, log)
    assert {told["state"] for *_, told, _ in ended} == {"done", "undone"}
    assert not booted.run("podman", "ps", "-aq", "--filter", "name=archscan-").split()


@pytest.mark.engines
@pytest.mark.parametrize("options", [(), ("--new",)])
def test_a_unit_that_podman_generated_starts_the_former_image(booted, hand, generated, releases, options):
    name = generated(*options)
    made = f"container-{name}.service"
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
