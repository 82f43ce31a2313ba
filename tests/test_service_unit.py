"""The systemd units: systemd understands them, and finds little that they could misuse."""

import json
import os
import re
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from scanner.formats.parsing import confinement
from scanner.hosts import push_setup
from scanner.settings import load
from tests.real import command
from tests.real.process import free_port, until

SYSTEMD = Path(__file__).parent.parent / "config" / "systemd"
EXPOSURE_MAX = "20"
"""Tenths; what is left is mostly the network, which the service is for."""


PAGE = Path(__file__).parent.parent / "docs" / "systemd.md"


def test_systemd_has_no_complaint_about_the_timer_of_a_host_that_pushes(tmp_path, require):
    program = require("systemd-analyze", "systemd")
    timer, service = tmp_path / "archscan-push.timer", tmp_path / "archscan-push.service"
    timer.write_text(push_setup.TIMER)
    service.write_text(push_setup.SERVICE.replace(push_setup.PUSH_PATH, "/bin/true"))
    done = subprocess.run([program, "verify", timer, service], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, "archscan-push" in done.stderr) == (0, False), done.stderr


@pytest.fixture(params=["archscan.service", "archscan-worker.service", "archscan-rollback-agent.service"])
def unit(request, tmp_path):
    """A unit with a program that exists here."""
    file = tmp_path / request.param
    file.write_text((SYSTEMD / request.param).read_text().replace("/opt/archscan/bin/archscan", "/bin/true"))
    return file


@pytest.mark.parametrize("words", [("verify",), ("security", "--offline=yes", f"--threshold={EXPOSURE_MAX}")])
def test_systemd_has_no_complaint(words, unit, require):
    program = require("systemd-analyze", "systemd")
    done = subprocess.run([program, *words, unit], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert unit.name not in done.stderr, done.stderr


def test_systemd_waits_for_a_store_that_takes_its_time_to_open(unit):
    said = unit.read_text()
    assert ("Type=notify" in said) == ("TimeoutStartSec=infinity" in said)


def expanded(sets):
    """The system calls of groups and names, as systemd itself has them."""
    names = set()
    for one in sets:
        if not one.startswith("@"):
            names.add(one)
            continue
        shown = subprocess.run(["systemd-analyze", "syscall-filter", one], capture_output=True, text=True, check=True)
        names |= expanded(line.strip() for line in shown.stdout.splitlines()[1:] if line.strip()[:1] not in {"", "#"})
    return names


def test_parsing_processes_may_ask_the_kernel_for_what_they_need(unit, require):
    """A call that is not permitted ends them, without a word that a person could see; then no host can be read."""
    require("systemd-analyze", "systemd")
    allowed = set()
    for said in re.findall(r"^SystemCallFilter=(.*)", unit.read_text(), re.MULTILINE):
        named = expanded(said.removeprefix("~").split())
        allowed = allowed - named if said.startswith("~") else allowed | named
    before = {"setpriority", "setrlimit", "prlimit64", "prctl", "seccomp"}
    before |= {"landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"}
    assert {*confinement._COMMON, *before} - allowed == set()


def test_the_service_is_started_once_it_takes_a_reload(commands, tmp_path):
    assert "\nType=notify\n" in (SYSTEMD / "archscan.service").read_text()
    document = {"inventory": [{"kind": "pushed", "hosts": {"web-1": {}}}], "push": {"directory": str(tmp_path)}}
    (tmp_path / "c.yml").write_text(json.dumps({**document, "web": {"listen": f"127.0.0.1:{free_port()}"}}))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as supervisor:
        supervisor.bind(str(tmp_path / "notify"))
        env = os.environ | {"NOTIFY_SOCKET": str(tmp_path / "notify")}
        words = ("serve", "--config", tmp_path / "c.yml")
        daemon = command.daemon(*words, folder=tmp_path, env=env, ready=lambda: supervisor.recv(64) == b"READY=1")
    try:
        daemon.process.send_signal(signal.SIGHUP)
        until(lambda: "event=configuration_reloaded" in (tmp_path / "archscan.log").read_text(), "the reload")
    finally:
        daemon.stop()


def test_the_page_puts_every_file_where_the_unit_looks_for_it():
    page, unit = PAGE.read_text(), (SYSTEMD / "archscan.service").read_text()
    places = re.findall(r"(?:/opt|/etc|/var/lib)/[\w/.-]*archscan[\w/.-]*", unit)
    assert "/etc/archscan/id_ed25519" in places
    wanted = {place for place in places if not place.startswith(("/etc/systemd", "/var"))}
    assert {place for place in wanted if place.rpartition("/")[0] not in page and place not in page} == set()
    assert all(
        (SYSTEMD.parent.parent / name).is_file() for name in re.findall(r"config/systemd/[\w.-]+", page) if "." in name
    )


def test_the_configuration_on_the_page_is_one(tmp_path):
    (tmp_path / "archscan.yml").write_text(re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)[0])
    made = load(tmp_path / "archscan.yml", {})
    assert str(made.ssh.identity_file) == "/run/credentials/archscan.service/id_ed25519"
