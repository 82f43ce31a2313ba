"""The first hour against a real sshd: a host without a file, keys that are compared, a set-up, a check."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from xml.etree import ElementTree as ET

import pytest

from tests.real import command
from tests.real.process import free_port


@pytest.fixture
def home(tmp_path):
    (tmp_path / "home" / ".ssh").mkdir(parents=True)
    (tmp_path / "work").mkdir()
    return tmp_path / "home"


@pytest.fixture
def archscan(home, commands):
    """Run a command as a person whose home this is; without an ssh of its own, which would read the real one."""

    def run(*words):
        env = {"PATH": str(home / "nothing"), "HOME": str(home), "COLUMNS": "100"}
        return command.run(*words, cwd=home.parent / "work", env=env)

    return run


@pytest.fixture
def server(start_sshd, home):
    """A host that lets the person's own key in."""
    made = start_sshd()
    for suffix in ("", ".pub"):
        key = home / ".ssh" / f"id_ed25519{suffix}"
        key.write_bytes(made.client_key.with_name(made.client_key.name + suffix).read_bytes())
        key.chmod(0o600)
    return made


def fingerprint(server):
    said = subprocess.run(
        ["ssh-keygen", "-lf", server.host_key.with_suffix(".pub")], capture_output=True, text=True, check=True
    )
    return said.stdout.split()[1]


def test_a_host_of_no_file_is_scanned_once_its_key_was_compared(archscan, server, home):
    target = f"{server.user}@127.0.0.1:{server.port}"
    first = archscan("scan", target)
    assert (first.returncode, "as your own ssh would" in first.stderr) == (3, True)
    assert "host_key_unknown" in first.stdout
    assert f"$ archscan trust {target}" in first.stdout

    unseen = archscan("trust", target)
    assert (unseen.returncode, fingerprint(server) in unseen.stderr) == (2, True)
    assert archscan("trust", target, "--fingerprint", "SHA256:another").returncode == 3
    assert not (home / ".ssh" / "known_hosts").exists()
    assert archscan("trust", target, "--fingerprint", fingerprint(server)).returncode == 0

    found = archscan("scan", target, "--format", "json", "--output", home / "report.json")
    assert (found.returncode in {0, 1, 3}, found.stdout) == (True, "")
    assert json.loads((home / "report.json").read_text())["hosts"][0]["status"] == "ok"


def test_a_host_is_reached_by_an_ipv6_address_in_brackets(archscan, start_sshd, home):
    server = start_sshd("::1")
    known = home / "known_hosts"
    host = f"{{address: '[::1]', port: {server.port}, user: {server.user}}}"
    (home.parent / "work" / "archscan.yml").write_text(
        f"inventory: [{{kind: static, hosts: {{six: {host}}}}}]\n"
        f"ssh: {{identity_file: {server.client_key}, known_hosts_file: {known}}}\n"
    )
    trusted = archscan("trust", "six", "--fingerprint", fingerprint(server))
    assert (trusted.returncode, f"six ([::1]:{server.port})" in trusted.stderr) == (0, True)
    found = archscan("scan", "six")
    assert (found.returncode in {0, 1, 3}, "not read" in found.stdout) == (True, False)


def test_a_bastion_is_believed_before_the_hosts_behind_it(archscan, start_sshd, server, home):
    gate = start_sshd("127.0.0.2")
    gate.authorized_keys.write_text(server.authorized_keys.read_text())
    known = home / "known_hosts"
    host = (
        f"{{address: 127.0.0.1, port: {server.port}, user: {server.user}, jump: '{gate.user}@127.0.0.2:{gate.port}'}}"
    )
    (home.parent / "work" / "archscan.yml").write_text(
        f"inventory: [{{kind: static, hosts: {{inner: {host}}}}}]\n"
        f"ssh: {{identity_file: {server.client_key}, known_hosts_file: {known}}}\n"
    )
    both = f"{host}, gate: {{address: 127.0.0.2, port: {gate.port}, user: {gate.user}}}"
    settings = (home.parent / "work" / "archscan.yml").read_text()
    (home.parent / "work" / "archscan.yml").write_text(settings.replace(host, both))
    unlike = archscan("trust", "inner", "gate", "--fingerprint", "SHA256:another")
    assert (unlike.returncode, unlike.stderr.count(fingerprint(gate))) == (3, 1), unlike.stderr
    (home.parent / "work" / "archscan.yml").write_text(settings)
    nothing = archscan("scan")
    assert (nothing.returncode, "archscan trust HOST" in nothing.stderr) == (2, True), nothing.stderr
    both = [word for one in (gate, server) for word in ("--fingerprint", fingerprint(one))]
    trusted = archscan("trust", "inner", *both)
    assert (trusted.returncode, "the bastion in front of inner" in trusted.stderr) == (0, True), trusted.stderr
    assert len(known.read_text().splitlines()) == 2
    gate.authorized_keys.write_text("")
    refused = archscan("scan")
    cure = f"archscan authorized-key --bastion --install {gate.user} | ssh -p {gate.port} {gate.user}@127.0.0.2 sh"
    assert cure in refused.stdout
    passing = archscan("authorized-key", "--bastion").stdout
    opened = "".join(f'permitopen="*:{port}",' for port in sorted({gate.port, server.port}))
    listens = 'permitlisten="localhost:1"'
    assert passing.startswith(f'restrict,port-forwarding,{opened}{listens},command="/bin/false" ssh-')
    gate.authorized_keys.write_text(passing)
    assert "not read" not in archscan("scan").stdout


