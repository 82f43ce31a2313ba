"""Each real part really runs; what the engines say of a foreign binary is recorded here."""

import json
import signal
import subprocess
from pathlib import Path

import pytest

from scanner.probe.script import script
from tests.real import command
from tests.real import require as where
from tests.real.elf import MACHINES
from tests.real.monitoring import fetch
from tests.real.process import LINES, NotReadyError, free_port

pytestmark = pytest.mark.system

QEMU = {"arm64": "qemu-aarch64", "arm": "qemu-arm", "s390x": "qemu-s390x", "riscv64": "qemu-riscv64", "ppc64le": "qemu-ppc64le",
        "386": "qemu-i386", "amd64": "qemu-x86_64"}  # fmt: skip


def test_a_missing_part_is_a_skip_that_says_what_to_install(monkeypatch, require):
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="apt-get install nosuch-package"):
        require("nosuch", "nosuch-package")


def test_a_missing_part_fails_where_everything_must_be_there(monkeypatch, require):
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="apt-get install nosuch-package"):
        require("nosuch", "nosuch-package")


def test_debian_s_own_program_is_found_before_one_that_shadows_it(monkeypatch, tmp_path):
    (tmp_path / "sh").write_text("#!/bin/sh\n")
    (tmp_path / "sh").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert where.find("sh") in {Path("/usr/bin/sh"), Path("/bin/sh")}


@pytest.mark.parametrize("architecture", MACHINES)
def test_a_made_executable_runs_under_an_emulator_of_its_architecture(architecture, elf_factory, require, tmp_path):
    program = tmp_path / "hello"
    program.write_bytes(elf_factory(architecture, says=f"hello from {architecture}"))
    program.chmod(0o755)
    done = subprocess.run(
        [require(QEMU[architecture], "qemu-user"), program], capture_output=True, timeout=30, check=False
    )
    assert (done.returncode, done.stdout) == (0, f"hello from {architecture}\n".encode())


@pytest.mark.parametrize("architecture", MACHINES)
def test_a_made_executable_can_sleep(architecture, elf_factory, require, tmp_path):
    program = tmp_path / "sleeper"
    program.write_bytes(elf_factory(architecture, says="awake", forever=True))
    program.chmod(0o755)
    emulator = require(QEMU[architecture], "qemu-user")
    with subprocess.Popen([emulator, program], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"awake\n"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.3)
        process.kill()


def test_a_missing_loader_makes_an_existing_program_not_found(elf_factory, tmp_path):
    program = tmp_path / "hello"
    program.write_bytes(elf_factory("amd64", interpreter="/lib/ld-nosuch.so.1"))
    program.chmod(0o755)
    with pytest.raises(FileNotFoundError):
        subprocess.run([program], check=False)


def test_sshd_lets_the_key_in_and_shows_the_known_host_key(sshd, require):
    ssh = require("ssh", "openssh-client")
    done = subprocess.run(
        [ssh, "-F", "none", "-p", str(sshd.port), "-i", sshd.client_key, "-o", f"UserKnownHostsFile={sshd.known_hosts}",
         "-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes", f"{sshd.user}@{sshd.address}", "echo", "in"],
        capture_output=True, text=True, timeout=30, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "in\n"), done.stderr + sshd.daemon.tail()


