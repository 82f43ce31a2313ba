"""Ways in that fail, each as it is planted on a real host, with its cure typed; login shells of every family."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys

import pytest

from scanner import cli
from scanner.app.main import _operations
from scanner.probe.script import script
from tests.system.fixes.typing import type_in

pytestmark = [pytest.mark.system, pytest.mark.timeout(400)]

PROBE = "/usr/local/libexec/archscan-probe"
SHELLS = {"bash": "bash", "dash": "dash", "zsh": "zsh", "fish": "fish", "csh": "tcsh"}
"""Login shells, each with Debian's package."""

DEFECTS = {
    "no-rule": "host_sudo_refused",
    "no-probe": "host_probe_missing",
    "no-shell": "host_shell_refused",
    "expired": "host_account_locked",
    "no-key": "host_auth_rejected",
    "no-account": "host_auth_rejected",
    "noisy": "host_malformed",
    "exits": "host_incomplete",
    "no-rights": "engine_denied",
    "from-elsewhere": "host_auth_rejected",
    "writable": "host_auth_rejected",
    "must-change": "host_account_locked",
    "forced": "host_shell_refused",
    "no-sessions": "host_shell_refused",
    "denied": "host_auth_rejected",
    "two-factors": "host_auth_rejected",
}
"""Accounts by what is wrong with each."""

BY_HAND = {
    "forced": "ForceCommand",
    "no-sessions": "MaxSessions",
    "denied": "DenyUsers",
    "two-factors": "asks for more: password",
}
"""What sshd's own configuration does to some of them: its word for it stands in the cure, a person takes it out there."""

TYPED = [name for name in DEFECTS if name not in BY_HAND]

SSHD = """MaxStartups 100
MaxSessions 1
DenyUsers denied
Match User forced
    ForceCommand /bin/false
Match User no-sessions
    MaxSessions 0
Match User two-factors
    AuthenticationMethods publickey,password
    PasswordAuthentication yes
"""

READ = "engine_down"
"""What is found on a host that was read: Docker's client is installed, and no engine answers."""

LOOKS = ("inventory --check", "journalctl", "ssh -T", "sh -s")
"""Commands of a fix that only show something."""


@pytest.fixture(scope="module")
def public_key(tmp_path_factory):
    """The scanner's key."""
    key = tmp_path_factory.mktemp("key") / "id_archscan"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "archscan", "-f", key], check=True)
    return key.with_suffix(".pub")


@pytest.fixture(scope="module")
def machine(start_machine, public_key, require):
    """One machine with an account for each defect, and for each shell."""
    require("sudo", "sudo")
    shells = {name: require(name, package) for name, package in SHELLS.items()}
    made, key = start_machine("127.0.0.5", SSHD), public_key.read_text()
    forced = f'restrict,command="sudo -n {PROBE}" {key}'
    made.account("no-rule", forced)
    made.account("no-probe", f'restrict,command="{PROBE}-2" {key}')
    made.account("no-shell", forced, shell="/usr/sbin/nologin")
    made.account("expired", key)
    made.account("no-key")
    made.account("noisy", key, shell="/bin/bash")
    made.account("exits", key, shell="/bin/bash")
    made.account("from-elsewhere", f'from="192.0.2.1",{forced}')
    made.account("writable", forced)
    for name in ("must-change", "forced", "no-sessions", "denied", "two-factors"):
        made.account(name, key)
    for name, shell in shells.items():
        made.account(f"by-{name}", key, shell=shell)
        made.account(f"forced-{name}", f'restrict,command="{PROBE}" {key}', shell=shell)
    made.type(
        "chage --expiredate 1 expired; echo 'echo Welcome' >/var/lib/noisy/.bashrc; echo exit >/var/lib/exits/.bashrc\n"
        "chmod g+w /var/lib/writable/.ssh/authorized_keys; chage --lastday 0 must-change\n"
        "echo 'no-shell,no-key,no-account,from-elsewhere,writable ALL=(root) NOPASSWD: ALL' >/etc/sudoers.d/others"
    )
    made.type("mount -t tmpfs -o noexec,size=64k tmpfs /tmp; head -c 1M /dev/zero >/tmp/full || true")
    made.type(
        f"install -d {PROBE.rpartition('/')[0]}; cat >{PROBE} <<'END-OF-PROBE'\n{script().decode()}\nEND-OF-PROBE\nchmod 755 {PROBE}"
    )
    return made


