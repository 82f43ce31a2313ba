"""The script by which hosts, Kamal and updaters ask: its exit codes, what it prints, what it does without an answer."""

from __future__ import annotations

import subprocess

import pytest

from scanner.cli.gate.hooks import snippet
from tests.hooks.conftest import HOOKS

IMAGE, PIN = "r.example/app:1", f"r.example/app@sha256:{'f' * 64}\n"


async def test_what_may_go_is_printed_by_its_digest(asked):
    assert await asked.gate("--host", "a", IMAGE) == (0, PIN, "")
    assert await asked.gate(IMAGE, ARCHSCAN_HOST="a") == (0, PIN, "")
    assert await asked.gate("--platform", "linux/amd64", IMAGE) == (0, PIN, "")


async def test_what_may_not_go_is_told_with_its_cure_and_ends_with_1(asked):
    code, out, err = await asked.gate("--host", "b", IMAGE)
    assert (code, out) == (1, "")
    assert "deny: r.example/app:1 on b: platform_missing" in err
    assert "docker buildx build" in err
    assert "It fits" not in err


async def test_what_nobody_knows_ends_with_3(asked):
    asked.environment.machines = {}
    code, out, err = await asked.gate("--host", "a", IMAGE)
    assert (code, out) == (3, "")
    assert "hold: r.example/app:1 on a: host_refused" in err
    refused = await asked.gate("--host", "zzz", IMAGE)
    why = "archscan refuses to judge (HTTP 400), no decision on r.example/app:1"
    said = f"host_not_in_inventory: no host is named zzz\narchscan-gate: {why}"
    assert refused == (3, "", f"{said}: not to be run\n")
    logged = asked.bin / "logger"
    logged.write_text('#!/bin/sh\nprintf "%s\\n" "$*" > "$HOME/logged"\n')
    logged.chmod(0o755)
    unchecked = ", and never one before: it starts unchecked\n"
    assert await asked.gate("--open", "--host", "zzz", IMAGE) == (0, f"{IMAGE}\n", said + unchecked)
    assert (asked.folder / "logged").read_text() == f"-p daemon.err -t archscan-gate {why}{unchecked}"


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://nowhere.invalid"])
async def test_an_archscan_that_does_not_answer_ends_with_3_unless_it_may_be_passed_by(asked, url):
    code, out, _ = await asked.gate("--within", "2", IMAGE, ARCHSCAN_SERVER=url)
    assert (code, out) == (3, "")
    code, out, err = await asked.gate("--open", "--within", "2", IMAGE, ARCHSCAN_SERVER=url)
    assert (code, out) == (0, f"{IMAGE}\n")
    assert "never one before: it starts unchecked" in err


async def test_without_an_answer_the_last_one_about_the_same_image_counts(asked):
    down = {"ARCHSCAN_SERVER": "http://127.0.0.1:1"}
    assert (await asked.gate("--open", "--host", "a", IMAGE))[0] == 0
    assert (await asked.gate("--open", "--host", "b", IMAGE))[0] == 1
    code, out, err = await asked.gate("--open", "--host", "a", IMAGE, **down)
    assert (code, out) == (0, PIN)
    assert "the last one counts, which was allow" in err
    code, out, err = await asked.gate("--open", "--host", "b", IMAGE, **down)
    assert (code, out) == (1, "")
    assert "platform_missing" in err
    assert (await asked.gate("--open", "--host", "b", "r.example/other:1", **down))[0] == 0


@pytest.mark.parametrize("image", ['x","y":"', "x y", "$(id)", "`id`", "-x", "x\ny", "x'y", "é"])
async def test_only_plain_words_stand_in_the_question(asked, image):
    assert (await asked.gate("--", image))[:2] == (2, "")


async def test_nor_does_what_this_machine_calls_itself(asked):
    code, out, err = await asked.gate(IMAGE, ARCHSCAN_HOST='a"],"images":["x')
    assert (code, out, "ARCHSCAN_HOST" in err) == (2, "", True)


ELSEWHERE = {
    "a page": (200, "text/html", "<p>Welcome</p>"),
    "a page that says it is text": (200, "text/plain", "Welcome"),
    "a tag": (200, "text/plain", IMAGE),
    "nothing of any kind": (200, "", ""),
    "nothing that a shell would leave alone": (200, "text/plain", f"{PIN.strip()};id"),
    "another conflict": (409, "text/plain", "deploy: locked"),
}


@pytest.mark.parametrize("name", ELSEWHERE)
async def test_whoever_else_listens_there_gives_no_leave(asked, name):
    code, kind, text = ELSEWHERE[name]
    (asked.bin / "curl").write_text(f"#!/bin/sh\ncat >/dev/null\nprintf '%s\\n{code} {kind}' '{text}'\n")
    (asked.bin / "curl").chmod(0o755)
    ended, out, err = await asked.gate(IMAGE)
    assert (ended, out, "does not answer as archscan does" in err) == (3, "", True)


