"""The script that puts a container back, on a real engine."""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from scanner.hosts.rollback_script import rollback_script
from tests.real.hand import Hand
from tests.real.process import until

pytestmark = pytest.mark.system

HEX = "a" * 64
ID = "0" * 32


@pytest.fixture(scope="module")
def hand(docker_engine, require, tmp_path_factory):
    clients = {"docker": str(docker_engine.client), "curl": str(require("curl", "curl"))}
    return Hand(tmp_path_factory.mktemp("hand"), clients, docker_engine.environment)


@pytest.fixture(scope="module")
def releases(pusher, image_factory, elf_factory, docker_engine, registry):
    """Two releases of one service, both pulled: ``(name@digest, image ID)`` of each."""
    found = []
    for number in (1, 2):
        made = image_factory.image(
            {"app": elf_factory("amd64", f"release {number}", forever=True), f"v{number}": b"x"},
            entrypoint=["/app"],
            config={"config": {"Entrypoint": ["/app"], "Env": [f"VERSION={number}", "PATH=/bin"],
                               "Labels": {"version": str(number)}, "Volumes": {"/data": {}},
                               "ExposedPorts": {f"80{number}/tcp": {}}}},
        )  # fmt: skip
        pusher.push("back/api", str(number), made)
        image = f"{registry.address}/back/api@{made.manifest.digest}"
        docker_engine.docker("pull", "-q", image)
        found.append((image, docker_engine.docker("image", "inspect", "-f", "{{.Id}}", image).strip()))
    return found


@pytest.fixture
def running(docker_engine, releases):
    """``running("--env", "A=b")``: the second release, as somebody runs it; gone after the test."""
    names = []

    def start(*options):
        name = f"api-{uuid.uuid4().hex[:8]}"
        names.append(name)
        docker_engine.docker("run", "-d", "--network", "none", "--stop-timeout", "0", "--name", name, *options,
                             releases[1][0])  # fmt: skip
        return name

    yield start
    left = docker_engine.docker("ps", "-aq", "--filter", "name=archscan-").split()
    docker_engine.docker("rm", "-f", "-v", *names, *left, check=False)


def inspected(engine, name):
    return json.loads(engine.docker("inspect", "--type", "container", name))[0]


def test_what_was_begun_on_a_full_disk_is_begun_when_it_is_asked_again(require_root, tmp_path):
    hand = Hand(tmp_path, {"docker": "true"})
    (tmp_path / "store" / ID / "state.new").mkdir(parents=True)
    line = f"begin {ID} docker container api sha256:{HEX} {HEX} 1"
    assert "cannot be written" in hand.ask(line)["wrong"]
    (tmp_path / "store" / ID / "state.new").rmdir()
    assert hand.ask(line)["state"] == "begun"


def test_the_former_image_comes_back_under_the_same_name(hand, running, releases, docker_engine):
    name = running("--restart", "always", "--env", "MINE=1")
    rollback = hand.begin(name, releases[0][1], releases[1][1])
    assert hand.do(rollback, "find")["state"] == "found"
    told = hand.do(rollback, "prepare")
    assert told["state"] == "prepared", (told, hand.log(rollback))
    assert inspected(docker_engine, name)["State"]["Running"]
    told = hand.do(rollback, "switch")
    assert told["state"] == "up", (told, hand.log(rollback))
    now = inspected(docker_engine, name)
    assert (now["Image"], now["State"]["Running"]) == (releases[0][1], True)
    assert now["HostConfig"]["RestartPolicy"]["Name"] == "always"
    assert sorted(now["Config"]["Env"]) == ["MINE=1", "PATH=/bin", "VERSION=1"]
    assert hand.do(rollback, "finish")["state"] == "done"
    assert not docker_engine.docker("ps", "-aq", "--filter", "name=archscan-").split()


