"""The script itself, under the shells that hosts have."""

import contextlib
import hashlib
import http.client
import json
import os
import re
import socket
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from scanner.domain.facts import EngineState, HostFacts, ProbeVersion, Process, Source, Stage
from scanner.domain.host import Host
from scanner.domain.platform.platform import Platform
from scanner.domain.verdict.reason import Reason
from scanner.probe import reading
from scanner.probe.answer import VERSION, parse
from scanner.probe.script import digest, script
from tests.real.elf import executable
from tests.real.images import digest_of, tar_of
from tests.real.process import free_port, until

HOST = Host(name="here", local=True)
SHELLS = {"dash": ["dash"], "bash": ["bash"], "bash-posix": ["bash", "--posix"], "busybox": ["busybox", "sh"]}
PLAIN = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
JSON = {"Content-Type": "application/json"}
PATH_LINE = "  PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin:/opt/homebrew/bin\n"


@pytest.fixture(params=SHELLS)
def shell(request, require):
    argv = SHELLS[request.param]
    require(argv[0], {"busybox": "busybox-static"}.get(argv[0], argv[0]))
    return argv


def answered(argv, text=None, env=None, **more):
    done = subprocess.run(
        [*argv, "-s"], input=text or script(), capture_output=True, env=env or PLAIN, timeout=240, check=False, **more
    )
    assert done.returncode == 0, done.stderr
    return done


ENGINES = {"buildah", "conmon", "containerd", "crictl", "crun", "ctr", "docker", "dockerd", "k3s", "kubectl", "nerdctl", "podman", "runc"}  # fmt: skip


@pytest.fixture(scope="module")
def programs_but_engines(tmp_path_factory):
    """What this machine has but for its engines, whose answers take three times as long as all the rest of the script."""
    folder = tmp_path_factory.mktemp("programs")
    for name, program in {path.name: path for place in ("/bin", "/usr/bin") for path in Path(place).iterdir()}.items():
        if name not in ENGINES:
            (folder / name).symlink_to(program)
    return folder


@pytest.fixture
def with_programs(programs_but_engines):
    """The script with a folder of made-up programs in front of those of this machine, of which no engine is one; its text."""

    def text_with(folder, programs):
        for name, body in programs.items():
            (folder / name).write_text(f"#!/bin/sh\n{body}\n")
            (folder / name).chmod(0o755)
        text = script().decode()
        assert PATH_LINE in text
        return text.replace(PATH_LINE, f"  PATH={folder}:{programs_but_engines}\n").encode()

    return text_with


def read(done):
    facts = reading.read(done.stdout, HOST)
    assert isinstance(facts, HostFacts), facts
    return facts


def test_every_shell_gives_a_whole_answer_without_a_word_of_complaint(shell):
    done = answered(shell)

    assert done.stderr == b""
    kernel = read(done).kernel
    assert (kernel.system, kernel.machine, kernel.release) == (
        os.uname().sysname,
        os.uname().machine,
        os.uname().release,
    )
    assert kernel.page_size == os.sysconf("SC_PAGE_SIZE")
    assert kernel.userland_bits in (32, 64)


def test_every_shell_counts_bytes_rather_than_characters(shell, tmp_path, with_programs):
    programs = {"strange-uname": "printf 'L\\303\\251nux\\377\\200\\n'", "doas": ""}  # busybox has a uname of its own
    text = with_programs(tmp_path, programs).replace(b"uname -", b"strange-uname -")
    text = text.replace(b"have sudo && have doas", b"have no-sudo && have doas")

    answer = parse(answered(shell, text, env={**PLAIN, "LC_ALL": "C.UTF-8", "LANG": "C.UTF-8"}).stdout)

    assert answer.sections["uname"].body == b"\n".join([b"L\xc3\xa9nux\xff\x80"] * 3)
    assert b"\nroot_by doas" in answer.sections["userland"].body


def test_the_script_is_clean_to_shellcheck(require):
    program = require("shellcheck", "shellcheck")

    done = subprocess.run(
        [program, "--shell", "sh", "--severity", "style", "-"], input=script(), capture_output=True, check=False
    )

    assert done.stdout.decode() == ""


def test_a_script_that_arrives_in_part_does_nothing():
    text = script()
    for end in (len(text) // 4, len(text) // 2, len(text) - 30):
        done = subprocess.run(["sh", "-s"], input=text[:end], capture_output=True, env=PLAIN, check=False)
        assert done.stdout == b""


def test_the_caller_s_environment_does_not_choose_the_programs(tmp_path):
    evil = tmp_path / "uname"
    evil.write_text("#!/bin/sh\necho hacked\n")
    evil.chmod(0o755)

    done = answered(["sh"], env={"PATH": f"{tmp_path}:/usr/bin:/bin", "IFS": "u", "CDPATH": "/tmp", "HOME": "/"})

    assert b"hacked" not in done.stdout
    assert read(done).kernel.machine == os.uname().machine


def test_nothing_is_written_anywhere(tmp_path):
    before = sorted(path.name for path in tmp_path.iterdir())

    answered(
        ["sh"],
        env={**PLAIN, "HOME": str(tmp_path), "TMPDIR": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)},
        cwd=tmp_path,
    )

    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_a_read_only_root_is_enough(require, require_root):
    unshare = require("unshare", "util-linux")
    command = "mount --rbind / /mnt && mount -o remount,ro,bind /mnt && exec chroot /mnt sh -s"

    done = subprocess.run(
        [unshare, "--mount", "sh", "-c", command],
        input=script(),
        capture_output=True,
        env={**PLAIN, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        check=False,
    )

    assert done.returncode == 0
    assert isinstance(reading.read(done.stdout, HOST), HostFacts)


def test_an_engine_that_hangs_is_down_soon_and_leaves_no_process(shell, tmp_path, with_programs):
    path = tmp_path / "d.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        asleep = f"sleep 3217.{os.getpid()}"  # as no other run of the tests has it
        text = with_programs(tmp_path, {"docker": f"exec {asleep}"}).replace(b"brief=4", b"brief=1")
        started = time.monotonic()
        facts = read(answered(shell, text, env={**PLAIN, "DOCKER_HOST": f"unix://{path}"}))

    assert time.monotonic() - started < 60
    assert facts.engine("docker").state is EngineState.DOWN
    assert facts.gaps["docker"].reason is Reason.ENGINE_DOWN
    deadline = time.monotonic() + 60
    while subprocess.run(["pgrep", "-f", f"{asleep}$"], capture_output=True, check=False).stdout:
        assert time.monotonic() < deadline, "a process was left behind"


@pytest.mark.parametrize(
    ("says", "state"),
    [
        ("echo '{\"Client\":{\"Os\":\"linux\"},\"Server\":null}'; echo 'permission denied while trying to connect' >&2; exit 1", "denied"),
        ("echo '{\"Client\":{\"Os\":\"linux\"},\"Server\":null}'; echo 'Cannot connect to the Docker daemon' >&2; exit 1", "down"),
        ("echo '{\"Client\":{\"OsArch\":\"linux/amd64\"}}'", "absent"),
        ("exit 127", "down"),
    ],
)  # fmt: skip
def test_docker_s_answer_tells_denied_from_down_from_absent(tmp_path, says, state, with_programs):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "d.sock"))
        text = with_programs(tmp_path, {"docker": says, "sudo": "echo 'a password is required'; exit 1"})
        facts = read(answered(["sh"], text, env={**PLAIN, "DOCKER_HOST": f"unix://{tmp_path}/d.sock"}))

    assert str(facts.engine("docker").state) == state


def test_an_engine_that_does_not_run_tells_its_version_all_the_same(tmp_path, with_programs):
    programs = {
        "docker": "exit 1",
        "dockerd": "echo 'Docker version 28.5.1, build f8215cc'",
        "podman": "[ \"$*\" = --version ] && echo 'podman version 5.4.2'",
        "containerd": "echo 'containerd github.com/containerd/containerd/v2 v2.1.4 75cb2b7193e4e490e9fbdc236c0e811ccaba3376'",
        "id": "echo 0",
    }
    text = with_programs(tmp_path, programs).decode()
    text = text.replace("/var/lib/containers/storage", f"{tmp_path}/none").replace(
        "/run/docker.sock", f"{tmp_path}/none"
    )
    facts = read(answered(["sh"], text.encode()))

    docker, podman = facts.engine("docker"), facts.engine("podman")
    assert (docker.state, docker.version, docker.platform) == (EngineState.DOWN, "28.5.1", facts.kernel.platform)
    assert (podman.state, podman.version, podman.platform) == (EngineState.UNUSED, "5.4.2", facts.kernel.platform)
    assert "podman" not in facts.gaps
    assert facts.gaps["docker"].reason is Reason.ENGINE_DOWN


def test_an_installed_probe_tells_which_one_it_is_and_one_that_is_sent_is_ours(tmp_path):
    installed = tmp_path / "archscan-probe"
    installed.write_bytes(script() + b"# older\n")
    own = hashlib.sha256(installed.read_bytes()).hexdigest()
    done = subprocess.run(["sh", str(installed)], capture_output=True, env=PLAIN, timeout=60, check=True)

    assert read(done).probe == ProbeVersion(VERSION, own)
    assert read(answered(["sh"])).probe == ProbeVersion(VERSION, digest())
    assert read(answered(["/bin/sh"])).probe == ProbeVersion(VERSION, digest())


def test_sudo_is_used_only_where_it_asks_for_no_password(tmp_path, with_programs):
    docker = """[ -n "$BY_SUDO" ] || { echo 'permission denied' >&2; exit 1; }
case $* in
*version*) echo '{"Client":{},"Server":{"Version":"28.0","Os":"linux","Arch":"amd64"}}' ;;
*info*) echo '{"driver":"overlay2","manager":false}' ;;
esac"""
    sudo = '[ "$1" = -n ] || exit 9; [ "$2" = -l ] && { echo "$3"; exit 0; }; shift; BY_SUDO=1 exec "$@"'
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "d.sock"))
        env = {**PLAIN, "DOCKER_HOST": f"unix://{tmp_path}/d.sock"}
        text = with_programs(tmp_path, {"docker": docker, "sudo": sudo, "id": "echo 1000"})
        allowed = read(answered(["sh"], text, env=env)).engine("docker")
        text = with_programs(tmp_path, {"sudo": "exit 1"})
        refused = read(answered(["sh"], text, env=env)).engine("docker")

    assert (allowed.state, refused.state) == (EngineState.UP, EngineState.DENIED)


