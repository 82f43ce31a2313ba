"""Against Dropbear itself, which small machines have instead of OpenSSH."""

from __future__ import annotations

import getpass
import pwd

import pytest

from scanner.domain.failure import Failure
from scanner.domain.host import Host
from scanner.domain.verdict.reason import Reason
from scanner.hosts.ssh.algorithms import Profile
from scanner.hosts.ssh.config import SshConfig
from tests.real.process import Daemon, free_port, listens, run

SCRIPT = b"echo begin; uname -s; echo noise >&2; echo end\n"


@pytest.fixture(params=["ed25519", "rsa"])
def dropbear(request, require, tmp_path_factory, sshd):
    """A Dropbear with one host key of this kind that lets the account of the tests in; its address and known_hosts."""
    program, keygen = require("dropbear", "dropbear-bin"), require("dropbearkey", "dropbear-bin")
    home = pwd.getpwnam(getpass.getuser()).pw_dir
    folder, port = tmp_path_factory.mktemp("dropbear"), free_port()
    key, ssh = folder / "key", folder / "home" / ".ssh"
    public = next(line for line in run(keygen, "-t", request.param, "-f", key).splitlines() if line.startswith("ssh-"))
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {' '.join(public.split()[:2])}\n")
    ssh.mkdir(parents=True, mode=0o700)
    (ssh / "authorized_keys").write_text(sshd.client_key.with_suffix(".pub").read_text())
    (ssh / "authorized_keys").chmod(0o600)
    # Dropbear knows no other place for keys than the account's home: it sees another one there than everybody else does.
    own_home = f'mount --bind "{ssh.parent}" "{home}" && exec "$@"'
    served = [program, "-F", "-E", "-s", "-r", key, "-p", f"127.0.0.1:{port}"]
    argv = [require("unshare", "util-linux"), "--mount", "sh", "-c", own_home, "sh", *served]
    daemon = Daemon.start(argv, folder, lambda: listens(port))
    yield Host("nas-1", "127.0.0.1", port, sshd.user), folder / "known_hosts"
    daemon.stop()


async def test_a_dropbear_answers_the_script_in_its_profile(pool_of, dropbear, sshd):
    host, known = dropbear
    pool = pool_of(SshConfig(sshd.client_key, known, algorithms={"nas-*": Profile.DROPBEAR}))
    assert await pool.read(host, SCRIPT) == b"begin\nLinux\nend\n"


async def test_without_a_profile_it_is_refused_with_how_to_name_one(pool_of, dropbear, sshd):
    host, known = dropbear
    found = await pool_of(SshConfig(sshd.client_key, known, algorithms={"other": Profile.LEGACY})).read(host, SCRIPT)
    assert isinstance(found, Failure)
    assert found.reason is Reason.HOST_PROTOCOL