async def test_another_image_s_decision_in_the_same_file_is_none(asked):
    assert (await asked.gate("--open", "--host", "a", IMAGE))[0] == 0
    (kept,) = (asked.folder / "state").iterdir()
    kept.write_text(kept.read_text().replace(IMAGE, "r.example/one-with-the-same-sum:1"))
    code, out, _ = await asked.gate("--open", "--host", "a", IMAGE, ARCHSCAN_SERVER="http://127.0.0.1:1")
    assert (code, out) == (0, f"{IMAGE}\n")


async def test_what_may_start_with_archscan_down_needs_no_disk(asked):
    down = {"ARCHSCAN_SERVER": "http://127.0.0.1:1", "TMPDIR": "/nowhere", "ARCHSCAN_GATE_STATE": "/proc/nowhere"}
    assert (await asked.gate("--open", IMAGE, **down))[:2] == (0, f"{IMAGE}\n")
    assert (await asked.gate("--open", "--within", "0", IMAGE, **down))[0] == 2


async def test_settings_are_read_as_text_and_the_environment_goes_first(asked):
    marker = asked.folder / "ran"
    (asked.folder / "gate.conf").write_text(f"ARCHSCAN_SERVER=$(touch {marker})\nPATH=/nowhere\nARCHSCAN_HOST=a")
    assert await asked.gate(IMAGE) == (0, PIN, "")
    assert not marker.exists()


async def test_the_token_stands_in_no_command_line(asked, tmp_path):
    (asked.bin / "curl").write_text('#!/bin/sh\nprintf "%s\\n" "$@" > "$HOME/words"\ncat > "$HOME/stdin"\necho 000\n')
    (asked.bin / "curl").chmod(0o755)
    assert (await asked.gate(IMAGE))[0] == 3
    assert "a-token-of-some-length" not in (asked.folder / "words").read_text()
    assert "a-token-of-some-length" in (asked.folder / "stdin").read_text()


@pytest.mark.parametrize("shell", ["dash", "bash", "busybox"])
def test_every_shell_reads_it(asked_shell, shell):
    assert asked_shell(shell) == 0


@pytest.fixture
def asked_shell(require, tmp_path):
    def check(shell):
        program = require(shell, shell)
        words = [program, "sh"] if shell == "busybox" else [program]
        return subprocess.run([*words, "-n"], input=snippet(), text=True, check=False).returncode

    return check


# ---------------------------------------------------------------- Kamal


@pytest.fixture
def project(tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "deploy.yml").write_text(
        "service: app\nimage: app # ours\nregistry:\n  server: r.example\n  username: me\nservers: [a]\n"
    )
    return tmp_path


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ({"KAMAL_HOSTS": "a"}, 0),
        ({"KAMAL_HOSTS": "a,b"}, 1),
        ({"KAMAL_HOSTS": "b", "KAMAL_COMMAND": "rollback"}, 0),
        ({"KAMAL_HOSTS": "nowhere"}, 3),
        ({}, 1),
    ],
)
async def test_kamal_stops_before_it_deploys_what_does_not_start(asked, project, variables, code):
    done = await asked.run(HOOKS / "kamal" / "pre-deploy", folder=project, KAMAL_VERSION="1", **variables)
    assert done[0] == code, done
    if code == 0 and "KAMAL_COMMAND" not in variables:
        assert done[1] == PIN


# ---------------------------------------------------------------- updaters


@pytest.mark.parametrize(
    ("script", "variables", "code"),
    [
        ("diun.sh", {"DIUN_ENTRY_IMAGE": "r.example/app:1", "ARCHSCAN_HOSTS": "a"}, 0),
        ("diun.sh", {"DIUN_ENTRY_IMAGE": "r.example/app:1", "DIUN_ENTRY_DIGEST": "sha256:" + "f" * 64, "ARCHSCAN_HOSTS": "b"}, 1),
        ("wud.sh", {"image_name": "app", "image_registry_url": "https://r.example/v2", "update_kind_kind": "tag",
                    "update_kind_remote_value": "2", "watcher": "a"}, 0),
        ("wud.sh", {"image_name": "app", "image_registry_url": "https://r.example/v2", "update_kind_kind": "digest",
                    "update_kind_remote_value": "sha256:" + "f" * 64, "ARCHSCAN_HOSTS": "b"}, 1),
        ("watchtower.sh", {"ARCHSCAN_IMAGE": "r.example/app:1", "ARCHSCAN_HOST": "a"}, 0),
        ("watchtower.sh", {"ARCHSCAN_IMAGE": "r.example/app:1", "ARCHSCAN_HOST": "b"}, 75),
        ("watchtower.sh", {"ARCHSCAN_IMAGE": "r.example/app:1", "ARCHSCAN_HOST": "nowhere"}, 75),
    ],
)  # fmt: skip
async def test_an_updater_is_told_whether_the_new_image_is_safe_there(asked, script, variables, code):
    done = await asked.run(HOOKS / "updaters" / script, **variables)
    assert done[0] == code, done