def test_a_link_that_is_named_like_a_compose_file_is_not_followed(tmp_path, with_programs):
    (tmp_path / "secret").write_text("root:hunter2\n")
    (tmp_path / "compose.yaml").symlink_to(tmp_path / "secret")
    text = with_programs(tmp_path, {}).replace(
        b"  compose_files=\n", f"  compose_files={tmp_path}/compose.yaml\n".encode()
    )

    done = answered(["sh"], text)

    assert b"hunter2" not in done.stdout
    assert "compose" in read(done).gaps


def test_an_engine_of_another_machine_is_not_this_machine_s(tmp_path, with_programs):
    text = with_programs(tmp_path, {"docker": 'echo "$DOCKER_HOST $*" >&2; exit 1'})

    done = answered(["sh"], text, env={**PLAIN, "DOCKER_HOST": "tcp://10.9.9.9:2375"})

    assert b"10.9.9.9" not in done.stdout


def asked_of_a_compose_project(with_programs, tmp_path, text, dotenv, more=""):
    """The script's answer on a host with one container of a Compose project, which has ``more`` labels."""
    (tmp_path / "compose.yaml").write_text(text)
    if dotenv is not None:
        (tmp_path / ".env").write_text(dotenv)
    return asked_of_containers(
        with_programs, tmp_path, [f'{{"project":"shop","compose_files":"{tmp_path}/compose.yaml"{more}}}']
    )


def asked_of_containers(with_programs, tmp_path, labels):
    """The script's answer on a host with a container for each of some labels."""
    identity, image = "1" * 64, "sha256:" + "2" * 64
    begin = f'{image} {identity} running/0 {{"name":"/web","state":{{"status":"running"}},"config":{{"image":"x"'
    container = "\n".join(f'{begin},"labels":{each}}}}}' for each in labels)
    docker = f"""case $* in
*version*) echo '{{"Client":{{}},"Server":{{"Version":"28.0","Os":"linux","Arch":"amd64"}}}}' ;;
*info*) echo '{{"driver":"overlay2","manager":false}}' ;;
*' ps '*) echo {identity} ;;
*'inspect --type'*) echo '{container}' ;;
esac"""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "d.sock"))
        (tmp_path / "bin").mkdir()
        text = with_programs(tmp_path / "bin", {"docker": docker})
        return answered(["sh"], text, env={**PLAIN, "DOCKER_HOST": f"unix://{tmp_path}/d.sock"})


def test_a_project_is_planned_by_whatever_names_compose_gave_its_files(tmp_path, with_programs):
    """docker-compose 1 and podman-compose label containers with the names that they were given, from where they were started."""
    home = tmp_path / "srv" / "shop"
    (home / "sub").mkdir(parents=True)
    (home / "compose.yaml").write_text(
        "services: {web: {image: 'shop/web:1'}, dev: {image: 'shop/dev:1', profiles: [x]}}\n"
    )
    (home / "sub" / "more.yml").write_text("services: {web: {user: '5'}}\n")
    (home / "app.json").write_text("{}")
    named = [
        "compose.yaml", "./compose.yaml,sub/more.yml", "../shop/compose.yaml,../shop/sub/../sub/more.yml", "shop/compose.yaml,./shop/sub/more.yml",
        "../../srv/shop/compose.yaml", "-", "other/compose.yaml", "../shop/compose.yaml,sub/more.yml", f"{home}/app.json", f"{home}/gone.json", r"a\u0026b.yml", r"C:\\shop\\a.yml",
        f"{home}/../shop/.//compose.yaml",
    ]  # fmt: skip
    labels = [
        f'{{"project":"p{at}","service":"web","compose_files":"{files}","compose_dir":"{home}"}}'
        for at, files in enumerate(named)
    ]
    labels.append(labels[0].replace('"web"', '"dev","oneoff":"True"'))  # compose run, which nothing repeats
    labels.append(f'{{"project":"p0","service":"dev","compose_files":"compose.yaml","compose_dir":"{home}"}}')

    done = asked_of_containers(with_programs, tmp_path, labels)

    planned = [w.name for w in read(done).workloads if w.source is Source.COMPOSE]
    assert planned == ["p0/web", "p0/dev", "p1/web", "p2/web", "p3/web", "p4/web", "p12/web"]
    said = re.findall(rb"\n(.*)\n@unreadable\n", done.stdout)
    assert said == [
        b"other/compose.yaml",
        b"sub/more.yml",
        f"{home}/app.json".encode(),
        b"a file of Compose whose name is odd",
    ]
    assert "compose" in read(done).gaps


def test_what_a_service_is_extended_by_has_its_files_of_variables_beside_itself(tmp_path, with_programs):
    home = tmp_path / "the app"
    for folder, name, text in (
        (home, "compose.yml", "services:\n  a:\n    env_file: [{path: a.env, required: true}]\n    extends:\n      service: b\n      file: ../common/base.yml\n"),
        (home, "a.env", "A=hunter1\nPATH=/a\n"),
        (tmp_path / "common", "base.yml", "services: {c: {image: c, env_file: [c.env]}, b: {image: 'shop/b:1', env_file: b.env}}\n"),
        (tmp_path / "common", "b.env", "B=hunter2\nPATH=/b\n"),
    ):  # fmt: skip
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(text)

    labels = f'{{"project":"p","service":"a","compose_files":"{home}/compose.yml","compose_dir":"{home}"}}'
    facts = read(done := asked_of_containers(with_programs, tmp_path, [labels]))

    assert b"hunter" not in done.stdout
    assert "compose" not in facts.gaps, facts.gaps
    (plan,) = (one for one in facts.workloads if one.source is Source.COMPOSE)
    assert (plan.image, dict(plan.process.env)) == ("shop/b:1", {"A": None, "B": None, "PATH": "/a"})


def test_what_compose_files_hold_in_variables_stays_on_the_host(tmp_path, with_programs):
    text = """
services:
  web:
    image: "shop/web:${TAG}"
    environment:
      PASSWORD: hunter2
      OTHER: hunter3
    platform: linux/arm64
  api:
    env_file:
    - ./api.env
    - path: other.env
    environment:
    - TOKEN=hunter4
    - DB=${DB_PASSWORD}
    volumes:
    - ${KEY_FILE}:/key
    image: shop/api:1
"""
    (tmp_path / "api.env").write_text("APP=hunter7\nPATH=/p\n")
    (tmp_path / "other.env").write_text("# hunter8\nMORE='hunter9\nhunter10'\n")
    done = asked_of_a_compose_project(
        with_programs, tmp_path, text, "TAG=7\nDB_PASSWORD=hunter5\nKEY_FILE=/hunter6\nCOMPOSE_PROFILES=dev\n"
    )

    planned = [w for w in read(done).workloads if w.source is Source.COMPOSE]
    assert b"hunter" not in done.stdout
    assert [(w.name, w.image, w.pinned) for w in planned] == [
        ("shop/web", "shop/web:7", Platform("linux", "arm64")), ("shop/api", "shop/api:1", None),
    ]  # fmt: skip
    assert dict(planned[1].process.env) == {"APP": None, "PATH": "/p", "MORE": None, "TOKEN": None, "DB": None}
    assert planned[1].process.path == "/p"


YAML = """x-shop-env: &shared
  Z: hunter0
services:
  web:
    image: shop/web:1
    environment:
      A: hunter1
      # hunter2
      B: >-
        hunter3
      PATH: /x
      <<: *shared
      "C": 'hunter4'
    labels:
      d: hunter5
  api:
    image: shop/api:1
    environment:
    - E=hunter6
    - "F=hunter7"

  flow:
    environment: {G: hunter8}
    image: shop/flow:1
    platform: linux/arm64
---
kind: Pod
spec:
  containers:
  - env:
    - name: H
      value: hunter9
    - name: PATH
      value: /bin
    - name: I
      valueFrom:
        secretKeyRef: {name: hunter10, key: k}
    name: c
---
kind: Secret
stringData:
  a: hunter11
"""
HIDDEN = {
    "services": {
        "web": {"image": "shop/web:1", "environment": {"A": "@hidden", "B": "@hidden", "PATH": "/x", "Z": "@hidden", "C": "@hidden"}, "labels": {}},
        "api": {"image": "shop/api:1", "environment": ["E=@hidden", "F=@hidden"]},
        "flow": {"environment": {}, "image": "shop/flow:1", "platform": "linux/arm64"},
    },
    "x-shop-env": {"Z": "@hidden"},
}  # fmt: skip
POD_ENV = [
    {"name": "H", "value": "@hidden"},
    {"name": "PATH", "value": "/bin"},
    {"name": "I", "value": "@hidden"},
]


def test_of_yaml_s_variables_only_the_names_leave_the_host_each_in_its_line(shell, tmp_path):
    text = script().decode()
    function = text[text.index("without_secrets() {") : text.index("ship_yaml() {")]
    (tmp_path / "a.yaml").write_text(YAML)
    (tmp_path / "program").write_text(f"{function}\nwithout_secrets {tmp_path}/a.yaml compose\n")

    sent = subprocess.run([*shell, tmp_path / "program"], capture_output=True, text=True, check=True).stdout

    compose, pod, secret = yaml.safe_load_all(sent)
    assert "hunter" not in sent
    assert compose == HIDDEN
    assert (pod["spec"]["containers"][0]["env"], secret) == (POD_ENV, {"kind": "Secret", "stringData": {}})
    numbers = [number for number, line in enumerate(sent.splitlines()) if "image:" in line or "platform:" in line]
    assert numbers == [
        number for number, line in enumerate(YAML.splitlines()) if "image:" in line or "platform:" in line
    ]


