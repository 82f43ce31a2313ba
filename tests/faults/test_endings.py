"""Commands that cannot read, cannot write, or are interrupted end in one line with the right code."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.faults.conftest import STOP_WITHIN_S
from tests.real import command
from tests.real.process import free_port

pytestmark = [pytest.mark.system, pytest.mark.usefixtures("commands")]

ARCHSCAN = (sys.executable, "-m", "scanner")


def ended(folder, *words, **options):
    return command.run(*words, cwd=folder, **options)


@pytest.fixture
def configured(tmp_path):
    planned = [{"image": f"registry.invalid/x{number}:1"} for number in range(3)]
    document = {"inventory": [{"kind": "local", "name": "box", "planned": planned}], "registries": {"timeout": "5s"}}
    (tmp_path / "c.yml").write_text(json.dumps(document))
    os.mkfifo(tmp_path / "pipe")
    return tmp_path


@pytest.mark.parametrize(
    "words",
    [
        ("config", "check", "-c", "."),
        ("scan", "-c", "."),
        ("scan", "-c", "c.yml", "--output", "."),
        ("scan", "-c", "c.yml", "--output", "/dev/full", "--format", "json"),
        ("scan", "-c", "c.yml", "--output", "pipe"),
        ("serve", "-c", "."),
        ("scan", "-c", "/proc/self/mem"),
        ("config", "check", "-c", "x" * 300),
    ],
)
def test_n15_what_cannot_be_used_is_one_line_and_exit_2(configured, words):
    done = ended(configured, *words)
    assert done.returncode == 2, done.stderr
    assert len([line for line in done.stderr.splitlines() if line.strip()]) <= 3, done.stderr


@pytest.mark.parametrize(
    "words",
    ["scan -c c.yml --format json >/dev/full", "explain 'exec format error' >&-", "--version >&-", "config schema >&-"],
)
def test_n15_standard_output_that_is_full_or_closed_is_one_line(configured, words):
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" -m scanner {words}', sys.executable],
        cwd=configured, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert "archscan: the output cannot be written" in done.stderr
    assert ("Traceback" in done.stderr, done.returncode) == (False, 2), done.stderr


@pytest.mark.parametrize("words", ["scan -c c.yml --format json", "scan -c c.yml", "scan --help"])
def test_n15_a_reader_that_leaves_is_no_finding(commands, configured, words):
    """What a shell says of a program that the closed pipe ended, as of ``grep`` or ``docker``."""
    (configured / "archscan").write_text(command.script_of(commands))
    line = f"(sh ./archscan {words} 2>err; echo $? >code) | exec true"
    subprocess.run(["/bin/sh", "-c", line], cwd=configured, timeout=60, check=True)
    assert [(configured / name).read_text() for name in ("code", "err")] == ["141\n", ""]


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("after_s", [0.05, 0.4, 1.0, 2.0])
def test_n15_an_interrupt_or_a_termination_at_any_moment_ends_a_command_as_shells_say_it(configured, after_s, sent):
    with subprocess.Popen(
        [*ARCHSCAN, "scan", "-c", "c.yml"], cwd=configured, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        time.sleep(after_s)
        process.send_signal(sent)
        output, errors = process.communicate(timeout=30)
    assert "/scanner/" not in errors.partition("Traceback")[2], errors
    assert "Traceback" not in output
    is_ours = "Traceback" not in errors and process.returncode not in {3, -signal.SIGINT}
    expected = 130 if sent is signal.SIGINT else -signal.SIGTERM
    assert process.returncode == expected or not is_ours, errors  # it was done already, or Python itself had not begun


@pytest.fixture
def silent_store(configured):
    """A database that accepts and says nothing; the command of a service that waits for it."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        document = json.loads((configured / "c.yml").read_text())
        document["store"] = {"url": f"postgresql://u@127.0.0.1:{silent.getsockname()[1]}/x"}
        (configured / "s.yml").write_text(json.dumps(document))
        silent.settimeout(60)
        yield silent, ("serve", "-c", "s.yml", "--web.listen-address", f"127.0.0.1:{free_port()}")


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)])
def test_n15_a_start_that_waits_for_its_store_ends_at_once_and_says_why(configured, silent_store, sent, code):
    silent, words = silent_store
    with Path(os.devnull).open("r+") as nothing, (configured / "log").open("w") as log:
        started = command.start(*words, standard=(nothing.fileno(),) * 2 + (log.fileno(),), cwd=configured)
        asked, _ = silent.accept()
        os.kill(started.pid, sent)
        with asked:
            assert started.wait(STOP_WITHIN_S) == code
    said = (configured / "log").read_text()
    assert f'event=stopping why="{sent.name} during its start"' in said
    assert said.count("\n") == 1, said


