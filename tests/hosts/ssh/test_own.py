"""How a person's own ssh would reach a host that no inventory knows."""

import pytest

from scanner.hosts.ssh.own import own_hosts

CONFIG = """
Host web
  HostName 10.0.0.1
  User deploy
  ProxyJump gate
Host db
  ProxyCommand ssh -q -W %h:%p gate
Host six
  AddressFamily inet6
Host gate
  HostName gate.example
  User jump
  Port 2222
  AddressFamily inet
  ProxyJump outer
Host outer
  HostName 192.0.2.1
Host odd
  ProxyCommand nc -X connect -x proxy:3128 %h %p
Host loop
  ProxyJump loop2
Host loop2
  ProxyJump loop
Host *
  User me
"""


@pytest.fixture
def ssh(tmp_path, monkeypatch, require):
    """The real ssh with this configuration, whoever runs the tests."""
    (tmp_path / "config").write_text(CONFIG)
    program = tmp_path / "ssh"
    program.write_text(f'#!/bin/sh\nexec {require("ssh", "openssh-client")} -F {tmp_path}/config "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.usefixtures("ssh")
@pytest.mark.parametrize(
    ("target", "way"),
    [
        ("web", ("deploy@10.0.0.1:22", "me@192.0.2.1:22,jump@gate.example:2222", "")),
        ("root@db:23", ("root@db:23", "me@192.0.2.1:22,jump@gate.example:2222", "")),
        ("six", ("me@six:22", "", "inet6")),
        ("gate", ("jump@gate.example:2222", "me@192.0.2.1:22", "")),
    ],
)
def test_bastions_are_looked_up_where_their_host_was(target, way):
    (host,) = own_hosts([target], {"HOME": "/home/me"}).hosts
    assert (f"{host.user}@{host.endpoint}", host.jump, host.family) == way


@pytest.mark.usefixtures("ssh")
@pytest.mark.parametrize(("target", "says"), [("odd", "ProxyCommand is not run"), ("loop", "more than 4 bastions")])
def test_a_way_that_only_ssh_could_go_is_refused(target, says):
    with pytest.raises(ValueError, match=says):
        own_hosts([target], {"HOME": "/home/me"})
