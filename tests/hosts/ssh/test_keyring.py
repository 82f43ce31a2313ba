"""Which key logs in where, against OpenSSH itself."""

import signal
import subprocess
from pathlib import Path

import asyncssh
import pytest

from scanner.domain.failure import Failure
from scanner.domain.host import Host
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.remedy.hosts import FIXES
from scanner.domain.verdict.remedy.trouble import Trouble
from scanner.hosts.login import ProbeLogin, of_login
from scanner.hosts.ssh.config import HostIdentity, SshConfig
from scanner.hosts.ssh.keyring import OF_EVERYBODY, Keyring
from scanner.hosts.ssh.trust import TrustError
from tests.hosts.ssh.conftest import write_key

SCRIPT = b"echo hello\n"


@pytest.fixture
def host(sshd):
    sshd.authorize()
    return Host("edge-1", sshd.address, sshd.port, sshd.user, {"team": "edge"}, aliases=("e1",))


@pytest.fixture
def wrong(tmp_path, keys):
    return write_key(tmp_path / "wrong", keys["other"])


# ---------------------------------------------------------------- who gets which

OF_HOST = [
    ("edge-*", (), "ssh.identities[0]"),
    ("e1", (), "ssh.identities[0]"),
    ("team=edge", (), "ssh.identities[0]"),
    ("edge-*,!edge-1", (), OF_EVERYBODY),
    ("team=db", ("/a", "/b"), "/a\n/b"),
    ("edge-*", ("/a",), "ssh.identities[0]"),
]


@pytest.mark.parametrize(("match", "named", "identity"), OF_HOST)
def test_the_settings_win_over_the_inventory_which_wins_over_everybodys_key(wrong, match, named, identity):
    config = SshConfig(wrong, wrong, identities=(HostIdentity(match, wrong), HostIdentity("none", wrong)))
    host = Host("edge-1", "a", labels={"team": "edge"}, aliases=("e1",), identity_files=named)
    assert Keyring.open(config).of(host) == identity


def test_a_bastion_is_known_by_its_address(wrong):
    keyring = Keyring.open(SshConfig(wrong, wrong, identities=(HostIdentity("bastion*", wrong),)))
    assert keyring.of_bastion("bastion.example", "") == "ssh.identities[0]"
    assert keyring.of_bastion("gate", "/keys/gate") == "/keys/gate"
    assert keyring.of_bastion("gate", "") == OF_EVERYBODY


def test_a_key_of_the_settings_that_cannot_be_used_is_refused_at_once(tmp_path, wrong):
    with pytest.raises(TrustError, match="none: cannot be read"):
        Keyring.open(SshConfig(wrong, wrong, identities=(HostIdentity("a", tmp_path / "none"),)))


# ---------------------------------------------------------------- logging in


async def test_the_key_for_a_host_logs_in_there(pool_of, sshd, host, wrong):
    pool = pool_of(SshConfig(wrong, sshd.known_hosts, identities=(HostIdentity("team=edge", sshd.client_key),)))
    assert await pool.read(host, SCRIPT) == b"hello\n"
    other = await pool.read(Host("web-1", host.address, host.port, host.user), SCRIPT)
    assert isinstance(other, Failure)
    assert other.reason is Reason.HOST_AUTH_REJECTED


async def test_the_key_that_the_inventory_names_logs_in(pool_of, sshd, host, wrong, tmp_path):
    named = Host(
        host.name, host.address, host.port, host.user, identity_files=(f"{tmp_path}/none", str(sshd.client_key))
    )
    assert await pool_of(SshConfig(wrong, sshd.known_hosts)).read(named, SCRIPT) == b"hello\n"


async def test_a_key_of_the_inventory_that_cannot_be_used_costs_its_host(pool_of, sshd, host, tmp_path):
    pool = pool_of(SshConfig(sshd.client_key, sshd.known_hosts))
    missing = await pool.read(Host("a", host.address, host.port, host.user, identity_files=(f"{tmp_path}/x",)), SCRIPT)
    assert missing == Failure(Reason.HOST_AUTH_REJECTED, f"the inventory names a key that is not there: {tmp_path}/x")
    open_key = tmp_path / "open"
    open_key.write_bytes(Path(sshd.client_key).read_bytes())
    open_key.chmod(0o644)
    exposed = await pool.read(Host("b", host.address, host.port, host.user, identity_files=(str(open_key),)), SCRIPT)
    assert exposed.reason is Reason.HOST_AUTH_REJECTED
    assert "others may read it" in exposed.detail
    assert await pool.read(host, SCRIPT) == b"hello\n"


async def test_a_host_for_which_there_is_no_key_says_so(pool_of, sshd, host):
    pool = pool_of(SshConfig(None, sshd.known_hosts, identities=(HostIdentity("other", sshd.client_key),)))
    told = "no key is configured for it: set ssh.identity_file, or an entry of ssh.identities"
    assert await pool.read(host, SCRIPT) == Failure(Reason.HOST_AUTH_REJECTED, told)