def test_what_somebody_chose_stays_while_what_the_image_says_is_the_image_s(hand, running, releases, docker_engine):
    name = running(
        "--env", "SECRET=a\n\"b\" $c `d` 'e' \\f é", "--env", "VERSION=mine", "--label", 'odd={"x": "<&>"}', "--user", "7:8",
        "--hostname", "shop", "--workdir", "/tmp", "--volume", "/srv:/srv:ro", "--mount", "type=tmpfs,dst=/scratch",
        "--memory", "64m", "--cap-drop", "ALL", "--read-only", "--ulimit", "nofile=99:99", "--add-host", "db:10.0.0.9",
        "--log-opt", "max-size=1m", "--restart", "on-failure:3",
    )  # fmt: skip
    before = inspected(docker_engine, name)
    rollback = hand.begin(name, releases[0][0], releases[1][1])
    told = hand.do(rollback, "find", "prepare", "switch")
    assert told["state"] == "up", (told, hand.log(rollback))
    now = inspected(docker_engine, name)
    kept = {"Binds"}
    assert {k: v for k, v in now["HostConfig"].items() if k not in kept} == {
        k: v for k, v in before["HostConfig"].items() if k not in kept
    }
    volume = next(mount["Name"] for mount in before["Mounts"] if mount["Destination"] == "/data")
    assert sorted(now["HostConfig"]["Binds"]) == sorted(["/srv:/srv:ro", f"{volume}:/data"])
    assert next(mount["Name"] for mount in now["Mounts"] if mount["Destination"] == "/data") == volume
    config, was = now["Config"], before["Config"]
    for key in ("Hostname", "User", "WorkingDir", "StopTimeout", "Healthcheck", "Entrypoint", "Cmd"):
        assert config.get(key) == was.get(key), key
    assert set(config["Env"]) == {*was["Env"]}
    assert config["Labels"] == {"version": "1", "odd": '{"x": "<&>"}'}
    assert list(config["ExposedPorts"]) == ["801/tcp"]
    assert hand.do(rollback, "finish")["state"] == "done"
    told = (hand.folder / "store" / rollback).iterdir()
    assert not [file for file in told if b"SECRET" in file.read_bytes()]


@pytest.fixture(scope="module")
def broken(pusher, image_factory, elf_factory, registry, docker_engine):
    """An image of another CPU, which no engine here can start."""
    made = image_factory.image({"app": elf_factory("s390x", forever=True)}, entrypoint=["/app"])
    pusher.push("back/api", "broken", made)
    return f"{registry.address}/back/api@{made.manifest.digest}"


def test_where_the_new_one_does_not_stay_up_everything_is_as_it_was(hand, running, releases, broken, docker_engine):
    name = running("--restart", "unless-stopped")
    before = inspected(docker_engine, name)
    rollback = hand.begin(name, broken, releases[1][1])
    told = hand.do(rollback, "find", "prepare", "switch")
    assert told["state"] == "undone", (told, hand.log(rollback))
    now = inspected(docker_engine, name)
    assert (now["Id"], now["State"]["Running"]) == (before["Id"], True)
    assert now["HostConfig"] == before["HostConfig"]
    assert not docker_engine.docker("ps", "-aq", "--filter", "name=archscan-").split()


def test_undo_is_possible_until_it_is_finished(hand, running, releases, docker_engine):
    name = running()
    before = inspected(docker_engine, name)
    rollback = hand.begin(name, releases[0][0], releases[1][1])
    assert hand.do(rollback, "find", "prepare", "switch", "undo")["state"] == "undone"
    now = inspected(docker_engine, name)
    assert (now["Id"], now["State"]["Running"]) == (before["Id"], True)
    assert hand.do(rollback, "switch", "finish", "resume")["state"] == "undone"


@pytest.fixture
def swarm(docker_engine, releases):
    """``swarm("web")``: the second release as a service of a swarm whose only manager is this engine."""
    docker_engine.docker("swarm", "init", "--advertise-addr", "127.0.0.1")

    def start(name):
        docker_engine.docker("service", "create", "--detach", "--name", name, "--no-resolve-image", "--network", "host",
                             "--restart-condition", "none", "--update-monitor", "2s", "--stop-grace-period", "0s",
                             releases[1][0])  # fmt: skip
        until(lambda: _task(docker_engine, name) == releases[1][0], "a task of the service that runs")
        return name

    yield start
    docker_engine.docker("swarm", "leave", "--force", check=False)


def _task(engine, service):
    """The image of the service's one task that runs."""
    tasks = engine.docker("ps", "--quiet", "--filter", f"label=com.docker.swarm.service.name={service}").split()
    return inspected(engine, tasks[0])["Config"]["Image"] if len(tasks) == 1 else ""


def test_a_service_of_a_real_swarm_gets_the_former_digest_and_back(hand, swarm, releases, broken, docker_engine):
    name = swarm("web")
    rollback = hand.begin(name, releases[0][0], releases[1][1], kind="swarm")
    told = hand.do(rollback, "find", "prepare", "switch")
    assert (told["state"], _task(docker_engine, name)) == ("up", releases[0][0]), (told, hand.log(rollback))
    assert hand.do(rollback, "undo")["state"] == "undone"
    until(lambda: _task(docker_engine, name) == releases[1][0], "the task of before")
    rollback = hand.begin(name, broken, releases[1][1], kind="swarm")
    told = hand.do(rollback, "find", "prepare", "switch")
    assert told["state"] == "undone", (told, hand.log(rollback))
    until(lambda: _task(docker_engine, name) == releases[1][0], "the task of before")


