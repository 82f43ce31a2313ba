"""What shells, sudo and accounts say where no probe runs; said here by those that are installed, else as recorded."""

from __future__ import annotations

import os
import pwd
import subprocess

import pytest

from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason
from scanner.hosts import refusal
from tests.real.require import find, missing

PROBE = "/usr/local/libexec/archscan-probe-that-nobody-installed"

RECORDED = [
    # sudo 1.9.5 to 1.9.16, sudo-rs 0.2, opendoas 6.8
    (1, "sudo: a password is required\n", "", Reason.HOST_SUDO_REFUSED, ""),
    (1, "sudo: a terminal is required to read the password; either use the -S option to read from standard input or configure an askpass helper\nsudo: a password is required\n", "", Reason.HOST_SUDO_REFUSED, ""),
    (1, "sudo: no tty present and no askpass program specified\n", "", Reason.HOST_SUDO_REFUSED, ""),
    (1, "sudo: sorry, you must have a tty to run sudo\n", "", Reason.HOST_SUDO_REFUSED, ""),
    (1, "Sorry, user archscan is not allowed to execute '/usr/local/libexec/archscan-probe' as root on web-1.\n", "", Reason.HOST_SUDO_REFUSED, ""),
    (1, "archscan is not in the sudoers file.\nThis incident has been reported to the administrator.\n", "", Reason.HOST_SUDO_REFUSED, ""),
    (1, "sudo-rs: interactive authentication is required\n", "", Reason.HOST_SUDO_REFUSED, ""),
    (1, "doas: Operation not permitted\n", "", Reason.HOST_SUDO_REFUSED, "/etc/doas.conf"),
    (1, f"sudo: {PROBE}: command not found\n", "", Reason.HOST_PROBE_MISSING, PROBE),
    # shells (dash, bash, zsh, fish, tcsh, BusyBox), whose command is missing
    (127, f"sh: 1: {PROBE}: not found\n", "", Reason.HOST_PROBE_MISSING, PROBE),
    (127, f"bash: line 1: {PROBE}: No such file or directory\n", "", Reason.HOST_PROBE_MISSING, PROBE),
    (127, f"zsh:1: no such file or directory: {PROBE}\n", "", Reason.HOST_PROBE_MISSING, PROBE),
    (127, f"fish: Unknown command: {PROBE}\n{PROBE}\n^~~~~~^\n", "", Reason.HOST_PROBE_MISSING, PROBE),
    (1, f"{PROBE}: Command not found.\n", "", Reason.HOST_PROBE_MISSING, PROBE),
    (127, f"-ash: {PROBE}: not found\n", "", Reason.HOST_PROBE_MISSING, PROBE),
    (126, f"bash: line 1: {PROBE}: Permission denied\n", "", Reason.HOST_PROBE_MISSING, PROBE),
    (127, "bash: line 1: sudo: command not found\n", "", Reason.HOST_PROBE_MISSING, "sudo"),
    (127, "sh: 1: sudo: not found\n", "", Reason.HOST_PROBE_MISSING, "sudo"),
    (127, "zsh:1: command not found: sudo\n", "", Reason.HOST_PROBE_MISSING, "sudo"),
    (127, "sh: 1: doas: not found\n", "", Reason.HOST_PROBE_MISSING, "doas"),
    (127, "zsh:1: command not found: doas\n", "", Reason.HOST_PROBE_MISSING, "doas"),
    # accounts
    (1, "", "This account is currently not available.\n", Reason.HOST_SHELL_REFUSED, ""),
    (1, "", "", Reason.HOST_SHELL_REFUSED, ""),
    (128, "fatal: What do you think I am? A shell?\nhint: ~/git-shell-commands should exist and have read and execute access.\n", "", Reason.HOST_SHELL_REFUSED, ""),
    (1, "This service allows sftp connections only.\n", "", Reason.HOST_SHELL_REFUSED, ""),
    (1, f"rbash: line 1: {PROBE}: restricted: cannot specify `/' in command names\n", "", Reason.HOST_SHELL_REFUSED, ""),
    (1, "WARNING: Your password has expired.\nPassword change required but no TTY available.\n", "", Reason.HOST_ACCOUNT_LOCKED, ""),
    # anything else
    (2, "sh: 5: Syntax error: end of file unexpected\n", "", Reason.HOST_INCOMPLETE, ""),
    (7, "", "", Reason.HOST_INCOMPLETE, ""),
    (255, "\x1b[31mkex_exchange: trouble\x1b[0m\n", "", Reason.HOST_INCOMPLETE, ""),
]  # fmt: skip