def test_sshd_hands_its_environment_to_commands(start_sshd, require):
    server = start_sshd(environment={"DOCKER_HOST": "unix:///run/a socket"})
    done = subprocess.run(
        [require("ssh", "openssh-client"), "-F", "none", "-p", str(server.port), "-i", server.client_key, "-o", "BatchMode=yes",
         "-o", f"UserKnownHostsFile={server.known_hosts}", f"{server.user}@{server.address}", 'echo "$DOCKER_HOST"'],
        capture_output=True, text=True, timeout=30, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.stdout == "unix:///run/a socket\n", done.stderr


@pytest.fixture
def hello(elf_factory, image_factory):
    def make(architecture, **more):
        files = {"hello": elf_factory(architecture, says=f"hello from {architecture}")}
        return image_factory.image(files, entrypoint=["/hello"], architecture=architecture, **more)

    return make


@pytest.mark.parametrize("types", ["OCI", "DOCKER"])
def test_the_registry_serves_what_was_pushed(types, hello, pusher, image_factory):
    kind = getattr(image_factory, types)
    index = image_factory.index(hello("amd64", types=kind), hello("arm64", types=kind), types=kind)
    pusher.push(f"served/{types.lower()}", "1", index)
    status, headers, body = pusher.request(
        "GET", f"/v2/served/{types.lower()}/manifests/1", headers={"Accept": kind["index"]}
    )
    assert (status, headers["docker-content-digest"], body) == (200, index.manifest.digest, index.manifest.body)
    assert [entry["platform"]["architecture"] for entry in json.loads(body)["manifests"]] == ["amd64", "arm64"]


def test_docker_runs_the_native_image_of_an_index(hello, pusher, image_factory, docker_engine):
    reference = pusher.push("docker/both", "1", image_factory.index(hello("arm64"), hello("amd64")))
    docker_engine.docker("pull", "-q", reference)
    assert docker_engine.docker("run", "--rm", "--network", "none", reference) == "hello from amd64\n"


def test_docker_says_exec_format_error_of_a_foreign_binary(hello, pusher, docker_engine):
    reference = pusher.push("docker/foreign", "1", hello("arm64"))
    docker_engine.docker("pull", "-q", reference)
    said = docker_engine.docker("run", "--network", "none", "--name", "foreign", reference, check=False)
    state = json.loads(docker_engine.docker("inspect", "foreign"))[0]["State"]
    log = docker_engine.docker("logs", "foreign")
    docker_engine.docker("rm", "-f", "foreign")
    assert "does not match the detected host platform" in said
    assert (state["ExitCode"], state["Error"]) == (
        1,
        "",
    )  # 20.10 with runc 1.1: the container starts, then its log says why
    assert "exec format error" in log


def test_docker_refuses_to_pull_an_index_without_the_platform(hello, pusher, image_factory, docker_engine):
    reference = pusher.push("docker/without", "1", image_factory.index(hello("s390x"), hello("riscv64")))
    assert "no matching manifest for linux/amd64" in docker_engine.docker("pull", "-q", reference, check=False)


def test_podman_runs_the_native_and_not_the_foreign_image(hello, pusher, podman):
    native, foreign = (
        pusher.push("podman/native", "1", hello("amd64")),
        pusher.push("podman/foreign", "1", hello("arm64")),
    )
    podman.podman("pull", "--quiet", "--tls-verify=false", native)
    podman.podman("pull", "--quiet", "--tls-verify=false", foreign)
    assert podman.podman("run", "--rm", "--network", "none", native) == "hello from amd64\n"
    assert "exec format error" in podman.podman("run", "--rm", "--network", "none", foreign, check=False).lower()
    ours, theirs = (
        ["--label", f"{owner}.compose.project={name}"] for owner, name in (("io.podman", "pc"), ("com.docker", "dc"))
    )
    made = [podman.podman("create", *labels, native).strip() for labels in (ours, theirs, [*ours, *theirs])]
    asked = script().replace(b'main "$@" </dev/null', b'printf %s "$podman_format$podman_format_rest"')
    form = subprocess.run(["sh"], input=asked, capture_output=True, text=False, check=True).stdout.decode()
    said = podman.podman("container", "inspect", "--format", form, *made).splitlines()
    assert [json.loads(line.split(" ", 3)[3])["config"]["labels"].get("project") for line in said] == ["pc", "dc", "pc"]


def test_containerd_runs_the_native_and_not_the_foreign_image(hello, pusher, image_factory, containerd):
    pull = ("images", "pull", "--plain-http", "--snapshotter", "native")
    native = pusher.push("ctr/native", "1", image_factory.index(hello("amd64"), hello("arm64")))
    foreign = pusher.push("ctr/foreign", "1", hello("arm64"))
    containerd.ctr(*pull, native)
    containerd.ctr(*pull, "--platform", "linux/arm64", foreign)
    run = ("run", "--rm", "--snapshotter", "native")
    assert containerd.ctr(*run, native, "native") == "hello from amd64\n"
    assert "exec format error" in containerd.ctr(*run, "--platform", "linux/arm64", foreign, "foreign", check=False)


def test_prometheus_scrapes_and_its_alert_reaches_the_webhook(prometheus, alertmanager, webhook, tmp_path):
    config = tmp_path / "alertmanager.yml"
    config.write_text(json.dumps({
        "route": {"receiver": "hook", "group_wait": "0s"},
        "receivers": [{"name": "hook", "webhook_configs": [{"url": webhook.url}]}],
    }))  # fmt: skip
    manager = alertmanager(config)
    rules = tmp_path / "rules.yml"
    rules.write_text(json.dumps({"groups": [{"name": "g", "rules": [{"alert": "Gone", "expr": "up == 0"}]}]}))
    server = prometheus(rules=[rules], targets=["127.0.0.1:1"], alertmanagers=[manager.address])
    assert server.wait_for("up")[0][1] == 0
    assert webhook.wait_for()[0]["commonLabels"]["alertname"] == "Gone"


def test_nginx_answers(nginx):
    assert fetch(f"http://{nginx('location / { return 200 hello; }').address}/") == b"hello"


def test_postgres_keeps_what_it_was_told(postgres):
    postgres.database("kept")
    postgres.execute("CREATE TABLE t AS SELECT 41 + 1 AS n", "kept")
    assert postgres.execute("SELECT n FROM t", "kept") == "42"
    assert postgres.url("kept").startswith("postgresql+psycopg://")


async def test_chromium_shows_a_page(page):
    await page.goto("data:text/html,<h1>hello</h1><script>document.title = 6 * 7</script>")
    assert (await page.title(), await page.inner_text("h1")) == ("42", "hello")


@pytest.mark.usefixtures("commands")
def test_a_service_of_ours_is_ended_and_says_how_like_any_daemon(tmp_path):
    before = LINES.copy()
    config = tmp_path / "c.yml"
    listen = f"127.0.0.1:{free_port()}"
    document = {"inventory": [{"kind": "pushed", "hosts": {"web-1": {}}}], "push": {"directory": str(tmp_path)}}
    config.write_text(json.dumps({**document, "web": {"listen": listen}}))
    log = tmp_path / "archscan.log"
    words = ["serve", "--config", config]
    with pytest.raises(NotReadyError, match=f"ended with 2 before it was ready\n--- {log}"):
        command.daemon("serve", "--config", tmp_path / "none.yml", folder=tmp_path, ready=lambda: False)
    for stop, code in ((signal.SIGTERM, 0), (signal.SIGKILL, -signal.SIGKILL)):
        daemon = command.daemon(*words, folder=tmp_path, ready=lambda: "event=serving" in log.read_text())
        assert daemon.process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            daemon.process.wait(0.01)
        daemon.process.send_signal(stop)
        assert daemon.process.wait(60) == daemon.process.poll() == code
        daemon.stop()
        log.unlink()
    assert before == LINES