def test_what_says_what_a_compose_project_runs_leaves_the_host(tmp_path, with_programs):
    text = r"""
x-env: &env
  SHARED: hunter1
  PATH: /opt/bin:/bin
x-labels: &labels
  owner.name: hunter13
services:
  web:
    image: "shop/web:${TAG}"
    command:
      - serve
      - --level=${LEVEL}
    environment:
      <<: *env
      # a comment, hunter2
      KEY: |
        hunter3
        MORE: hunter4
      "QUOTED": 'hunter5'
      LD_PRELOAD: /lib/x.so
    labels:
      <<: *labels
      secret: hunter6
    build:
      context: .
      args: {TOKEN: hunter7}
  api:
    image: shop/api
    user: "${OWNER}"
    environment:
    - TOKEN=hunter8
    - "PATH=/x"
    -   BARE
    volumes:
      - ${DATA}:/data
  cron:
    image: shop/cron
    environment: *env
    env_file: hunter9.env
  last:
    image: shop/last
    environment:
      hunter-10: x
"""
    dotenv = """MAJOR=7
TAG="$MAJOR.1"
NOTE='hunter11
LEVEL=wrong
TAG=wrong'
LEVEL = "two \\" words"  # why
OWNER=5
DATA=/hunter12
"""
    text = text.replace("    env_file: hunter9.env\n", "")

    done = asked_of_a_compose_project(with_programs, tmp_path, text, dotenv)
    facts = read(done)

    assert b"hunter" not in done.stdout.replace(b"hunter-10", b"")
    assert "compose" not in facts.gaps
    planned = {w.name: w for w in facts.workloads if w.source is Source.COMPOSE}
    assert {
        name: (w.image, w.process.cmd, w.process.user, w.process.path) for name, w in planned.items() if w.process
    } == {
        "shop/web": ("shop/web:7.1", ("serve", '--level=two " words'), None, "/opt/bin:/bin"),
        "shop/api": ("shop/api", None, "5", "/x"),
        "shop/cron": ("shop/cron", None, None, "/opt/bin:/bin"),
        "shop/last": ("shop/last", None, None, None),
    }
    assert dict(planned["shop/web"].process.env) == {
        "SHARED": None, "PATH": "/opt/bin:/bin", "KEY": None, "QUOTED": None, "LD_PRELOAD": "/lib/x.so",
    }  # fmt: skip
    assert dict(planned["shop/api"].process.env) == {"TOKEN": None, "PATH": "/x", "BARE": None}
    assert [m.destination for m in planned["shop/api"].mounts] == ["/data"]
    assert "shop/last" in planned


@pytest.mark.parametrize(
    ("labels", "tag"),
    [
        ({}, "env"),
        ({"dir": "{here}", "env": "{here}/prod.env"}, "prod"),
        ({"dir": "{here}/sub"}, "sub"),
        ({"dir": "{here}/sub", "env": "{here}/.env,../prod.env"}, "prod"),
        ({"dir": "{here}", "env": "{here}/gone.env"}, None),
    ],
)
def test_a_project_has_the_variables_that_its_labels_say_it_was_started_with(tmp_path, with_programs, labels, tag):
    (tmp_path / "sub").mkdir()
    (tmp_path / "prod.env").write_text("TAG=prod\nSECRET=hunter2\n")
    (tmp_path / "sub/.env").write_text("TAG=sub\n")
    more = "".join(f',"compose_{key}":"{text.format(here=tmp_path)}"' for key, text in labels.items())
    text = f"services:\n  a:\n    image: shop/a:${{TAG:-none}}\n    env_file: {tmp_path}/prod.env\n"

    done = asked_of_a_compose_project(with_programs, tmp_path, text, "TAG=env\n", more)

    facts = read(done)
    assert b"hunter" not in done.stdout
    assert [w.image for w in facts.workloads if w.source is Source.COMPOSE] == ([f"shop/a:{tag}"] if tag else [])
    assert ("compose" in facts.gaps) is (tag is None)


@pytest.mark.parametrize(
    ("words", "tag"),
    [
        ("--env-file prod.env up", "prod"),
        ("--env-file=prod.env --project-directory {app}/sub -f {app}/compose.yml up", "prod"),
        ("--project-directory {app}/sub up", "sub"),
        ("-f {app}/sub/compose.yml up", "sub"),
        ("up", "env"),
    ],
)
def test_a_project_that_a_unit_starts_has_the_variables_of_the_files_that_are_named(
    tmp_path, with_programs, words, tag
):
    app = f"{tmp_path}/root/srv/app"
    files = {
        "/etc/systemd/system/a.service": f"[Service]\nWorkingDirectory={app}\nExecStart=/usr/bin/docker compose {words.format(app=app)}\n",
        **dict.fromkeys(
            ("/srv/app/compose.yml", "/srv/app/sub/compose.yml"), "services:\n  a:\n    image: shop/a:${TAG:-none}\n"
        ),
        "/srv/app/.env": "TAG=env\nA=hunter1\n",
        "/srv/app/prod.env": "TAG=prod\nA=hunter1\n",
        "/srv/app/sub/.env": "TAG=sub\nA=hunter1\n",
    }
    facts = read(done := answered(["sh"], at(tmp_path / "root", with_programs(tmp_path, {}), files)))

    assert b"hunter" not in done.stdout
    assert [w.image for w in facts.workloads if w.stage is Stage.PLANNED] == [f"shop/a:{tag}"]
    assert not {"compose", "systemd"} & set(facts.gaps), facts.gaps


def test_what_one_project_hides_of_a_file_of_variables_costs_no_other_its_values(tmp_path, with_programs):
    app = f"{tmp_path}/root/srv"
    started = "[Service]\nExecStart=/usr/bin/docker compose {}up\n"
    files = {
        "/etc/systemd/system/a.service": started.format(f"-f {app}/a.yml --env-file {app}/all.env "),
        "/etc/systemd/system/b.service": started.format(f"-f {app}/b.yml "),
        "/srv/a.yml": "services:\n  a:\n    image: shop/a:${TAG:-none}\n",
        "/srv/b.yml": f"services:\n  b: {{image: 'shop/b:1', env_file: [{{path: {app}/all.env, required: true}}]}}\n",
        "/srv/all.env": "TAG=all\nA=hunter1\n",
    }
    facts = read(done := answered(["sh"], at(tmp_path / "root", with_programs(tmp_path, {}), files)))

    assert b"hunter" not in done.stdout
    assert {w.image for w in facts.workloads if w.stage is Stage.PLANNED} == {"shop/a:all", "shop/b:1"}


CRICTL = r"""
id7=sha256:$(printf %064d 7)
case "$*" in
"ps -a -o json")
  printf '{\n  "containers": [\n    {\n      "id": "aaaa",\n      "podSandboxId": "bbbb",\n      "metadata": {\n        "name": "api",\n        "attempt": 3\n      },\n'
  printf '      "image": {\n        "image": "%s"\n      },\n      "imageRef": "%s",\n      "state": "CONTAINER_EXITED",\n' "$id7" "$id7"
  printf '      "labels": {\n        "io.kubernetes.container.name": "api",\n        "io.kubernetes.pod.name": "web-7d4b9c6f5-x2x8z",\n        "io.kubernetes.pod.namespace": "n"\n      }\n    }\n  ]\n}\n'
  ;;
"pods -o json")
  printf '{\n  "items": [\n    {\n      "id": "bbbb",\n      "metadata": {\n        "name": "web-7d4b9c6f5-x2x8z"\n      },\n      "state": "SANDBOX_READY",\n'
  printf '      "labels": {\n        "app": "hunter1",\n        "pod-template-hash": "7d4b9c6f5"\n      },\n'
  printf '      "annotations": {\n        "job-name": "hunter2",\n        "token": "hunter3"\n      }\n    }\n  ]\n}\n'
  ;;
version) printf 'Version:  0.1.0\nRuntimeName:  containerd\nRuntimeVersion:  v1.7\n' ;;
"images -o json") printf '{\n  "images": [\n    {\n      "id": "%s",\n      "repoTags": ["reg/api:1"],\n      "repoDigests": []\n    }\n  ]\n}\n' "$id7" ;;
inspecti*) echo "$id7 linux arm64 <no value>" ;;
inspect*) echo "$id7 aaaa exited/255 Error <no value>" ;;
"logs --tail 5 aaaa") echo "exec /api: exec format error" >&2 ;;
esac"""


def test_a_node_s_pods_are_asked_for_by_crictl(shell, tmp_path, with_programs):
    text = with_programs(tmp_path, {"crictl": CRICTL})

    facts = read(answered(shell, text))

    (api,) = facts.workloads
    assert "cri" not in facts.gaps
    assert (api.name, api.image, str(api.local.platform), api.exit_code, api.restart_count, api.log) == (
        "n/web/api", "reg/api:1", "linux/arm64", 255, 3, ("exec /api: exec format error",),
    )  # fmt: skip
    assert api.maker.name == "web-7d4b9c6f5-x2x8z"


def test_of_a_pod_s_labels_and_annotations_only_those_of_controllers_leave_the_node(shell, tmp_path, with_programs):
    answer = answered(shell, with_programs(tmp_path, {"crictl": CRICTL})).stdout

    assert parse(answer).sections["cri/pods"].body == b"bbbb pod-template-hash 7d4b9c6f5"
    assert b"hunter" not in answer


@pytest.mark.parametrize(
    ("says", "state"),
    [
        ("echo 'dial unix /run/containerd.sock: connect: permission denied' >&2; exit 1", "denied"),
        ("echo 'unknown service runtime.v1.RuntimeService' >&2; exit 1", "absent"),
        ("echo 'connection refused' >&2; exit 1", "down"),
    ],
)
def test_crictl_s_answer_tells_denied_from_down_from_absent(tmp_path, says, state, with_programs):
    facts = read(answered(["sh"], with_programs(tmp_path, {"crictl": says, "sudo": "exit 1"})))

    assert str(facts.engine("cri").state) == state


def test_the_host_s_own_files_are_plans(shell, tmp_path, with_programs):
    root = tmp_path / "root"
    files = {
        "/etc/containers/systemd/db.container": "[Container]\nImage=docker.io/postgres:16\nEnvironment=PASSWORD=hunter2\n",
        "/etc/systemd/system/old.service": "[Service]\nEnvironment=A=hunter3\nExecStart=/usr/bin/docker run --rm -e B=hunter4 \\\n  legacy:1\n",
        "/etc/kubernetes/manifests/etcd.yaml": "kind: Pod\nmetadata: {name: etcd}\nspec:\n  containers:\n  - name: etcd\n    env:\n    - name: T\n      value: hunter5\n    image: etcd:3\n",
        "/opt/nomad/jobs/web.nomad": 'job "w" {\n group "g" {\n task "t" {\n driver = "docker"\n env {\n  P = "hunter6"\n }\n config {\n image = "redis:7"\n }\n }\n }\n}\n',
    }  # fmt: skip
    text = with_programs(tmp_path, {})
    for path, body in files.items():
        (root / path[1:]).parent.mkdir(parents=True, exist_ok=True)
        (root / path[1:]).write_text(body)
        folder = path.rpartition("/")[0]
        text = text.replace(f" {folder}".encode(), f" {root}{folder}".encode())
    text = text.replace(b"/usr/lib/systemd/system", b"/nonexistent").replace(b"/lib/systemd/system", b"/nonexistent")

    done = answered(shell, text)

    assert b"hunter" not in done.stdout
    facts = read(done)
    assert not {"quadlet", "systemd", "kubernetes", "nomad", "plans"} & set(facts.gaps)
    assert sorted((str(w.source), w.name, w.image) for w in facts.workloads if w.stage is Stage.PLANNED) == [
        ("kubernetes", "default/etcd/etcd", "etcd:3"), ("nomad", "w/g/t", "redis:7"),
        ("quadlet", "db.service", "docker.io/postgres:16"), ("systemd", "old.service", "legacy:1"),
    ]  # fmt: skip


