"""The steps of CI jobs, of Ansible and of compose, run as their owners would run them, with a real registry."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import yaml

from scanner.cli.gate import compose_run
from scanner.errors import UsageError
from tests.hooks.conftest import HOOKS, TOKEN
from tests.real import command
from tests.real.images import File

ROOT = Path(__file__).parents[2]


def yaml_of(path):
    return yaml.safe_load(path.read_text())


@pytest.fixture(scope="module")
def pushed(pusher, image_factory, elf_factory):
    """References: for amd64, for arm/v6, for arm/v6 behind a label for amd64."""

    def push(tag, cpu, **label):
        image = image_factory.image(
            {"app": File(elf_factory(cpu)), "name": File(tag.encode())}, entrypoint=["/app"], **label
        )
        return pusher.push("hooks/app", tag, image)

    return {
        "good": push("good", "amd64", architecture="amd64"),
        "armv6": push("armv6", "arm", architecture="arm", variant="v6"),
        "lies": push("lies", "arm", architecture="amd64"),
    }


@pytest.fixture
def machine(tmp_path, registry, commands):
    """Runs a script with archscan on its PATH, and a configuration that lets it ask the registry."""
    config = tmp_path / "archscan.yml"
    config.write_text(f"registries: {{'{registry.address}': {{plain_http: true, allow_networks: ['127.0.0.0/8']}}}}\n")
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "archscan").write_text(command.script_of(commands))
    (programs / "archscan").chmod(0o755)

    def run(*words, folder=tmp_path, stdin=None, **variables):
        made = {
            "PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(tmp_path), "LC_ALL": "C.UTF-8",
            "ARCHSCAN_CONFIG": str(config), **{name: str(value) for name, value in variables.items()},
        }  # fmt: skip
        return subprocess.run(
            [*map(str, words)],
            env=made,
            cwd=folder,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )

    run.config, run.programs, run.folder = config, programs, tmp_path
    return run


# ---------------------------------------------------------------- GitHub


@pytest.fixture
def action(machine):
    """Runs the checking step of the Action with its inputs; the answer has its outputs and its summary."""
    [step] = [one for one in yaml_of(HOOKS / "github" / "action.yml")["runs"]["steps"] if one.get("id") == "check"]

    def run(**inputs):
        files = {name: machine.folder / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for file in files.values():
            file.write_text("")
        names = {name: inputs.get(name.lower(), "") for name in step["env"]}
        done = machine("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"],
                       RUNNER_TEMP=machine.folder, **files, **names)  # fmt: skip
        outputs = files["GITHUB_OUTPUT"].read_text()
        return done, outputs, files["GITHUB_STEP_SUMMARY"].read_text()

    return run


def test_the_action_lets_through_what_starts_and_gives_its_digest(action, pushed):
    done, outputs, summary = action(images=f"{pushed['good']}\n", platforms="linux/amd64\n")
    assert done.returncode == 0, done.stderr
    assert "decision=allow\n" in outputs
    assert f"pins<<archscan-end\n{pushed['good'].rpartition(':')[0]}@sha256:" in outputs
    assert "**archscan**: allow" in summary


def test_the_action_stops_what_does_not_start_and_leaves_sarif_and_a_summary(action, pushed):
    done, outputs, summary = action(images=f"{pushed['good']}\n{pushed['lies']}", platforms="linux/amd64")
    assert done.returncode == 1, done.stderr
    assert "decision=deny\n" in outputs
    assert "pins<<" not in outputs
    assert "wrong\\_binary" in summary
    [file] = [line.removeprefix("sarif=") for line in outputs.splitlines() if line.startswith("sarif=")]
    [result] = json.loads(Path(file).read_text())["runs"][0]["results"]
    assert result["ruleId"] == "wrong_binary"


def test_an_input_of_the_action_is_never_code(action, machine):
    images = ['$(touch "$HOME/ran")', "`touch $HOME/ran`", "x; touch $HOME/ran", "--config=/etc/passwd"]
    done, _, _ = action(images="\n".join(images), platforms="linux/amd64")
    assert done.returncode == 2
    assert not (machine.folder / "ran").exists()


def test_the_action_hands_inputs_on_as_variables_alone():
    for step in yaml_of(HOOKS / "github" / "action.yml")["runs"]["steps"]:
        assert "${{" not in step["run"]


# ---------------------------------------------------------------- GitLab


@pytest.mark.parametrize(("name", "code"), [("good", 0), ("lies", 1)])
def test_the_gitlab_job_ends_as_the_gate_does_and_leaves_a_report(machine, pushed, name, code):
    job = yaml_of(HOOKS / "gitlab" / "archscan.gitlab-ci.yml")[".archscan"]
    script = "\n".join([*job["before_script"], *job["script"]])
    given = job["variables"] | {
        "ARCHSCAN_IMAGES": pushed[name], "ARCHSCAN_PLATFORMS": "linux/amd64", "ARCHSCAN_INSTALL": ""
    }  # fmt: skip
    done = machine("sh", "-ec", script, **given)
    assert done.returncode == code, done.stdout + done.stderr
    suite = ET.parse(machine.folder / "archscan.xml").getroot().find("testsuite")
    assert (suite.get("tests"), suite.get("failures")) == ("1", str(code))
    if not code:
        assert "@sha256:" in (machine.folder / "archscan-pins.txt").read_text()


# ---------------------------------------------------------------- Ansible


@pytest.mark.parametrize(("host", "code"), [("a", 0), ("b", 2), ("nowhere", 2)])
async def test_a_play_stops_before_its_next_task_where_the_gate_does_not_let_it(asked, require, tmp_path, host, code):
    playbook = require("ansible-playbook", "ansible-core")
    play = [{
        "hosts": host, "gather_facts": False, "connection": "local",
        "vars": {
            "archscan_url": asked.url, "archscan_token": TOKEN, "archscan_images": ["r.example/app:1"],
            "ansible_python_interpreter": "/usr/bin/python3",
        },
        "tasks": [
            {"ansible.builtin.include_tasks": str(HOOKS / "ansible" / "gate.yml")},
            {"ansible.builtin.copy": {"content": "{{ archscan_pins | to_json }}", "dest": str(tmp_path / "deployed")}},
        ],
    }]  # fmt: skip
    (tmp_path / "play.yml").write_text(json.dumps(play))
    done = await asked.run(
        playbook,
        "--inventory",
        "a,b,nowhere,",
        tmp_path / "play.yml",
        ANSIBLE_LOCALHOST_WARNING="false",
        LC_ALL="C.UTF-8",
    )
    assert done[0] == code, done
    assert (tmp_path / "deployed").exists() is (code == 0)
    if host == "b":
        assert "archscan: deny" in done[1]
    if code == 0:
        assert json.loads((tmp_path / "deployed").read_text()) == {
            "r.example/app:1": f"r.example/app@sha256:{'f' * 64}"
        }


# ---------------------------------------------------------------- docker compose


@pytest.fixture
def compose(machine, pushed, require):
    """Runs `archscan compose` with a docker that takes down what it was asked to do, and else is the real one."""
    calls, client = machine.folder / "calls", require("docker", "docker.io")
    (machine.programs / "docker").write_text(
        f'#!/bin/sh\ncase $1 in compose | pull | tag) echo "$*" >> {calls} ;; *) exec {client} "$@" ;; esac\n'
    )
    (machine.programs / "docker").chmod(0o755)
    project = machine.folder / "project"
    project.mkdir()

    def run(image, *words, **variables):
        calls.write_text("")
        (project / "compose.yml").write_text(f"name: shop\nservices: {{web: {{image: '{image}'}}}}\n")
        done = machine("archscan", "compose", *words, folder=project, **variables)
        return done, calls.read_text().splitlines()

    return run


def test_an_update_for_another_cpu_is_denied_before_anything_is_taken_down(compose, pushed, docker_engine):
    engine = {"DOCKER_HOST": docker_engine.host}
    for name, reason in (("armv6", "wrong_platform"), ("lies", "wrong_binary")):
        done, calls = compose(pushed[name], "up", "-d", **engine)
        assert (done.returncode, calls) == (1, []), done.stderr
        assert reason in done.stderr


def test_what_may_go_is_pulled_by_its_digest_before_compose_runs(compose, pushed, docker_engine):
    done, calls = compose(pushed["good"], "-f", "compose.yml", "up", "-d", "--wait", DOCKER_HOST=docker_engine.host)
    assert done.returncode == 0, done.stderr
    pull, tag, run = calls
    pin = pull.removeprefix("pull --quiet ")
    assert pin.startswith(pushed["good"].rpartition(":")[0] + "@sha256:")
    assert (tag, run) == (f"tag {pin} {pushed['good']}", "compose -f compose.yml up -d --wait")


def test_a_project_that_builds_everything_itself_has_nothing_to_be_judged(machine, compose, docker_engine):
    (machine.folder / "built").mkdir()
    (machine.folder / "built" / "compose.yml").write_text("name: shop\nservices: {web: {build: .}}\n")
    done = machine("archscan", "compose", "up", folder=machine.folder / "built", DOCKER_HOST=docker_engine.host)
    assert (done.returncode, (machine.folder / "calls").read_text()) == (0, "compose up\n"), done.stderr


@pytest.mark.parametrize(
    ("words", "variables", "said"),
    [
        (("down",), {}, "checks what up, create and run start"),
        ((), {}, "checks what up, create and run start"),
        (("up",), {"DOCKER_HOST": "ssh://other"}, "DOCKER_HOST is ssh://other"),
        (("up",), {"DOCKER_CONTEXT": "prod"}, "the Docker context is prod"),
        (("-f", "-", "up"), {}, "standard input"),
        (("--profile",), {}, "--profile needs a value"),
    ],
)
def test_what_compose_would_do_elsewhere_is_not_judged_here(words, variables, said):
    with pytest.raises(UsageError, match=said):
        compose_run.read(words, variables)


@pytest.mark.parametrize(
    ("docker", "said"),
    [("printf 'no \\377\\033[31mred' >&2; exit 1", "no \ufffdred"), ("exec sleep 60", "not done within 0.2 s")],
)
def test_what_cannot_be_pulled_is_told_in_one_line(docker, said, tmp_path, monkeypatch):
    (tmp_path / "docker").write_text(f"#!/bin/sh\n{docker}\n")
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(compose_run, "PULL_WITHIN_S", 0.2 if "sleep" in docker else 60)
    with pytest.raises(compose_run.PullError) as caught:
        compose_run._pull("r.example/a:1", "r.example/a@sha256:0")
    assert str(caught.value) == f"docker pull --quiet r.example/a@sha256:0: {said}"


def test_the_context_in_use_is_read_from_docker_s_own_file(tmp_path):
    (tmp_path / "config.json").write_text('{"currentContext": "far"}')
    with pytest.raises(UsageError, match="the Docker context is far"):
        compose_run.read(("up",), {"DOCKER_CONFIG": str(tmp_path)})


def test_the_project_is_named_as_compose_is_told_it():
    words = (
        "-fa.yml",
        "--file=b.yml",
        "-p",
        "x",
        "--profile",
        "dev",
        "--env-file",
        "e",
        "--project-directory",
        "d",
        "--dry-run",
    )
    run = compose_run.read((*words, "up", "-d", "-f"), {})
    asked = run.asked
    assert asked.compose == (Path("a.yml"), Path("b.yml"))
    assert (asked.profiles, asked.env_files, asked.project_directory) == (("dev",), (Path("e"),), "d")
    assert run.words == (*words, "up", "-d", "-f")
