"""What a person is told to type to prepare a machine, by what the inventory with their own ssh says of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from scanner.domain.host import Host
from scanner.errors import UsageError
from scanner.service.preparing import Preparers, left_out, of_bastions, of_hosts
from scanner.settings.ssh_section import Ssh

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF6aSmwvcnUuxrxjDxrccogvMhXiCUzhTwllbcw1QGq4 archscan\n"
NOBODY = Preparers({}, None)
OWN_SSH = """#!/bin/sh
for name; do :; done
case $name in
pi-1) printf 'hostname 10.0.0.31\\nport 22\\nuser pi\\n' ;;
far) printf 'hostname 10.0.0.32\\nport 2222\\nuser me\\nproxyjump gate\\n' ;;
*) printf 'hostname %s\\nport 22\\nuser me\\n' "$name" ;;
esac
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Archscan's settings with a key, beside a person's ssh that knows two hosts by name."""
    (tmp_path / "id.pub").write_text(KEY)
    ssh = tmp_path / "bin" / "ssh"
    ssh.parent.mkdir()
    ssh.write_text(OWN_SSH)
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", str(ssh.parent))
    return Ssh(identity_file=tmp_path / "id", known_hosts_file=tmp_path / "known_hosts")


COMMANDS = [
    (Host("web-1", "10.0.0.1"), NOBODY, "ssh root@10.0.0.1 'sh -s'", "archscan-prepare.sh"),
    (Host("web-1", "10.0.0.1", 2222), Preparers({}, "me"), "ssh -p 2222 me@10.0.0.1 'sudo sh -s'", "archscan-prepare.sh"),
    (Host("web-1", "10.0.0.1"), Preparers({"web-1": "admin"}, "me"), "ssh admin@10.0.0.1 'sudo sh -s'", "archscan-prepare.sh"),
    (Host("web-1", "10.0.0.1"), Preparers({"10.0.0.1": "admin"}, None), "ssh admin@10.0.0.1 'sudo sh -s'", "archscan-prepare.sh"),
    (Host("web-1", "10.0.0.1", aliases=("w1",)), Preparers({"w1": "me"}, None), "ssh me@10.0.0.1 'sudo sh -s'", "archscan-prepare.sh"),
    (Host("web-1", "10.0.0.1", user="archscan"), NOBODY, "ssh root@10.0.0.1 'sh -s'", "archscan-prepare.sh"),
    (Host("pi-1", "10.0.0.31", user="pi"), NOBODY, "ssh pi@pi-1 'sudo sh -s'", "archscan-prepare-pi.sh"),
    (Host("pi-1", "10.0.0.99", user="pi"), NOBODY, "ssh pi@10.0.0.99 'sudo sh -s'", "archscan-prepare-pi.sh"),
    (Host("far", "10.0.0.32", 2222, "me", jump="me@gate"), NOBODY, "ssh me@far 'sudo sh -s'", "archscan-prepare-me.sh"),
    (Host("web-1", "web-1", user="deploy", jump="jump@gate"), NOBODY, "ssh -J jump@gate deploy@web-1 'sudo sh -s'", "archscan-prepare-deploy.sh"),
    (Host("web-1", "10.0.0.1", identity_files=("/", "/no/key")), NOBODY, "ssh -i / root@10.0.0.1 'sh -s'", "archscan-prepare.sh"),
]  # fmt: skip


def test_a_host_is_prepared_for_the_account_that_archscan_logs_in_as_by_who_can(own):
    for host, preparers, command, file in COMMANDS:
        (made,) = of_hosts([host], own, preparers, Path("/w"))
        assert made.shown == f"{command} < /w/{file}"
        assert f"user={host.user or 'archscan'}\n" in made.script


def test_a_bastion_is_prepared_once_and_the_key_runs_nothing_there(own):
    hosts = [Host("web-1", "web-1", jump="jump@gate,inner:2222"), Host("web-2", "web-2", jump="jump@gate")]
    made = of_bastions(hosts, own, NOBODY, Path("/w"))
    assert [one.shown for one in made] == [
        "ssh jump@gate 'sh -s' < /w/archscan-bastion-jump.sh",
        "ssh -p 2222 -J jump@gate root@inner 'sh -s' < /w/archscan-bastion-archscan.sh",
    ]
    opened = 'permitopen="*:22",permitopen="*:2222",permitlisten="localhost:1"'
    line = f'restrict,port-forwarding,{opened},command="/bin/false" {KEY}'
    assert all(line in one.script and "sudoers" not in one.script for one in made)


def test_a_bastion_is_reached_through_those_in_front_of_it_as_they_were_written(own):
    made = of_bastions([Host("web-1", "web-1", jump="b1, b2")], own, NOBODY, Path("/w"))
    assert [one.command[:-1] for one in made] == [("ssh", "root@b1"), ("ssh", "-J", "b1", "root@b2")]


def test_every_account_of_a_bastion_is_prepared(own):
    hosts = [Host("web-1", "web-1", jump="one@gate"), Host("web-2", "web-2", jump="john.doe@gate")]
    made = of_bastions(hosts, own, NOBODY, Path("/w"))
    assert [one.command[-2] for one in made] == ["one@gate", "john.doe@gate"]


def test_a_bastion_that_is_a_host_gets_one_line_for_both(own):
    hosts = [Host("gate", "10.0.0.9"), Host("web-1", "10.0.0.1", jump="10.0.0.9")]
    (gate,) = of_bastions(hosts, own, NOBODY, Path("/w"))
    (web,) = of_hosts(hosts, own, NOBODY, Path("/w"))
    assert (gate.host.name, gate.file.name) == ("gate", "archscan-prepare-through.sh")
    assert (web.host.name, web.file.name) == ("web-1", "archscan-prepare.sh")
    passing = 'port-forwarding,permitopen="*:22",permitlisten="localhost:1"'
    assert f'\nrestrict,{passing},command="sudo -n /usr/local/libexec/archscan-probe" {KEY}' in gate.script
    assert "/bin/false" not in gate.script
    assert "port-forwarding" not in web.script


def test_a_host_whose_account_sudo_cannot_name_is_left_out_alone(own):
    hosts = [Host(f"web-{user}", "10.0.0.1", user=user) for user in ("john.doe", "Admin", "deploy")]
    assert [one.host.name for one in of_hosts(hosts, own, NOBODY, Path("/w"))] == ["web-deploy"]
    assert [line.split()[0] for line in left_out(hosts, own)] == ["web-john.doe", "web-Admin"]


def test_a_key_without_its_public_half_prepares_nothing(own, tmp_path):
    (tmp_path / "id.pub").unlink()
    with pytest.raises(UsageError, match="make it with: ssh-keygen -y -f"):
        of_hosts([Host("web-1", "10.0.0.1")], own, NOBODY, Path("/w"))