@pytest.fixture(scope="module")
def machine_with_engine(start_machine, public_key):
    """Another one, on which an engine listens to root alone, and never answers."""
    made = start_machine("127.0.0.6")
    made.account("no-rights", public_key.read_text())
    listen = "import socket; socket.socket(socket.AF_UNIX).bind('/run/docker.sock')"
    made.type(f'{sys.executable} -c "{listen}"; chmod 600 /run/docker.sock')
    return made


@pytest.fixture(scope="module")
def at_home(machine, machine_with_engine, public_key, tmp_path_factory):
    """A folder with an ``archscan.yml`` of all accounts; what is typed there finds ``archscan`` and root's ``ssh``."""
    folder = tmp_path_factory.mktemp("home")
    users = [*DEFECTS, *(f"{how}-{name}" for how in ("by", "forced") for name in SHELLS)]
    behind = {user: machine_with_engine if user == "no-rights" else machine for user in users}
    hosts = {user: {"address": of.address, "port": of.port, "user": user} for user, of in behind.items()}
    known = folder / "known_hosts"
    known.write_text(machine.known_hosts.read_text() + machine_with_engine.known_hosts.read_text())
    keys = f"-i {machine.root_key} -i {machine_with_engine.root_key}"
    (folder / "archscan.yml").write_text(
        json.dumps(
            {
                "inventory": [{"kind": "static", "hosts": hosts}],
                "ssh": {
                    "identity_file": str(public_key.with_suffix("")),
                    "known_hosts_file": str(known),
                    "connect_timeout": "60s",
                    "probe_timeout": "60s",
                },
            }
        )
    )
    (folder / "bin").mkdir()
    options = f"-F none {keys} -o IdentitiesOnly=yes -o BatchMode=yes -o UserKnownHostsFile={known}"
    (folder / "bin" / "ssh").write_text(f'#!/bin/sh\nexec /usr/bin/ssh {options} "$@"\n')
    (folder / "bin" / "ssh").chmod(0o755)
    return folder


@pytest.fixture
def scan(at_home, monkeypatch, capsys):
    monkeypatch.chdir(at_home)

    def found(*words):
        code = cli.run(_operations, lambda: "0", ("scan", "--format", "json", *words))
        report = json.loads(capsys.readouterr().out)
        assert code == 3
        hosts = {host["name"]: host for host in report["hosts"]}
        engines = {each["host"]: each for each in report["findings"] if each["reason"].startswith("engine_")}
        return {name: engines.get(name, host) for name, host in hosts.items()}

    return found


@pytest.fixture
def typed(at_home, capsys):
    """Type a command of a fix; what archscan says in it is said by this process, since a start takes its time."""

    def run(command):
        own, pipe, rest = command.partition(" | ")
        if pipe and own.startswith("archscan "):
            assert cli.run(_operations, lambda: "0", shlex.split(own)[1:]) == 0, own
            (at_home / "said").write_text(capsys.readouterr().out)
            command = f"<said {rest}"
        type_in(at_home, os.environ | {"PATH": f"{at_home}/bin:{os.environ['PATH']}"}, command)

    return run


def test_each_way_in_works_or_has_its_own_reason_and_a_cure_that_works_when_typed(scan, typed, machine):
    before = scan()
    by_shell = {name: host["reason"] for name, host in before.items() if name not in DEFECTS}
    assert by_shell == dict.fromkeys([f"{how}-{name}" for how in ("by", "forced") for name in SHELLS], READ)
    assert {name: before[name]["reason"] for name in DEFECTS} == DEFECTS
    assert [
        name for name, says in BY_HAND.items() if says not in before[name]["fix"]["summary"] + before[name]["detail"]
    ] == [], before
    for name in TYPED:
        for command in before[name]["fix"]["commands"]:
            if not any(look in command for look in LOOKS):
                typed(command)
    machine.type("rm /var/lib/noisy/.bashrc /var/lib/exits/.bashrc")  # "must be silent where there is no terminal"
    after = scan("--host", ",".join(TYPED))
    assert {name: host["reason"] for name, host in after.items()} == dict.fromkeys(TYPED, READ)
