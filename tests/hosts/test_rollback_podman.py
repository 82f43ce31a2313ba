"""The script that puts a container back, on a real Podman."""

from __future__ import annotations

import json
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.real.hand import Hand

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def hand(podman, tmp_path_factory):
    return Hand(tmp_path_factory.mktemp("hand"), {"podman": str(podman.wrapper)})


@pytest.fixture(scope="module")
def releases(pusher, image_factory, elf_factory, podman, registry):
    """Two releases of one service, both pulled, with one that cannot start: ``(name@digest, image ID)`` of each."""
    found = []
    for number, cpu in ((1, "amd64"), (2, "amd64"), (3, "s390x")):
        made = image_factory.image(
            {"app": elf_factory(cpu, f"podman {number}", forever=True), f"v{number}": b"x"},
            config={"config": {"Entrypoint": ["/app"], "Env": [f"VERSION={number}", "PATH=/bin"],
                               "Labels": {"version": str(number)}, "Volumes": {"/data": {}, f"/own{number}": {}}}},
        )  # fmt: skip
        pusher.push("back/pod", str(number), made)
        image = f"{registry.address}/back/pod@{made.manifest.digest}"
        podman.podman("pull", "-q", "--tls-verify=false", image)
        found.append((image, podman.podman("image", "inspect", "--format", "{{.Id}}", image).strip()))
    return found


@pytest.fixture
def running(podman, releases):
    """``running("--env", "A=b", command=("x",))``: the second release, as somebody runs it; gone after the test."""
    names = []

    def start(*options, command=()):
        name = f"api-{uuid.uuid4().hex[:8]}"
        names.append(name)
        podman.podman("run", "-d", "--network", "none", "--stop-timeout=0", "--name", name, *options, releases[1][0],
                      *command)  # fmt: skip
        return name

    yield start
    left = podman.podman("ps", "-aq", "--filter", "name=archscan-").split()
    podman.podman("rm", "--force", "--volumes", "--time", "0", *names, *left, check=False)


def inspected(podman, name):
    return json.loads(podman.podman("container", "inspect", name))[0]


def test_the_former_image_comes_back_with_everything_that_somebody_chose(hand, running, releases, podman, tmp_path):
    (tmp_path / "env").write_text("FROM_FILE=1\n")
    name = running(
        "-e", "SECRET=a\n\"b\" $c `d` 'e' \\f é", "--env=VERSION=mine", f"--env-file={tmp_path}/env", "--label", 'odd={"x": "<&>"}',
        "-u7:8", "-it", "--hostname", "shop", "--workdir", "/", "-v/srv:/srv:ro", "-v", "/scratch", "--tmpfs", "/tmp",
        "--memory=64m", "--cap-drop", "ALL", "--read-only", "--ulimit", "core=0:0", "--log-opt", "max-size=1m",
        "--pull", "never", "--cidfile", f"{tmp_path}/cid", "--restart", "on-failure:3", "--env", "LC_ALL",
        command=("-x", "", "run", "--name", "é\n2"),
    )  # fmt: skip
    before = inspected(podman, name)
    rollback = hand.begin(name, releases[0][0], releases[1][1], engine="podman")
    told = hand.do(rollback, "find", "prepare")
    assert told["state"] == "prepared", (told, hand.log(rollback))
    assert inspected(podman, name)["State"]["Running"]
    told = hand.do(rollback, "switch")
    assert told["state"] == "up", (told, hand.log(rollback))
    now = inspected(podman, name)
    assert (now["Image"], now["State"]["Running"]) == (releases[0][1], True)
    config, was = now["Config"], before["Config"]
    for key in ("Hostname", "User", "WorkingDir", "StopTimeout", "Entrypoint", "Cmd", "Tty", "OpenStdin"):
        assert config.get(key) == was.get(key), key
    assert sorted(config["Env"]) == sorted(was["Env"])
    assert config["Labels"] == {"version": "1", "odd": '{"x": "<&>"}'}
    volumes = {
        mount["Destination"]: mount["Name"]
        for mount in before["Mounts"]
        if mount["Destination"] in {"/data", "/scratch"}
    }
    assert len(volumes) == 2
    kept = {mount["Destination"]: mount.get("Name") for mount in now["Mounts"]}
    assert volumes.items() <= kept.items()
    assert kept["/srv"] is None
    changes = {"Binds", "LogConfig", "ContainerIDFile"}
    assert {k: v for k, v in now["HostConfig"].items() if k not in changes} == {
        k: v for k, v in before["HostConfig"].items() if k not in changes
    }
    assert hand.do(rollback, "finish")["state"] == "done"
    assert not podman.podman("ps", "-aq", "--filter", "name=archscan-").split()
    told = (hand.folder / "store" / rollback).iterdir()
    assert not [file for file in told if b"SECRET" in file.read_bytes()]