def test_n15_the_first_process_of_a_container_ends_when_it_is_stopped_during_its_start(
    configured, silent_store, require, require_root
):
    """The kernel gives it no signal that it does not catch: a stop would wait until its supervisor kills it."""
    silent, words = silent_store
    contained = [require("unshare", "util-linux"), "--pid", "--fork", *ARCHSCAN, *words]
    with subprocess.Popen(contained, cwd=configured, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as outside:
        asked, _ = silent.accept()
        (first,) = Path(f"/proc/{outside.pid}/task/{outside.pid}/children").read_text().split()
        os.kill(int(first), signal.SIGTERM)
        with asked:
            assert outside.wait(STOP_WITHIN_S) == 143


def test_n15_an_agent_that_is_stopped_says_so_and_ends_well(configured):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", configured / "id"], check=True)
        (configured / "known_hosts").write_text(f"web-1 {(configured / 'id.pub').read_text()}")
        (configured / "token").write_text("t" * 43)
        (configured / "token").chmod(0o600)
        document = {
            "inventory": [{"kind": "local", "name": "box"}],
            "ssh": {"identity_file": "id", "known_hosts_file": "known_hosts"},
            "rollback": {"server": f"http://127.0.0.1:{silent.getsockname()[1]}", "token_file": "token"},
        }
        (configured / "a.yml").write_text(json.dumps(document))
        silent.settimeout(60)
        with Path(os.devnull).open("r+") as nothing, (configured / "log").open("w") as log:
            started = command.start(
                "rollback-agent", "-c", "a.yml", standard=(nothing.fileno(),) * 2 + (log.fileno(),), cwd=configured
            )
            asked, _ = silent.accept()
            with asked:
                os.kill(started.pid, signal.SIGTERM)
                assert started.wait(STOP_WITHIN_S) == 0
    assert [line.split("event=")[1].split()[0] for line in (configured / "log").read_text().splitlines()] == [
        "rollback_agent_ready",
        "rollback_agent_stopped",
    ]


def test_n15_a_character_that_the_terminal_has_not_is_written_as_its_number():
    done = subprocess.run(
        [*ARCHSCAN, "explain", "exec /\xe9: exec format error"],
        env={"PYTHONIOENCODING": "ascii"}, cwd=command.ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert r"/\xe9: exec format error" in done.stdout


@pytest.mark.parametrize("sent", [b"", b"{"])
def test_a_command_that_is_ended_before_it_has_asked_for_a_process_costs_no_other_one(commands, sent):
    with socket.socket(socket.AF_UNIX) as ended_early:
        ended_early.connect(f"\0{commands}")
        socket.send_fds(ended_early, [sent], [sys.__stderr__.fileno()] if sent else [])
    assert command.run("--version").returncode == 0


def test_n15_a_folder_that_is_gone_is_one_line(tmp_path):
    done = subprocess.run(
        ["sh", "-c", f"cd {tmp_path} && mkdir gone && cd gone && rmdir ../gone && exec {sys.executable} -m scanner setup"],
        env={"PYTHONPATH": str(command.ROOT)}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "is gone" in done.stderr


@pytest.mark.parametrize(
    ("closed", "words", "code"),
    [
        ("<&- >&- 2>&-", "--version", 2),
        (">&-", "scan -c c.yml --output made.txt", None),
        ("2>/dev/full", "scna", 2),
        ("2>/dev/full >/dev/null", "scan root@127.0.0.1:1", 3),
        ("2>&- >/dev/null", "scan root@127.0.0.1:1", 3),
        ("2>&-", "scna", 2),
    ],
)
def test_n15_a_stream_that_is_closed_or_full_changes_no_exit_code_but_where_data_is_lost(
    configured, closed, words, code
):
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" -m scanner {words} {closed}', sys.executable],
        cwd=configured,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr if "2>" in closed else "") == ("", "")
    assert done.returncode == code if code is not None else done.returncode in {0, 1, 3}
