"""The script that prepares a host, run as root in a root file system that holds nothing but BusyBox."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from scanner.hosts.prepare import bastion_preparation, preparation
from scanner.probe.script import script
from tests.real.require import find, missing

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF6aSmwvcnUuxrxjDxrccogvMhXiCUzhTwllbcw1QGq4 archscan"


@pytest.fixture
def small_root(tmp_path):
    """A root file system of one program, with an account that sshd takes for locked."""
    busybox = find("busybox")
    if busybox is None:
        missing("busybox is missing: apt-get install busybox-static")
    if os.geteuid() != 0:
        missing("chroot needs root here: run the tests as root")
    root = tmp_path / "root"
    for folder in ("bin", "etc", "var/lib", "tmp", "dev", "usr"):
        (root / folder).mkdir(parents=True)
    shutil.copy(busybox, root / "bin" / "busybox")
    listed = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout
    for applet in listed.split():
        if applet != "busybox":
            (root / "bin" / applet).symlink_to("busybox")
    (root / "etc" / "passwd").write_text(
        "root:x:0:0:root:/root:/bin/sh\narchscan:x:100:100::/var/lib/archscan:/bin/sh\n"
    )
    (root / "etc" / "group").write_text("root:x:0:\n")
    (root / "etc" / "shadow").write_text("root:*:1:0:99999:7:::\narchscan:!:1:0:99999:7:::\n")
    (root / "dev" / "null").touch()
    return root


def prepared(root, text):
    done = subprocess.run(
        [find("chroot"), root, "/bin/sh", "-s"],
        input=text.encode(),
        capture_output=True,
        check=False,
        env={"PATH": "/bin"},
    )
    assert done.returncode == 0, done.stderr
    return {
        str(path.relative_to(root)): (path.read_bytes(), path.stat().st_mode & 0o777, path.stat().st_uid)
        for path in root.rglob("*")
        if path.is_file()
        and not path.is_symlink()
        and path.name not in {"busybox", "null"}
        and not path.name.endswith("-")
    }


def test_a_host_is_prepared_once_however_often_the_script_is_run(small_root):
    text = preparation("archscan", KEY, script(), ["10.0.0.5"])
    found = prepared(small_root, text)
    assert found["usr/local/libexec/archscan-probe"][:2] == (script(), 0o755)
    rule, mode, owner = found["etc/sudoers.d/archscan"]
    assert (b"NOPASSWD: /usr/local/libexec/archscan-probe" in rule, mode, owner) == (True, 0o440, 0)
    line, mode, _ = found["var/lib/archscan/.ssh/authorized_keys"]
    assert line.decode().startswith(
        'restrict,from="10.0.0.5/32",command="sudo -n /usr/local/libexec/archscan-probe" ssh-ed25519'
    )
    assert mode == 0o600
    assert b"archscan:!" not in found["etc/shadow"][0]
    assert prepared(small_root, text) == found


def test_an_account_that_was_there_keeps_its_password_with_its_other_keys(small_root):
    etc, home = small_root / "etc", small_root / "home/pi"
    (home / ".ssh").mkdir(parents=True)
    (etc / "passwd").write_text((etc / "passwd").read_text() + "pi:x:1000:1000::/home/pi:/bin/sh\n")
    (etc / "shadow").write_text((etc / "shadow").read_text() + "pi:$6$salt$hash:1:0:99999:7:::\n")
    blob = KEY.split()[1]
    forced = 'restrict,command="sudo -n /usr/local/libexec/archscan-probe" ssh-rsa AAAA older'
    (home / ".ssh/authorized_keys").write_text(f"ssh-rsa AAAAB3 mine\n{forced}\nssh-ed25519 {blob} as it was\n# end")
    found = prepared(small_root, preparation("pi", KEY, script()))
    lines = found["home/pi/.ssh/authorized_keys"][0].decode().splitlines()
    assert lines[:2] == ["ssh-rsa AAAAB3 mine", "# end"]
    assert [line.split(",")[0] for line in lines[2:]] == ["restrict"]
    assert b"pi:$6$salt$hash:" in found["etc/shadow"][0]
    assert found["home/pi/.ssh/authorized_keys"][1:] == (0o600, 1000)

    through = prepared(small_root, bastion_preparation("pi", KEY))
    lines = through["home/pi/.ssh/authorized_keys"][0].decode().splitlines()
    assert [line.split()[0] for line in lines] == ["ssh-rsa", "#", 'restrict,port-forwarding,command="/bin/false"']


@pytest.mark.parametrize("user", ["root; reboot", "-oProxyCommand=x", ""])
def test_a_name_that_is_none_prepares_nothing(user):
    with pytest.raises(ValueError, match="not a login name"):
        preparation(user, KEY, script())