UNIT = r"""# hunter0
[Unit]
Description=hunter1
[Service]
Environment=A=hunter2 "B=hunter 3" TAG=7 PATH=/x \
  C='hunter4' \
# hunter5
  D=hunter6
EnvironmentFile=-{etc}/default/web
EnvironmentFile=-{etc}/default/gone
ExecStartPre=/usr/bin/docker login -u me -p hunter7 reg
ExecStartPre=-/usr/bin/docker rm -f x
ExecStart=/usr/bin/docker run --rm -e E=hunter8 -e "F=hunter 9" --env=G=hunter10 \
  -eH=hunter11 -l traefik.auth=hunter12 --env-file {etc}/default/engine \
# hunter13
  --platform \
  linux/arm64 \
  -e \
  I=hunter14 \
  --name %n ${REGISTRY}/img:${TAG} --arg k=v
ExecStartPost=/bin/sh -c 'J=hunter15 K="hunter 16"; docker run -e L=hunter17 -e M="hunter 18" -e "N=hunter 19" a:$TAG && echo'
ExecStop=/bin/sh -c "docker run -e O=\"hunter 20\" -e \"P=hunter 21\" b; export Q=hunter22"
ExecReload=/bin/other --password hunter23
"""


def at(root, text, files):
    """Files below a root, and the script that looks for them there."""
    for path, body in files.items():
        (root / path[1:]).parent.mkdir(parents=True, exist_ok=True)
        (root / path[1:]).write_text(body.replace("{etc}", f"{root}/etc"))
    for folder in ("/etc/systemd", "/run/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd", "/lib/systemd", "/etc/xdg/systemd",
                   "/run/containers", "/etc/containers", "/usr/share/containers", "/etc/cron", "/etc/anacrontab", "/etc/supervisor",
                   "/var/spool/cron", "/etc/monit", "/etc/rc.", "/etc/local.d", "/etc/periodic", "/etc/sv/", "/etc/init.d"):  # fmt: skip
        for before in (b" ", b"'"):
            text = text.replace(before + folder.encode(), before + f"{root}{folder}".encode())
    return text


def test_of_units_only_what_starts_containers_leaves_the_host(shell, tmp_path, with_programs):
    files = {
        "/etc/systemd/system/web.service": UNIT,
        "/etc/systemd/system/web.service.d/10.conf": "[Service]\nEnvironment=DOCKER_DEFAULT_PLATFORM=linux/arm64 DOCKER_CONTEXT=rootless R=hunter24\n",
        "/run/systemd/system/web-.service.d/10.conf": "[Service]\nEnvironment=S=hunter25\n",
        "/etc/systemd/system/other.service": "[Service]\nExecStart=/bin/other hunter26\n",
        "/etc/default/web": "REGISTRY=reg\nDOCKER_CONTEXT=default\nT=hunter27\n# hunter28\nU='hunter29\nhunter30'\n",
        "/etc/default/engine": "V=hunter31\nPATH=/bin\nW\nX='hunter32\nY=hunter33'\n",
    }
    text = at(tmp_path / "root", with_programs(tmp_path, {}), files)

    done = answered(shell, text)

    assert b"hunter" not in done.stdout
    assert b"DOCKER_CONTEXT=rootless" in done.stdout
    facts = read(done)
    assert not {"quadlet", "systemd", "plans"} & set(facts.gaps), facts.gaps
    found = {w.image: w for w in facts.workloads if w.source is Source.SYSTEMD}
    assert set(found) == {"reg/img:7", "a:7", "b"}
    web = found["reg/img:7"]
    assert (web.name, str(web.pinned), web.process.cmd, web.process.path) == (
        "web.service", "linux/arm64", ("--arg", "k=v"), "/bin",
    )  # fmt: skip
    assert web.pinned_at == f"{tmp_path}/root/etc/systemd/system/web.service:16"
    assert dict(web.process.env) == dict.fromkeys("EFGHIVXY") | {"PATH": "/bin"}
    assert str(found["b"].pinned) == "linux/arm64"
    assert found["b"].pinned_at == f"{tmp_path}/root/etc/systemd/system/web.service.d/10.conf:2"


HIDING = {
    "a:1": "/bin/sh -c 'CID=$(docker run -d -e S=hunter1 a:1); docker logs $CID'",
    "b:1": """/bin/sh -c 'X="$(docker run -e "S=hunter2 x" b:1)"'""",
    "c:1": """/bin/sh -c 'IMG="c:1"; OPTS="--rm -e S=hunter3"; docker run $${OPTS} $${IMG}'""",
    "d:1": "/usr/bin/docker run -dite S=hunter4 d:1",
    "e:1": '/bin/sh -c "docker run -e \\"S=hunter5 y\\" e:1"',
    "f:1": "/bin/sh -c 'CID=`docker run -l a=hunter6 f:1`'",
    "g:1": """/bin/sh -c 'docker run -e "S="hunter7 -e T=a"b hunter8"c g:1'""",
}


def test_values_are_hidden_within_substitutions_and_quotes_that_stay(shell, tmp_path, with_programs):
    files = {
        f"/etc/systemd/system/{image[0]}.service": f"[Service]\nExecStart={line}\n" for image, line in HIDING.items()
    }
    text = at(tmp_path / "root", with_programs(tmp_path, {}), files)

    facts = read(done := answered(shell, text))

    assert b"hunter" not in done.stdout
    assert "systemd" not in facts.gaps, facts.gaps
    assert {w.image for w in facts.workloads if w.source is Source.SYSTEMD} == HIDING.keys()


def test_a_script_that_a_unit_runs_stays_on_the_host_and_is_a_gap_where_it_starts_containers(
    shell, tmp_path, with_programs
):
    run = "[Service]\nExecStart={etc}/../opt/{name} x\n"
    files = {
        "/etc/systemd/system/z.service": run.replace("{name}", "start.sh"),
        "/etc/systemd/system/b.service": run.replace("{name}", "backup.sh").replace("=", "=-/bin/bash -e ", 1),
        "/etc/systemd/system/c.service": run.replace("{name}", "program"),
        "/etc/systemd/system/d.service": "[Service]\nExecStart=/usr/bin/ctr -n x run --env P=hunter2 r.example/a:1 x\n",
        "/etc/systemd/system/e.service": "[Service]\nExecStart=/usr/bin/finch run -e A=hunter3 fin:1\n",
        "/etc/systemd/system/f.service": "[Service]\nExecStart=-/usr/local/bin/helm upgrade --install x hunter4 ; /bin/true\n",
        "/etc/systemd/system/g.service": "[Service]\nExecStart=/usr/bin/nomad agent -config hunter5\n",
        "/etc/systemd/system/h.service": "[Service]\nExecStart=/usr/bin/docker-compose-v2 up hunter_\n",
        "/etc/systemd/system/i.service": "[Service]\nExecStart=/usr/bin/make -C {etc}/../srv/a up TOKEN=hunter6\n",
        "/etc/systemd/system/j.service": "[Service]\nExecStart=/usr/bin/just hunter7\nWorkingDirectory={etc}/../srv/b\n",
        "/etc/systemd/system/k.service": "[Service]\nExecStart=/usr/bin/make -C {etc}/../srv/c up hunter8\n",
        "/etc/systemd/system/l.service": "[Service]\nExecStart=/usr/bin/make\nWorkingDirectory={etc}/../srv/d\n",
        "/etc/systemd/system/m.service": "[Service]\nExecStart='/usr/bin/task'\nWorkingDirectory={etc}/../srv/e\n",
        "/etc/systemd/system/n.service": "[Service]\nExecStart=/usr/bin/just\r\nWorkingDirectory={etc}/../srv/f\r\n",
        "/etc/systemd/system/o.service": "[Service]\nExecStart=/usr/bin/make\nWorkingDirectory={etc}/../srv/g\n",
        "/etc/systemd/system/p.service": "[Service]\nExecStart=/usr/bin/task -d {etc}/../srv/h up\nExecStart=/usr/bin/task -d {etc}/../srv/i\n",
        "/etc/systemd/system/q.service": "[Service]\nExecStart=/usr/bin/just -d {etc}/../srv/j\nExecStart=/usr/bin/just -d {etc}/../srv/k\n",
        "/etc/systemd/system/r.service": "[Service]\nExecStart=/usr/bin/make -C {etc}/../srv/l\nExecStart=/usr/bin/make -C {etc}/../srv/m\n",
        "/srv/h/Taskfile.yml": "version: '3'\nincludes:\n  a:\n    taskfile: ../common\n    dir: .\ntasks: {}\n",
        "/srv/common/Taskfile.yml": "includes: {b: {etc}/../srv/deep/t.yml}\n",
        "/srv/deep/t.yml": "tasks: {default: docker compose up -d}\n",
        "/srv/i/Taskfile.yml": "includes: {a: ./sub}\ntasks: {x: podman ps}\n",
        "/srv/i/sub/Taskfile.yml": "includes: {a: ../Taskfile.yml}\ntasks: {x: echo docker}\n",
        "/srv/j/justfile": "mod web\nimport? 'none.just'\n",
        "/srv/j/web/mod.just": "up:\n  docker run a\n",
        "/srv/k/justfile": "mod? web 'deploy' # with what is there\n",
        "/srv/k/deploy/justfile": "mod db\n",
        "/srv/k/deploy/db.just": "up:\n  docker run a\n",
        "/srv/l/Makefile": "include a.mk \\\n  ../common/b.mk\n",
        "/srv/common/b.mk": "up:\n\tdocker run a\n",
        "/srv/m/Makefile": "-include $(wildcard *.mk)\n",
        "/srv/g/makefile": "include */*/*.mk\n",
        "/srv/d/makefile": "-include none.mk mk/*.mk # x\n",
        "/srv/d/mk/a.mk": "all:\n\tdocker run a hunter0\n",
        "/srv/e/taskfile.dist.yaml": "includes:\n  a: ./b.yml\n",
        "/srv/e/b.yml": "tasks: {default: docker compose up -d}\n",
        "/srv/f/.justfile": "all:\n  podman run a\n",
        "/srv/a/Makefile": "up:\n\tdocker compose up -d # hunter9\n",
        "/srv/b/justfile": "web:\n  podman run a\n",
        "/srv/c/Makefile": "up:\n\techo podman\n",
        "/opt/start.sh": "#!/bin/sh\nTOKEN=hunter1\ndocker run -e TOKEN=$TOKEN reg/a:1\n",
        "/opt/backup.sh": "#!/bin/bash\ndocker exec db pg_dump\n",
        "/opt/program": "ELF docker run a\n",
    }
    files = {path: body.replace("{etc}/..", f"{tmp_path}/root") for path, body in files.items()}
    text = at(tmp_path / "root", with_programs(tmp_path, {}), files)

    facts = read(done := answered(shell, text))

    assert not re.search(rb"hunter\d", done.stdout)
    said = ("=ctr run @hidden", "=helm upgrade @hidden", "docker-compose-v2 up", "nomad")
    assert [word.encode() in done.stdout for word in said] == [True, True, True, False]
    assert [one.image for one in facts.workloads if one.source is Source.SYSTEMD] == ["fin:1"]
    told = b"".join(re.findall(rb"\n(?:/\S+)?/root/(srv/\S+)\n@script", done.stdout))
    assert told.split(b"srv/")[1:] == [
        b"a/Makefile", b"b/justfile", b"d/makefile", b"e/taskfile.dist.yaml", b"f/.justfile", b"g/makefile", b"h/Taskfile.yml",
        b"j/justfile", b"k/justfile", b"l/Makefile", b"m/Makefile",
    ]  # fmt: skip
    assert (
        f"{tmp_path}/root/opt/start.sh, a script in which an engine is named, or in one that it runs"
        in facts.gaps["systemd"].detail
    )
    assert b"backup.sh" not in done.stdout
    assert b"opt/program" not in done.stdout


