"""A host that was prepared for the agent, asked through the real sshd and sudo, in a layer over this machine's own files."""

from __future__ import annotations

import os
import subprocess

import pytest

from scanner.hosts.rollback_script import rollback_answer, rollback_preparation
from tests.real.process import Daemon, free_port, listens, run

pytestmark = pytest.mark.system

LAYER = r"""
set -e
layer=$1 prepare=$2 port=$3
mount -t tmpfs tmpfs "$layer"
mkdir "$layer/upper" "$layer/work" "$layer/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$layer/upper,workdir=$layer/work" "$layer/root"
mount -t proc proc "$layer/root/proc"
mount --rbind /dev "$layer/root/dev"
mkdir -p "$layer/root/run/sshd"
cp "$prepare" "$layer/root/prepare.sh"
chroot "$layer/root" sh /prepare.sh
chroot "$layer/root" sh /prepare.sh
chroot "$layer/root" ssh-keygen -q -t ed25519 -N '' -f /host_key
exec chroot "$layer/root" /usr/sbin/sshd -D -e -f /dev/null -p "$port" -h /host_key -o ListenAddress=127.0.0.1 -o UsePAM=no \
  -o PidFile=none
"""
"""In a mount namespace of its own: account, script and rule are gone with it."""


@pytest.fixture(scope="module")
def prepared(require, require_root, tmp_path_factory):
    """``prepared(words, line)``: what the account answers to a command and a line, over SSH; sshd's log on failure."""
    for program, package in (("sudo", "sudo"), ("useradd", "passwd"), ("unshare", "util-linux")):
        require(program, package)
    folder = tmp_path_factory.mktemp("prepared")
    key, port = folder / "key", free_port()
    run(require("ssh-keygen", "openssh-client"), "-q", "-t", "ed25519", "-N", "", "-f", key)
    script = folder / "prepare.sh"
    script.write_text(rollback_preparation((folder / "key.pub").read_text(), ["127.0.0.1"]))
    (folder / "layer").mkdir()
    argv = [
        require("unshare", "util-linux"),
        *("--mount", "--propagation", "private", "sh", "-c", LAYER, "sh", folder / "layer", script, str(port)),
    ]
    daemon = Daemon.start(argv, folder, lambda: listens(port), env={"PATH": f"/usr/sbin:/sbin:{os.environ['PATH']}"})

    def ask(words, line):
        done = subprocess.run(
            ["ssh", "-F", "none", "-i", key, "-p", str(port), "-o", "StrictHostKeyChecking=no", "-o", "BatchMode=yes",
             "-o", f"UserKnownHostsFile={folder}/known", "-o", "LogLevel=ERROR", "archscan-rollback@127.0.0.1", *words],
            input=f"{line}\n".encode(), capture_output=True, timeout=30, check=False,
        )  # fmt: skip
        assert done.stdout, (done.stderr, daemon.tail())
        return rollback_answer(done.stdout)

    yield ask
    daemon.stop()


@pytest.mark.parametrize("words", [[], ["id"], ["sudo", "-n", "/bin/sh"], ["-t", "sh"]])
def test_whatever_the_key_asks_for_it_gets_the_one_script_as_root(prepared, words):
    told = prepared(words, "hello")
    assert told["engine"] in {"docker", "podman"}


def test_the_account_can_begin_something_and_nothing_else(prepared):
    line = f"begin {'0' * 32} docker container api a@sha256:{'a' * 64} {'b' * 64} 60"
    assert prepared([], line)["state"] == "begun"
    assert prepared([], "exec id")["wrong"] == "no such verb"
