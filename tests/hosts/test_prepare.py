"""The script that prepares a host, run as root in a root file system that holds nothing but BusyBox."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from scanner.hosts.least_privilege import bastion_key_line
from scanner.hosts.prepare import JOURNAL, bastion_preparation, key_installation, preparation
from scanner.hosts.rollback_script import ROLLBACK_PATH, ROLLBACK_USER, rollback_preparation, rollback_script
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
    (root / "dev" / "null").chmod(0o666)
    return root


def run(root, text):
    return subprocess.run(
        [find("chroot"), root, "/bin/sh", "-s"],
        input=text.encode(),
        capture_output=True,
        check=False,
        env={"PATH": "/bin"},
    )


def prepared(root, text):
    done = run(root, text)
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


def home_of_pi(root):
    """The home of an account that was there, with a folder of keys."""
    etc, home = root / "etc", root / "home/pi"
    (home / ".ssh").mkdir(parents=True)
    (etc / "passwd").write_text((etc / "passwd").read_text() + "pi:x:1000:1000::/home/pi:/bin/sh\n")
    (etc / "shadow").write_text((etc / "shadow").read_text() + "pi:$6$salt$hash:1:0:99999:7:::\n")
    os.chown(home, 1000, 1000)
    os.chown(home / ".ssh", 1000, 1000)
    return home


def write_keys(home, text):
    keys = home / ".ssh/authorized_keys"
    keys.write_bytes(text)
    os.chown(keys, 1000, 1000)
    return keys


def test_an_account_that_was_there_keeps_its_password_with_its_other_keys(small_root):
    home = home_of_pi(small_root)
    blob = KEY.split()[1]
    forced = 'restrict,command="sudo -n /usr/local/libexec/archscan-probe" ssh-rsa AAAA older'
    own = f'restrict,command="as it was" ssh-ed25519 {blob}'.encode()
    write_keys(home, b"ssh-rsa AAAAB3 Ren\xe9\n" + forced.encode() + b"\n" + own + b"\n# end")
    found = prepared(small_root, preparation("pi", KEY, script()))
    lines = found["home/pi/.ssh/authorized_keys"][0].decode("latin-1").splitlines()
    assert lines[:2] == ["ssh-rsa AAAAB3 Ren\xe9", "# end"]
    assert [line.split(",")[0] for line in lines[2:]] == ["restrict"]
    assert b"pi:$6$salt$hash:" in found["etc/shadow"][0]
    assert found["home/pi/.ssh/authorized_keys"][1:] == (0o600, 1000)

    through = prepared(small_root, bastion_preparation("pi", KEY))
    lines = through["home/pi/.ssh/authorized_keys"][0].decode("latin-1").splitlines()
    assert [line.split()[0] for line in lines] == [
        "ssh-rsa",
        "#",
        'restrict,port-forwarding,permitopen="*:22",permitlisten="localhost:1",command="/bin/false"',
    ]


def test_a_line_takes_the_place_of_those_with_its_key_and_no_other(small_root):
    home = home_of_pi(small_root)
    line = f'restrict,from="10.0.0.5/32",command="sudo -n /opt/probe" {KEY}'
    keys = write_keys(home, f'ssh-rsa AAAAB3 kim\nrestrict,command="/bin/false" {KEY}'.encode())
    done = run(small_root, key_installation("pi", f"{line}\n"))
    assert (done.returncode, done.stdout) == (0, b"archscan: wrote /home/pi/.ssh/authorized_keys\n"), done.stderr
    assert keys.read_text() == f"ssh-rsa AAAAB3 kim\n{line}\n"
    again = run(small_root, key_installation("pi", line))
    assert (again.returncode, again.stdout, keys.read_text()) == (0, b"", f"ssh-rsa AAAAB3 kim\n{line}\n")
    through = bastion_key_line(KEY, (), [2222])
    assert run(small_root, key_installation("pi", through)).returncode == 0
    assert keys.read_text() == f"ssh-rsa AAAAB3 kim\n{through}"


@pytest.mark.parametrize(
    "made",
    [
        lambda user: key_installation(user, f'restrict,command="sudo -n {ROLLBACK_PATH}" {KEY}'),
        lambda user: bastion_preparation(user, KEY),
        lambda user: preparation(user, KEY, script()),
        lambda user: rollback_preparation(KEY, (), user),
    ],
    ids=["line", "bastion", "probe", "rollback"],
)
def test_no_new_account_lives_where_root_s_journal_is(made):
    """Whoever owns the journal's folder writes what the rollback script does as root."""
    assert f"store={JOURNAL}\n" in rollback_script().decode()
    assert f"\nlogin={JOURNAL}-login\n" in made(ROLLBACK_USER)


@pytest.mark.parametrize(
    "line", [KEY, f"restrict {KEY}", 'command="x" ssh-ed25519 AAAA', f'command="x" {KEY}\nmore', ""]
)
def test_a_line_that_would_open_a_shell_is_put_nowhere(line):
    with pytest.raises(ValueError, match=r"not a (line of authorized_keys|public key)"):
        key_installation("pi", line)