RUN = "#!/bin/sh\ndocker run -e A=hunter1 reg/a:1\n"
CALLED = {
    "whole path": ("@/opt/a", {"/opt/a": "#!/bin/sh\n@/opt/b x\n", "/opt/b": RUN}),
    "beside by $0": ("@/opt/a", {"/opt/a": '#!/bin/sh\n"$(dirname "$0")/lib/b"\n', "/opt/lib/b": RUN}),
    "beside by a variable": (
        "@/opt/a",
        {"/opt/a": '#!/bin/bash\nhere=$(cd "${0%/*}" && pwd)\n. "$here/b"\n', "/opt/b": RUN[10:]},
    ),
    "a variable's path": ("@/opt/a", {"/opt/a": "#!/bin/sh\nLIB=@/srv/lib\nexec ${LIB}/b\n", "/srv/lib/b": RUN}),
    "where it went": ("@/opt/a", {"/opt/a": "#!/bin/sh\ncd @/srv/x && ./b\n", "/srv/x/b": RUN}),
    "read without #!": ("/bin/sh @/opt/a", {"/opt/a": "docker run a\n"}),
    "a table": ("/usr/bin/supervisord -n -c @/opt/a", {"/opt/a": "[program:a]\ncommand=docker run a\n"}),
    "a line that goes on": ("@/opt/a", {"/opt/a": "#!/bin/sh\ndocker \\\n  --debug \\\n  run a\n"}),
    "an engine in a variable": ("@/opt/a", {"/opt/a": "#!/bin/sh\nD=${D:-docker}\n$D run a\n"}),
    "a list of words": ("@/opt/a.py", {"/opt/a.py": "#!/usr/bin/python3\ncall([\n 'docker',\n 'run', 'a'])\n"}),
    "a folder of them": (
        "@/opt/a",
        {"/opt/a": "#!/bin/sh\nfor f in @/opt/d/*.sh; do . $f; done\n", "/opt/d/1.sh": RUN},
    ),
    "run-parts": ("@/opt/a", {"/opt/a": "#!/bin/sh\nrun-parts @/opt/d\n", "/opt/d/1": RUN}),
    "three deep": ("@/opt/a", {"/opt/a": "#!/bin/sh\n@/opt/b\n", "/opt/b": "#!/bin/sh\nsh @/opt/c\n", "/opt/c": RUN}),
    "too deep": ("@/opt/1", {f"/opt/{n}": f"#!/bin/sh\n@/opt/{n + 1}\n" for n in range(1, 9)}),
    "too large": ("@/opt/a", {"/opt/a": "#!/bin/sh\n@/opt/b\n", "/opt/b": "#!/bin/sh\n" + "#\n" * 600_000}),
    "in its place": ("./a\nWorkingDirectory=@/opt", {"/opt/a": RUN}),
    "in its place, said otherwise": ("./a\nWorkingDirectory=@/opt/", {"/opt/a": RUN}),
    "more variables than a path has": (
        "@/opt/a",
        {"/opt/a": f"#!/bin/sh\nA=/{'x' * 4000}\n{'$A' * 300_000}\n"},
    ),
    "behind many": (
        " ".join(["@/opt/a", *(f"/opt/{n}" for n in range(300)), "@/opt/b"]),
        {"/opt/a": "#!/bin/sh\n", "/opt/b": RUN},
    ),
    "in its own root": ("/a\nRootDirectory=@/srv/r", {"/srv/r/a": "#!/bin/sh\n/b\n", "/srv/r/b": RUN}),
    "an image with the socket": ("/a\nRootImage=/i.raw\nBindPaths=/run/docker.sock", {}),
    "an image with its folder": ('/a\nRootImage=/i.raw\nBindPaths="/run/"', {}),
}
NOT_CALLED = {
    "nothing of it": (
        "@/opt/a",
        {"/opt/a": "#!/bin/sh\n@/opt/b\nset up\n", "/opt/b": "#!/bin/sh\ndocker ps\n@/opt/a\n# docker run a\n"},
    ),
    "a program": ("@/opt/a", {"/opt/a": "#!/bin/sh\n@/opt/b\n", "/opt/b": "\x7fELF docker run a\n"}),
    "a table of none": ("/usr/bin/supervisord -n -c @/opt/a", {"/opt/a": "[program:a]\ncommand=/opt/x\n"}),
    "data": ("@/opt/a", {"/opt/a": "#!/bin/sh\ncp @/opt/b /tmp\n", "/opt/b": "docker run a\n"}),
}


@pytest.mark.parametrize("case", [*CALLED, *NOT_CALLED])
def test_scripts_are_looked_through_with_those_that_they_run(tmp_path, with_programs, case):
    command, scripts = (CALLED | NOT_CALLED)[case]
    files = {"/etc/systemd/system/x.service": f"[Service]\nExecStart={command}\n"} | scripts
    files = {path: text.replace("@", f"{tmp_path}/root") for path, text in files.items()}
    facts = read(done := answered(["sh"], at(tmp_path / "root", with_programs(tmp_path, {}), files)))

    assert b"hunter" not in done.stdout
    assert ("systemd" in facts.gaps) is (case in CALLED), facts.gaps


COMMANDS = {
    "/etc/crontab": "MAILTO=hunter1\nA = docker hunter1\nA=hunter1 docker hunter1 \nSHELL=/bin/bash\n# hunter2\n0 3 * * * root docker run -e A=hunter3 cron:1\n0 4 * * * root x hunter4\n",
    "/etc/cron.d/b": "0 3 * * * root cd {root}/srv/b && docker compose up -d >hunter_\n0 4 * * * root {root}/opt/all.sh hunter5\n",
    "/srv/b/compose.yml": "services: {a: {image: 'b:2'}}\n",
    "/opt/all.sh": "#!/bin/sh\n{root}/opt/one.sh hunter6\n",
    "/opt/one.sh": "#!/bin/sh\ndocker run -e A=hunter7 x\n",
    "/opt/no.sh": "#!/bin/sh\ndocker ps\n",
    "/var/spool/cron/crontabs/web": "PASS=hunter8\n@daily PASS=hunter9 podman run user:1\n@daily {root}/opt/no.sh\n",
    "/etc/cron.daily/c": "#!/bin/sh\nsh {root}/opt/one.sh\n",
    "/etc/cron.weekly/d": "#!/bin/sh\nlogrotate hunter10\n",
    "/etc/supervisor/conf.d/e.conf": '[program:e]\nenvironment=P="hunter11"\nuser=web\ncommand=docker run sup:1\n',
    "/etc/monit/conf.d/f": 'check x\n start program =\n "/usr/bin/docker run -e A=hunter12 monit:1"\n set mail hunter13\n',
    "/etc/cron.d/g": "0 3 * * * root curl -d hunter14 --unix-socket /run/docker.sock http://d/containers/create\n",
    "/etc/cron.d/h": "0 5 * * * root curl -d hunter14 --unix-socket /run/docker.sock http://d/containers/create\n0 3 * * * root kubectl create secret x --from-literal=a=hunter15\n0 4 * * * root docker run h:4\n0 5 * * * root pg_dump p://hunter15 >/srv/docker/x\n",
    "/etc/systemd/system/i.service": "[Service]\nExecStart=/usr/bin/curl --data hunter16 --unix-socket /run/docker.sock http://d/containers/create\n",
    "/etc/systemd/system/j@.service": "[Service]\nExecStart={root}/opt/%i.sh\n",
    "/etc/systemd/system/k.service": "[Service]\nExecStart={root}/srv/k/go\n",
    "/srv/k/go": '#!/bin/sh\nexec {root}/srv/k/d/$(hostname)/../"$NAME".sh\n. {root}/srv/k/d/$NAME.sh\n',
    "/srv/k/d/host.sh": "docker run hunter17\n",
    "/etc/init.d/l": "#!/bin/sh\nPASS=hunter18 docker run l:1\n",
    "/etc/init.d/docker": '#!/bin/sh\nBASE=docker\nDESC=Docker\nlog "$DESC must be run as root"\necho "service docker {start}"\n',
    "/etc/init.d/m": "#!/bin/sh\n/usr/bin/m hunter19\n",
    "/etc/systemd/system/n.service": "[Service]\nExecStart=/usr/bin/docker compose -f app.yml up\nWorkingDirectory={root}/srv/n\n",
    "/etc/cron.d/o": "0 3 * * * root cd {root}/opt && test -f ./rel && bash ./rel\n",
    "/opt/rel": "docker run hunter20\n",
    "/etc/supervisor/conf.d/p.conf": "; docker hunter21\n[program:p]\ncommand=./sup.sh\n  [ hunter22 ]\ndirectory={root}/opt\n[program:q]\ncommand=docker ps\n",
    "/opt/sup.sh": "#!/bin/sh\ndocker run hunter23\n",
    "/etc/cron.d/q": "# kubectl apply\n0 3 * * * root crictl rmi --prune\n",
    "/etc/cron.d/monitoring": "D=/usr/bin/docker\n0 3 * * * root $D run var:1\n0 4 * * * root dump hunter24 $DATE\n",
    "/etc/cron.d/supervisor": "0 3 * * * root docker run sup:2\n",
    "/srv/n/app.yml": "services: {a: {image: 'n:3'}}\n",
    "/etc/supervisord.conf": "[supervisord]\nuser=web\nenvironment=A=hunter25\n[include]\n Files = {root}/srv/s/*.conf {root}/srv/s/b?\n  %(here)s/../srv/t.ini ; hunter26\n[program:x]\ncommand=x\n  hunter27\n",
    "/srv/s/a.conf": "[program:a]\ncommand=podman run -e A=hunter28 inc:1\n[include]\nfiles={root}/srv/s/no.d/*\n",
    "/srv/s/b~": "[program:b]\ncommand=docker run inc:5\n",
    "/srv/s/no.d/b": "[program:b]\ncommand=docker run never:1\n",
    "/srv/t.ini": "[program:c]\nCOMMAND = docker\n  run\n  inc:2\nenvironment=A=hunter29,\n  B=docker\n",
    "/etc/monitrc": "set mail hunter30\ninclude {root}/srv/m/*\n",
    "/srv/m/c": "include '{root}/srv/m2/?' # hunter32\n",
    "/srv/m2/d": 'check x\n START = "/usr/bin/podman run inc:3" as uid web\n restart =\n  "/usr/bin/docker run inc:4"\n  as uid root # hunter33\n',
    "/srv/m2/e~": 'check x\n start = "/usr/bin/docker run never:2"\n',
    "/etc/anacrontab": "SHELL=/nowhere\n1 0 x docker run \\\n  ana:1\n2 0 y dump hunter31\n",
    "/etc/cron.d/s": "# docker\n" * 130_000,
    "/etc/init.d/replaced": "#!/bin/sh\ndocker run never:3\n",
    "/run/systemd/system/none.service": "",
    "/etc/systemd/system/replaced.service": "[Service]\nExecStart=/bin/true\n",
}


