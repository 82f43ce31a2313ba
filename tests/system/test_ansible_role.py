"""The roles that prepare hosts, run by the real Ansible in a layer over this machine's own files."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from scanner.hosts.least_privilege import authorized_key_line, sudoers_rule
from scanner.hosts.rollback_script import ROLLBACK_PATH, rollback_script
from scanner.probe.script import script
from tests.real import forwarded

pytestmark = pytest.mark.system

ROOT = Path(__file__).parent.parent.parent

LAYER = r"""
set -e
layer=$1 play=$2 values=$3 program=$4 account=$5 home=$6
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
# a directory that answers for who is asked for, and lists nobody (sssd's enumerate = false)
mv "$layer/root/usr/bin/getent" "$layer/root/usr/bin/getent.real"
printf '#!/bin/sh\n[ $# -lt 2 ] || exec getent.real "$@"\n' >"$layer/root/usr/bin/getent"
chmod 755 "$layer/root/usr/bin/getent"
# an account that was there, with a home and the key of somebody else; sshd takes it for locked
if [ -z "$home" ]; then
  home=/srv/$account
  printf '%s:!:1:0:99999:7:::\n' "$account" >>"$layer/root/etc/shadow"
  printf '%s:x:977:977::%s:/bin/bash\n' "$account" "$home" >>"$layer/root/etc/passwd"
  printf '%s:x:977:\n' "$account" >>"$layer/root/etc/group"
  install -d -o 977 -g 977 "$layer/root$home" "$layer/root$home/.ssh"
  printf 'ssh-rsa AAAAB3 kim' >"$layer/root$home/.ssh/authorized_keys"
  chown 977:977 "$layer/root$home/.ssh/authorized_keys"
fi
for run in 1 2; do
  chroot "$layer/root" env HOME=/root LC_ALL=C.UTF-8 \
    ansible-playbook --connection local --inventory localhost, --extra-vars "@$values" "$play" >"$values.$run"
done
cp "$layer/root/usr/local/libexec/$program" "$(dirname "$values")/program"
cp "$layer/root/etc/sudoers.d/$account" "$(dirname "$values")/rule"
cp "$layer/root$home/.ssh/authorized_keys" "$(dirname "$values")/key"
grep "^$account:" "$layer/root/etc/passwd" "$layer/root/etc/shadow" | cut -d : -f 2-9 >"$(dirname "$values")/account"
"""
"""In a mount namespace of its own: what the role writes is gone with it."""


KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF6aSmwvcnUuxrxjDxrccogvMhXiCUzhTwllbcw1QGq4"


LINE = f'restrict,command="sudo -n /usr/local/libexec/archscan-probe" {KEY}'
ROLES = {
    "archscan": ({"archscan_user": "whoever"}, "archscan-probe", "archscan", "", script, f"ssh-rsa AAAAB3 kim\n{LINE}\n"),
    "rollback": (
        {"archscan_rollback_public_key": KEY, "archscan_rollback_from": ["10.0.0.5/32"]},
        "archscan-rollback", "archscan-rollback", "/var/lib/archscan-rollback-login", rollback_script,
        authorized_key_line(KEY, ["10.0.0.5"], ROLLBACK_PATH),
    ),
}  # fmt: skip
"""By its playbook: what it is told, the program, the account, its home where the role is to make it, the program's text, the key's line."""


@pytest.mark.parametrize("play", ["archscan", pytest.param("rollback", marks=pytest.mark.engines)])
def test_a_role_prepares_a_host_once_and_then_changes_nothing(require, require_root, commands, tmp_path, play):
    told_of_role, program, account, home, text, line = ROLES[play]
    require("ansible-playbook", "ansible-core")
    (tmp_path / "layer").mkdir()
    (tmp_path / "told").mkdir()
    values = tmp_path / "told" / "values.json"
    settings = {
        "inventory": [{"kind": "static", "hosts": {"localhost": {"user": account}}}],
        "ssh": {"identity_file": "key", "known_hosts_file": "known_hosts"},
    }
    (values.parent / "archscan.yml").write_text(json.dumps(settings))
    (values.parent / "key.pub").write_text(f"{KEY}\n")
    told_of_role = told_of_role | {"archscan_config": f"{values.parent}/archscan.yml"}
    archscan = shlex.join([sys.executable, "-I", "-S", forwarded.__file__, commands])
    values.write_text(json.dumps(told_of_role | {"archscan_command": archscan}))
    path = ROOT / "config" / "ansible" / f"{play}.yml"
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", LAYER, "sh", tmp_path / "layer", path, values, program, account, home],
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
    told = values.parent
    assert (told / "program").read_bytes() == text()
    assert (told / "rule").read_text() == sudoers_rule(program.replace("-probe", ""), f"/usr/local/libexec/{program}")
    assert (told / "key").read_text() == line
    user, shadow = (one.split(":") for one in (told / "account").read_text().splitlines())
    assert (user[5], user[6], shadow[1]) == (
        ("/srv/archscan", "/bin/bash", "*") if not home else (home, "/bin/sh", "*")
    )