def test_where_the_new_one_does_not_stay_up_everything_is_as_it_was(hand, running, releases, podman):
    name = running("--restart", "always")
    before = inspected(podman, name)
    rollback = hand.begin(name, releases[2][0], releases[1][1], engine="podman")
    told = hand.do(rollback, "find", "prepare", "switch")
    assert told["state"] == "undone", (told, hand.log(rollback))
    now = inspected(podman, name)
    assert (now["Id"], now["State"]["Running"]) == (before["Id"], True)
    assert now["HostConfig"] == before["HostConfig"]
    assert not podman.podman("ps", "-aq", "--filter", "name=archscan-").split()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--rm",), "deletes itself"),
        (("--volume", "./here:/here"), "cannot be made anew"),
        (("--label-file", "{folder}/labels"), "would differ from the old one: the label"),
        (("--label", "PODMAN_SYSTEMD_UNIT=api.service"), "made by the unit api.service"),
    ],
)
def test_what_could_not_be_made_or_put_back_as_it_was_is_refused_untouched(
    hand, running, releases, podman, tmp_path, monkeypatch, options, says
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    (tmp_path / "labels").write_text("a=b\n")
    name = running(*(one.format(folder=tmp_path) for one in options))
    (tmp_path / "labels").write_text("a=c\n")
    before = inspected(podman, name)
    rollback = hand.begin(name, releases[0][0], releases[1][1], engine="podman")
    told = hand.do(rollback, "find")
    if told["state"] == "found":
        told = hand.do(rollback, "prepare")
    assert told["state"] == "refused", (told, hand.log(rollback))
    assert says in told["says"]
    now = inspected(podman, name)
    assert (now["Id"], now["State"]["StartedAt"]) == (before["Id"], before["State"]["StartedAt"])
    assert not podman.podman("ps", "-aq", "--filter", "name=archscan-").split()


def test_a_container_that_lends_its_network_to_another_is_refused(hand, running, releases, podman):
    name = running()
    guest = f"guest-{uuid.uuid4().hex[:8]}"
    podman.podman("run", "-d", "--network", f"container:{name}", "--name", guest, releases[1][0])
    told = hand.do(hand.begin(name, releases[0][0], releases[1][1], engine="podman"), "find")
    podman.podman("rm", "--force", "--time", "0", guest)
    assert (told["state"], told["says"]) == (
        "refused", f"it lends its network or processes to {guest}, which would lose them",
    )  # fmt: skip


KILLS = [
    *[(("find", "prepare"), "switch", turn, "after") for turn in (1, 3, 4, 5)],
    (("find", "prepare", "switch"), "undo", 2, "after"),
    (("find", "prepare", "switch"), "finish", 1, "after"),
]
"""Steps that were done, the one that is killed, at which of its calls that change something."""


@pytest.mark.engines
def test_killed_anywhere_the_next_start_finishes_or_undoes(podman, tmp_path, running, releases):
    def killed(number, kill):
        own = Hand(tmp_path / str(number), {"podman": str(podman.wrapper)})
        name = running()
        done, step, turn, when = kill
        rollback = own.begin(name, releases[0][0], releases[1][1], engine="podman")
        own.do(rollback, *done)
        own.kill(turn, when)
        cut = own.do(rollback, step)
        assert own.killed(), (kill, cut, own.log(rollback))
        assert cut["state"] not in {"done", "undone", "refused"}, cut
        own.spare()
        told = own.do(rollback, "resume")
        if told["state"] == "prepared":
            told = own.do(rollback, "switch")
        return kill, name, told, own.log(rollback)

    with ThreadPoolExecutor(max_workers=4) as pool:
        ended = list(pool.map(killed, range(len(KILLS)), KILLS))
    for kill, name, told, log in ended:
        assert told["state"] in {"up", "done", "undone"}, (kill, told, log)
        image = releases[1][1] if told["state"] == "undone" else releases[0][1]
        now = inspected(podman, name)
        assert (now["Image"], now["State"]["Running"]) == (image, True), (kill, told, log)
    left = podman.podman("ps", "-aq", "--filter", "name=archscan-").split()
    assert len(left) == sum(told["state"] == "up" for _, _, told, _ in ended)
    assert {told["state"] for _, _, told, _ in ended} == {"up", "done", "undone"}