def test_what_others_than_systemd_start_is_planned_or_a_gap(tmp_path, with_programs):
    root = f"{tmp_path}/root"
    files = {path: text.replace("{root}", root) for path, text in COMMANDS.items()}
    facts = read(done := answered(["sh"], at(tmp_path / "root", with_programs(tmp_path, {}), files)))

    assert not re.search(rb"hunter\d", done.stdout)
    assert {(w.name, w.image) for w in facts.workloads if w.source is not Source.SYSTEMD} == {
        ("etc/crontab", "cron:1"), ("b/a", "b:2"), ("n/a", "n:3"), ("cron.d/h", "h:4"), ("crontabs/web", "user:1"), ("conf.d/e.conf", "sup:1"), ("conf.d/f", "monit:1"), ("cron.d/monitoring", "var:1"), ("cron.d/supervisor", "sup:2"),
        ("s/a.conf", "inc:1"), ("s/b~", "inc:5"), ("srv/t.ini", "inc:2"), ("m2/d", "inc:3"), ("m2/d", "inc:4"), ("etc/anacrontab", "ana:1"),
    }  # fmt: skip
    assert {w.engine for w in facts.workloads if w.image in {"inc:1", "inc:3"}} == {"podman:web"}
    assert b"/etc/cron.d/s\n@unreadable" in done.stdout
    kept = [path.decode().removeprefix(root) for path in re.findall(rb"\n(.*)\n@script", done.stdout)]
    assert sorted(kept) == [
        "/etc/cron.d/g, in another line", "/etc/cron.d/h, in another line", "/etc/cron.daily/c", "/etc/init.d/l", "/opt/*.sh", "/opt/all.sh", "/opt/rel", "/opt/sup.sh", "/srv/k/go",
    ]  # fmt: skip
    assert {"command", "systemd"} <= set(facts.gaps)


def test_a_line_that_is_too_long_to_be_looked_through_is_a_gap(shell, tmp_path, with_programs):
    files = {"/etc/systemd/system/a.service": f"[Service]\nExecStart=/usr/bin/docker run -e A={'hunter1 ' * 9000} a\n"}
    text = at(tmp_path / "root", with_programs(tmp_path, {}), files)
    started = time.monotonic()

    facts = read(done := answered(shell, text))

    assert time.monotonic() - started < 60
    assert b"hunter" not in done.stdout
    assert "systemd" in facts.gaps


TRIGGERED = "[Unit]\nConditionHost=hunter2\nConditionArchitecture=|s390x\nConditionPathExists=\\\n|/etc/hunter3\n"


def test_units_come_with_their_drop_ins_and_what_hides_them(shell, tmp_path, with_programs):
    started = "[Service]\nExecStart=/usr/bin/docker run {image}\n"
    files = {
        "/usr/lib/systemd/system/a.service": started.replace("{image}", "hidden"),
        "/etc/systemd/system/a.service": "[Service]\nExecStart=/bin/true\n",
        "/usr/lib/systemd/system/b.service": started.replace("{image}", "b:1"),
        "/run/systemd/system/b.service.d/x.conf": "[Service]\nExecStart=\n" + started.replace("{image}", "b:2"),
        "/usr/lib/systemd/system/c.service": started.replace("{image}", "masked"),
        "/usr/lib/systemd/system/d@.service": started.replace("{image}", "d:%i"),
        "/usr/lib/systemd/system/e@.service": started.replace("{image}", "e:%i"),
        "/etc/systemd/system/h.service": TRIGGERED + started.replace("{image}", "h"),
        "/etc/systemd/system/i.service": TRIGGERED.replace("=\\\n|", "=\\\n") + started.replace("{image}", "elsewhere"),
        "/etc/systemd/system/j.service": TRIGGERED + "AssertHost=\\\n\nConditionNull=\\\n\n" + started.replace("{image}", "j"),
        "/etc/systemd/system/f.service": "[Service]\nWorkingDirectory={etc}/f\nExecStart=/usr/bin/docker compose up\n",
        "/etc/f/compose.yaml": "services:\n  web:\n    image: w\n    environment:\n      A: hunter1\n",
        "/etc/systemd/system/g.service": "[Service]\nExecStart=/usr/bin/podman kube play --replace {etc}/g.yaml\n",
        "/etc/systemd/system/up@.service": "[Service]\nWorkingDirectory={etc}/up/%i\nEnvironmentFile=-{etc}/up/%i.env\nExecStart=/usr/bin/docker compose up\n",
        "/etc/up/shop/docker-compose.yml": "services:\n  web:\n    image: instance\n",
        "/etc/g.yaml": "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\nspec:\n  containers:\n  - name: c\n    image: inpod\n",
    }  # fmt: skip
    root = tmp_path / "root"
    text = at(root, with_programs(tmp_path, {}), files)
    (root / "etc/systemd/system/c.service").symlink_to("/dev/null")
    (root / "etc/systemd/system/x.target.wants").mkdir()
    (root / "etc/systemd/system/x.target.wants/d@7.service").symlink_to("/usr/lib/systemd/system/d@.service")

    (root / "etc/systemd/system/x.target.wants/up@shop.service").symlink_to(root / "etc/systemd/system/up@.service")

    facts = read(done := answered(shell, text))

    assert b"hunter" not in done.stdout
    assert not {"quadlet", "systemd", "compose", "plans"} & set(facts.gaps), facts.gaps
    planned = {(w.name, w.image) for w in facts.workloads if w.stage is Stage.PLANNED}
    assert planned == {
        ("b.service", "b:2"), ("d@7.service", "d:7"), ("f/web", "w"), ("g.service/c", "inpod"), ("shop/web", "instance"),
        ("h.service", "h"), ("j.service", "j"),
    }  # fmt: skip


def test_quadlets_come_with_all_that_makes_them(shell, tmp_path, with_programs):
    files = {
        "/etc/containers/systemd/sub/web.container": "[Container]\nImage=base.image\nEnvironment=A=hunter1\nLabel=x=hunter2\n"
        "EnvironmentFile=web.env\nPodmanArgs=--cpus 2 --env B=hunter3\nPodmanArgs=--memory 1g\nWorkingDir=/w\nUser=7\nVolume=/a:/b\n",
        "/etc/containers/systemd/sub/web.env": "C=hunter4\nPATH=/p\n",
        "/etc/containers/systemd/base.image": "[Image]\nImage=quay.io/base:1\nCreds=me:hunter5\nOS=linux\nArch=arm64\n",
        "/run/containers/systemd/web.container.d/10.conf": "[Container]\nRunInit=yes\n",
        "/etc/containers/systemd/own.container": "[Container]\nImage=own.build\nPod=p.pod\n",
        "/etc/containers/systemd/own.build": "[Build]\nImageTag=localhost/own\nFile=/srv/Containerfile\n",
        "/etc/containers/systemd/p.pod": "[Pod]\nVolume=/c:/d\nNetwork=n.network\n",
        "/etc/containers/systemd/n.network": "[Network]\nOptions=hunter6\n",
        "/etc/containers/systemd/lone.container": "[Container]\nImage=a\nVolume=gone.volume:/x\n",
    }
    text = at(tmp_path / "root", with_programs(tmp_path, {}), files)

    facts = read(done := answered(shell, text))

    assert b"hunter" not in done.stdout
    assert facts.gaps["quadlet"].detail.endswith("lone.container: gone.volume is not there")
    assert "plans" not in facts.gaps
    found = {w.name: w for w in facts.workloads if w.source is Source.QUADLET}
    assert "lone.service" not in found
    web = found["web.service"]
    assert (web.image, str(web.pinned), web.pinned_at) == (
        "quay.io/base:1", "linux/arm64", f"{tmp_path}/root/etc/containers/systemd/base.image:5",
    )  # fmt: skip
    assert dict(web.process.env) == {"A": None, "B": None, "C": None, "PATH": "/p"}
    assert (web.process.working_dir, web.process.user, web.process.init) == ("/w", "7", True)
    assert [mount.destination for mount in web.mounts] == ["/b"]
    assert (found["own.service"].image, found["own.service"].build_only) == ("localhost/own", True)


def test_a_file_of_variables_that_is_a_link_or_no_file_is_not_read(shell, tmp_path, with_programs):
    files = {
        "/etc/systemd/system/a.service": "[Service]\nEnvironmentFile={etc}/link\nExecStart=/usr/bin/docker run ${SECRET}\n",
        "/etc/secret": "SECRET=hunter1\n",
    }
    root = tmp_path / "root"
    text = at(root, with_programs(tmp_path, {}), files)
    (root / "etc/link").symlink_to(root / "etc/secret")

    facts = read(done := answered(shell, text))

    assert b"hunter" not in done.stdout
    assert "systemd" in facts.gaps