@pytest.mark.parametrize(("status", "words", "answer", "reason", "path"), RECORDED)
def test_each_refusal_has_its_own_reason_with_the_last_words(status, words, answer, reason, path):
    found = refusal.refused(status, words.encode(), answer.encode())
    assert (found.reason, found.path) == (reason, path)
    assert f"exit status {status}" in found.detail


def test_words_are_shown_on_one_printable_line():
    found = refusal.refused(3, b"\x1b]0;title\x07\x1b[31mred \xe2\x80\xae lie\n\n", b"")
    assert found == Failure(Reason.HOST_INCOMPLETE, "the command ended with exit status 3: red lie")


@pytest.mark.parametrize(
    "banner",
    [
        "Your account has expired; please contact your system administrator.\n",  # OpenSSH 9.2 with PAM
        "Authorised use only.\r\nUser account is locked\r\n",
    ],
)
def test_a_banner_that_tells_of_a_locked_account_is_heard(banner):
    found = refusal.locked(banner.encode())
    assert found is not None
    assert found.reason is Reason.HOST_ACCOUNT_LOCKED


def test_a_banner_of_lawyers_is_no_locked_account():
    assert refusal.locked(b"Unauthorised access is prohibited. Accounts of offenders will be closed.\n") is None


SHELLS = [
    ("sh", "dash", ("-c",)),
    ("bash", "bash", ("-c",)),
    ("busybox", "busybox-static", ("sh", "-c")),
]


@pytest.mark.parametrize(("binary", "package", "how"), SHELLS, ids=[shell[0] for shell in SHELLS])
def test_a_probe_that_no_shell_finds_is_missing(binary, package, how):
    shell = find(binary)
    if shell is None:
        missing(f"{binary} is missing: apt-get install {package}")
    said = subprocess.run([shell, *how, PROBE], capture_output=True, stdin=subprocess.DEVNULL, check=False)
    found = refusal.refused(said.returncode, said.stderr, said.stdout)
    assert (found.reason, found.path) == (Reason.HOST_PROBE_MISSING, PROBE), said


@pytest.mark.parametrize(("command", "reason"), [("/bin/true", Reason.HOST_SUDO_REFUSED), (PROBE, None)])
def test_sudo_that_wants_a_password_is_told(command, reason):
    sudo = find("sudo")
    if sudo is None:
        missing("sudo is missing: apt-get install sudo")
    if os.geteuid() != 0:
        missing("another user's sudo needs root here: run the tests as root")
    nobody = pwd.getpwnam("nobody")
    said = subprocess.run(
        [sudo, "-n", command],
        capture_output=True,
        check=False,
        cwd="/",
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        user=nobody.pw_uid,
        group=nobody.pw_gid,
        extra_groups=[],
    )
    found = refusal.refused(said.returncode, said.stderr, said.stdout)
    assert found.reason in {reason, Reason.HOST_SUDO_REFUSED}, said


@pytest.mark.parametrize("login_shell", ["/usr/sbin/nologin", "/bin/false", "/usr/bin/git-shell"])
def test_a_login_shell_that_runs_nothing_is_told(login_shell):
    if find(login_shell) is None:
        missing(f"{login_shell} is missing: apt-get install login coreutils git")
    said = subprocess.run([login_shell, "-c", "sh -s"], capture_output=True, stdin=subprocess.DEVNULL, check=False)
    assert refusal.refused(said.returncode, said.stderr, said.stdout).reason is Reason.HOST_SHELL_REFUSED, said
