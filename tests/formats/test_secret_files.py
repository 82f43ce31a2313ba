"""Who may read a secret's file, one test for each way in which it is kept."""

import grp
import os
import pwd
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from scanner.formats import files, secret_files
from scanner.formats.files import FileError, read_secret
from tests.real.require import missing

TOKEN = "t" * 43

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away or mount: run the tests as root")


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "token"
    path.write_text(TOKEN)
    path.chmod(0o600)
    return path


def problem_of(path):
    try:
        assert read_secret(path) == TOKEN
    except FileError as error:
        return error.problem
    return ""


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_a_file_of_its_owner_alone_is_read(secret, mode):
    secret.chmod(mode)
    assert problem_of(secret) == ""


@pytest.mark.parametrize("mode", [0o640, 0o620, 0o610, 0o604, 0o602, 0o601, 0o440, 0o644, 0o666, 0o777])
def test_any_bit_for_a_group_or_others_is_refused(secret, mode):
    secret.chmod(mode)
    assert problem_of(secret) == f"others may read it (mode {mode:04o}): chmod go-rwx"


@as_root
def test_a_file_of_somebody_else_is_refused_even_if_closed(secret):
    os.chown(secret, 12345, 12345)
    assert "belongs to user 12345" in problem_of(secret)


SERVICE = "www-data"
"""On every Debian it has a group of its own, nogroup several accounts, adm none."""


@pytest.fixture(params=["root", SERVICE])
def account(request, monkeypatch):
    """Who runs archscan: root on behalf of the service, or the service itself."""
    number = pwd.getpwnam(request.param).pw_uid
    monkeypatch.setattr(secret_files, "SERVICE_ACCOUNT", SERVICE)
    monkeypatch.setattr(os, "geteuid", lambda: number)


@as_root
@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    ("group", "mode", "is_read"),
    [(SERVICE, 0o640, True), (SERVICE, 0o440, True), (SERVICE, 0o660, False), (SERVICE, 0o644, False),
     ("nogroup", 0o640, False), ("adm", 0o640, False), ("root", 0o640, False), ("mail", 0o640, False)],
)  # fmt: skip
def test_a_file_of_root_s_may_be_read_by_the_service_s_own_group(secret, group, mode, is_read):
    shutil.chown(secret, "root", group)
    secret.chmod(mode)
    assert (problem_of(secret) == "") is is_read
    os.chown(secret, 12345, -1)
    assert problem_of(secret)


@as_root
@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    ("name", "answer"),
    [("getgrgid", grp.struct_group((SERVICE, "x", 33, ["mail"]))),
     ("getpwall", [pwd.struct_passwd(("bob", "x", 1000, pwd.getpwnam(SERVICE).pw_gid, "", "/", "/bin/sh"))])],
)  # fmt: skip
def test_a_second_account_in_the_service_s_group_makes_its_secrets_open(secret, monkeypatch, name, answer):
    shutil.chown(secret, "root", SERVICE)
    secret.chmod(0o640)
    monkeypatch.setattr(grp if name == "getgrgid" else pwd, name, lambda *_: answer)
    assert problem_of(secret)


@as_root
def test_a_group_that_is_not_the_account_s_by_name_is_not_its_own_though_nobody_else_is_listed(secret, monkeypatch):
    """Directories list nobody (sssd's enumerate = false), so that the only known member need not be the only one."""
    shutil.chown(secret, "root", "nogroup")
    secret.chmod(0o640)
    nobody = pwd.getpwnam("nobody")
    monkeypatch.setattr(pwd, "getpwall", lambda: [nobody])
    monkeypatch.setattr(os, "geteuid", lambda: nobody.pw_uid)
    assert problem_of(secret)


@as_root
@pytest.mark.usefixtures("account")
def test_whom_an_acl_lets_in_by_name_the_mode_does_not_show(secret):
    shutil.chown(secret, "root", SERVICE)
    secret.chmod(0o600)
    tags = [(1, 6, -1), (2, 4, pwd.getpwnam("nobody").pw_uid), (4, 4, -1), (16, 4, -1), (32, 0, -1)]
    entries = b"".join(
        struct.pack("<HHi", *tag) for tag in tags
    )  # posix_acl_xattr.h: owner, nobody, group, mask, others
    os.setxattr(secret, "system.posix_acl_access", struct.pack("<I", 2) + entries)
    assert secret.stat().st_mode & 0o777 == 0o640
    assert problem_of(secret)


@as_root
def test_a_file_of_whoever_runs_us_by_sudo_is_read(secret, monkeypatch):
    os.chown(secret, 12345, 12345)
    monkeypatch.setenv("SUDO_UID", "12345")
    assert problem_of(secret) == ""


def test_what_systemd_hands_over_is_read(secret, monkeypatch, tmp_path):
    secret.chmod(0o440)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert problem_of(secret) == ""
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "other"))
    assert problem_of(secret)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", ".")
    assert problem_of(secret)


@as_root
def test_what_lies_below_run_secrets_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(secret_files, "HANDED_OVER", tmp_path / "run/secrets")
    path = tmp_path / "run/secrets/app/token"
    path.parent.mkdir(parents=True)
    path.write_text(TOKEN)
    path.chmod(0o444)
    os.chown(path, 12345, 12345)
    assert problem_of(path) == ""
    (tmp_path / "link").symlink_to(path)
    assert problem_of(tmp_path / "link") == ""


def test_a_link_from_run_secrets_to_elsewhere_is_not_handed_over(secret, tmp_path, monkeypatch):
    monkeypatch.setattr(secret_files, "HANDED_OVER", tmp_path / "run/secrets")
    (tmp_path / "run/secrets").mkdir(parents=True)
    link = tmp_path / "run/secrets/token"
    link.symlink_to(secret)
    secret.chmod(0o644)
    assert problem_of(link)


@as_root
def test_root_s_file_in_memory_is_read():
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        path = Path(folder, "token")
        path.write_text(TOKEN)
        path.chmod(0o644)
        assert problem_of(path) == ""
        os.chown(path, 12345, 12345)
        assert "belongs to user 12345" in problem_of(path)


@as_root
def test_root_s_file_on_a_mount_that_nobody_writes_to_is_read(secret, tmp_path):
    secret.chmod(0o644)
    assert problem_of(secret)
    told = "import sys;from pathlib import Path;from scanner.formats.files import read_secret;print(read_secret(Path(sys.argv[1])))"
    script = f'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && exec "$2" -c "{told}" "$1/token"'
    argv = ["unshare", "-m", "sh", "-c", script, "sh", str(tmp_path), sys.executable]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    if "unshare" in done.stderr or "mount:" in done.stderr:
        missing("mounts cannot be made here: run the tests as root, or in a privileged container")
    assert done.stdout == f"{TOKEN}\n", done.stderr


def test_a_file_that_a_library_reads_is_held_to_the_same_rule(secret, tmp_path):
    files.refuse_exposed(secret)
    secret.chmod(0o640)
    with pytest.raises(FileError, match="others may read it"):
        files.refuse_exposed(secret)
    with pytest.raises(FileError, match="No such file"):
        files.refuse_exposed(tmp_path / "none")