@pytest.mark.parametrize("shell", ["dash", "busybox"], indirect=True)
def test_no_file_keeps_the_probe_waiting_and_none_is_passed_over_for_what_it_is(shell, tmp_path, with_programs):
    system = "/etc/systemd/system"
    run = "[Service]\nExecStart={line}\n"
    files = {
        f"{system}/a.service": run.replace("{line}", "/usr/bin/docker run a:1"),
        f"{system}/large.service": run.replace("{line}", "/usr/bin/docker run b:1"),
        f"{system}/env.service": run.replace("{line}", "/usr/bin/docker run $A") + "EnvironmentFile=/proc/kmsg\n",
        f"{system}/script.service": run.replace("{line}", f"{tmp_path}/root/opt/large.sh"),
        f"{system}/c.service": run.replace("{line}", f"/usr/bin/podman kube play {tmp_path}/root/opt/pipe.yaml"),
        f"{system}/m.service": run.replace("{line}", f"/usr/bin/make -C {tmp_path}/root/opt up"),
        "/opt/large.sh": "#!/bin/sh\n",
        "/opt/Makefile": "include more.mk\n",
    }
    root = tmp_path / "root"
    text = at(root, with_programs(tmp_path, {}), files)
    for pipe in (
        f"{system}/pipe.service",
        "/opt/pipe.yaml",
        "/etc/containers/systemd/p.container",
        f"{system}/a.service.d/p.conf",
    ):
        (root / pipe[1:]).parent.mkdir(parents=True, exist_ok=True)
        os.mkfifo(root / pipe[1:])
    for name in ("/etc/containers/systemd/k.container", f"{system}/k.service", "/opt/more.mk"):
        (root / name[1:]).symlink_to("/proc/kmsg")
    for name in (f"{system}/large.service", "/opt/large.sh"):
        os.truncate(root / name[1:], 1 << 40)

    facts = read(answered(shell, text))

    assert {w.image for w in facts.workloads if w.source is Source.SYSTEMD} == {"a:1"}
    told = " ".join(gap.detail for gap in facts.gaps.values())
    assert "p.container: may not be read" in told


def link_of_another(path):
    path.symlink_to("shared")
    os.lchown(path, 12345, 12345)


@pytest.mark.parametrize(
    ("made", "image"),
    [
        (lambda path: path.symlink_to("shared"), "shop/web:2"),  # of whoever has the file, too
        (link_of_another, None),
        (os.mkfifo, None),
        (lambda path: path.mkdir(), "shop/web:1"),  # as of an environment of Python: Compose passes it over
    ],
    ids=["link", "another's link", "pipe", "folder"],
)
def test_a_project_s_variables_are_never_taken_for_missing_where_they_are_not_read(
    tmp_path, with_programs, request, made, image
):
    if made is link_of_another:
        request.getfixturevalue("require_root")
    (tmp_path / "shared").write_text("TAG=2\n")
    made(tmp_path / ".env")

    text = "services:\n  web:\n    image: shop/web:${TAG:-1}\n"
    facts = read(asked_of_a_compose_project(with_programs, tmp_path, text, None))

    assert ("compose" in facts.gaps) == (image is None)
    assert image is None or {w.image for w in facts.workloads if w.stage is Stage.PLANNED} == {image}


# ---------------------------------------------------------------- what really runs


OURS, NESTED = "a" * 64, "b" * 64


@pytest.fixture
def processes(tmp_path, shell):
    """``processes(groups)``: the pairs of container and process that the script finds for these cgroups, by process."""

    def found(groups, ids="", pids="", each=8, most=2000):
        text = script().decode()
        function = text[text.index("containers_of_processes() {") : text.index("words_of() {")]
        lines = "".join(f"/proc/{pid}/cgroup:{line}\n" for pid, group in groups for line in group.split("\n"))
        program = f"max_live={most}\nmax_live_each={each}\n{function}\ncontainers_of_processes '{ids}' '{pids}'\n"
        path = tmp_path / "program"
        path.write_text(program)
        done = subprocess.run([*shell, path], input=lines.encode(), capture_output=True, check=True)
        return [tuple(line.split()) for line in done.stdout.decode().splitlines()]

    return found


@pytest.mark.parametrize(
    ("group", "is_ours"),
    [
        (f"0::/docker/{OURS}", True),
        (f"0::/system.slice/docker-{OURS}.scope", True),
        (f"0::/system.slice/docker-{OURS}.scope/init.scope", True),
        (f"0::/machine.slice/libpod-{OURS}.scope/container", True),
        (f"0::/system.slice/db.service/libpod-payload-{OURS}", True),
        (f"12:memory:/docker/{OURS}\n1:name=systemd:/docker/{OURS}\n0::/", True),
        (f"0::/kubepods.slice/kubepods-podx.slice/cri-containerd-{OURS}.scope", True),
        (f"0::/docker/{NESTED}/docker/{OURS}", True),  # the machine is a container itself
        (f"0::/machine.slice/libpod-conmon-{OURS}.scope", False),
        (f"0::/docker/{OURS}/docker/{NESTED}", False),  # an engine within the container: another image
        (f"0::/docker/{OURS}a", False),
        (f"0::/docker/{NESTED}", False),
        ("0::/", False),
        ("0::/user.slice/user-1000.slice", False),
    ],
)
def test_a_process_belongs_to_the_innermost_container_that_is_known(processes, group, is_ours):
    assert processes([(7, group)], ids=OURS) == ([(OURS, "7")] if is_ours else [])


def test_a_container_whose_engine_tells_only_its_first_process_has_those_of_its_group(processes):
    groups = [(7, "0::/default/web"), (8, "0::/default/web"), (9, "0::/default/db"), (10, "0::/")]
    assert processes(groups, pids="7") == [("pid:7", "7"), ("pid:7", "8")]
    assert processes([(7, "0::/"), (8, "0::/")], pids="7") == [("pid:7", "7")]


def test_no_container_and_no_host_costs_more_than_its_share(processes):
    groups = [(pid, f"0::/docker/{OURS if pid % 2 else NESTED}") for pid in range(100, 160)]
    found = processes(groups, ids=f"{OURS} {NESTED}", each=3)
    assert (len(found), sum(owner == OURS for owner, _ in found)) == (6, 3)
    assert len(processes(groups, ids=f"{OURS} {NESTED}", each=30, most=10)) == 10