def test_another_key_than_the_known_one_is_never_replaced_unasked(archscan, server, home):
    target = f"{server.user}@127.0.0.1:{server.port}"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", home / "other"], check=True)
    public = (home / "other.pub").read_text().split()
    known = home / ".ssh" / "known_hosts"
    known.write_text(f"other.example {public[0]} {public[1]}\n[127.0.0.1]:{server.port} {public[0]} {public[1]}\n")
    said = archscan("scan", target)
    assert ("host_key_changed" in said.stdout, f"archscan trust --replace {target}" in said.stdout) == (True, True)
    assert archscan("trust", target, "--yes").returncode == 3
    assert public[1] in known.read_text().split("\n")[1]
    assert archscan("trust", target, "--replace", "--fingerprint", fingerprint(server)).returncode == 0
    assert (known.read_text().count(public[1]), "other.example" in known.read_text()) == (1, True)


def test_a_set_up_writes_a_configuration_that_works_and_says_what_each_host_lacks(archscan, server, home):
    made = archscan("setup", "--yes", "--accept-new-host-keys", "--user", server.user, f"127.0.0.1:{server.port}")
    work = home.parent / "work"
    assert made.returncode == 3
    assert "host_auth_rejected" in made.stdout
    assert f"ssh -p {server.port} root@127.0.0.1 'sh -s' < {work}/archscan-prepare.sh" in made.stderr
    assert (work / "archscan_ed25519").stat().st_mode & 0o777 == 0o600

    server.authorized_keys.write_text((work / "archscan_ed25519.pub").read_text())
    checked = archscan("inventory", "--check")
    assert ("ok" in checked.stdout, checked.returncode in {0, 3}) == (True, True)
    again = archscan("setup", "--yes")
    assert "is there already" in again.stderr
    assert archscan("config", "check").returncode == 0


def test_hosts_that_are_named_beside_an_ssh_config_are_what_it_says_of_them(archscan, home, require):
    config = home / ".ssh" / "config"
    ssh = home / "nothing" / "ssh"  # ssh asks the system where home is
    ssh.parent.mkdir()
    ssh.write_text(f'#!/bin/sh\nexec {require("ssh", "openssh-client")} -F {config} "$@"\n')
    ssh.chmod(0o755)
    proxy = f"ProxyJump ada@127.0.0.3:{free_port('127.0.0.3')}"
    config.write_text(f"Host pi db-*\n  HostName 127.0.0.2\n  Port {free_port('127.0.0.2')}\nHost db-*\n  {proxy}\n")
    made = archscan("setup", "--yes", "pi", "db-1", "127.0.0.4:2222")
    assert made.returncode == 3, made.stderr
    rows = {row["name"]: row for row in json.loads(archscan("inventory", "--format", "json").stdout)}
    port = rows["pi"]["port"]
    assert {name: (row["address"], row["port"], row["jump"]) for name, row in rows.items()} == {
        "pi": ("127.0.0.2", port, ""),
        "db-1": ("127.0.0.2", port, proxy.removeprefix("ProxyJump ")),
        "127.0.0.4": ("127.0.0.4", 2222, ""),
    }


FORCED = [
    ("/usr/local/libexec/archscan-probe-not-there", "host_probe_missing", "install -D -m 755 /dev/stdin /usr/local/libexec/archscan-probe-not-there"),
    ("echo 'sudo: a password is required' >&2; exit 1", "host_sudo_refused", "/etc/sudoers.d/archscan"),
    ("echo 'This account is currently not available.'; exit 1", "host_shell_refused", "|| usermod --shell /bin/sh"),
    ("false", "host_shell_refused", "-e ^forcecommand"),
]  # fmt: skip


@pytest.mark.parametrize(("command", "reason", "cure"), FORCED, ids=[command for command, _, _ in FORCED])
def test_each_way_in_that_fails_has_its_own_words_and_cure_in_every_format(
    archscan, server, home, command, reason, cure
):
    known = home / ".ssh" / "known_hosts"
    known.write_text(server.known_hosts.read_text())
    server.authorize(f'restrict,command="{command}"')
    target = f"{server.user}@127.0.0.1:{server.port}"
    table = archscan("scan", target)
    assert (table.returncode, reason in table.stdout, cure in table.stdout) == (3, True, True)
    assert "1 of 1 host was not read" in table.stdout

    junit = ET.fromstring(archscan("scan", target, "--format", "junit").stdout)
    assert [error.get("type") for error in junit.iter("error")] == [reason]
    sarif = json.loads(archscan("scan", target, "--format", "sarif").stdout)
    notes = sarif["runs"][0]["invocations"][0]["toolExecutionNotifications"]
    assert [note["descriptor"]["id"] for note in notes] == [reason]
    rows = list(csv.DictReader(io.StringIO(archscan("scan", target, "--format", "csv").stdout)))
    assert [(row["status"], row["reason"]) for row in rows] == [("unknown", reason)]
    assert reason.replace("_", "\\_") in archscan("scan", target, "--format", "markdown").stdout


@pytest.mark.parametrize(
    "words",
    [
        ("image", "nginx", "--format", "sarif"),
        ("inventory", "--format", "junit"),
        ("inventory", "--check", "--format", "json"),
        ("scan", "web-1", "--host", "web-2"),
        ("scan", "user@-oProxyCommand=x"),
    ],
)
def test_what_a_command_cannot_honour_is_refused(archscan, words):
    assert archscan(*words).returncode == 2