@pytest.mark.parametrize(
    ("options", "image", "expected", "says"),
    [
        ((), 0, 0, "another image than the plan was made for"),
        ((), 1, 1, "has this image already"),
        (("--rm",), 0, 1, "deletes itself"),
        ((), "absent", 1, "cannot be pulled"),
        ((), "another", 1, "is of another repository"),
    ],
)
def test_what_cannot_be_undone_or_found_is_refused_untouched(
    hand, running, releases, docker_engine, registry, options, image, expected, says
):
    name = running(*options)
    before = inspected(docker_engine, name)
    made_up = {"absent": "back/api", "another": "evil/api"}
    wanted = f"{registry.address}/{made_up[image]}@sha256:{HEX}" if image in made_up else releases[image][0]
    told = hand.do(hand.begin(name, wanted, releases[expected][1]), "find")
    assert told["state"] == "refused"
    assert says in told["says"]
    assert inspected(docker_engine, name) == before


def test_a_container_that_lends_its_network_to_another_is_refused(hand, running, releases, docker_engine):
    name = running()
    guest = f"guest-{uuid.uuid4().hex[:8]}"
    docker_engine.docker("run", "-d", "--network", f"container:{name}", "--name", guest, releases[1][0])
    told = hand.do(hand.begin(name, releases[0][0], releases[1][1]), "find")
    docker_engine.docker("rm", "-f", guest)
    assert (told["state"], guest in told["says"]) == ("refused", True)


def test_a_health_check_that_never_says_healthy_puts_the_old_one_back(hand, running, releases, docker_engine):
    name = running("--health-cmd", "/nothing", "--health-interval", "200ms", "--health-retries", "1")
    before = inspected(docker_engine, name)
    told = hand.do(hand.begin(name, releases[0][0], releases[1][1]), "find", "prepare", "switch")
    assert (told["state"], "unhealthy" in told["says"]) == ("undone", True), told
    assert inspected(docker_engine, name)["Id"] == before["Id"]


STOPPED, TOLD, OLD_RENAMED, NEW_RENAMED, STARTED = range(1, 6)
KILLS = [("before", STOPPED), *[("after", turn) for turn in (STOPPED, TOLD, OLD_RENAMED, NEW_RENAMED, STARTED)]]
"""When the switch is killed, at which of its calls."""