async def test_a_person_without_a_key_is_told_how_to_get_one(pool_of, sshd, host, tmp_path):
    pool = pool_of(SshConfig(None, sshd.known_hosts, own_keys=(tmp_path / "id_ed25519",)))
    said = of_login(await pool.read(host, SCRIPT), host, ProbeLogin("scan", is_own=True))
    why = "it was not asked, for none of your own keys can be used"
    assert said.detail == f"{why}: there is no {tmp_path}/id_ed25519"
    fix = FIXES[said.reason](Trouble(host.name, "", failure=said))
    port = f"-p {host.port} {host.user}@{host.address}"
    again = f"archscan scan {host.user}@{host.endpoint}"
    assert fix.commands == ("ssh-add || ssh-keygen -t ed25519", f"ssh-copy-id {port}", again)


async def test_a_person_is_told_why_the_key_that_is_there_cannot_be_used(pool_of, sshd, host, tmp_path):
    locked, key = tmp_path / "locked", asyncssh.import_private_key(sshd.client_key.read_bytes())
    key.write_private_key(locked, passphrase="secret")
    locked.chmod(0o600)
    exposed = tmp_path / "exposed"
    exposed.write_bytes(sshd.client_key.read_bytes())
    exposed.chmod(0o644)
    pool = pool_of(SshConfig(None, sshd.known_hosts, own_keys=(locked, exposed, tmp_path / "gone")))
    said = await pool.read(host, SCRIPT)
    told = f"{locked}: is encrypted; {exposed}: others may read it (mode 0644): chmod go-rwx"
    assert said.detail.endswith(f": {told}")


async def test_a_person_whose_key_is_refused_is_told_what_a_person_can_type(pool_of, sshd, host, wrong):
    pool = pool_of(SshConfig(None, sshd.known_hosts, own_keys=(wrong,)))
    said = of_login(await pool.read(host, SCRIPT), host, ProbeLogin("scan", is_own=True))
    fix = FIXES[said.reason](Trouble(host.name, "", failure=said))
    way = f"-p {host.port} {host.user}@{host.address}"
    again = f"archscan scan {host.user}@{host.endpoint}"
    assert fix.commands == (f"ssh {way} true", f"ssh-copy-id {way}", again)


async def test_a_bastion_has_a_key_of_its_own(pool_of, sshd, start_sshd, host, wrong):
    gate = start_sshd("127.0.0.3")
    known = sshd.known_hosts.parent / "both"
    known.write_text(sshd.known_hosts.read_text() + gate.known_hosts.read_text())
    behind = Host(
        host.name,
        host.address,
        host.port,
        host.user,
        jump=f"{gate.user}@{gate.address}:{gate.port}",
        identity_files=(str(sshd.client_key),),
        jump_identity_files=(str(gate.client_key),),
    )
    assert await pool_of(SshConfig(wrong, known)).read(behind, SCRIPT) == b"hello\n"


@pytest.fixture
def agent(require, tmp_path):
    """The socket of an agent, and how to give it a key."""
    binary, add = require("ssh-agent", "openssh-client"), require("ssh-add", "openssh-client")
    socket = tmp_path / "agent.sock"
    process = subprocess.Popen([binary, "-D", "-a", socket], stdout=subprocess.PIPE)
    process.stdout.readline()

    def give(key):
        subprocess.run([add, "-q", key], env={"SSH_AUTH_SOCK": str(socket)}, check=True, capture_output=True)

    yield socket, give
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)


async def test_an_agent_is_asked_where_it_is_named_and_nowhere_else(pool_of, sshd, host, wrong, agent, monkeypatch):
    socket, give = agent
    give(sshd.client_key)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
    config = SshConfig(wrong, sshd.known_hosts, identities=(HostIdentity("edge-1", agent=socket),))
    assert await pool_of(config).read(host, SCRIPT) == b"hello\n"
    refused = await pool_of(SshConfig(wrong, sshd.known_hosts)).read(host, SCRIPT)
    assert refused.reason is Reason.HOST_AUTH_REJECTED


async def test_an_agent_that_is_not_there_costs_its_hosts(pool_of, sshd, host, tmp_path, wrong, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "id_ed25519").write_bytes(Path(sshd.client_key).read_bytes())
    (tmp_path / ".ssh" / "id_ed25519").chmod(0o600)
    none = tmp_path / "none"
    config = SshConfig(wrong, sshd.known_hosts, identities=(HostIdentity("edge-1", agent=none),))
    refused = await pool_of(config).read(host, SCRIPT)
    assert refused.reason is Reason.HOST_AUTH_REJECTED
    assert (refused.detail, refused.path) == (f"no agent answers at {none}", str(none))


async def test_an_agent_without_keys_is_told_from_a_key_that_is_refused(pool_of, sshd, host, wrong, agent):
    socket, give = agent
    config = SshConfig(wrong, sshd.known_hosts, identities=(HostIdentity("edge-1", agent=socket),))
    refused = await pool_of(config).read(host, SCRIPT)
    assert refused.reason is Reason.HOST_AUTH_REJECTED
    assert refused.detail == f"the agent at {socket} holds no key"
    give(wrong)
    refused = await pool_of(config).read(host, SCRIPT)
    assert (refused.reason, refused.setting) == (Reason.HOST_AUTH_REJECTED, "")