def test_of_processes_those_are_shown_that_are_there(tmp_path, shell, elf_factory):
    """A zombie has no executable any more, one that has gone has nothing, a kernel thread never had one."""
    text = script().decode()
    functions = text[text.index("live() {") : text.index("containers_of_processes() {")]
    words = text[text.index("words_of() {") :]
    words = words[: words.index("\n}\n") + 3]
    removed = tmp_path / "removed"
    removed.write_bytes(elf_factory("amd64", forever=True))
    removed.chmod(0o755)
    lives, ended, gone = subprocess.Popen([removed]), subprocess.Popen(["true"]), subprocess.Popen(["true"])
    try:
        gone.wait()
        until(lambda: Path(f"/proc/{ended.pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z", "a zombie")
        until(lambda: os.readlink(f"/proc/{lives.pid}/exe") == str(removed), "its executable")  # noqa: PTH115 -- the kernel's word
        removed.unlink()
        pairs = "".join(f"echo {OURS} {pid}\n" for pid in (lives.pid, ended.pid, gone.pid, 2))
        program = tmp_path / "program"
        found = f"containers_of_processes() {{ cat >/dev/null\n{pairs}}}\n"
        program.write_text(f"has_head_c=1 running_ids={OURS}\n{functions}{found}{words}\nlive\n")
        done = subprocess.run([*shell, program], capture_output=True, text=True, check=True)
        head = executable("amd64", forever=True)[:64].hex()
        assert done.stdout.splitlines() == [f"{OURS} {head} {removed} (deleted)\t{removed}"]
    finally:
        lives.kill()
        for child in (lives, ended):
            child.wait()


# ---------------------------------------------------------------- real engines


TINY = "docker.io/probe/tiny:1"


@pytest.fixture(scope="module")
def tiny_archive(tmp_path_factory, image_factory, elf_factory):
    """An image as ``docker save`` writes it: a program that runs for ever, and a script without ``#!``."""
    files = {
        "bin/hello": image_factory.File(elf_factory("amd64", forever=True), mode=0o755),
        "bin/noshebang": image_factory.File(b"echo hello\n", mode=0o755),
    }
    layer = tar_of(files)
    config = json.dumps({
        "architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [digest_of(layer)]},
        "config": {"Entrypoint": ["/bin/hello"], "Env": ["PATH=/bin", "SECRET=hunter2"], "WorkingDir": "/bin"},
    }).encode()  # fmt: skip
    manifest = json.dumps([{"Config": "config.json", "RepoTags": [TINY], "Layers": ["layer.tar"]}]).encode()
    path = tmp_path_factory.mktemp("tiny") / "tiny.tar"
    path.write_bytes(tar_of({"manifest.json": manifest, "config.json": config, "layer.tar": layer}))
    return path


@pytest.mark.system
def test_a_real_docker_tells_its_containers(docker_engine, tiny_archive, shell):
    docker = docker_engine.docker
    docker("load", "--input", tiny_archive)
    docker("create", "--name", "probe-new", TINY)
    docker("run", "-d", "--network", "none", "--name", "probe-up", TINY)
    docker("run", "--network", "none", "--name", "probe-script", "--entrypoint", "/bin/noshebang", TINY, check=False)
    docker("run", "--network", "none", "--name", "probe-none", "--entrypoint", "/nope", TINY, check=False)
    try:
        until(lambda: docker("logs", "probe-script"), "dockerd has written the log")
        done = answered(shell, env={**PLAIN, "DOCKER_HOST": docker_engine.host})
    finally:
        docker("rm", "-f", "probe-new", "probe-up", "probe-script", "probe-none")

    facts = read(done)
    engine = facts.engine("docker")
    assert (engine.state, str(engine.platform), engine.in_vm) == (EngineState.UP, "linux/amd64", False)
    assert "docker" not in facts.gaps
    found = {w.name: w for w in facts.workloads if w.name.startswith("probe-")}
    assert {name: (w.stage, w.exit_code) for name, w in found.items()} == {
        "probe-new": (Stage.STOPPED, None), "probe-up": (Stage.RUNNING, None),
        "probe-script": (Stage.STOPPED, found["probe-script"].exit_code), "probe-none": (Stage.STOPPED, 127),
    }  # fmt: skip
    assert found["probe-script"].log[-1].endswith("exec format error")
    assert "no such file" in found["probe-none"].error
    assert found["probe-up"].process is None
    assert found["probe-up"].local.platform == Platform("linux", "amd64")
    assert found["probe-up"].local.process.path == "/bin"
    assert b"hunter2" not in done.stdout
    assert found["probe-script"].process.argv == ("/bin/noshebang",)


ELF64_HEAD = b"\x7fELF\x02\x01\x01"


@pytest.mark.system
def test_a_real_docker_s_container_shows_its_processes_its_mounts_its_moments(docker_engine, tiny_archive, shell):
    docker, began = docker_engine.docker, time.time()
    docker("load", "--input", tiny_archive)
    docker(
        "run", "-d", "--network", "none", "--name", "probe-live", "--user", "65534", "--tmpfs", "/scratch",
        "--tmpfs", "/tools:exec", "-v", "/usr/share:/srv:ro", "-e", "TOKEN=hunter7", "-e", "LD_LIBRARY_PATH=/opt/lib", TINY,
    )  # fmt: skip
    docker("run", "--network", "none", "--name", "probe-ended", "--entrypoint", "/bin/noshebang", TINY, check=False)
    try:
        done = answered(shell, env={**PLAIN, "DOCKER_HOST": docker_engine.host})
        pid = docker("inspect", "--format", "{{.State.Pid}}", "probe-live").strip()
        mounted = Path(f"/proc/{pid}/mountinfo").read_text().splitlines()
    finally:
        docker("rm", "-f", "probe-live", "probe-ended")

    found = {w.name: w for w in read(done).workloads}
    live = found["probe-live"]
    assert b"hunter" not in done.stdout
    assert [(p.argv0, p.exe, p.head[:7], len(p.head)) for p in live.live] == [
        ("/bin/hello", "/bin/hello", ELF64_HEAD, 64)
    ]
    assert found["probe-ended"].live is None
    process = live.process
    assert (process.argv, process.user, process.init) == (("/bin/hello",), "65534", None)
    assert dict(process.env) == {"TOKEN": None, "LD_LIBRARY_PATH": "/opt/lib"}
    kernel = {line.split()[4]: "noexec" in line.split()[5].split(",") for line in mounted}
    assert {(m.destination, m.kind, m.noexec) for m in live.mounts} == {
        ("/scratch", "tmpfs", kernel["/scratch"]), ("/tools", "tmpfs", kernel["/tools"]), ("/srv", "bind", kernel["/srv"]),
    }  # fmt: skip
    assert (kernel["/scratch"], kernel["/tools"]) == (True, False)
    assert began < live.started_at < time.time()
    assert (live.settled, live.finished_at) == (False, None)
    assert found["probe-ended"].settled is None


@pytest.mark.system
def test_a_real_swarm_tells_its_services(docker_engine, tiny_archive):
    docker = docker_engine.docker
    docker("load", "--input", tiny_archive)
    docker("swarm", "init", "--advertise-addr", "127.0.0.1", "--listen-addr", f"127.0.0.1:{free_port()}")
    try:
        # a constraint that no node meets: the service is there, its containers never come
        nowhere = ("--constraint", "node.labels.nowhere==yes")
        docker(
            "service", "create", "--detach", "--name", "probe-svc", "--network", "host", *nowhere, TINY, "say", "hello"
        )
        elsewhere = ("--constraint", "node.platform.arch==s390x")
        docker("service", "create", "--detach", "--name", "elsewhere", "--network", "host", *elsewhere, TINY)
        docker("service", "create", "--detach", "--name", "none", "--network", "host", "--replicas", "0", TINY)
        facts = read(answered(["sh"], env={**PLAIN, "DOCKER_HOST": docker_engine.host}))
    finally:
        docker("swarm", "leave", "--force")

    assert "docker" not in facts.gaps
    [service] = [w for w in facts.workloads if w.source is Source.SWARM]
    assert (service.name, service.stage, service.engine) == ("probe-svc", Stage.PLANNED, "docker")
    assert service.image.startswith("probe/tiny:1")  # as the client shortens it
    assert service.process.cmd == ("say", "hello")


@pytest.mark.system
def test_a_real_podman_tells_its_containers(podman, tiny_archive, tmp_path, with_programs):
    began = time.time()
    podman.podman("load", "--input", str(tiny_archive))
    podman.podman("create", "--name", "probe-new", TINY)
    podman.podman("run", "-d", "--network", "none", "--name", "probe-up", TINY)
    mounts = ("--tmpfs", "/scratch", "--tmpfs", "/tools:noexec", "-v", "/usr/share:/srv:ro")
    podman.podman(
        "run", "-d", "--network", "none", "--name", "probe-live", "--init=false", "-e", "TOKEN=hunter7", *mounts, TINY
    )
    podman.podman(
        "run", "--network", "none", "--name", "probe-script", "--entrypoint", "/bin/noshebang", TINY, check=False
    )
    until(lambda: podman.podman("logs", "probe-script"), "conmon has written the log")
    configuration = tmp_path / "storage.conf"
    configuration.write_text(
        f'[storage]\ndriver = "vfs"\ngraphroot = "{podman.folder}/root"\nrunroot = "{podman.folder}/run"\n'
    )
    text = with_programs(tmp_path, {"podman": podman.wrapper.read_text().split("\n", 1)[1]})
    try:
        done = answered(["sh"], text, env={**PLAIN, "CONTAINERS_STORAGE_CONF": str(configuration)})
        pid = podman.podman("container", "inspect", "--format", "{{.State.Pid}}", "probe-live").strip()
        mounted = Path(f"/proc/{pid}/mountinfo").read_text().splitlines()
    finally:
        podman.podman("rm", "-f", "--time", "0", "probe-new", "probe-up", "probe-live", "probe-script")

    facts = read(done)
    assert b"hunter" not in done.stdout

    assert facts.engine("podman").state is EngineState.UP
    assert "podman" not in facts.gaps
    found = {w.name: w for w in facts.workloads if w.name.startswith("probe-")}
    assert {name: w.stage for name, w in found.items()} == {
        "probe-new": Stage.STOPPED, "probe-up": Stage.RUNNING, "probe-live": Stage.RUNNING, "probe-script": Stage.STOPPED,
    }  # fmt: skip
    live = found["probe-live"]
    assert [(p.argv0, p.exe, p.head[:7]) for p in live.live] == [("/bin/hello", "/bin/hello", ELF64_HEAD)]
    assert ("TOKEN", None) in live.process.env
    kernel = {line.split()[4]: "noexec" in line.split()[5].split(",") for line in mounted}
    assert {(m.destination, m.noexec) for m in live.mounts} == {
        (path, kernel[path]) for path in ("/scratch", "/tools", "/srv")
    }
    assert kernel["/tools"]
    assert began < live.started_at < time.time()
    assert live.settled is False
    assert found["probe-script"].finished_at > found["probe-script"].started_at - 1  # podman notes them apart
    assert found["probe-up"].process == Process(env=(("SECRET", None),))  # which podman may have been told anew
    assert found["probe-script"].process.argv == ("/bin/noshebang",)
    assert found["probe-script"].log[-1].lower().endswith("exec format error")


@pytest.mark.system
def test_a_real_containerd_tells_its_containers(containerd, tiny_archive):
    containerd.ctr("images", "import", "--snapshotter", "native", str(tiny_archive))
    containerd.ctr("containers", "create", "--snapshotter", "native", TINY, "probe-one")
    try:
        facts = read(answered(["sh"], env={**PLAIN, "CONTAINERD_ADDRESS": str(containerd.socket)}))
    finally:
        containerd.ctr("containers", "rm", "probe-one")

    assert (facts.engine("containerd").state, str(facts.engine("containerd").platform)) == (
        EngineState.UP,
        "linux/amd64",
    )
    (workload,) = [w for w in facts.workloads if w.name == "test/probe-one"]
    assert (workload.image, workload.stage, workload.local.platform) == (
        TINY, Stage.STOPPED, Platform("linux", "amd64"),
    )  # fmt: skip


def numbered(docker_engine, folder):
    """Facts of the engine's host; how many processes and threads that took, numbered from 1 in their own namespace."""
    counted = f"dash -s; code=$?; sh -c 'echo $$' >{folder}/last; exit $code"
    done = answered(
        ["unshare", "--pid", "--fork", "dash", "-c", counted], env={**PLAIN, "DOCKER_HOST": docker_engine.host}
    )
    return read(done), int((folder / "last").read_text())


def created(docker_engine, names):
    """Containers of these names, asked for over one connection: a client each costs more than the container."""
    with contextlib.closing(http.client.HTTPConnection("docker")) as asked:
        asked.sock = socket.socket(socket.AF_UNIX)
        asked.sock.connect(str(docker_engine.socket))
        for name in names:
            asked.request("POST", f"/containers/create?name={name}", json.dumps({"Image": TINY}), JSON)
            answer = asked.getresponse()
            assert answer.status == 201, answer.read()
            answer.read()


@pytest.mark.system
def test_two_hundred_containers_cost_no_process_each(docker_engine, tiny_archive, tmp_path):
    docker = docker_engine.docker
    docker("load", "--input", tiny_archive)
    _, before = numbered(docker_engine, tmp_path)
    names = [f"probe-many-{number}" for number in range(200)]
    created(docker_engine, names)
    try:
        facts, processes = numbered(docker_engine, tmp_path)
    finally:
        docker("rm", "-f", *names)

    assert sum(w.name.startswith("probe-many-") for w in facts.workloads) == 200
    assert processes - before < 100


def test_a_host_that_pushes_its_answers_starts_nothing_by_that(tmp_path, with_programs):
    root = tmp_path / "root"
    probe, push = root / "opt/probe", root / "opt/push"
    files = {
        "/etc/cron.d/archscan-push": f"*/15 * * * * root {push}\n",
        "/etc/systemd/system/archscan-push.service": f"[Service]\nExecStart={push}\n",
        "/opt/push": f"#!/bin/sh\n{probe} >x\ncurl --data-binary @x https://archscan.example\n",
    }
    probe.parent.mkdir(parents=True)
    probe.write_bytes(at(root, with_programs(tmp_path, {}), files))

    facts = read(answered(["sh", probe], b""))

    assert not {"command", "systemd"} & set(facts.gaps), facts.gaps