def test_a_link_of_the_account_leads_nowhere(small_root):
    home = home_of_pi(small_root)
    link, shadow = home / ".ssh/authorized_keys", small_root / "etc/shadow"
    secret = shadow.read_bytes()
    link.symlink_to("/etc/shadow")
    done = run(small_root, bastion_preparation("pi", KEY))
    assert (done.returncode, b"authorized_keys is a link" in done.stderr) == (1, True), done.stderr
    link.unlink()
    os.link(shadow, link)  # no link that a look could tell: only that the account cannot read it helps
    shadow.chmod(0o600)
    done = run(small_root, bastion_preparation("pi", KEY))
    assert (done.returncode, b"cannot be read" in done.stderr) == (1, True), done.stderr
    link.unlink()
    (home / ".ssh").rmdir()
    (home / ".ssh").symlink_to("/etc")
    done = run(small_root, bastion_preparation("pi", KEY))
    assert (done.returncode, b".ssh is a link" in done.stderr) == (1, True), done.stderr
    assert shadow.read_bytes() == secret


@pytest.mark.parametrize("options", ["", "restrict,pty "])
def test_a_key_that_opens_a_shell_keeps_its_line(small_root, options):
    home = home_of_pi(small_root)
    text = f"{options}{KEY} command=\n".encode()
    keys = write_keys(home, text)
    for script_of in (preparation("pi", KEY, script()), bastion_preparation("pi", KEY)):
        done = run(small_root, script_of)
        assert (done.returncode, b"this key opens a shell here" in done.stderr) == (1, True), done.stderr
    assert (keys.read_bytes(), list(home.joinpath(".ssh").iterdir())) == (text, [keys])


HOMES = {
    ":": "in",
    "chmod 775 $home": "in",
    "chgrp lone $home; chmod 775 $home": "in",
    "chown root $home": "in",
    "chmod 757 $home": "out",
    "chown kim $home": "out",
    "chgrp root $home; chmod 775 $home": "out",
    "chgrp pair $home; chmod 775 $home": "out",
    "chgrp nobodys $home; chmod 775 $home": "out",
    "chown root:lone $home; chmod 775 $home": "out",
}
"""What is done to an account's home, with whether Debian's sshd believes the keys in it."""

ON_A_HOST = """
cat {folder}/passwd >>{folder}/all.passwd; cat {folder}/group >>{folder}/all.group; echo 'pi:*:1:0:99999:7:::' >>{folder}/all.shadow
for file in passwd group shadow; do mount --bind {folder}/all.$file /etc/$file; done
mount -t tmpfs none /home
home=/home/pi
while IFS= read -r done_to_it; do
  rm -rf $home
  mkdir -p $home/.ssh
  cp {folder}/line $home/.ssh/authorized_keys
  chown -R pi:pi $home
  chmod 755 $home
  eval "$done_to_it"
  ssh -F none -i {folder}/key -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
    -o ProxyCommand='{sshd} -i -f {folder}/config' pi@here </dev/null >/dev/null 2>&1 && sshd=in || sshd=out
  sh {folder}/script </dev/null >/dev/null 2>&1 && ours=in || ours=out
  echo "$sshd $ours $done_to_it"
done <{folder}/homes
"""


def test_a_key_is_put_where_sshd_believes_it(require, tmp_path):
    unshare, sshd, keygen = (require(*program) for program in (
        ("unshare", "util-linux"), ("sshd", "openssh-server"), ("ssh-keygen", "openssh-client")))  # fmt: skip
    if os.geteuid() != 0:
        missing("accounts need root here: run the tests as root")
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd refuses to start as root without it
    for name in ("key", "host_key"):
        subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / name], check=True)
    line = 'command="true" ' + (tmp_path / "key.pub").read_text()
    for name, text in {
        "line": line,
        "script": key_installation("pi", line),
        "config": f"HostKey {tmp_path}/host_key\nUsePAM no\n",
        "passwd": "pi:x:5000:5000::/home/pi:/bin/sh\nkim:x:5001:5001::/:/bin/sh\n",
        "group": "pi:x:5000:\nlone:x:5002:pi\npair:x:5003:pi,kim\nnobodys:x:5004:\n",
        "homes": "".join(f"{done}\n" for done in HOMES),
    }.items():
        (tmp_path / name).write_text(text)
    for name in ("passwd", "group", "shadow"):
        shutil.copy(f"/etc/{name}", tmp_path / f"all.{name}")
    done = subprocess.run(
        [unshare, "--mount", "sh", "-euc", ON_A_HOST.format(folder=tmp_path, sshd=sshd)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    expected = [f"{answer} {answer} {what}" for what, answer in HOMES.items()]
    assert done.stdout.splitlines() == expected, done.stderr


@pytest.mark.parametrize("user", ["root; reboot", "-oProxyCommand=x", ""])
def test_a_name_that_is_none_prepares_nothing(user):
    with pytest.raises(ValueError, match="not a login name"):
        preparation(user, KEY, script())
