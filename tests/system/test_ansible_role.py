"""The roles that prepare hosts, run by the real Ansible in a layer over this machine's own files."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from scanner.hosts.least_privilege import authorized_key_line, sudoers_rule
from scanner.hosts.rollback_script import ROLLBACK_PATH, rollback_script
from scanner.probe.script import script

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

ROOT = Path(__file__).parent.parent.parent

LAYER = r"""
set -e
layer=$1 play=$2 values=$3
mount -t tmpfs tmpfs "$layer"
mkdir "$layer/upper" "$layer/work" "$layer/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$layer/upper,workdir=$layer/work" "$layer/root"
mount -t proc proc "$layer/root/proc"
mount --rbind /dev "$layer/root/dev"
for place in "$play" "$values"; do
  mkdir -p "$layer/root$(dirname "$place")"
  [ -e "$layer/root$place" ] || cp -R "$(dirname "$place")/." "$layer/root$(dirname "$place")/"
done
cd /
for run in 1 2; do
  chroot "$layer/root" env HOME=/root LC_ALL=C.UTF-8 \
    ansible-playbook --connection local --inventory localhost, --extra-vars "@$values" "$play" "$(dirname "$play")/rollback.yml" >"$values.$run"
done
for name in archscan archscan-rollback; do
  cp "$layer/root/etc/sudoers.d/$name" "$(dirname "$values")/$name.rule"
done
cp "$layer/root/usr/local/libexec/archscan-probe" "$layer/root/usr/local/libexec/archscan-rollback" "$(dirname "$values")/"
cp "$layer/root/var/lib/archscan/.ssh/authorized_keys" "$(dirname "$values")/archscan.key"
cp "$layer/root/var/lib/archscan-rollback-login/.ssh/authorized_keys" "$(dirname "$values")/archscan-rollback.key"
"""
"""In a mount namespace of its own: what the role writes is gone with it."""


KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF6aSmwvcnUuxrxjDxrccogvMhXiCUzhTwllbcw1QGq4"


def test_both_roles_prepare_a_host_once_and_then_change_nothing(require, require_root, tmp_path):
    require("ansible-playbook", "ansible-core")
    (tmp_path / "layer").mkdir()
    (tmp_path / "told").mkdir()
    values = tmp_path / "told" / "values.json"
    line = 'restrict,command="sudo -n /usr/local/libexec/archscan-probe" ssh-ed25519 AAAA archscan'
    command = f"env PYTHONPATH={ROOT} {sys.executable} -m scanner"
    rollback = {"archscan_rollback_public_key": KEY, "archscan_rollback_from": ["10.0.0.5/32"]}
    values.write_text(json.dumps({"archscan_public_key_line": line, "archscan_command": command} | rollback))
    play = ROOT / "config" / "ansible" / "archscan.yml"
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", LAYER, "sh", tmp_path / "layer", play, values],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
        env={"PATH": f"/usr/sbin:/usr/bin:/sbin:/bin:{os.environ['PATH']}"},
    )
    told = "".join(path.read_text()[-2000:] for path in sorted(values.parent.glob("values.json.*")))
    assert done.returncode == 0, done.stderr + told
    runs = [Path(f"{values}.{run}").read_text() for run in (1, 2)]
    recaps = [
        dict(re.findall(r"(changed|failed|unreachable)=(\d+)", text.rpartition("PLAY RECAP")[2])) for text in runs
    ]
    assert [(recap["failed"], recap["unreachable"]) for recap in recaps] == [("0", "0")] * 2
    assert (int(recaps[0]["changed"]) > 0, recaps[1]["changed"]) == (True, "0")
    told = {path.name: path.read_bytes() for path in values.parent.iterdir()}
    assert (told["archscan-probe"], told["archscan-rollback"]) == (script(), rollback_script())
    assert b"NOPASSWD: /usr/local/libexec/archscan-probe" in told["archscan.rule"]
    assert told["archscan-rollback.rule"].decode() == sudoers_rule("archscan-rollback", ROLLBACK_PATH)
    assert told["archscan.key"].decode() == f"{line}\n"
    assert told["archscan-rollback.key"].decode() == authorized_key_line(KEY, ["10.0.0.5"], ROLLBACK_PATH)