def test_killed_anywhere_the_next_start_finishes_or_undoes(docker_engine, require, tmp_path, running, releases):
    clients = {"docker": str(docker_engine.client), "curl": str(require("curl", "curl"))}

    def killed(number, kill):
        own = Hand(tmp_path / str(number), clients, docker_engine.environment)
        name = running("--restart", "unless-stopped")
        rollback = own.begin(name, releases[0][0], releases[1][1])
        return name, *_killed(own, rollback, *kill), own.log(rollback)

    with ThreadPoolExecutor(max_workers=6) as pool:
        ended = dict(zip(KILLS, pool.map(killed, range(len(KILLS)), KILLS), strict=True))
    for kill, (name, state, _, log) in ended.items():
        image = releases[1][1] if state == "undone" else releases[0][1]
        now = inspected(docker_engine, name)
        assert (now["Image"], now["State"]["Running"]) == (image, True), (kill, state, log)
        assert now["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped", (kill, state, log)
    assert [state for _, state, *_ in ended.values()] == ["undone"] * 5 + ["done"]
    assert [kills for _, _, kills, _ in ended.values()] == [0, 0, 0, 4, 0, 5]
    assert not docker_engine.docker("ps", "-aq", "--filter", "name=archscan-").split()


def _killed(own, rollback, when, turn):
    """How it ends, how often the steps beside the switch were killed: all of one way back, all of the one way on."""
    kills = 0
    own.do(rollback, "find")
    if turn == STARTED:
        kills += own.do_killed(rollback, "prepare")[1]
    else:
        own.do(rollback, "prepare")
    own.kill(turn, when)
    cut = own.do(rollback, "switch")
    assert (own.killed(), cut["state"]) == (True, "switching"), (turn, when)
    own.spare()
    if turn == OLD_RENAMED:
        told, kills = own.do_killed(rollback, "resume")
    else:
        told = own.do(rollback, "resume")
    if told["state"] == "up":
        told, more = own.do_killed(rollback, "finish")
        kills += more
    return told["state"], kills


# ---------------------------------------------------------------- Compose


@pytest.fixture(scope="module")
def project(docker_classic_26, pusher, image_factory, elf_factory, registry, require):
    """A Compose project whose service has the second of two releases: the hand, the engine, folder, releases."""
    engine = docker_classic_26
    folder = engine.socket.parent / "shop"
    folder.mkdir()
    found = []
    for number in (1, 2):
        made = image_factory.image({"app": elf_factory("amd64", f"shop {number}", forever=True)}, entrypoint=["/app"])
        image = pusher.push("back/shop", "prod", made)
        found.append((f"{image.rpartition(':')[0]}@{made.manifest.digest}", image, made.config.digest))
    (folder / ".env").write_text("GREETING=hello\n")
    (folder / "compose.yml").write_text(f"""services:
  web:
    image: {image}
    network_mode: none
    stop_grace_period: 0s
    environment: ["GREETING=${{GREETING}}"]
    volumes: ["./:/here:ro"]
  other:
    image: {image}
    network_mode: none
    stop_grace_period: 0s
""")
    clients = {"docker": str(engine.client), "curl": str(require("curl", "curl"))}
    hand = Hand(engine.socket.parent / "hand", clients, engine.environment)
    yield hand, engine, folder, found
    engine.docker("compose", "--project-directory", folder, "down", "--timeout", "0", check=False)


@pytest.fixture
def web(project):
    """The service's container as the project's own files give it; its inspection."""
    _, engine, folder, _ = project
    engine.docker("compose", "--project-directory", folder, "up", "--detach", "--quiet-pull")
    return inspected(engine, "shop-web-1")


def test_a_compose_service_killed_at_each_step_is_pinned_beside_its_files_and_unpinned_by_undo(project, web):
    hand, engine, folder, releases = project
    files = {file: file.read_bytes() for file in folder.iterdir()}
    other = inspected(engine, "shop-other-1")["Id"]
    engine.docker("compose", "--project-directory", folder, "up", "--detach", "--scale", "web=2", "web")
    rollback = hand.begin("shop-web-1", releases[0][0], releases[1][2], kind="compose")
    for step, state in (("find", "found"), ("prepare", "prepared"), ("switch", "up")):
        told, kills = hand.do_killed(rollback, step)
        assert (told["state"], kills) == (state, 2), (step, kills, told, hand.log(rollback))
    assert inspected(engine, "shop-web-2")["Image"] == releases[0][2]
    now = inspected(engine, "shop-web-1")
    assert (now["Image"], now["State"]["Running"]) == (releases[0][2], True)
    assert now["Config"]["Env"] == web["Config"]["Env"]
    assert inspected(engine, "shop-other-1")["Id"] == other
    assert {file: file.read_bytes() for file in folder.iterdir()} == files
    told, kills = hand.do_killed(rollback, "undo")
    assert (told["state"], kills) == ("undone", 2), (told, hand.log(rollback))
    now = inspected(engine, "shop-web-1")
    assert (now["Image"], now["Config"]["Image"], now["State"]["Running"]) == (releases[1][2], releases[1][1], True)
    assert inspected(engine, "shop-web-2")["Image"] == releases[1][2]


def test_a_compose_service_that_was_being_exchanged_when_its_script_was_killed_is_finished(project, web):
    hand, engine, _, releases = project
    rollback = hand.begin("shop-web-1", releases[0][0], releases[1][2], kind="compose")
    assert hand.do(rollback, "find", "prepare")["state"] == "prepared"
    hand.kill(1, "after")
    assert hand.do(rollback, "switch")["state"] == "switching"
    assert hand.killed()
    hand.spare()
    told = hand.do(rollback, "resume", "finish")
    assert told["state"] == "done", (told, hand.log(rollback))
    assert inspected(engine, "shop-web-1")["Image"] == releases[0][2]


def test_a_project_whose_files_moved_on_is_refused(project, web):
    hand, engine, folder, releases = project
    (folder / ".env").write_text("GREETING=goodbye\n")
    rollback = hand.begin("shop-web-1", releases[0][0], releases[1][2], kind="compose")
    told = hand.do(rollback, "find")
    (folder / ".env").write_text("GREETING=hello\n")
    assert told["state"] == "refused"
    assert "no longer give the container" in told["says"]
    assert inspected(engine, "shop-web-1")["Id"] == web["Id"]


# ---------------------------------------------------------------- the grammar


@pytest.mark.parametrize(
    "line",
    [
        "",
        "begin",
        f"begin {'g' * 32} docker container api a@sha256:{HEX} {HEX} 60",
        f"begin ../{'0' * 29} docker container api a@sha256:{HEX} {HEX} 60",
        f"begin {ID} podman compose api a@sha256:{HEX} {HEX} 60",
        f"begin {ID} podman unit api a@sha256:{HEX} {HEX} 60",
        f"begin {ID} podman unit ../api.service a@sha256:{HEX} {HEX} 60",
        f"begin {ID} docker unit api.service a@sha256:{HEX} {HEX} 60",
        f"begin {ID} docker container api a@sha256:{HEX} - 60",
        f"begin {ID} cri kubernetes shop/api a@sha256:{HEX} {HEX} 60",
        f"begin {ID} cri kubernetes shop/--all/api a@sha256:{HEX} {HEX} 60",
        f"begin {ID} nerdctl container api a@sha256:{HEX} {HEX} 60",
        f"begin {ID} docker container -api a@sha256:{HEX} {HEX} 60",
        f"begin {ID} docker container $(id) a@sha256:{HEX} {HEX} 60",
        f"begin {ID} docker container api;id a@sha256:{HEX} {HEX} 60",
        f"begin {ID} docker container api --privileged@sha256:{HEX} {HEX} 60",
        f"begin {ID} docker container api a`id`@sha256:{HEX} {HEX} 60",
        f"begin {ID} docker container api a:latest {HEX} 60",
        f"begin {ID} docker container api a@sha256:{HEX[1:]} {HEX} 60",
        f"begin {ID} docker container api a@sha256:{HEX.upper()} {HEX} 60",
        f"begin {ID} docker container api a@sha256:{HEX} {HEX} 0",
        f"begin {ID} docker container api a@sha256:{HEX} {HEX} 99999",
        f"begin {ID} docker container api a@sha256:{HEX} {HEX} 60 more",
        f"do {ID} find",
        f"do {ID} ../../x",
        "do * find",
        "exec id",
        "status ../..",
        "x" * 5000,
    ],
)
def test_a_line_outside_the_grammar_is_wrong_and_nothing_comes_of_it(hand, line):
    before = sorted((hand.folder / "store").glob("*")) if (hand.folder / "store").exists() else []
    told = hand.ask(line)
    assert list(told) == ["wrong"]
    assert before == (sorted((hand.folder / "store").glob("*")) if (hand.folder / "store").exists() else [])


def test_a_worker_of_before_a_reboot_is_none_whatever_has_its_number_now(hand):
    rollback = hand.begin("api", f"a@sha256:{HEX}", HEX)
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    ended = subprocess.Popen(["true"])
    os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)  # nobody has asked yet how it ended
    for process, since, of, busy in (
        (os.getpid(), None, boot, "yes"),
        (os.getpid(), None, boot[::-1], "no"),
        (os.getpid(), "1", boot, "no"),
        (ended.pid, None, boot, "no"),
    ):
        began = since or Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].split()[19]
        (hand.folder / "store" / rollback / "turn.1").write_text(f"{process} {began} {of}\n")
        assert hand.ask(f"status {rollback}")["busy"] == busy
    ended.wait()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give folders away: run the tests as root")
@pytest.mark.parametrize("whose", ["store", f"store/{ID}"])
def test_a_journal_that_somebody_else_could_write_is_neither_written_nor_believed(tmp_path, whose):
    hand = Hand(tmp_path, {"docker": "true"})
    begin = f"begin {ID} docker container api a@sha256:{HEX} {HEX} 60"
    assert hand.ask(begin)["state"] == "begun"
    os.chown(tmp_path / whose, 65534, 65534)
    for line in (begin, f"status {ID}", f"do {ID} find", f"resume {ID}"):
        assert "belongs to somebody else" in hand.ask(line)["wrong"]
    assert sorted(path.name for path in (tmp_path / "store" / ID).iterdir()) == ["asked", "state"]


def test_the_script_is_clean_to_shellcheck_and_to_every_posix_shell(require):
    text = rollback_script().decode()
    inner = text.partition("replay='\n")[2].partition("\n'\n")[0]
    for one in (text, f"#!/bin/sh\n{inner}\n"):
        done = subprocess.run(
            [require("shellcheck", "shellcheck"), "-"], input=one, text=True, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stdout
    assert "eval" not in text.replace("evaluated", "")
